package tracking

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/runtag"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// DeleteTag removes a tag of an active run. NotFound when it is not set.
func (s *Service) DeleteTag(ctx context.Context, runID, key string) error {
	_, err := s.changeRun(ctx, runID, func(ctx context.Context, tx *store.Tx, r *ent.Run, update *ent.RunUpdateOne) error {
		if err := mustBeActive(r); err != nil {
			return err
		}
		n, err := tx.Ent().RunTag.Delete().Where(runtag.RunID(r.ID), runtag.Key(key)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete tag: %w", err)
		}
		if n == 0 {
			return errs.New(errs.NotFound, "No tag with name: %.250s in run with id %s", key, runID)
		}
		if key == tagParentRunID {
			update.SetParentRunID("")
		}
		return nil
	})
	return err
}

package tracking

import (
	"context"
	"fmt"
	"maps"
	"slices"

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

// SortTags orders tags by key, so that rows are locked in one order, the last of equal keys standing.
func SortTags(tags []Tag) []Tag {
	last := make(map[string]Tag, len(tags))
	for _, t := range tags {
		if old, ok := last[t.Key]; ok && t.KeepExisting && !old.KeepExisting {
			continue
		}
		last[t.Key] = t
	}
	out := make([]Tag, 0, len(last))
	for _, k := range slices.Sorted(maps.Keys(last)) {
		out = append(out, last[k])
	}
	return out
}

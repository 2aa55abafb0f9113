package registry

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/ent/modelmanifest"
	"github.com/cairnml/cairn/internal/store"
)

// Relocate says that the files of a version, of which id is the row, have come into this server's store, and reads what they say
// of the model.
func (s *Service) Relocate(ctx context.Context, id int, location string) error {
	read, err := s.readManifest(ctx, source{location: location}, "")
	if err != nil {
		return err
	}
	return s.db.WriteFor(ctx, location, func(ctx context.Context, tx *store.Tx) error {
		// It is immutable to everybody else.
		if _, err := tx.ExecContext(ctx, "UPDATE model_versions SET artifact_location = ? WHERE id = ?", location, id); err != nil {
			return fmt.Errorf("say where a version lies: %w", err)
		}
		if _, err := tx.Ent().ModelManifest.Delete().Where(modelmanifest.ModelVersionID(id)).Exec(ctx); err != nil {
			return fmt.Errorf("forget what the model's files said: %w", err)
		}
		return insertManifest(ctx, tx, id, read)
	})
}

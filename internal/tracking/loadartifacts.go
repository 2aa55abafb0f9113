package tracking

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/store"
)

// ArtifactPlace is where a run or a logged model that was loaded has its artifacts.
type ArtifactPlace struct {
	// PK is that of its row.
	PK int
	// Location is what it names, and Own where they lie once they are in this server's store: the same where they are to lie there.
	Location, Own string
}

// RunArtifacts gives the places of those runs that are there, by their ids.
func RunArtifacts(ctx context.Context, q store.Querier, ids []string) (map[string]ArtifactPlace, error) {
	return artifactPlaces(ctx, q, "SELECT o.run_id, o.id, o.artifact_location, e.artifact_location FROM runs o JOIN experiments e ON e.id = o.experiment_id "+
		"WHERE o.run_id IN ", ids, artifactLocation)
}

// ModelArtifacts gives the places of those logged models that are there, by their ids.
func ModelArtifacts(ctx context.Context, q store.Querier, ids []string) (map[string]ArtifactPlace, error) {
	return artifactPlaces(ctx, q, "SELECT o.model_id, o.id, o.artifact_location, e.artifact_location FROM logged_models o JOIN experiments e "+
		"ON e.id = o.experiment_id WHERE o.model_id IN ", ids, modelLocation)
}

func artifactPlaces(ctx context.Context, q store.Querier, query string, ids []string, own func(*ent.Experiment, string) string) (map[string]ArtifactPlace, error) {
	found := map[string]ArtifactPlace{}
	err := store.EachRow(ctx, q, query+store.In(len(ids)), store.Args(nil, ids), func(rows *sql.Rows) error {
		var id string
		var p ArtifactPlace
		var e ent.Experiment
		err := rows.Scan(&id, &p.PK, &p.Location, &e.ArtifactLocation)
		if p.Own = p.Location; !inStore(p.Location) {
			p.Own = own(&e, id)
		}
		found[id] = p
		return err
	})
	return found, err
}

// TakeRunArtifacts says that the artifacts of a run have come into this server's store.
func TakeRunArtifacts(ctx context.Context, db *store.DB, p ArtifactPlace) error {
	return takeArtifacts(ctx, db, "runs", p)
}

// TakeModelArtifacts says that the artifacts of a logged model have come into this server's store.
func TakeModelArtifacts(ctx context.Context, db *store.DB, p ArtifactPlace) error {
	return takeArtifacts(ctx, db, "logged_models", p)
}

func takeArtifacts(ctx context.Context, db *store.DB, table string, p ArtifactPlace) error {
	return db.WriteFor(ctx, p.Own, func(ctx context.Context, tx *store.Tx) error { //nolint:wrapcheck // wrapped by the store
		_, err := tx.ExecContext(ctx, "UPDATE "+table+" SET artifact_location = ? WHERE id = ? AND artifact_location = ?", p.Own, p.PK, p.Location)
		if err != nil {
			return fmt.Errorf("say where artifacts lie: %w", err)
		}
		return nil
	})
}

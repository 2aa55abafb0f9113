package tracking

import (
	"context"
	"database/sql"

	"github.com/cairnml/cairn/internal/store"
)

// DatasetUse is a dataset that runs of an experiment read, and as what; an empty context where they did not say it.
type DatasetUse struct {
	ExperimentID          int
	Name, Digest, Context string
}

// DatasetUses gives up to limit datasets of experiments with each context in which they were read, by experiment, name, digest and
// context. Those of unknown experiments are none.
func (s *Service) DatasetUses(ctx context.Context, experiments []int, limit int) ([]DatasetUse, error) {
	var uses []DatasetUse
	query := "SELECT DISTINCT d.experiment_id, d.name, d.digest, i.context FROM datasets d JOIN run_inputs i ON i.dataset_id = d.id " +
		"WHERE d.experiment_id IN " + store.In(len(experiments)) + " ORDER BY d.experiment_id, d.name, d.digest, i.context LIMIT ?"
	err := store.EachRow(ctx, s.db.Read(), query, append(store.Args(nil, experiments), limit), func(rows *sql.Rows) error {
		var u DatasetUse
		err := rows.Scan(&u.ExperimentID, &u.Name, &u.Digest, &u.Context)
		uses = append(uses, u)
		return err
	})
	return uses, err
}

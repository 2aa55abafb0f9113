package tracking

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/dataset"
	"github.com/cairnml/cairn/internal/store"
)

// Datasets gives up to first data sets that runs of experiments read, the newest first, those with internal ids below one when that is
// not 0; more tells that there are others behind them.
func (s *Service) Datasets(ctx context.Context, experiments []int, below, first int) (found []*ent.Dataset, more bool, err error) {
	query := s.db.Ent().Dataset.Query().Where(dataset.ExperimentIDIn(experiments...)).Order(ent.Desc(dataset.FieldID)).Limit(first + 1)
	if below > 0 {
		query.Where(dataset.IDLT(below))
	}
	if found, err = query.All(ctx); err != nil {
		return nil, false, fmt.Errorf("list datasets: %w", err)
	}
	if more = len(found) > first; more {
		found = found[:first]
	}
	return found, more, nil
}

// ContextsOf gives what runs read data sets for, by name; an empty context where they did not say it.
func (s *Service) ContextsOf(ctx context.Context, datasets []int) (map[int][]string, error) {
	type use struct {
		dataset int
		context string
	}
	found, err := store.Grouped(datasets, "contexts", func(ids []int) (uses []use, err error) {
		err = store.EachRow(ctx, s.db.Read(), "SELECT DISTINCT dataset_id, context FROM run_inputs WHERE dataset_id IN "+store.In(len(ids))+
			" ORDER BY dataset_id, context", store.Args(nil, ids), func(rows *sql.Rows) error {
			var u use
			err := rows.Scan(&u.dataset, &u.context)
			uses = append(uses, u)
			return err
		})
		return uses, err
	}, func(u use) int { return u.dataset })
	out := make(map[int][]string, len(found))
	for id, uses := range found {
		for _, u := range uses {
			out[id] = append(out[id], u.context)
		}
	}
	return out, err
}

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

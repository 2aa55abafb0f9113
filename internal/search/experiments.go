package search

import (
	"context"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/experiment"
)

// ExperimentsQuery asks for experiments.
type ExperimentsQuery struct {
	Filter string
	// OrderBy is creation_time DESC when empty.
	OrderBy []string
	View    View
	// First is the size of the page, 1 to MaxFirst.
	First int
	// After is a cursor that the same query gave; empty for the first page.
	After string
}

// ExperimentPage is a page of experiments, with a cursor for each.
type ExperimentPage struct {
	Experiments []*ent.Experiment
	Cursors     []string
	HasNext     bool
}

func (e ExperimentsQuery) prepare() (*query, error) {
	q := &query{subject: OfExperiments, identity: []string{"experiments", string(e.View)}}
	if err := q.parse(e.Filter, e.OrderBy); err != nil {
		return nil, err
	}
	// MLflow breaks ties by the newest id, but its own default order by the oldest.
	newest := true
	if len(q.order) == 0 {
		q.ties = append(q.ties, sortColumn{expr: "r.created_at", typ: integerKey, desc: true})
		newest = false
	}
	if !has(q.order, "experiment_id") {
		q.ties = append(q.ties, sortColumn{expr: "r.id", typ: integerKey, desc: newest})
	}
	return q, q.inView(e.View)
}

// Experiments gives a page of the experiments that match. Errors: Invalid for what is wrong with the query.
func (s *Searcher) Experiments(ctx context.Context, e ExperimentsQuery) (ExperimentPage, error) {
	if err := checkFirst(e.First); err != nil {
		return ExperimentPage{}, err
	}
	q, err := e.prepare()
	if err != nil {
		return ExperimentPage{}, err
	}
	places, more, err := s.page(ctx, q, e.First, e.After)
	if err != nil {
		return ExperimentPage{}, err
	}
	page := ExperimentPage{HasNext: more}
	page.Experiments, page.Cursors, err = load(places, func(ids []int) ([]*ent.Experiment, error) {
		return s.db.Ent().Experiment.Query().Where(experiment.IDIn(ids...)).All(ctx)
	}, func(e *ent.Experiment) int { return e.ID })
	return page, err
}

// CountExperiments counts the experiments that match; OrderBy, First and After do not matter.
func (s *Searcher) CountExperiments(ctx context.Context, e ExperimentsQuery) (int, error) {
	q, err := e.prepare()
	if err != nil {
		return 0, err
	}
	return s.count(ctx, q)
}

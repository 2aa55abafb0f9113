package search

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/internal/errs"
)

// maxDatasets bounds the datasets that one query names.
const maxDatasets = 100

// LoggedModelsQuery asks for logged models that are not deleted.
type LoggedModelsQuery struct {
	// Experiments are internal ids; nil stands for all, an empty list for none.
	Experiments []int
	// Filter compares a metric with each of its points: one that matches is enough.
	Filter string
	// OrderBy is completed by creation_timestamp DESC, model_id ASC. A metric counts with its newest point.
	OrderBy []string
	// Datasets restricts the filter's metrics to those measured on one of these; when the filter has no metric, it asks for
	// models that have any metric measured on one of them.
	Datasets []DatasetFilter
	// OrderDatasets restricts, by the number of an order term, its metric to one dataset.
	OrderDatasets map[int]DatasetFilter
	// First is the size of the page, 1 to MaxFirst.
	First int
	// After is a cursor that the same query gave; empty for the first page.
	After string
}

// LoggedModelPage is a page of logged models, with a cursor for each.
type LoggedModelPage struct {
	LoggedModels []*ent.LoggedModel
	Cursors      []string
	HasNext      bool
}

func (l LoggedModelsQuery) prepare() (*query, error) {
	q := &query{subject: OfLoggedModels, datasets: l.Datasets, orderDatasets: l.OrderDatasets}
	if err := q.parse(l.Filter, l.OrderBy); err != nil {
		return nil, err
	}
	if err := l.checkDatasets(q.order); err != nil {
		return nil, err
	}
	q.identity = []string{"models", experimentsText(l.Experiments), fmt.Sprintf("%q", l.Datasets)}
	for i := range l.OrderBy {
		if d, ok := l.OrderDatasets[i]; ok {
			q.identity = append(q.identity, fmt.Sprintf("%d %q", i, d))
		}
	}
	if err := q.inView(Active); err != nil {
		return nil, err
	}
	if err := inExperiments(&q.where, l.Experiments); err != nil {
		return nil, err
	}
	hasMetric := false
	walk(q.filter, func(c *Comparison) { hasMetric = hasMetric || c.Left.Entity == Metric })
	if len(l.Datasets) > 0 && !hasMetric {
		q.where.sql(" AND EXISTS (SELECT 1 FROM logged_model_metrics k WHERE k.logged_model_id = r.id")
		q.where.onDatasets("k", l.Datasets)
		q.where.sql(")")
	}
	if !has(q.order, "creation_timestamp") {
		q.ties = append(q.ties, sortColumn{expr: "r.created_at", typ: integerKey, desc: true})
	}
	if !has(q.order, "model_id") {
		q.ties = append(q.ties, sortColumn{expr: "r.model_id", typ: textKey})
	}
	return q, nil
}

func (l LoggedModelsQuery) checkDatasets(order []OrderTerm) error {
	if len(l.Datasets) > maxDatasets {
		return errs.Field("datasets", "names %d; at most %d are allowed", len(l.Datasets), maxDatasets)
	}
	check := func(field string, d DatasetFilter) error {
		if d.Name == "" {
			return errs.Field(field, "needs the name of the dataset")
		}
		if invalidText(d.Name) >= 0 || invalidText(d.Digest) >= 0 {
			return errs.Field(field, "holds a NUL or bytes that are not UTF-8")
		}
		return nil
	}
	for i, d := range l.Datasets {
		if err := check(fmt.Sprintf("datasets[%d]", i), d); err != nil {
			return err
		}
	}
	for i, d := range l.OrderDatasets {
		field := fmt.Sprintf("orderBy[%d]", i)
		if i < 0 || i >= len(order) || order[i].Entity != Metric {
			return errs.Field(field, "names a dataset, which only a metric is measured on")
		}
		if err := check(field, d); err != nil {
			return err
		}
	}
	return nil
}

// LoggedModels gives a page of the logged models that match. Errors: Invalid for what is wrong with the query.
func (s *Searcher) LoggedModels(ctx context.Context, l LoggedModelsQuery) (LoggedModelPage, error) {
	if err := checkFirst(l.First); err != nil {
		return LoggedModelPage{}, err
	}
	q, err := l.prepare()
	if err != nil {
		return LoggedModelPage{}, err
	}
	places, more, err := s.page(ctx, q, l.First, l.After)
	if err != nil {
		return LoggedModelPage{}, err
	}
	page := LoggedModelPage{HasNext: more}
	page.LoggedModels, page.Cursors, err = load(places, func(ids []int) ([]*ent.LoggedModel, error) {
		return s.db.Ent().LoggedModel.Query().Where(loggedmodel.IDIn(ids...)).All(ctx)
	}, func(m *ent.LoggedModel) int { return m.ID })
	return page, err
}

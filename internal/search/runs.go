package search

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/errs"
)

// RunsQuery asks for runs.
type RunsQuery struct {
	// Experiments are internal ids; nil stands for all, an empty list for none.
	Experiments []int
	Filter      string
	// OrderBy is completed by start_time DESC, run_id ASC.
	OrderBy []string
	View    View
	// TopLevel leaves out runs that are children of others.
	TopLevel bool
	// First is the size of the page, 1 to MaxFirst.
	First int
	// After is a cursor that the same query gave; empty for the first page.
	After string
	// ParamsAsText orders by the text of params also where it is a number, as MLflow does.
	ParamsAsText bool
}

// RunPage is a page of runs, with a cursor for each.
type RunPage struct {
	Runs    []*ent.Run
	Cursors []string
	HasNext bool
}

// maxMatchRuns bounds the runs that one MatchRuns asks about.
const maxMatchRuns = 10_000

// identity is what a cursor is bound to, beside filter and order.
func (r RunsQuery) identity() []string {
	return []string{
		"runs", string(r.View), experimentsText(r.Experiments), strconv.FormatBool(r.ParamsAsText), strconv.FormatBool(r.TopLevel),
	}
}

func (r RunsQuery) prepare() (*query, error) {
	q := &query{
		subject: OfRuns, experiments: r.Experiments, paramsAsText: r.ParamsAsText,
		identity: r.identity(),
	}
	if err := q.parse(r.Filter, r.OrderBy); err != nil {
		return nil, err
	}
	if err := q.inView(r.View); err != nil {
		return nil, err
	}
	if r.TopLevel {
		q.also = append(q.also, equals(Operand{Entity: Attribute, Key: "parent_run_id"}, Value{Kind: TextValue}))
	}
	if !has(q.order, "start_time") {
		q.ties = append(q.ties, sortColumn{expr: startTime, typ: integerKey, desc: true})
	}
	if !has(q.order, "run_id") {
		q.ties = append(q.ties, sortColumn{expr: "r.run_id", typ: textKey})
	}
	return q, inExperiments(&q.where, r.Experiments)
}

// Runs gives a page of the runs that match. A run that does not change while pages are read stands on exactly one of
// them, whatever is written meanwhile. Errors: Invalid for what is wrong with the query.
func (s *Searcher) Runs(ctx context.Context, r RunsQuery) (RunPage, error) {
	if err := checkFirst(r.First); err != nil {
		return RunPage{}, err
	}
	q, err := r.prepare()
	if err != nil {
		return RunPage{}, err
	}
	places, more, err := s.page(ctx, q, r.First, r.After)
	if err != nil {
		return RunPage{}, err
	}
	page := RunPage{HasNext: more}
	page.Runs, page.Cursors, err = load(places, func(ids []int) ([]*ent.Run, error) {
		return s.db.Ent().Run.Query().Where(run.IDIn(ids...)).All(ctx)
	}, func(r *ent.Run) int { return r.ID })
	return page, err
}

// CountRuns counts the runs that match; OrderBy, First and After do not matter.
func (s *Searcher) CountRuns(ctx context.Context, r RunsQuery) (int, error) {
	q, err := r.prepare()
	if err != nil {
		return 0, err
	}
	return s.count(ctx, q)
}

// MatchRuns gives those of the named runs that match now, in the order of runIDs; OrderBy, First and After do not matter.
// At most 10,000 runs are asked about at once.
func (s *Searcher) MatchRuns(ctx context.Context, r RunsQuery, runIDs []string) ([]*ent.Run, error) {
	if len(runIDs) > maxMatchRuns {
		return nil, errs.Field("runs", "names %d; at most %d are allowed", len(runIDs), maxMatchRuns)
	}
	r.OrderBy = nil
	q, err := r.prepare()
	if err != nil {
		return nil, err
	}
	goals, err := loadGoals(ctx, s.db, metricOperands(Best, q.filter, nil), q.experiments)
	if err != nil {
		return nil, err
	}
	found := map[string]int{}
	err = s.inTime(ctx, func(ctx context.Context) error {
		for chunk := range slices.Chunk(runIDs, loadChunk) {
			var stmt fragment
			stmt.sql("SELECT r.id, r.run_id FROM runs r")
			s.writeWhere(&stmt, q, goals)
			stmt.sql(" AND r.run_id IN ")
			argList(&stmt, chunk)
			if err := s.matches(ctx, &stmt, found); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var places []place
	for _, id := range runIDs {
		if pk, ok := found[id]; ok {
			places = append(places, place{id: pk})
			delete(found, id)
		}
	}
	runs, _, err := load(places, func(ids []int) ([]*ent.Run, error) {
		return s.db.Ent().Run.Query().Where(run.IDIn(ids...)).All(ctx)
	}, func(r *ent.Run) int { return r.ID })
	return runs, err
}

func (s *Searcher) matches(ctx context.Context, stmt *fragment, into map[string]int) error {
	rows, err := s.db.Read().QueryContext(ctx, stmt.String(), stmt.args...)
	if err != nil {
		return fmt.Errorf("match runs: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var pk int
		var id string
		if err := rows.Scan(&pk, &id); err != nil {
			return fmt.Errorf("scan matches: %w", err)
		}
		into[id] = pk
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("match runs: %w", err)
	}
	return nil
}

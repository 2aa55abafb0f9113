package search

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/run"
)

// The searches of this file ask one question of many parents at once, in one statement, so that a list of lists costs no
// more statements than one list.

// RunsByExperiment gives for each experiment the first page that Runs gives for it alone, with the same cursors.
// r.Experiments and r.After do not matter.
func (s *Searcher) RunsByExperiment(ctx context.Context, r RunsQuery, experiments []int) (map[int]RunPage, error) {
	if err := checkFirst(r.First); err != nil {
		return nil, err
	}
	r.Experiments = experiments
	q, err := r.prepare()
	if err != nil {
		return nil, err
	}
	identity := func(experiment int) []byte {
		alone := r
		alone.Experiments = []int{experiment}
		return q.cursorIdentity(alone.identity())
	}
	return partitioned(ctx, s, q, "r.experiment_id", r.First, identity)
}

// CountRunsByExperiment counts the runs that match in each experiment; one without any is missing.
func (s *Searcher) CountRunsByExperiment(ctx context.Context, r RunsQuery, experiments []int) (map[int]int, error) {
	r.Experiments = experiments
	q, err := r.prepare()
	if err != nil {
		return nil, err
	}
	return countBy[int](ctx, s, q, "r.experiment_id")
}

// childrenQuery asks for the active runs below some runs, oldest first.
func childrenQuery(parents []string) *query {
	q := &query{subject: OfRuns, filter: &And{}, ties: []sortColumn{
		{expr: startTime, typ: integerKey}, {expr: "r.run_id", typ: textKey},
	}}
	q.stages = []string{"active"}
	q.where.sql("r.lifecycle_stage = 'active'")
	below := &Comparison{Left: Operand{Entity: Attribute, Key: "parent_run_id"}, Op: In, Value: Value{Kind: ListValue}}
	for _, id := range parents {
		below.Value.List = append(below.Value.List, Value{Kind: TextValue, Text: id})
	}
	q.also = []Expr{below}
	return q
}

// Children gives a page of the active runs below a run, oldest first.
func (s *Searcher) Children(ctx context.Context, parent string, first int, after string) (RunPage, error) {
	if err := checkFirst(first); err != nil {
		return RunPage{}, err
	}
	q := childrenQuery([]string{parent})
	q.identity = []string{"children", parent}
	places, more, err := s.page(ctx, q, first, after)
	if err != nil {
		return RunPage{}, err
	}
	return s.loadRuns(ctx, places, more)
}

// ChildrenOfEach gives for each run the first page that Children gives for it alone, with the same cursors.
func (s *Searcher) ChildrenOfEach(ctx context.Context, parents []string, first int) (map[string]RunPage, error) {
	if err := checkFirst(first); err != nil {
		return nil, err
	}
	q := childrenQuery(parents)
	identity := func(parent string) []byte { return q.cursorIdentity([]string{"children", parent}) }
	return partitioned(ctx, s, q, "r.parent_run_id", first, identity)
}

// CountChildren counts the active runs below each run; one without any is missing.
func (s *Searcher) CountChildren(ctx context.Context, parents []string) (map[string]int, error) {
	return countBy[string](ctx, s, childrenQuery(parents), "r.parent_run_id")
}

func (q *query) cursorIdentity(of []string) []byte {
	return fingerprint(append(of, q.filter.String(), orderText(q.order))...)
}

// partitioned gives the first rows of each partition, and a page for each that has any.
func partitioned[K comparable](
	ctx context.Context, s *Searcher, q *query, column string, first int, identity func(K) []byte,
) (map[K]RunPage, error) {
	goals, err := loadGoals(ctx, s.db, metricOperands(Best, q.filter, q.order), q.experiments)
	if err != nil {
		return nil, err
	}
	f := finder{Searcher: s, q: q, sub: subjects[q.subject], guide: s.db.Guide(), goals: goals}
	arrange := f.columns(0, false)
	keys := &arrange.keyset

	var stmt fragment
	stmt.sql("SELECT * FROM (SELECT matching.*, ROW_NUMBER() OVER (PARTITION BY part ORDER BY ")
	keys.orderBy(&stmt)
	stmt.sql(") AS place FROM (SELECT r.id, ", column, " AS part")
	keys.selectKeys(&stmt)
	stmt.sql(" FROM ", subjects[q.subject].table, " r")
	stmt.add(&keys.joins)
	s.writeWhere(&stmt, q, goals)
	stmt.sql(") matching) placed WHERE place <= ")
	stmt.arg(first + 1)
	stmt.sql(" ORDER BY part, place")

	var parts map[K][]place
	err = s.inTime(ctx, func(ctx context.Context) error {
		parts, err = placesBy(ctx, s, &stmt, keys, identity)
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []place
	for _, places := range parts {
		all = append(all, places[:min(len(places), first)]...)
	}
	loaded, err := s.loadRuns(ctx, all, false)
	if err != nil {
		return nil, err
	}
	byID := make(map[int]*ent.Run, len(loaded.Runs))
	for _, r := range loaded.Runs {
		byID[r.ID] = r
	}
	out := make(map[K]RunPage, len(parts))
	for key, places := range parts {
		page := RunPage{HasNext: len(places) > first}
		for _, p := range places[:min(len(places), first)] {
			if r, ok := byID[p.id]; ok {
				page.Runs, page.Cursors = append(page.Runs, r), append(page.Cursors, p.cursor)
			}
		}
		out[key] = page
	}
	return out, nil
}

func placesBy[K comparable](
	ctx context.Context, s *Searcher, stmt *fragment, keys *keyset, identity func(K) []byte,
) (map[K][]place, error) {
	rows, err := s.db.Read().QueryContext(ctx, stmt.String(), stmt.args...)
	if err != nil {
		return nil, fmt.Errorf("search by parent: %w", err)
	}
	defer rows.Close()
	out := map[K][]place{}
	identities := map[K][]byte{}
	var p place
	var part K
	var number int
	values := keys.scanTargets()
	targets := append(append([]any{&p.id, &part}, values...), &number)
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return nil, fmt.Errorf("scan search by parent: %w", err)
		}
		id, known := identities[part]
		if !known {
			id = identity(part)
			identities[part] = id
		}
		p.cursor = encodeCursor(id, scannedAll(values))
		out[part] = append(out[part], p)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("search by parent: %w", err)
	}
	return out, nil
}

func countBy[K comparable](ctx context.Context, s *Searcher, q *query, column string) (map[K]int, error) {
	goals, err := loadGoals(ctx, s.db, metricOperands(Best, q.filter, nil), q.experiments)
	if err != nil {
		return nil, err
	}
	var stmt fragment
	stmt.sql("SELECT ", column, ", COUNT(*) FROM ", subjects[q.subject].table, " r")
	s.writeWhere(&stmt, q, goals)
	stmt.sql(" GROUP BY ", column)
	var counts map[K]int
	err = s.inTime(ctx, func(ctx context.Context) error {
		counts, err = countsBy[K](ctx, s, &stmt)
		return err
	})
	return counts, err
}

func countsBy[K comparable](ctx context.Context, s *Searcher, stmt *fragment) (map[K]int, error) {
	rows, err := s.db.Read().QueryContext(ctx, stmt.String(), stmt.args...)
	if err != nil {
		return nil, fmt.Errorf("count by parent: %w", err)
	}
	defer rows.Close()
	out := map[K]int{}
	for rows.Next() {
		var part K
		var n int
		if err := rows.Scan(&part, &n); err != nil {
			return nil, fmt.Errorf("scan count: %w", err)
		}
		out[part] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count by parent: %w", err)
	}
	return out, nil
}

func (s *Searcher) loadRuns(ctx context.Context, places []place, more bool) (RunPage, error) {
	page := RunPage{HasNext: more}
	var err error
	page.Runs, page.Cursors, err = load(places, func(ids []int) ([]*ent.Run, error) {
		return s.db.Ent().Run.Query().Where(run.IDIn(ids...)).All(ctx)
	}, func(r *ent.Run) int { return r.ID })
	return page, err
}

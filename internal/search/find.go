package search

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/internal/store"
)

// A page of runs is found in one of three ways, and which one is decided by what the first tries find, not by statistics:
//
//   - in order (inorder.go): rows are read from an index that has the order, a piece at a time, and their runs looked up and
//     held against the filter, until there are enough. So a page costs the same wherever it lies.
//   - from a set (sets.go): where the filter has a condition that few runs meet, these are read from its index and sorted.
//   - all: every run of the experiments is held against the filter.

// finder finds runs for one query.
type finder struct {
	*Searcher
	q     *query
	sub   *subject
	guide store.Guide
	goals goals
	// scope is the experiments that are searched.
	scope []int
	// named: the scope holds all of them. There may be more than are searched one by one.
	named bool
}

// found is a run with its place in the order: the values of the sort columns, each int64, float64 or string.
type found struct {
	id   int
	keys []any
}

// part asks for runs that meet conditions, ordered by the query's terms from one on.
type part struct {
	conds []Expr
	at    int
	after []any // a place in this order; nil begins at the start
	limit int
}

// newFinder learns what the filter needs to know and which experiments there are.
func (s *Searcher) newFinder(ctx context.Context, q *query) (*finder, error) {
	f := &finder{Searcher: s, q: q, sub: subjects[q.subject], guide: s.db.Guide(), scope: q.experiments, named: true}
	if q.subject == OfRuns {
		if err := f.learnScope(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	f.goals, err = loadGoals(ctx, s.db, metricOperands(Best, q.filter, q.order), f.scope)
	return f, err
}

// find gives the first runs of a part.
func (f *finder) find(ctx context.Context, p part) ([]found, error) {
	if f.named && len(f.scope) == 0 {
		return nil, nil
	}
	for i, cond := range p.conds {
		if byID(cond) {
			if set, ok := f.setOf(cond, false); ok {
				return f.fromSets(ctx, []candidate{{set: set, at: i}}, p)
			}
		}
	}
	segments, err := f.segments(ctx, p)
	if err != nil {
		return nil, err
	}
	if segments == nil {
		return f.sorted(ctx, p)
	}
	var rows []found
	for _, s := range segments {
		if len(rows) == p.limit {
			break
		}
		more, whole, err := f.findSegment(ctx, s, p, p.limit-len(rows))
		if err != nil {
			return nil, err
		}
		if whole {
			return more, nil
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// findSegment gives the first runs of a segment. Whole: it gives the first runs of the whole part, since it found a set from
// which that costs less.
func (f *finder) findSegment(ctx context.Context, s segment, p part, limit int) (rows []found, whole bool, err error) {
	sub := part{conds: p.conds, at: p.at, limit: limit}
	if p.after != nil {
		switch c := f.comparePlaces(p.at, s.prefix, p.after); {
		case c < 0:
			return nil, false, nil
		case c == 0:
			sub.after = p.after
		}
	}
	if s.driver == nil {
		rows, err = f.findBelow(ctx, s.prefix, s.also, sub)
		return rows, false, err
	}
	rows, sets, err := f.inOrder(ctx, s, sub)
	if err != nil || sets == nil {
		return rows, false, err
	}
	rows, err = f.fromSets(ctx, sets, p)
	return rows, true, err
}

// findBelow gives runs that share the sort keys of a term, in the order of the rest.
func (f *finder) findBelow(ctx context.Context, prefix []any, also Expr, p part) ([]found, error) {
	p.conds, p.at = append(slices.Clone(p.conds), also), p.at+1
	if p.after != nil {
		p.after = p.after[len(prefix):]
	}
	rows, err := f.find(ctx, p)
	for i := range rows {
		rows[i].keys = append(slices.Clone(prefix), rows[i].keys...)
	}
	return rows, err
}

// sorted finds the runs of a part whose order no index has.
func (f *finder) sorted(ctx context.Context, p part) ([]found, error) {
	candidates, err := f.candidates(ctx, p.conds, f.pieces.counted)
	if err != nil {
		return nil, err
	}
	if best, ok := smallest(candidates, f.pieces.counted); ok {
		return f.fromSets(ctx, f.worthCutting(candidates, best), p)
	}
	return f.all(ctx, p)
}

// columns are the sort columns of the order from a term on. Fenced, their tables are looked up row by row.
func (f *finder) columns(at int, fenced bool) *arranger {
	a := &arranger{
		subject: f.sub, guide: f.guide, goals: f.goals, paramsAsText: f.q.paramsAsText, datasets: f.q.orderDatasets, fenced: fenced,
	}
	for i := at; i < len(f.q.order); i++ {
		a.term(i, f.q.order[i])
	}
	a.columns = append(a.columns, f.q.ties...)
	return a
}

// comparePlaces compares two places as far as the first goes.
func (f *finder) comparePlaces(at int, prefix, place []any) int {
	columns := f.columns(at, true).columns
	for i, key := range prefix {
		if c := columns[i].compare(key, place[i]); c != 0 {
			return c
		}
	}
	return 0
}

// fromSets finds the runs of a part that are in all of some sets.
func (f *finder) fromSets(ctx context.Context, sets []candidate, p part) ([]found, error) {
	cut, rest := cut(sets, p.conds)
	var inner, outer []Expr
	for _, cond := range rest {
		if usesAttributes(cond) {
			outer = append(outer, cond)
		} else {
			inner = append(inner, cond)
		}
	}
	var stmt fragment
	keys := f.columns(p.at, true)
	stmt.sql("SELECT r.id")
	keys.selectKeys(&stmt)
	stmt.sql(" FROM (SELECT c.run FROM (")
	stmt.add(cut)
	stmt.sql(") c")
	f.wherever(&stmt, " WHERE ", inner, foundID)
	stmt.sql(f.guide.Fence(), ") f", f.guide.Join("runs", "r", "r.id = f.run"))
	stmt.add(&keys.joins)
	stmt.sql(" WHERE ")
	stmt.add(&f.q.where)
	f.wherever(&stmt, " AND ", outer, foundRow)
	keys.page(&stmt, p.after, p.limit)
	return f.rows(ctx, &stmt, keys)
}

// all finds the rows of a part by a look at every one.
func (f *finder) all(ctx context.Context, p part) ([]found, error) {
	var stmt fragment
	keys := f.columns(p.at, false)
	stmt.sql("SELECT r.id")
	keys.selectKeys(&stmt)
	row := anyRow
	if f.sub.orders != nil { // rows come in order, or are few
		row = foundRow
	}
	stmt.sql(" FROM ", f.sub.from(f.guide, keys.columns[0].expr, f.q.drive != nil || slices.ContainsFunc(p.conds, f.sub.looksUp)))
	stmt.add(&keys.joins)
	stmt.sql(" WHERE ")
	stmt.add(&f.q.where)
	f.wherever(&stmt, " AND ", p.conds, row)
	keys.page(&stmt, p.after, p.limit)
	return f.rows(ctx, &stmt, keys)
}

// wherever writes conditions, all of which are to hold, after a word; nothing where there are none.
func (f *finder) wherever(out *fragment, word string, conds []Expr, row rowAt) {
	for i, cond := range conds {
		if i > 0 {
			word = " AND "
		}
		c := compiler{subject: f.sub, guide: f.guide, goals: f.goals, datasets: f.q.datasets, row: row, drive: f.q.drive}
		c.expr(cond)
		out.sql(word, "(")
		out.add(&c.fragment)
		out.sql(")")
	}
}

func (f *finder) rows(ctx context.Context, stmt *fragment, keys *arranger) ([]found, error) {
	var out []found
	err := store.EachRow(ctx, f.db.Read(), stmt.String(), stmt.args, func(rows *sql.Rows) error {
		var row found
		targets := keys.scanTargets()
		if err := rows.Scan(append([]any{&row.id}, targets...)...); err != nil {
			return fmt.Errorf("scan search: %w", err)
		}
		row.keys = scannedAll(targets)
		out = append(out, row)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return out, nil
}

// scanInto gathers a column.
func scanInto[T any](list *[]T) func(*sql.Rows) error {
	return func(rows *sql.Rows) error {
		var v T
		if err := rows.Scan(&v); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
		*list = append(*list, v)
		return nil
	}
}

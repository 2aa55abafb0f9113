package search

import (
	"context"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/internal/store"
)

// count counts the rows that match.
func (s *Searcher) count(ctx context.Context, q *query) (n int, err error) {
	err = s.inTime(ctx, func(ctx context.Context) error {
		n, err = s.countAll(ctx, q)
		return err
	})
	return n, err
}

func (s *Searcher) countAll(ctx context.Context, q *query) (int, error) {
	var stmt fragment
	if err := s.countStatement(ctx, q, &stmt); err != nil {
		return 0, err
	}
	n := 0
	err := s.db.Read().Thoroughly(ctx, func(q store.Querier) error {
		var found []int
		if err := store.EachRow(ctx, q, stmt.String(), stmt.args, scanInto(&found)); err != nil {
			return err
		}
		n = found[0]
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n, nil
}

// countStatement writes what counts: from the sets of the conditions where they have any.
func (s *Searcher) countStatement(ctx context.Context, q *query, stmt *fragment) error {
	f, candidates, err := s.setsOf(ctx, q, s.pieces.counted)
	if err != nil {
		return err
	}
	if candidates != nil {
		return f.countSets(ctx, stmt, candidates, q.conds())
	}
	stmt.sql("SELECT COUNT(*) FROM ", subjects[q.subject].from(s.db.Guide(), "", false))
	s.writeWhere(stmt, q, f.goals)
	return nil
}

// matching ends a SELECT of all runs (alias r) that match, in any order: from the sets of the conditions where they have any.
func (s *Searcher) matching(ctx context.Context, q *query, stmt *fragment) error {
	f, candidates, err := s.setsOf(ctx, q, s.pieces.counted)
	if err != nil {
		return err
	}
	if candidates == nil {
		stmt.sql(" FROM runs r")
		s.writeWhere(stmt, q, f.goals)
		return nil
	}
	best, _ := smallest(candidates, f.pieces.counted+1)
	f.fromSmallest(stmt, candidates, best)
	return nil
}

// setsOf counts the sets that the conditions of a query have, up to a bound; nil where they have none.
func (s *Searcher) setsOf(ctx context.Context, q *query, bound int) (f *finder, candidates []candidate, err error) {
	conds := q.conds()
	if len(conds) == 0 {
		return &finder{}, nil, nil
	}
	unordered := *q
	unordered.order = nil
	if f, err = s.newFinder(ctx, &unordered); err != nil {
		return nil, nil, err
	}
	if q.subject == OfRuns && f.named && len(f.scope) > 0 {
		candidates, err = f.candidates(ctx, conds, bound)
	}
	return f, candidates, err
}

// fromSmallest ends a SELECT of the runs (alias r) that meet all conditions, of which the smallest set is known.
func (f *finder) fromSmallest(stmt *fragment, candidates []candidate, best candidate) {
	cut, rest := cut(f.worthCutting(candidates, best), f.q.conds())
	f.fromCut(stmt, cut, rest)
}

// countSets counts the runs of a cut of sets that meet what the sets leave of the conditions.
func (f *finder) countSets(ctx context.Context, stmt *fragment, candidates []candidate, conds []Expr) error {
	best, _ := smallest(candidates, f.pieces.counted+1)
	cut, rest := cut(f.worthCutting(candidates, best), conds)
	outer := slices.ContainsFunc(conds, usesAttributes)
	if !outer && !slices.Equal(f.q.stages, []string{"deleted"}) {
		few := true
		if len(f.q.stages) == 1 {
			var err error
			if few, err = f.fewDeleted(ctx, best.n); err != nil {
				return err
			}
		}
		if few {
			f.countWithout(stmt, cut, rest, conds)
			return nil
		}
	}
	stmt.sql("SELECT COUNT(*)")
	f.fromCut(stmt, cut, rest)
	return nil
}

// fromCut ends a SELECT of the runs (alias r) of a cut that meet the rest of the conditions.
func (f *finder) fromCut(stmt, cut *fragment, rest []Expr) {
	stmt.sql(" FROM (")
	stmt.add(cut)
	stmt.sql(f.guide.Fence(), ") f", f.guide.Join("runs", "r", "r.id = f.run"), " WHERE ")
	stmt.add(&f.q.where)
	f.wherever(stmt, " AND ", rest, foundRow)
}

// fewDeleted tells whether at most so many runs are deleted.
func (f *finder) fewDeleted(ctx context.Context, most int) (bool, error) {
	var stmt fragment
	stmt.sql("SELECT COUNT(*) FROM (SELECT 1 AS one FROM (")
	f.deleted(&stmt, " ORDER BY d.start_time DESC, d.run_id")
	stmt.sql(") s LIMIT ")
	stmt.arg(most + 1)
	stmt.sql(") n")
	var n int
	if err := f.db.Read().QueryRowContext(ctx, stmt.String(), stmt.args...).Scan(&n); err != nil {
		return false, fmt.Errorf("count deleted runs: %w", err)
	}
	return n <= most, nil
}

// deleted gives the deleted runs; in the order of the index when only some are wanted, so that PostgreSQL does not look for
// these few among all runs.
func (f *finder) deleted(out *fragment, order string) {
	f.eachExperiment(out, "d.experiment_id", func(out, scope *fragment) {
		out.sql("SELECT * FROM (SELECT d.id AS run, d.experiment_id AS exp FROM runs d", f.guide.By(runIndex), " WHERE ")
		out.add(scope)
		out.sql(" AND d.lifecycle_stage = 'deleted'", order, ") f")
	})
}

// countWithout counts the runs of a cut without a look at their rows: deleted ones, which are few, are counted and
// subtracted.
func (f *finder) countWithout(stmt, cut *fragment, rest, conds []Expr) {
	stmt.sql("SELECT (SELECT COUNT(*) FROM (")
	stmt.add(cut)
	stmt.sql(") c")
	f.wherever(stmt, " WHERE ", rest, foundID)
	stmt.sql(")")
	if len(f.q.stages) == 1 {
		stmt.sql(" - (SELECT COUNT(*) FROM (")
		f.deleted(stmt, "")
		stmt.sql(f.guide.Fence(), ") c")
		f.wherever(stmt, " WHERE ", conds, foundID)
		stmt.sql(")")
	}
}

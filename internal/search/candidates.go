package search

import (
	"context"
	"fmt"
	"slices"
)

// candidate is the set of one of some conditions, with the number of its runs as far as they were counted.
type candidate struct {
	set runSet
	at  int // of the condition
	n   int
}

// candidates counts the sets that conditions have, each up to a bound. What is counted is read from an index in its order,
// which costs next to nothing beside what it may spare.
func (f *finder) candidates(ctx context.Context, conds []Expr, bound int) ([]candidate, error) {
	var out []candidate
	var stmt fragment
	for i, cond := range conds {
		set, ok := f.setOf(cond, false)
		if !ok {
			continue
		}
		counted, _ := f.setOf(cond, f.guide.Postgres)
		if out == nil {
			stmt.sql("SELECT ")
		} else {
			stmt.sql(", ")
		}
		stmt.sql("(SELECT COUNT(*) FROM (SELECT 1 AS one FROM (")
		stmt.add(&counted.fragment)
		stmt.sql(") s LIMIT ")
		stmt.arg(bound)
		stmt.sql(") n)")
		out = append(out, candidate{set: set, at: i})
	}
	if out == nil {
		return nil, nil
	}
	into := make([]any, len(out))
	for i := range out {
		into[i] = &out[i].n
	}
	if err := f.db.Read().QueryRowContext(ctx, stmt.String(), stmt.args...).Scan(into...); err != nil {
		return nil, fmt.Errorf("count candidates: %w", err)
	}
	return out, nil
}

// smallest gives the candidate with the fewest runs, if it has fewer than bound.
func smallest(candidates []candidate, bound int) (best candidate, ok bool) {
	best.n = bound
	for _, c := range candidates {
		if c.n < best.n {
			best, ok = c, true
		}
	}
	return best, ok
}

// similar is by how much a set may be larger than the smallest to be cut with it: to merge a row of an index with others
// costs a tenth of looking one up.
const similar = 10

// worthCutting leaves out the sets that are much larger than the smallest.
func (f *finder) worthCutting(candidates []candidate, best candidate) []candidate {
	return slices.DeleteFunc(slices.Clone(candidates), func(c candidate) bool { return c.n > similar*best.n })
}

// cut gives the runs that are in all of some sets, and the conditions that this leaves.
func cut(sets []candidate, conds []Expr) (cut *fragment, rest []Expr) {
	cut = &fragment{}
	done := map[int]bool{}
	for i, c := range sets {
		if i > 0 {
			cut.sql(" INTERSECT ")
		}
		cut.sql("SELECT run, exp FROM (")
		cut.add(&c.set.fragment)
		cut.sql(") t", fmt.Sprint(i))
		done[c.at] = c.set.exact
	}
	for i, cond := range conds {
		if !done[i] {
			rest = append(rest, cond)
		}
	}
	return cut, rest
}

package search

import (
	"context"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/internal/store"
)

// learnScope names the experiments: those that the query names, or all; and of them those that the filter allows.
func (f *finder) learnScope(ctx context.Context) error {
	if f.scope == nil {
		scope, all, err := listExperiments(ctx, f.db, MaxExperiments)
		if f.named = all; err != nil || !all {
			return err
		}
		f.scope = scope
	}
	f.scope = slices.Compact(slices.Sorted(slices.Values(f.scope)))
	for _, cond := range conjuncts(f.q.filter) {
		c, ok := cond.(*Comparison)
		if !ok || c.Left.Entity != Attribute || c.Left.Key != "experiment_id" || c.Op != Equal && c.Op != In {
			continue
		}
		f.scope = slices.DeleteFunc(f.scope, func(id int) bool {
			return !slices.ContainsFunc(append(c.Value.List, c.Value), func(v Value) bool { return v.Number.Int == int64(id) && v.Kind == NumberValue })
		})
	}
	return nil
}

// listExperiments gives the experiments there are; all is false when these are more than so many.
func listExperiments(ctx context.Context, db *store.DB, most int) (ids []int, all bool, err error) {
	ids = []int{}
	err = store.EachRow(ctx, db.Read(), "SELECT id FROM experiments ORDER BY id LIMIT ?", []any{most + 1}, scanInto(&ids))
	if err != nil {
		return nil, false, fmt.Errorf("list experiments: %w", err)
	}
	return ids, len(ids) <= most, nil
}

// maxStreams bounds the experiments, or experiments and stages, that a statement reads one after the other, each in the
// index's order. Of more, it reads all rows and sorts them.
const maxStreams = 16

// eachExperiment writes a statement for each experiment of the scope, or one for all.
func (f *finder) eachExperiment(out *fragment, column string, write func(out *fragment, scope *fragment)) {
	if len(f.scope) > maxStreams {
		var scope fragment
		condition, arg := store.AnyOf(f.db, column, f.scope)
		scope.sql(condition)
		scope.args = append(scope.args, arg)
		write(out, &scope)
		return
	}
	for i, id := range f.scope {
		var scope fragment
		scope.sql(column, " = ")
		scope.arg(id)
		if i > 0 {
			out.sql(" UNION ALL ")
		}
		write(out, &scope)
	}
}

// conjuncts gives the conditions of which a filter demands every one.
func conjuncts(e Expr) []Expr {
	and, ok := e.(*And)
	if !ok {
		return []Expr{e}
	}
	var out []Expr
	for _, term := range and.Terms {
		out = append(out, conjuncts(term)...)
	}
	return out
}

package search

import (
	"context"
	"fmt"
	"slices"
)

// segment is a stretch of the order. The segments of a term follow one another: runs with a number, with NaN, without any.
type segment struct {
	// prefix are the first sort keys, which all runs of the segment share.
	prefix []any
	// One of the following says how its runs are found: in the order of an index, or by the rest of the order among those that
	// meet a condition.
	driver *driver
	also   Expr
}

// segments cuts the order of a part by its first term; nil where no index has it.
func (f *finder) segments(ctx context.Context, p part) ([]segment, error) {
	if !f.named {
		return nil, nil
	}
	if p.at == len(f.q.order) {
		if len(f.q.ties) > 0 && f.q.ties[0].expr == startTime {
			return []segment{{driver: f.runDriver(f.q.ties[0].desc, p.at)}}, nil
		}
		return nil, nil
	}
	term := f.q.order[p.at]
	var segments []segment
	switch term.Entity {
	case Metric:
		segments = f.metricSegments(term)
	case Param:
		var err error
		if segments, err = f.paramSegments(ctx, term, p.at); err != nil {
			return nil, err
		}
	case Tag:
		segments = []segment{
			{prefix: []any{int64(0)}, driver: f.textDriver(f.sub.tags, term, p.at)},
			{prefix: []any{int64(1), ""}, also: &Comparison{Left: term.Operand, Op: IsNull}},
		}
	case Attribute:
		if f.sub.attributes[term.Key].column == startTime {
			return []segment{{driver: f.runDriver(term.Desc, p.at)}}, nil
		}
	default:
	}
	return f.possible(segments, term.Operand, p.conds), nil
}

// possible leaves out the segments that the conditions exclude. To look for runs there would mean to look at all.
func (f *finder) possible(segments []segment, o Operand, conds []Expr) []segment {
	var present, isNumber bool
	for _, cond := range conds {
		c, ok := cond.(*Comparison)
		if !ok || c.Left.Entity != o.Entity || c.Left.Key != o.Key || c.Op == IsNull {
			continue
		}
		present = true
		if c.Left.Func == o.Func && c.Op != NotEqual && c.Op != NotIn && c.Op != IsNotNull && c.Op != isNaN {
			isNumber = true
		}
	}
	return slices.DeleteFunc(segments, func(s segment) bool {
		c, ok := s.also.(*Comparison)
		return ok && (c.Op == IsNull && present || c.Op == isNaN && isNumber)
	})
}

func (f *finder) metricSegments(term OrderTerm) []segment {
	out := []segment{
		{prefix: []any{int64(0)}, driver: f.metricDriver(term)},
		{prefix: []any{int64(1), 0.0}, also: &Comparison{Left: term.Operand, Op: isNaN}},
		{prefix: []any{int64(2), 0.0}, also: &Comparison{Left: term.Operand, Op: IsNull}},
	}
	if out[0].driver == nil {
		return nil
	}
	return out
}

func (f *finder) paramSegments(ctx context.Context, term OrderTerm, at int) ([]segment, error) {
	is := func(op Op) *Comparison { return &Comparison{Left: term.Operand, Op: op} }
	if !f.q.paramsAsText {
		return []segment{
			{prefix: []any{int64(0)}, driver: f.numberDriver(term)},
			{prefix: []any{int64(1), 0.0}, driver: f.textDriver(*f.sub.params, term, at)},
			{prefix: []any{int64(2), 0.0, ""}, also: is(IsNull)},
		}, nil
	}
	// The index has numbers in the order of numbers. Where a key has any, its values are sorted.
	numbers, err := f.anyNumber(ctx, term.Key)
	if err != nil {
		return nil, err
	}
	texts := f.textDriver(*f.sub.params, term, at)
	if numbers {
		texts = f.mixedDriver(term, at)
	}
	return []segment{{prefix: []any{int64(0)}, driver: texts}, {prefix: []any{int64(1), ""}, also: is(IsNull)}}, nil
}

// anyNumber tells whether a param is a number in any run of the scope.
func (f *finder) anyNumber(ctx context.Context, key string) (any bool, err error) {
	t := f.sub.params
	var stmt fragment
	stmt.sql("SELECT COUNT(*) FROM (")
	f.eachExperiment(&stmt, "d.experiment_id", func(out, scope *fragment) {
		out.sql("SELECT * FROM (SELECT d.run_id FROM ", t.table, " d", f.guide.By(t.index), " WHERE ")
		out.add(scope)
		out.sql(" AND d.key = ")
		out.arg(key)
		out.sql(" AND d.", t.number, " IS NOT NULL ORDER BY d.", t.number, " LIMIT 1) f")
	})
	stmt.sql(") n")
	var n int
	if err := f.db.Read().QueryRowContext(ctx, stmt.String(), stmt.args...).Scan(&n); err != nil {
		return false, fmt.Errorf("look for numbers: %w", err)
	}
	return n > 0, nil
}

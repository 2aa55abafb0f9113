package search

import (
	"context"
	"slices"
)

// reading reads a driver piece by piece, and keeps the best of the runs that meet the conditions.
type reading struct {
	*finder
	driver *driver
	part   part
	// inner are the conditions that a run's id is enough for, outer those that need its row.
	inner, outer []Expr
	columns      *arranger
	// One of these says where the next piece begins: behind a row, behind all rows of a value, or with a value.
	behind        []any
	beyond, begin any
	rows          []placed
}

// placed is a run that was found, with the value that the driver had for it.
type placed struct {
	found
	value any
}

// growth is by how much each piece is larger than the one before.
const growth = 4

// inOrder gives the first runs of a segment by reading its driver. When after a piece it is seen that many more would have
// to be read, and the conditions have a set that is smaller than that, it gives the sets of the conditions instead.
func (f *finder) inOrder(ctx context.Context, s segment, p part) ([]found, []candidate, error) {
	r := f.read(s, p)
	size := r.firstPiece()
	visited, counted := 0, 0
	for {
		end, err := r.piece(ctx, size)
		if err != nil {
			return nil, nil, err
		}
		if end == nil || r.enough(end[0]) {
			return r.result(s), nil, nil
		}
		visited += size
		if expected := p.limit * visited / max(len(r.rows), 1); expected > 2*visited && counted < r.pieces.counted {
			counted = min(expected, r.pieces.counted)
			sets, err := r.smallerSets(ctx, counted)
			if err != nil || sets != nil {
				return nil, sets, err
			}
		}
		if err := r.goOn(ctx, end); err != nil {
			return nil, nil, err
		}
		if len(r.rows) == p.limit && r.beyond != nil {
			return r.result(s), nil, nil
		}
		size = min(size*growth, r.pieces.most)
	}
}

func (f *finder) read(s segment, p part) *reading {
	r := &reading{finder: f, driver: s.driver, part: p}
	for _, cond := range p.conds {
		switch {
		case s.driver.own(cond):
		case usesAttributes(cond):
			r.outer = append(r.outer, cond)
		default:
			r.inner = append(r.inner, cond)
		}
	}
	r.columns = f.columns(p.at+s.driver.terms, true)
	rest := r.columns.columns
	if s.driver.terms == 0 { // the first of the ties is the driver's
		rest = rest[1:]
	}
	r.columns.columns = append(slices.Clone(s.driver.keys), rest...)
	if p.after != nil {
		r.part.after = p.after[len(s.prefix):]
		if r.begin = r.part.after[0]; s.driver.begin != nil {
			r.begin = s.driver.begin(r.begin)
		}
	}
	return r
}

func (r *reading) firstPiece() int {
	size := 4*r.part.limit + 2*r.pieces.least
	if len(r.inner)+len(r.outer) == 0 {
		size = r.part.limit + 16 // some are deleted
	}
	least := r.pieces.least
	if r.driver.sorts {
		least = r.pieces.sorted
	}
	return min(max(size, least), max(r.pieces.most, least))
}

// smallerSets gives the sets of conditions, when one of them has fewer runs than bound.
func (r *reading) smallerSets(ctx context.Context, bound int) ([]candidate, error) {
	conds := slices.Concat(r.inner, r.outer)
	candidates, err := r.candidates(ctx, conds, bound)
	if err != nil {
		return nil, err
	}
	best, ok := smallest(candidates, bound)
	if !ok {
		return nil, nil
	}
	for i := range candidates {
		candidates[i].at = slices.Index(r.part.conds, conds[candidates[i].at])
	}
	return r.worthCutting(candidates, best), nil
}

// goOn sets where the next piece begins. Where a value has more rows than a piece, its runs are found in the order of the
// rest of the query, and the reading goes on beyond it.
func (r *reading) goOn(ctx context.Context, end []any) error {
	value := end[0]
	var same Expr
	if r.behind != nil && compareKeys(r.behind[0], value) == 0 && r.driver.same != nil {
		same = r.driver.same(value)
	}
	if same == nil {
		r.behind, r.beyond, r.begin = end, nil, nil
		return nil
	}
	r.rows = r.rows[:r.final(value)]
	p := part{conds: r.part.conds, at: r.part.at, limit: r.part.limit - len(r.rows)}
	keys := r.driver.keysOf(value)
	if after := r.part.after; after != nil && compareKeys(keys[0], after[0]) == 0 {
		p.after = after
	}
	if p.limit > 0 {
		more, err := r.findBelow(ctx, keys, same, p)
		if err != nil {
			return err
		}
		for _, row := range more {
			r.rows = append(r.rows, placed{found: row, value: value})
		}
	}
	r.behind, r.beyond, r.begin = nil, value, nil
	return nil
}

// enough tells whether there are as many runs as are wanted, and none behind a row of this value can come before them.
func (r *reading) enough(value any) bool {
	return len(r.rows) == r.part.limit && (r.driver.total || r.final(value) == len(r.rows))
}

// final counts the rows that come before a value: nothing that is found later stands before them.
func (r *reading) final(value any) int {
	i := slices.IndexFunc(r.rows, func(row placed) bool { return compareKeys(row.value, value) == 0 })
	if i < 0 {
		return len(r.rows)
	}
	return i
}

// result gives the rows with all their sort keys.
func (r *reading) result(s segment) []found {
	out := make([]found, len(r.rows))
	for i, row := range r.rows {
		out[i] = found{id: row.id, keys: slices.Concat(s.prefix, row.keys)}
	}
	return out
}

package search

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/cairnml/cairn/internal/store"
)

// The classes of a group in the order by a metric.
const (
	hasNumber byte = iota
	hasNaN
	hasNothing
)

// spotOf is a group's place in the order.
func (g *aggregation) spotOf(of *Group) spot {
	out := spot{texts: of.Keys}
	switch g.order {
	case ByKeys:
		return out
	case ByCount:
		out.number = float64(of.Runs)
		return out
	case ByMean, ByMin, ByMax, ByStd:
	}
	m := &of.Metrics[g.metric]
	value := map[GroupOrder]func() (float64, bool){ByMean: m.Mean, ByMin: m.Min, ByMax: m.Max, ByStd: m.Std}[g.order]
	switch v, ok := value(); {
	case !ok:
		out.class = hasNothing
	case math.IsNaN(v):
		out.class = hasNaN
	default:
		out.number = v
	}
	return out
}

// compare orders two places. Groups that tie are ordered by their keys, ascending.
func (g *aggregation) compare(a, b spot) int {
	if c := cmp.Compare(a.class, b.class); c != 0 {
		return c
	}
	if g.order == ByKeys {
		return g.compareKeys(a.texts, b.texts, g.desc)
	}
	c := cmp.Compare(a.number, b.number)
	if g.desc {
		c = -c
	}
	return cmp.Or(c, g.compareKeys(a.texts, b.texts, false))
}

// compareKeys orders keys by their bytes, of params numbers before them and by size. In both ways texts come after numbers,
// and what is not there last.
func (g *aggregation) compareKeys(a, b []*string, desc bool) int {
	for i := range g.by {
		x, y := keyPlace(a[i], g.by[i]), keyPlace(b[i], g.by[i])
		if c := cmp.Compare(x.class, y.class); c != 0 {
			return c
		}
		c := cmp.Or(cmp.Compare(x.number, y.number), strings.Compare(x.text, y.text))
		if desc {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// keyOrder is the place of a key among keys.
type keyOrder struct {
	class  int
	number float64
	text   string
}

func keyPlace(key *string, of Operand) keyOrder {
	if key == nil {
		return keyOrder{class: 2}
	}
	if of.Entity == Param {
		if number, ok := store.Number(*key); ok {
			return keyOrder{number: number, text: *key}
		}
	}
	return keyOrder{class: 1, text: *key}
}

// cut fills a page with the groups that come after a place.
func (g *aggregation) cut(page *GroupPage, groups []*Group, after *spot, first int, identity []byte) {
	type placed struct {
		spot  spot
		group *Group
	}
	all := make([]placed, len(groups))
	for i, group := range groups {
		all[i] = placed{g.spotOf(group), group}
		page.Runs += group.Runs
	}
	page.Total = len(all)
	slices.SortFunc(all, func(a, b placed) int { return g.compare(a.spot, b.spot) })
	if after != nil {
		from, found := slices.BinarySearchFunc(all, *after, func(p placed, after spot) int { return g.compare(p.spot, after) })
		if found {
			from++
		}
		all = all[from:]
	}
	page.HasNext = len(all) > first
	for _, p := range all[:min(len(all), first)] {
		page.Groups, page.Cursors = append(page.Groups, *p.group), append(page.Cursors, p.spot.cursor(identity))
	}
}

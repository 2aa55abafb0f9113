package search

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/internal/errs"
)

// Bounds of aggregates.
const (
	// MaxGroupBy bounds what runs are grouped by.
	MaxGroupBy = 5
	// MaxAggregated bounds the metrics of one query.
	MaxAggregated = 20
	// MaxGroups bounds the groups that runs may make, of which a page shows some.
	MaxGroups = 50_000
	// maxGroupBytes bounds the texts of their keys.
	maxGroupBytes = 64 << 20
	// maxGrouped bounds the runs that are grouped: of each, some 50 bytes are held, and more for each key.
	maxGrouped = 5_000_000
	// maxListed is up to how many runs are looked up one by one; of more, whole indexes are read.
	maxListed = 20_000
)

// GroupOrder is what groups are ordered by.
type GroupOrder string

// The orders. All but ByCount and ByKeys are of a metric.
const (
	ByCount GroupOrder = "COUNT"
	ByKeys  GroupOrder = "KEYS"
	ByMean  GroupOrder = "MEAN"
	ByMin   GroupOrder = "MIN"
	ByMax   GroupOrder = "MAX"
	ByStd   GroupOrder = "STD"
)

// AggregateQuery asks for groups of runs and for what the values of metrics are like in each.
type AggregateQuery struct {
	// Runs says which runs; its OrderBy, First and After do not matter.
	Runs RunsQuery
	// GroupBy are params, tags and attributes, written as in a filter; none makes one group of all runs. A param's values are
	// grouped by their text: 0.1 and 0.10 are two groups.
	GroupBy []string
	// Metrics are written as in a filter: metrics.acc is the last value, and there are first(), min(), max() and best().
	Metrics []string
	// By is ByCount when empty. OrderMetric, which is one of Metrics, is for the orders of a metric.
	By          GroupOrder
	OrderMetric string
	// Ascending turns the order round. In both ways NaN comes after all numbers, and groups without a value last.
	Ascending bool
	// First is 1 to MaxFacets.
	First int
	After string
	// listed is maxListed when 0, and most maxGrouped.
	listed, most int
}

// Group is runs that have the same keys.
type Group struct {
	// Keys are in the order of GroupBy; nil for what the runs do not have.
	Keys []*string
	Runs int
	// Metrics are in the order of the query.
	Metrics []Moments
}

// GroupPage is a page of groups, with a cursor for each.
type GroupPage struct {
	Groups  []Group
	Cursors []string
	HasNext bool
	// Total and Runs are of all groups.
	Total, Runs int
}

// aggregation is a query that was understood.
type aggregation struct {
	s       *Searcher
	r       RunsQuery
	q       *query
	by      []Operand
	metrics []Operand
	// order is what groups are ordered by; metric says of which.
	order  GroupOrder
	metric int
	desc   bool
	listed int
	most   int
	goals  goals
	// scope is the experiments; whole: all their runs match, but deleted ones.
	scope []int
	whole bool
}

// Aggregate groups runs. All that match are taken; groups that tie are ordered by their keys, of params numbers first by
// size. Errors: Invalid for what is wrong with the query and when there are more than MaxGroups groups.
func (s *Searcher) Aggregate(ctx context.Context, a AggregateQuery) (page GroupPage, err error) {
	g, err := s.understand(a)
	if err != nil {
		return page, err
	}
	identity := fingerprint(append([]string{
		"groups", g.q.filter.String(), orderText(goalTerms(g.by)), orderText(goalTerms(g.metrics)), string(g.order), fmt.Sprint(g.metric, g.desc),
	}, g.q.identity...)...)
	var after *spot
	if a.After != "" {
		p, err := readSpot(identity, a.After, len(g.by))
		if err != nil {
			return page, err
		}
		after = &p
	}
	err = s.look(ctx, lookTime, func(ctx context.Context) error {
		groups, err := g.groups(ctx)
		if err != nil {
			return err
		}
		g.cut(&page, groups, after, a.First, identity)
		return nil
	})
	return page, err
}

// understand checks a query.
func (s *Searcher) understand(a AggregateQuery) (*aggregation, error) {
	if err := checkFacets(a.First); err != nil {
		return nil, err
	}
	a.Runs.OrderBy = nil
	g := &aggregation{s: s, r: a.Runs, order: a.By, desc: !a.Ascending, listed: cmp.Or(a.listed, maxListed), most: cmp.Or(a.most, maxGrouped)}
	var err error
	if g.q, err = a.Runs.prepare(); err != nil {
		return nil, err
	}
	if g.by, err = parseOperands("groupBy", a.GroupBy, MaxGroupBy); err != nil {
		return nil, err
	}
	for i, o := range g.by {
		field := fmt.Sprintf("groupBy[%d]", i)
		if o.Entity == Metric {
			return nil, errs.Field(field, "%s is a metric: group by params, tags and attributes", o.display())
		}
		if _, text := textColumnOf(o); o.Entity == Attribute && !text {
			return nil, errs.Field(field, "%s is a time, of which nearly each run has its own", o.display())
		}
	}
	if g.metrics, err = parseOperands("metrics", a.Metrics, MaxAggregated); err != nil {
		return nil, err
	}
	for i, o := range g.metrics {
		if o.Entity != Metric {
			return nil, errs.Field(fmt.Sprintf("metrics[%d]", i), "%s is no metric", o.display())
		}
	}
	return g, g.understandOrder(a)
}

func (g *aggregation) understandOrder(a AggregateQuery) error {
	switch a.By {
	case "":
		g.order = ByCount
	case ByCount, ByKeys:
	case ByMean, ByMin, ByMax, ByStd:
		o, err := parseOperand("orderBy.metric", a.OrderMetric)
		if err != nil {
			return err
		}
		g.metric = slices.IndexFunc(g.metrics, func(m Operand) bool { return m.String() == o.String() })
		if g.metric < 0 {
			return errs.Field("orderBy.metric", "%s is none of the metrics of the query", o.display())
		}
		return nil
	default:
		return errs.Field("orderBy.by", "is %.40q; it is COUNT, KEYS, MEAN, MIN, MAX or STD", string(a.By))
	}
	if a.OrderMetric != "" {
		return errs.Field("orderBy.metric", "is for MEAN, MIN, MAX and STD, not for %s", g.order)
	}
	return nil
}

// groups finds the runs, looks up what is asked of them, and groups them.
func (g *aggregation) groups(ctx context.Context) ([]*Group, error) {
	var err error
	g.goals, err = loadGoals(ctx, g.s.db, metricOperands(Best, g.q.filter, goalTerms(g.metrics)), g.q.experiments)
	if err != nil {
		return nil, err
	}
	set, err := g.s.wholeSet(ctx, g.r, g.q)
	if err != nil {
		return nil, err
	}
	var known bool
	if g.scope, known, err = g.s.scopeOf(ctx, g.r.Experiments, MaxExperiments); err != nil {
		return nil, err
	}
	g.whole = set.whole
	into := grouper{width: len(g.metrics), groups: map[string]*Group{}}
	if err := g.read(ctx, &into, known); err != nil {
		return nil, fmt.Errorf("aggregate: %w", err)
	}
	return into.list, nil
}

// grouper gathers groups.
type grouper struct {
	width  int
	groups map[string]*Group
	list   []*Group
	name   []byte
	bytes  int
}

func errTooManyGroups() error {
	return errs.Field("groupBy", "makes more than %d groups, or more than %d bytes of their keys: group by less, or filter the runs",
		MaxGroups, maxGroupBytes)
}

// group gives the group of keys.
func (g *grouper) group(keys []keyCell) (*Group, error) {
	g.name = g.name[:0]
	for _, k := range keys {
		if k.null {
			g.name = binary.AppendUvarint(g.name, 0)
			continue
		}
		g.name = binary.AppendUvarint(g.name, uint64(len(k.text))+1)
		g.name = append(g.name, k.text...)
	}
	if found := g.groups[string(g.name)]; found != nil {
		return found, nil
	}
	if g.bytes += len(g.name); len(g.list) == MaxGroups || g.bytes > maxGroupBytes {
		return nil, errTooManyGroups()
	}
	out := &Group{Keys: make([]*string, len(keys)), Metrics: make([]Moments, g.width)}
	for i, k := range keys {
		if !k.null {
			text := string(k.text)
			out.Keys[i] = &text
		}
	}
	g.groups[string(g.name)] = out
	g.list = append(g.list, out)
	return out, nil
}

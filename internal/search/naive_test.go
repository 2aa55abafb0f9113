package search

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/cairnml/cairn/internal/store"
)

// series is what is kept of a metric: its values by function; NaN where there is none.
type series map[Func]float64

// naiveRun is a run as a plain value, and the reference for what a search must find.
type naiveRun struct {
	pk, experiment      int
	id, name, user      string
	status, uri, parent string
	start               int64
	end                 *int64
	deleted             bool
	params, tags        map[string]string
	metrics             map[string]series
	datasets            []map[string]string // name, digest, context
}

// naive evaluates filters and orders on plain values, in the most direct way.
type naive struct {
	runs []*naiveRun
	// goals says by experiment and key whether less is better.
	minimize map[int]map[string]bool
}

func (n *naive) metric(r *naiveRun, o Operand) (float64, bool) {
	s, ok := r.metrics[o.Key]
	if !ok {
		return 0, false
	}
	fn := o.Func
	if fn == Best {
		if fn = Max; n.minimize[r.experiment][o.Key] {
			fn = Min
		}
	}
	return s[fn], true
}

func (r *naiveRun) attribute(name string) (text string, number int64, isText, present bool) {
	switch name {
	case "run_id":
		return r.id, 0, true, true
	case "run_name":
		return r.name, 0, true, true
	case "user_id":
		return r.user, 0, true, true
	case "status":
		return r.status, 0, true, true
	case "artifact_uri":
		return r.uri, 0, true, true
	case "parent_run_id":
		return r.parent, 0, true, true
	case "start_time":
		return "", r.start, false, true
	case "experiment_id":
		return "", int64(r.experiment), false, true
	case "end_time":
		if r.end == nil {
			return "", 0, false, false
		}
		return "", *r.end, false, true
	}
	return "", 0, true, true // created_by, updated_by: empty in the test
}

func (n *naive) matches(r *naiveRun, e Expr) bool {
	switch e := e.(type) {
	case *And:
		for _, t := range e.Terms {
			if !n.matches(r, t) {
				return false
			}
		}
		return true
	case *Or:
		return slices.ContainsFunc(e.Terms, func(t Expr) bool { return n.matches(r, t) })
	case *Not:
		return !n.matches(r, e.Term)
	}
	c := e.(*Comparison)
	switch c.Left.Entity {
	case Metric:
		v, ok := n.metric(r, c.Left)
		return present(c.Op, ok, func() bool { return compareNumbers(v, c.Op, c.Value) })
	case Param:
		v, ok := r.params[c.Left.Key]
		return present(c.Op, ok, func() bool { return compareParam(v, c) })
	case Tag:
		v, ok := r.tags[c.Left.Key]
		return present(c.Op, ok, func() bool { return compareTexts(v, c.Op, c.Value) })
	case Dataset:
		return slices.ContainsFunc(r.datasets, func(d map[string]string) bool {
			v := d[c.Left.Key]
			return (c.Left.Key != "context" || v != "") && compareTexts(v, c.Op, c.Value)
		})
	case Attribute:
		text, number, isText, ok := r.attribute(c.Left.Key)
		return present(c.Op, ok, func() bool {
			if isText {
				return compareTexts(text, c.Op, c.Value)
			}
			return compareNumbers(float64(number), c.Op, c.Value)
		})
	}
	return false
}

// present answers IS NULL and IS NOT NULL, and false for what is not there.
func present(op Op, ok bool, compare func() bool) bool {
	switch op {
	case IsNull:
		return !ok
	case IsNotNull:
		return ok
	}
	return ok && compare()
}

func compareParam(v string, c *Comparison) bool {
	if c.Value.holds(NumberValue) {
		f, ok := store.Number(v)
		return ok && compareNumbers(f, c.Op, c.Value)
	}
	return compareTexts(v, c.Op, c.Value)
}

func compareNumbers(v float64, op Op, value Value) bool {
	w := value.Number.Float
	in := slices.ContainsFunc(value.List, func(x Value) bool { return x.Number.Float == v })
	switch op {
	case Equal:
		return v == w
	case NotEqual:
		return v != w
	case Less:
		return v < w
	case LessEqual:
		return v <= w
	case Greater:
		return v > w
	case GreaterEqual:
		return v >= w
	case In:
		return in
	case NotIn:
		return !in
	}
	return false
}

func compareTexts(v string, op Op, value Value) bool {
	in := slices.ContainsFunc(value.List, func(x Value) bool { return x.Text == v })
	switch op {
	case Equal:
		return v == value.Text
	case NotEqual:
		return v != value.Text
	case In:
		return in
	case NotIn:
		return !in
	case Like:
		return likeRegexp(value.Text).MatchString(v)
	case ILike:
		return likeRegexp(asciiLower(value.Text)).MatchString(asciiLower(v))
	}
	return false
}

func likeRegexp(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for _, r := range pattern {
		switch r {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(b.String() + `\z`)
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 32
		}
		return r
	}, s)
}

// find gives the ids of the matching runs in order.
func (n *naive) find(e Expr, order []OrderTerm, view View, experiments []int, paramsAsText bool) []string {
	var found []*naiveRun
	for _, r := range n.runs {
		inView := view == All || r.deleted == (view == Deleted)
		if inView && (experiments == nil || slices.Contains(experiments, r.experiment)) && n.matches(r, e) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *naiveRun) int {
		for _, t := range order {
			if c := n.compare(a, b, t, paramsAsText); c != 0 {
				return c
			}
		}
		return cmp.Or(cmp.Compare(b.start, a.start), cmp.Compare(a.id, b.id))
	})
	ids := make([]string, len(found))
	for i, r := range found {
		ids[i] = r.id
	}
	return ids
}

func (n *naive) isChild(id string) bool {
	return slices.ContainsFunc(n.runs, func(r *naiveRun) bool { return r.id == id && r.parent != "" })
}

func (n *naive) compare(a, b *naiveRun, t OrderTerm, paramsAsText bool) int {
	ca, na, ta := n.sortKey(a, t, paramsAsText)
	cb, nb, tb := n.sortKey(b, t, paramsAsText)
	if ca != cb {
		return cmp.Compare(ca, cb)
	}
	c := cmp.Or(cmp.Compare(na, nb), cmp.Compare(ta, tb))
	if t.Desc {
		return -c
	}
	return c
}

func (n *naive) sortKey(r *naiveRun, t OrderTerm, paramsAsText bool) (class int, number float64, text string) {
	switch t.Entity {
	case Metric:
		v, ok := n.metric(r, t.Operand)
		if !ok {
			return 2, 0, ""
		}
		if math.IsNaN(v) {
			return 1, 0, ""
		}
		return 0, v, ""
	case Param:
		v, ok := r.params[t.Key]
		if !ok {
			return 2, 0, ""
		}
		if f, isNumber := store.Number(v); isNumber && !paramsAsText {
			return 0, f, ""
		}
		return 1, 0, v
	case Tag:
		v, ok := r.tags[t.Key]
		if !ok {
			return 2, 0, ""
		}
		return 0, 0, v
	case Attribute:
		v, number, isText, ok := r.attribute(t.Key)
		if !ok {
			return 2, 0, ""
		}
		if isText {
			return 0, 0, v
		}
		return 0, float64(number), ""
	}
	return 0, 0, ""
}

// filterGen says what random filters are made of.
type filterGen struct {
	metrics, params, tags, texts *rapid.Generator[string]
	numbers                      *rapid.Generator[float64]
}

func randomFilter(t *rapid.T, g filterGen) Expr { return g.expr(t, 3) }

func (g filterGen) expr(t *rapid.T, depth int) Expr {
	kind := rapid.IntRange(0, 5).Draw(t, "node")
	if depth == 0 {
		kind = 5
	}
	switch kind {
	case 0:
		return &Not{Term: g.expr(t, depth-1)}
	case 1, 2:
		terms := make([]Expr, rapid.IntRange(2, 3).Draw(t, "terms"))
		for i := range terms {
			terms[i] = g.expr(t, depth-1)
		}
		if kind == 1 {
			return &And{Terms: terms}
		}
		return &Or{Terms: terms}
	}
	return g.comparison(t)
}

func (g filterGen) comparison(t *rapid.T) *Comparison {
	c := &Comparison{Left: g.operand(t, true)}
	numeric := c.Left.Entity == Metric
	ops := textOps
	switch c.Left.Entity {
	case Param:
		numeric = rapid.Bool().Draw(t, "numeric")
	case Attribute:
		typ := subjects[OfRuns].attributes[c.Left.Key].typ
		numeric = typ != textColumn
		if typ == idColumn {
			ops = idOps
		}
	}
	if numeric && c.Left.Key != "experiment_id" {
		ops = numberOps
	}
	if subjects[OfRuns].nullable(c.Left) {
		ops = append(slices.Clone(ops), IsNull, IsNotNull)
	}
	c.Op = rapid.SampledFrom(ops).Draw(t, "op")
	value := func() Value {
		if !numeric {
			return Value{Kind: TextValue, Text: g.texts.Draw(t, "text")}
		}
		f := g.numbers.Draw(t, "number")
		if c.Left.Key == "experiment_id" {
			f = math.Trunc(math.Mod(f, 10))
		}
		v := Value{Kind: NumberValue, Number: Number{Float: f}}
		if f == math.Trunc(f) && math.Abs(f) < 1e15 {
			v.Number = Number{Float: f, Int: int64(f), IsInt: true}
		}
		return v
	}
	switch c.Op {
	case IsNull, IsNotNull:
	case In, NotIn:
		c.Value.Kind = ListValue
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			c.Value.List = append(c.Value.List, value())
		}
	default:
		c.Value = value()
	}
	return c
}

func (g filterGen) operand(t *rapid.T, datasets bool) Operand {
	entities := []Entity{Metric, Metric, Param, Tag, Attribute}
	if datasets {
		entities = append(entities, Dataset)
	}
	switch o := (Operand{Entity: rapid.SampledFrom(entities).Draw(t, "entity")}); o.Entity {
	case Metric:
		o.Key = g.metrics.Draw(t, "metric")
		o.Func = rapid.SampledFrom(functions).Draw(t, "func")
		return o
	case Param:
		o.Key = g.params.Draw(t, "param")
		return o
	case Tag:
		o.Key = g.tags.Draw(t, "tag")
		return o
	case Dataset:
		o.Key = rapid.SampledFrom([]string{"name", "digest", "context"}).Draw(t, "property")
		return o
	default:
		all := []string{"run_id", "run_name", "user_id", "status", "start_time", "end_time", "artifact_uri", "experiment_id",
			"parent_run_id", "created_by", "updated_by"}
		o.Key = rapid.SampledFrom(all).Draw(t, "attribute")
		return o
	}
}

package search

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/ent/loggedmodelmetric"
	"github.com/cairnml/cairn/ent/metricseries"
	"github.com/cairnml/cairn/internal/store"
)

// compiler turns a checked filter into a condition on the subject's table, which has the alias r. Every condition is true
// or false and never NULL, so that NOT and OR mean what they say.
type compiler struct {
	fragment
	subject *subject
	guide   store.Guide
	goals   goals
	// datasets restricts the metrics of logged models to those measured on one of them.
	datasets []DatasetFilter
	// row is where the row is that is asked about.
	row rowAt
	// drive is the comparison by which rows are found, where there is one.
	drive *Comparison
}

// rowAt says how a statement names a row's id, and the experiment that it is in; "" where that is not at hand.
type rowAt struct {
	id, experiment string
	// found: it is one of few, so that what is asked of it is looked up row by row.
	found bool
}

var (
	// anyRow is a row of the subject's table, all of which are looked at.
	anyRow = rowAt{id: "r.id", experiment: "r.experiment_id"}
	// foundRow is a row of the subject's table of which an index gave the id, and foundID is the id alone.
	foundRow = rowAt{id: "r.id", experiment: "r.experiment_id", found: true}
	foundID  = rowAt{id: "c.run", experiment: "c.exp", found: true}
)

func (c *compiler) expr(e Expr) {
	switch e := e.(type) {
	case *And:
		c.terms(e.Terms, " AND ", "1 = 1")
	case *Or:
		c.terms(e.Terms, " OR ", "1 = 0")
	case *Not:
		c.sql("NOT (")
		c.expr(e.Term)
		c.sql(")")
	case *Comparison:
		c.comparison(e)
	}
}

func (c *compiler) terms(terms []Expr, between, none string) {
	if len(terms) == 0 {
		c.sql(none)
		return
	}
	for i, term := range terms {
		if i > 0 {
			c.sql(between)
		}
		c.sql("(")
		c.expr(term)
		c.sql(")")
	}
}

func (c *compiler) comparison(e *Comparison) {
	switch e.Left.Entity {
	case Attribute:
		a := c.subject.attributes[e.Left.Key]
		c.attribute(a, e)
	case Metric:
		c.metric(e)
	case Param:
		switch {
		case c.subject.params.index != "" && e.Op == Equal && e.Value.Kind == TextValue:
			c.equalValue(*c.subject.params, e)
		case e.Value.Kind != NoValue && e.Value.holds(NumberValue):
			c.keyed(*c.subject.params, "k."+c.subject.params.number, e)
		default:
			c.keyed(*c.subject.params, "k.value", e)
		}
	case Tag:
		switch {
		case c.subject.tags.index != "" && e.Op == Equal:
			c.equalValue(c.subject.tags, e)
			return
		case e == c.drive:
			c.hasTag(e)
			return
		case e.Op == NotEqual && slices.Contains(c.subject.unset, e.Left.Key):
			c.sql("NOT ")
			c.keyed(c.subject.tags, "k.value", &Comparison{Left: e.Left, Op: Equal, Value: e.Value})
			return
		}
		c.keyed(c.subject.tags, "k.value", e)
	case Dataset:
		c.dataset(e)
	}
}

// equalValue asks for a value in the index of values: rows with the same value lie together there, and not in the table.
func (c *compiler) equalValue(t keyed, e *Comparison) {
	c.sql("EXISTS (SELECT 1 FROM ", t.table, " k", c.guide.By(t.index), " WHERE k.experiment_id = ", c.row.experiment, " AND k.key = ")
	c.arg(e.Left.Key)
	c.sql(" AND ")
	c.hasValue("k", t, e.Value)
	c.sql(" AND k.", t.owner, " = ", c.row.id)
	c.endExists()
}

// hasTag finds the rows that have a tag with a value.
func (c *compiler) hasTag(e *Comparison) {
	c.sql("r.id IN (")
	c.tagged(c.subject.tags, e)
	c.sql(")")
}

// tagged gives the rows, by their ids, that have a tag with a value.
func (f *fragment) tagged(t keyed, e *Comparison) {
	f.sql("SELECT k.", t.owner, " FROM ", t.table, " k WHERE k.key = ")
	f.arg(e.Left.Key)
	f.sql(" AND ")
	f.hasValue("k", t, e.Value)
}

// endExists ends a condition that there be a row of another table.
func (c *compiler) endExists() {
	if c.row.found {
		c.sql(c.guide.Singly())
	}
	c.sql(")")
}

// hasValue compares a row of params or tags with a text, in words that an index of values serves.
func (f *fragment) hasValue(alias string, t keyed, v Value) {
	if t.number != "" {
		if number, ok := store.Number(v.Text); ok {
			f.sql(alias, ".", t.number, " = ")
			f.arg(number)
		} else {
			f.sql(alias, ".", t.number, " IS NULL")
		}
		f.sql(" AND ")
	}
	f.sql(alias, ".value_prefix = ")
	f.arg(store.ValuePrefix(v.Text))
	if len(v.Text) >= store.MaxValuePrefix {
		f.sql(" AND ", alias, ".value = ")
		f.arg(v.Text)
	}
}

// keyed asks for a row of a table of keys and values.
func (c *compiler) keyed(t keyed, column string, e *Comparison) {
	if e.Op == IsNull {
		c.sql("NOT ")
	}
	c.sql("EXISTS (SELECT 1 FROM ", t.table, " k WHERE k.", t.owner, " = ", c.row.id, " AND k.key = ")
	c.arg(e.Left.Key)
	if e.Value.Kind != NoValue {
		c.sql(" AND ")
		c.condition(column, e.Op, e.Value)
	}
	c.endExists()
}

func (c *compiler) metric(e *Comparison) {
	if e.Op == IsNull {
		c.sql("NOT ")
	}
	column := "k.value"
	if c.subject.metricFuncs {
		column = c.goals.column("k", e.Left)
		c.sql("EXISTS (SELECT 1 FROM ", metricseries.Table, " k WHERE k.run_id = ", c.row.id, " AND k.key = ")
	} else {
		c.sql("EXISTS (SELECT 1 FROM ", loggedmodelmetric.Table, " k WHERE k.logged_model_id = ", c.row.id, " AND k.key = ")
	}
	c.arg(e.Left.Key)
	if !c.subject.metricFuncs {
		c.onDatasets("k", c.datasets)
	}
	switch e.Op {
	case IsNull, IsNotNull:
	case isNaN:
		c.sql(" AND ", column, " IS NULL")
	case NotEqual, NotIn:
		// NaN, which is NULL here, is unequal to every number.
		c.sql(" AND (", column, " IS NULL OR ")
		c.condition(column, e.Op, e.Value)
		c.sql(")")
	default:
		c.sql(" AND ")
		c.condition(column, e.Op, e.Value)
	}
	c.endExists()
}

// onDatasets restricts points of logged models to those measured on one of the datasets.
func (f *fragment) onDatasets(alias string, datasets []DatasetFilter) {
	for i, d := range datasets {
		if i == 0 {
			f.sql(" AND (")
		} else {
			f.sql(" OR ")
		}
		f.sql("(", alias, ".dataset_name = ")
		f.arg(d.Name)
		if d.Digest != "" {
			f.sql(" AND ", alias, ".dataset_digest = ")
			f.arg(d.Digest)
		}
		f.sql(")")
	}
	if len(datasets) > 0 {
		f.sql(")")
	}
}

func (c *compiler) dataset(e *Comparison) {
	c.sql("EXISTS (SELECT 1 FROM run_inputs i JOIN datasets d ON d.id = i.dataset_id WHERE i.run_id = ", c.row.id, " AND ")
	if e.Left.Key == "context" { // an input without a context has none to compare
		c.sql("i.context <> '' AND ")
	}
	c.condition(datasetAttributes[e.Left.Key].column, e.Op, e.Value)
	c.endExists()
}

func (c *compiler) attribute(a attribute, e *Comparison) {
	switch {
	case e.Op == IsNull:
		c.sql(a.column, " IS NULL")
	case e.Op == IsNotNull:
		c.sql(a.column, " IS NOT NULL")
	case a.nullable:
		c.sql("(", a.column, " IS NOT NULL AND ")
		c.attributeValue(a, e)
		c.sql(")")
	default:
		c.attributeValue(a, e)
	}
}

func (c *compiler) attributeValue(a attribute, e *Comparison) {
	if a.within != "" && (e.Op == Equal || e.Op == In) {
		c.condition(a.within, e.Op, e.Value)
		c.sql(")")
		return
	}
	if a.typ == textColumn {
		c.condition(a.column, e.Op, e.Value)
		return
	}
	c.integer(a.column, e.Op, e.Value)
}

// integer compares a column of integers. PostgreSQL takes no fraction as one, and an index none at all, so the fraction is
// resolved here.
func (c *compiler) integer(column string, op Op, v Value) {
	if v.Kind == ListValue {
		var whole []int64
		for _, item := range v.List {
			if n, exact := item.Number.floor(); exact {
				whole = append(whole, n)
			}
		}
		switch {
		case len(whole) > 0:
			c.sql(column, " ", string(op), " ")
			argList(&c.fragment, whole)
		case op == In:
			c.sql("1 = 0")
		default:
			c.sql("1 = 1")
		}
		return
	}
	n, exact := v.Number.floor()
	if !exact {
		switch op {
		case Equal:
			c.sql("1 = 0")
			return
		case NotEqual:
			c.sql("1 = 1")
			return
		case Greater, GreaterEqual: // beyond 2.5 means beyond 2; beyond what fits no integer, false
			op = Greater
			if v.Number.Float < math.MinInt64 {
				op, n = GreaterEqual, math.MinInt64
			}
		case Less, LessEqual: // below 2.5 means at most 2
			op = LessEqual
			if v.Number.Float < math.MinInt64 {
				op, n = Less, math.MinInt64
			}
		default:
		}
	}
	c.sql(column, " ", sqlOp(op), " ")
	c.arg(n)
}

// floor gives the greatest integer that is not greater, as far as 64 bits go, and whether it is equal.
func (n Number) floor() (int64, bool) {
	if n.IsInt {
		return n.Int, true
	}
	f := math.Floor(n.Float)
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64, false
	case f < math.MinInt64:
		return math.MinInt64, false
	}
	return int64(f), f == n.Float
}

// sqlOp writes an operator as both databases know it.
func sqlOp(op Op) string {
	if op == NotEqual {
		return "<>"
	}
	return string(op)
}

// condition compares a column that is not NULL, or whose NULL may count as no match, with texts or floating numbers.
func (c *compiler) condition(column string, op Op, v Value) {
	switch op {
	case Like, ILike:
		c.like(column, v.Text, op == ILike)
		return
	case In, NotIn:
		c.sql(column, " ", string(op), " ")
		values := make([]any, len(v.List))
		for i, item := range v.List {
			values[i] = item.bound()
		}
		argList(&c.fragment, values)
		return
	default:
	}
	c.sql(column, " ", sqlOp(op), " ")
	c.arg(v.bound())
}

func (v Value) bound() any {
	if v.Kind == NumberValue {
		return v.Number.Float
	}
	return v.Text
}

// like matches with % and _, without an escape, on the whole text; it is case-sensitive on both databases (on SQLite by
// the store's pragma). ILIKE folds the letters A to Z alone: SQLite knows no others, and PostgreSQL must not differ.
func (c *compiler) like(column, pattern string, fold bool) {
	if fold {
		pattern = strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, pattern)
		if c.guide.Postgres {
			column += ` COLLATE "C"`
		}
		column = "lower(" + column + ")"
	}
	c.sql(column, " LIKE ")
	c.arg(pattern)
	if c.guide.Postgres {
		c.sql(" ESCAPE ''")
	}
}

// metricOperands gives the keys of the metrics that are asked for with a function.
func metricOperands(fn Func, e Expr, terms []OrderTerm) []string {
	var keys []string
	add := func(o Operand) {
		if o.Entity == Metric && o.Func == fn && !slices.Contains(keys, o.Key) {
			keys = append(keys, o.Key)
		}
	}
	walk(e, func(c *Comparison) { add(c.Left) })
	for _, t := range terms {
		add(t.Operand)
	}
	return keys
}

// walk visits the comparisons of a filter.
func walk(e Expr, visit func(*Comparison)) {
	switch e := e.(type) {
	case *And:
		for _, t := range e.Terms {
			walk(t, visit)
		}
	case *Or:
		for _, t := range e.Terms {
			walk(t, visit)
		}
	case *Not:
		walk(e.Term, visit)
	case *Comparison:
		visit(e)
	}
}

func joinAlias(n int) string { return "o" + strconv.Itoa(n) }

// usesAttributes tells whether a filter needs the row itself, and not only its id.
func usesAttributes(e Expr) (uses bool) {
	walk(e, func(c *Comparison) { uses = uses || c.Left.Entity == Attribute })
	return uses
}

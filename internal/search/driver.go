package search

import (
	"github.com/cairnml/cairn/ent/metricseries"
	"github.com/cairnml/cairn/internal/store"
)

// driver reads runs from a table, alias d, in the order of a value, which is never NULL there. Rows with the same value come
// in an order that the index has, too, and that means nothing else.
type driver struct {
	table, index string
	run, scope   string // columns of the run's id, of the experiment,
	stage        string // and, where rows differ in it, of the lifecycle stage
	lead         string // a column that stands before the value in the index, and is the same in all rows
	order        keyset
	where        fragment
	own          func(Expr) bool      // tells the conditions that are asked of d itself
	keys         []sortColumn         // the sort columns that the value decides
	join         fragment             // what they need beside d
	terms        int                  // terms of the query that they stand for
	begin        func(key any) any    // the value of rows that have a sort key, where these differ
	same         func(value any) Expr // the condition to have a value, nil where there is none
	total        bool                 // rows come in the order of the query
	sorts        bool                 // the index has the value, but not in order
}

func (d *driver) value() sortColumn { return d.order.columns[0] }

// keysOf gives the sort keys of rows that have a value.
func (d *driver) keysOf(value any) []any {
	if text, ok := value.([]byte); ok {
		return []any{string(text)}
	}
	keys := []any{value}
	for range d.keys[1:] {
		keys = append(keys, "")
	}
	return keys
}

// metricDriver reads runs in the order of a metric; nil where no index has the value.
func (f *finder) metricDriver(term OrderTerm) *driver {
	column, indexed := f.indexedMetric(term.Operand)
	if !indexed {
		return nil
	}
	d := &driver{
		table: metricseries.Table, index: metricIndex, run: "d.run_id", scope: "d.experiment_id", terms: 1,
		order: keyset{columns: []sortColumn{{column, floatKey, term.Desc}, {"d.run_id", integerKey, term.Desc}}},
		keys:  []sortColumn{{"f.v0", floatKey, term.Desc}},
		sorts: column != "d.last_value",
	}
	d.where.sql(" AND d.key = ")
	d.where.arg(term.Key)
	d.where.sql(" AND ", column, " IS NOT NULL")
	d.own = func(e Expr) bool {
		c, ok := e.(*Comparison)
		if !ok || c.Left.Entity != Metric || c.Left.Key != term.Key {
			return false
		}
		_, indexed := f.indexedMetric(c.Left)
		return indexed && c.Op != IsNull && c.Op != IsNotNull && c.Op != NotEqual && c.Op != NotIn
	}
	d.same = func(value any) Expr { return equals(term.Operand, number(value)) }
	return d
}

// numberDriver reads runs in the order of a param that is a number.
func (f *finder) numberDriver(term OrderTerm) *driver {
	t := f.sub.params
	column := "d." + t.number
	d := &driver{
		table: t.table, index: t.index, run: "d.run_id", scope: "d.experiment_id", terms: 1,
		order: keyset{columns: []sortColumn{
			{column, floatKey, term.Desc}, {"d.value_prefix", bytesKey, term.Desc}, {"d.run_id", integerKey, term.Desc},
		}},
		keys: []sortColumn{{"f.v0", floatKey, term.Desc}, {"CAST('' AS text)", textKey, term.Desc}},
	}
	d.where.sql(" AND d.key = ")
	d.where.arg(term.Key)
	d.where.sql(" AND ", column, " IS NOT NULL")
	d.own = func(e Expr) bool {
		c, ok := e.(*Comparison)
		return ok && c.Left.Entity == Param && c.Left.Key == term.Key && c.Value.Kind != NoValue && c.Value.holds(NumberValue) &&
			c.Op != NotEqual && c.Op != NotIn
	}
	d.same = func(value any) Expr { return equals(term.Operand, number(value)) }
	return d
}

// textDriver reads runs in the order of the beginning of a param's or tag's value; of a param, only where it is no number.
func (f *finder) textDriver(t keyed, term OrderTerm, at int) *driver {
	return f.textsDriver(t, term, at, false)
}

// mixedDriver reads runs in the order of the beginning of a param's value, also where it is a number.
func (f *finder) mixedDriver(term OrderTerm, at int) *driver {
	return f.textsDriver(*f.sub.params, term, at, true)
}

func (f *finder) textsDriver(t keyed, term OrderTerm, at int, mixed bool) *driver {
	alias := joinAlias(at)
	d := &driver{
		table: t.table, index: t.index, run: "d.run_id", scope: "d.experiment_id", terms: 1,
		order: keyset{columns: []sortColumn{{"d.value_prefix", bytesKey, term.Desc}, {"d.run_id", integerKey, term.Desc}}},
		own:   func(Expr) bool { return false },
		begin: func(key any) any { return store.ValuePrefix(key.(string)) },
		sorts: mixed,
	}
	d.where.sql(" AND d.key = ")
	d.where.arg(term.Key)
	if t.number != "" && !mixed {
		d.lead = "d." + t.number
		d.where.sql(" AND ", d.lead, " IS NULL")
	}
	a := arranger{subject: f.sub, guide: f.guide, fenced: true}
	a.join(alias, t, term.Key)
	a.add(alias+".value", textKey, term.Desc)
	d.keys, d.join = a.columns, a.joins
	d.same = func(value any) Expr {
		text := value.([]byte)
		if len(text) == store.MaxValuePrefix { // of these values, the rest is not known
			return nil
		}
		return equals(term.Operand, Value{Kind: TextValue, Text: string(text)})
	}
	return d
}

// runIndex has runs by experiment and lifecycle stage, newest first.
const runIndex = "run_list"

// runDriver reads runs in the order of their start: newest first, it is the order of the index, which goes on by run_id.
func (f *finder) runDriver(desc bool, at int) *driver {
	d := &driver{
		table: "runs", index: runIndex, run: "d.id", scope: "d.experiment_id", stage: "d.lifecycle_stage",
		order: keyset{columns: []sortColumn{{"d.start_time", integerKey, desc}, {"d.run_id", textKey, !desc}}},
		own:   func(Expr) bool { return false },
		keys:  []sortColumn{{startTime, integerKey, desc}},
	}
	if at < len(f.q.order) {
		d.terms = 1
	}
	rest := f.columns(at, true).columns[1:]
	d.total = desc && len(rest) == 1 && rest[0].expr == "r.run_id" && !rest[0].desc
	return d
}

func equals(o Operand, v Value) Expr { return &Comparison{Left: o, Op: Equal, Value: v} }

func number(value any) Value {
	return Value{Kind: NumberValue, Number: Number{Float: value.(float64)}}
}

package search

import (
	"strconv"
	"strings"
)

// Expr is a node of a filter: *And, *Or, *Not or *Comparison. A filter is two-valued: what a run does not have makes a
// comparison false, and NOT turns false into true.
type Expr interface {
	// Pos is where the node begins, in characters from 1.
	Pos() int
	// String writes the node in one normal form, which parses to the same node.
	String() string
	write(b *strings.Builder)
}

// And is true when all its terms are; without terms it is the empty filter.
type And struct {
	Terms []Expr
	At    int
}

// Or is true when one of its terms is.
type Or struct {
	Terms []Expr
	At    int
}

// Not is true when its term is not.
type Not struct {
	Term Expr
	At   int
}

// Comparison compares what an operand names with a value.
type Comparison struct {
	Left Operand
	Op   Op
	// Value is empty for IS NULL and IS NOT NULL, and its List is set for IN and NOT IN.
	Value Value
	At    int
}

// Entity is what a filter asks about.
type Entity string

// The entities, under the names that MLflow gives first.
const (
	Attribute Entity = "attributes"
	Metric    Entity = "metrics"
	Param     Entity = "params"
	Tag       Entity = "tags"
	Dataset   Entity = "datasets"
)

// Func says which value of a metric is meant.
type Func string

// Last is the value of the greatest (step, timestamp, value), and what a metric without a function means. Best is Min or
// Max, as the experiment's goal for the metric says. Min and Max ignore NaN.
const (
	Last  Func = "last"
	First Func = "first"
	Min   Func = "min"
	Max   Func = "max"
	Best  Func = "best"
)

// Operand names a value of a run, an experiment or a logged model.
type Operand struct {
	Entity Entity
	// Key is the key of a metric, param or tag, or the canonical name of an attribute.
	Key string
	// Func is set for metrics, and for them only.
	Func Func
	At   int
}

// Op is an operator.
type Op string

// The operators.
const (
	Equal        Op = "="
	NotEqual     Op = "!="
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
	Like         Op = "LIKE"
	ILike        Op = "ILIKE"
	In           Op = "IN"
	NotIn        Op = "NOT IN"
	IsNull       Op = "IS NULL"
	IsNotNull    Op = "IS NOT NULL"
)

// isNaN is an operator that no filter can write: a search asks so itself for metrics that are NaN.
const isNaN Op = "IS NaN"

// Number is a number of a filter. An integer that fits 64 bits is kept exactly.
type Number struct {
	Float float64
	Int   int64
	IsInt bool
}

// ValueKind tells the kinds of values apart.
type ValueKind int

// The kinds of values.
const (
	NoValue ValueKind = iota
	TextValue
	NumberValue
	ListValue
)

// Value is the right side of a comparison.
type Value struct {
	Kind   ValueKind
	Text   string
	Number Number
	List   []Value
	At     int
}

// Pos is where the first term begins.
func (e *And) Pos() int { return e.At }

// Pos is where the first term begins.
func (e *Or) Pos() int { return e.At }

// Pos is where the NOT stands.
func (e *Not) Pos() int { return e.At }

// Pos is where the operand begins.
func (e *Comparison) Pos() int { return e.At }

func (e *And) String() string        { return toString(e) }
func (e *Or) String() string         { return toString(e) }
func (e *Not) String() string        { return toString(e) }
func (e *Comparison) String() string { return toString(e) }

func toString(e Expr) string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *And) write(b *strings.Builder) { writeTerms(b, e.Terms, " AND ") }
func (e *Or) write(b *strings.Builder)  { writeTerms(b, e.Terms, " OR ") }

func writeTerms(b *strings.Builder, terms []Expr, between string) {
	for i, term := range terms {
		if i > 0 {
			b.WriteString(between)
		}
		writeTerm(b, term)
	}
}

func writeTerm(b *strings.Builder, term Expr) {
	switch term.(type) {
	case *And, *Or:
		b.WriteByte('(')
		term.write(b)
		b.WriteByte(')')
	default:
		term.write(b)
	}
}

func (e *Not) write(b *strings.Builder) {
	b.WriteString("NOT ")
	writeTerm(b, e.Term)
}

func (e *Comparison) write(b *strings.Builder) {
	b.WriteString(e.Left.String())
	b.WriteByte(' ')
	b.WriteString(string(e.Op))
	if e.Value.Kind != NoValue {
		b.WriteByte(' ')
		e.Value.write(b)
	}
}

// String writes the operand as a filter has it.
func (o Operand) String() string {
	name := string(o.Entity) + ".`" + strings.ReplaceAll(o.Key, "`", "``") + "`"
	if o.Func != "" && o.Func != Last {
		return string(o.Func) + "(" + name + ")"
	}
	return name
}

func (v Value) write(b *strings.Builder) {
	switch v.Kind {
	case TextValue:
		b.WriteString("'" + strings.ReplaceAll(v.Text, "'", "''") + "'")
	case NumberValue:
		if v.Number.IsInt {
			b.WriteString(strconv.FormatInt(v.Number.Int, 10))
		} else {
			b.WriteString(strconv.FormatFloat(v.Number.Float, 'e', -1, 64))
		}
	case ListValue:
		b.WriteByte('(')
		for i, item := range v.List {
			if i > 0 {
				b.WriteString(", ")
			}
			item.write(b)
		}
		b.WriteByte(')')
	case NoValue:
	}
}

package graph

import (
	"math"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cairnml/cairn/internal/errs"
)

// Limits bound what one operation may ask for. They are checked before anything is run.
type Limits struct {
	// Depth is how deep fields may be nested; introspection, which has a bound of its own, does not count.
	Depth int
	// Aliases is how many fields may be renamed, so that one field is not asked for a thousand times.
	Aliases int
	// Fields is how many fields an operation may have when its fragments are written out.
	Fields int
	// Breadth is how many fields one object may be asked for at one place, fragments written out.
	Breadth int
	// Cost bounds what an operation costs, as the directives of the schema say.
	Cost int
	// Tokens bounds the length of the text, in lexical tokens.
	Tokens int
}

// DefaultLimits let a page of 1,000 runs have a table's worth of fields, and introspection pass.
var DefaultLimits = Limits{Depth: 15, Aliases: 100, Fields: 1_000, Breadth: 200, Cost: 1_000_000, Tokens: 10_000}

// size is what limits speak of, of a part of an operation.
type size struct {
	depth, aliases, fields, cost int
	// width is how many fields stand side by side; breadth the greatest width of all that is below.
	width, breadth int
}

func (s size) plus(other size) size {
	return size{
		depth:   max(s.depth, other.depth),
		aliases: add(s.aliases, other.aliases),
		fields:  add(s.fields, other.fields),
		cost:    add(s.cost, other.cost),
		width:   add(s.width, other.width),
		breadth: max(s.breadth, other.breadth),
	}
}

// add and multiply stop at the largest number: fragments that double each other reach it soon.
func add(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

func multiply(a, b int) int {
	if a > 0 && b > math.MaxInt/a {
		return math.MaxInt
	}
	return a * b
}

// checkShape tells which bound a request breaks by its text alone. It comes before validation, which compares fields of a
// selection with each other and would take seconds for thousands of them.
func (l Limits) checkShape(doc *ast.QueryDocument) *errs.Error {
	m := measure{named: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)), fragments: map[measured]size{}}
	written := 0
	for _, f := range doc.Fragments {
		m.named[f.Name] = f
		written += fieldsIn(f.SelectionSet)
	}
	var s size
	for _, op := range doc.Operations {
		written += fieldsIn(op.SelectionSet)
		one := m.selections(op.SelectionSet, sized{})
		one.breadth, one.width = max(one.breadth, one.width), 0
		s = s.plus(one)
	}
	switch fields := max(written, s.fields); {
	case s.depth > l.Depth:
		return over("levels of fields", s.depth, l.Depth, "nest less, or ask in two steps")
	case s.aliases > l.Aliases:
		return over("aliases", s.aliases, l.Aliases, "ask for lists, for example params(keys: [...])")
	case fields > l.Fields:
		return over("fields", fields, l.Fields, "ask for fewer fields")
	case s.breadth > l.Breadth:
		return over("fields side by side", s.breadth, l.Breadth, "ask for fewer fields of one object, or in several operations")
	}
	return nil
}

// checkCost tells whether an operation, which is valid, costs too much with its variables.
func (l Limits) checkCost(op *graphql.OperationContext) *errs.Error {
	m := measure{variables: op.Variables, fragments: map[measured]size{}}
	if s := m.selections(op.Operation.SelectionSet, sized{}); s.cost > l.Cost {
		return over("points of cost", s.cost, l.Cost,
			"a field costs 1, or what @cost of the schema says, and what is below it, times the objects it may give: lower `first`, or ask for fewer fields")
	}
	return nil
}

func over(what string, value, bound int, advice string) *errs.Error {
	shown := "more than 9 quadrillion"
	if value < 1<<53 {
		shown = decimal(value)
	}
	return errs.New(errs.Invalid, "the operation has %s %s: at most %s are allowed; %s", shown, what, decimal(bound), advice)
}

// fieldsIn counts fields as they are written.
func fieldsIn(set ast.SelectionSet) int {
	n := 0
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			n += 1 + fieldsIn(s.SelectionSet)
		case *ast.InlineFragment:
			n += fieldsIn(s.SelectionSet)
		}
	}
	return n
}

// sized is how long some fields are, which the field above them says: the edges of a connection.
type sized struct {
	by *ast.FieldDefinition
	n  int
}

// measured is a fragment, and how long fields in it are.
type measured struct {
	fragment *ast.FragmentDefinition
	sized
}

// measure walks an operation once: a fragment is measured when it is first met and remembered, since fragments that
// spread each other twice would otherwise take time without end.
type measure struct {
	variables map[string]any
	// named is for a text that is not validated: there, spreads do not know their fragments.
	named     map[string]*ast.FragmentDefinition
	fragments map[measured]size
}

func (m *measure) selections(set ast.SelectionSet, above sized) size {
	var total size
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			total = total.plus(m.field(s, above))
		case *ast.InlineFragment:
			total = total.plus(m.selections(s.SelectionSet, above))
		case *ast.FragmentSpread:
			def := s.Definition
			if def == nil {
				def = m.named[s.Name]
			}
			if def != nil {
				total = total.plus(m.fragment(measured{def, above}))
			}
		}
	}
	return total
}

func (m *measure) fragment(of measured) size {
	s, known := m.fragments[of]
	if !known {
		// Of a cycle, which validation refuses, the second round counts nothing.
		m.fragments[of] = size{}
		s = m.selections(of.fragment.SelectionSet, of.sized)
		m.fragments[of] = s
	}
	return s
}

func (m *measure) field(f *ast.Field, above sized) size {
	if f.Name == "__schema" || f.Name == "__type" {
		return size{depth: 1, fields: 1, cost: 1, width: 1}
	}
	weight, objects := 1, 1
	var within sized
	if f.Definition != nil {
		weight = weightOf(f.Definition)
		switch n, inside := m.objects(f); {
		case inside:
			within = sized{f.Definition, n}
		case above.by != nil && sizes(above.by, f.Name):
			objects = above.n
		default:
			objects = n
		}
	}
	below := m.selections(f.SelectionSet, within)
	s := size{
		depth: below.depth + 1, aliases: below.aliases, fields: add(below.fields, 1), width: 1, breadth: max(below.breadth, below.width),
		cost: add(weight, multiply(below.cost, objects)),
	}
	if f.Alias != f.Name {
		s.aliases = add(s.aliases, 1)
	}
	return s
}

// weightOf is what @cost says.
func weightOf(f *ast.FieldDefinition) int {
	if d := f.Directives.ForName("cost"); d != nil {
		if n, err := strconv.Atoi(d.Arguments.ForName("weight").Value.Raw); err == nil {
			return n
		}
	}
	return 1
}

// objects is how many objects a field may give, as @listSize says; inside tells that it is the fields below that are so long.
func (m *measure) objects(f *ast.Field) (n int, inside bool) {
	d := f.Definition.Directives.ForName("listSize")
	if d == nil {
		return 1, false
	}
	inside = d.Arguments.ForName("sizedFields") != nil
	if slicing := d.Arguments.ForName("slicingArguments"); slicing != nil {
		arguments := f.ArgumentMap(m.variables)
		for _, name := range slicing.Value.Children {
			switch v := arguments[name.Value.Raw].(type) {
			case []any:
				return max(len(v), 1), inside
			default:
				if n, ok := integer(v); ok {
					return max(n, 1), inside
				}
			}
		}
	}
	if assumed := d.Arguments.ForName("assumedSize"); assumed != nil {
		if n, err := strconv.Atoi(assumed.Value.Raw); err == nil {
			return max(n, 1), inside
		}
	}
	return 1, inside
}

// sizes tells whether a field says how long a field below it is.
func sizes(above *ast.FieldDefinition, name string) bool {
	for _, child := range above.Directives.ForName("listSize").Arguments.ForName("sizedFields").Value.Children {
		if child.Value.Raw == name {
			return true
		}
	}
	return false
}

func integer(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int64:
		return int(max(min(v, math.MaxInt32), math.MinInt32)), true
	}
	return 0, false
}

// decimal writes a number with commas between its thousands.
func decimal(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	rest := strconv.Itoa(n % 1000)
	for len(rest) < 3 {
		rest = "0" + rest
	}
	return decimal(n/1000) + "," + rest
}

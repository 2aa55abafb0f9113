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
	// Complexity bounds the cost: a field costs 1 and what is below it, times the objects it may give.
	Complexity int
	// Tokens bounds the length of the text, in lexical tokens.
	Tokens int
}

// DefaultLimits let a page of 1,000 runs have a table's worth of fields, and introspection pass.
var DefaultLimits = Limits{Depth: 15, Aliases: 100, Fields: 1_000, Complexity: 1_000_000, Tokens: 10_000}

// lookCost is what a field costs that looks at all runs that match: an operation may have some fifty such.
const lookCost = 19_000

// looks are those fields.
var looks = map[string]bool{
	"Query.runGroups": true, "RunFacets.runs": true, "RunFacets.params": true, "RunFacets.tags": true, "RunFacets.metrics": true,
	"RunFacets.values": true, "RunFacets.range": true,
}

// listCost is how many objects a list is taken to have that no argument bounds: params, tags, metrics of a run.
const listCost = 10

// size is what limits speak of, of a part of an operation.
type size struct{ depth, aliases, fields, cost int }

func (s size) plus(other size) size {
	return size{
		depth:   max(s.depth, other.depth),
		aliases: add(s.aliases, other.aliases),
		fields:  add(s.fields, other.fields),
		cost:    add(s.cost, other.cost),
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
	m := measure{named: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)), fragments: map[*ast.FragmentDefinition]size{}}
	written := 0
	for _, f := range doc.Fragments {
		m.named[f.Name] = f
		written += fieldsIn(f.SelectionSet)
	}
	var s size
	for _, op := range doc.Operations {
		written += fieldsIn(op.SelectionSet)
		s = s.plus(m.selections(op.SelectionSet))
	}
	switch fields := max(written, s.fields); {
	case s.depth > l.Depth:
		return over("levels of fields", s.depth, l.Depth, "nest less, or ask in two steps")
	case s.aliases > l.Aliases:
		return over("aliases", s.aliases, l.Aliases, "ask for lists, for example params(keys: [...])")
	case fields > l.Fields:
		return over("fields", fields, l.Fields, "ask for fewer fields")
	}
	return nil
}

// checkCost tells whether an operation, which is valid, costs too much with its variables.
func (l Limits) checkCost(op *graphql.OperationContext) *errs.Error {
	m := measure{variables: op.Variables, fragments: map[*ast.FragmentDefinition]size{}}
	if s := m.selections(op.Operation.SelectionSet); s.cost > l.Complexity {
		return over("points of complexity", s.cost, l.Complexity,
			"a field costs 1 and what is below it, times the objects it may give: lower `first`, or ask for fewer fields")
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

// measure walks an operation once: a fragment is measured when it is first met and remembered, since fragments that
// spread each other twice would otherwise take time without end.
type measure struct {
	variables map[string]any
	// named is for a text that is not validated: there, spreads do not know their fragments.
	named     map[string]*ast.FragmentDefinition
	fragments map[*ast.FragmentDefinition]size
}

func (m *measure) selections(set ast.SelectionSet) size {
	var total size
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			total = total.plus(m.field(s))
		case *ast.InlineFragment:
			total = total.plus(m.selections(s.SelectionSet))
		case *ast.FragmentSpread:
			def := s.Definition
			if def == nil {
				def = m.named[s.Name]
			}
			if def != nil {
				total = total.plus(m.fragment(def))
			}
		}
	}
	return total
}

func (m *measure) fragment(def *ast.FragmentDefinition) size {
	s, known := m.fragments[def]
	if !known {
		// Of a cycle, which validation refuses, the second round counts nothing.
		m.fragments[def] = size{}
		s = m.selections(def.SelectionSet)
		m.fragments[def] = s
	}
	return s
}

func (m *measure) field(f *ast.Field) size {
	below := m.selections(f.SelectionSet)
	s := size{depth: below.depth + 1, aliases: below.aliases, fields: add(below.fields, 1), cost: 1}
	if f.Alias != f.Name {
		s.aliases = add(s.aliases, 1)
	}
	if f.Name == "__schema" || f.Name == "__type" {
		s.depth = 1
		return s
	}
	s.cost = add(1, multiply(below.cost, m.objects(f)))
	if f.ObjectDefinition != nil && looks[f.ObjectDefinition.Name+"."+f.Name] {
		s.cost = add(s.cost, lookCost)
	}
	return s
}

// objects is how many objects a field may give. A connection counts by its argument, its list of edges once.
func (m *measure) objects(f *ast.Field) int {
	if f.Definition == nil {
		return 1
	}
	arguments := f.ArgumentMap(m.variables)
	for _, name := range []string{"first", "limit"} {
		if n, ok := integer(arguments[name]); ok {
			return max(n, 1)
		}
	}
	if named, ok := arguments["runs"].([]any); ok { // compareRuns, metricSeries, metricsAppended
		return max(len(named), 1)
	}
	if f.Definition.Type.Elem != nil && f.Name != "edges" && f.ObjectDefinition != nil && !perRun[f.ObjectDefinition.Name] {
		return listCost
	}
	return 1
}

// perRun are the objects whose lists are as long as the argument `runs` that they came from, which has counted.
var perRun = map[string]bool{"RunComparison": true, "ComparedParam": true, "ComparedMetric": true}

func integer(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int64:
		return int(min(v, math.MaxInt32)), true
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

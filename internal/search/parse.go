package search

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cairnml/cairn/internal/errs"
)

// Bounds of one filter, so that no filter costs the server more than a page of runs does.
const (
	// MaxFilterBytes bounds the text.
	MaxFilterBytes = 16 << 10
	// MaxFilterDepth bounds how deep parentheses and NOT are nested.
	MaxFilterDepth = 50
	// MaxComparisons bounds the comparisons.
	MaxComparisons = 100
	// MaxListValues bounds the values of one IN.
	MaxListValues = 1000
	// MaxPatternBytes bounds the pattern of one LIKE. What follows a % is tried at every place of a value, of which some
	// have 64 KiB, and no database breaks off within a value.
	MaxPatternBytes = 1000
)

// Subject is what is searched; it decides which names a filter may use.
type Subject int

// The subjects.
const (
	OfRuns Subject = iota
	OfExperiments
	OfLoggedModels
	OfRegisteredModels
	OfModelVersions
)

// Parse reads a filter for a subject and checks its names and types. An empty filter gives an And without terms. Errors
// are Invalid, of the field "filter", and say where: in characters from 1.
func Parse(subject Subject, filter string) (Expr, error) {
	if len(filter) > MaxFilterBytes {
		return nil, errs.Field("filter", "has %d bytes; at most %d are allowed", len(filter), MaxFilterBytes)
	}
	expr, err := parseFilter(subject, filter)
	if err != nil {
		return nil, positioned("filter", filter, err)
	}
	return expr, nil
}

// positioned makes a user's error of a place in a text.
func positioned(field, text string, err *syntaxError) error {
	return errs.Field(field, "at %d: %s", character(text, err.at), err.message)
}

// character turns an offset in bytes into one in characters from 1.
func character(text string, at int) int { return utf8.RuneCountInString(text[:at]) + 1 }

type parser struct {
	subject     *subject
	text        string
	tokens      []token
	next        int
	depth       int
	comparisons int
}

func parseFilter(s Subject, filter string) (Expr, *syntaxError) {
	tokens, err := tokenize(filter)
	if err != nil {
		return nil, err
	}
	p := &parser{subject: subjects[s], text: filter, tokens: tokens}
	if p.peek().kind == tokenEnd {
		return &And{At: 1}, nil
	}
	expr, err := p.disjunction()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != tokenEnd {
		return nil, expected("AND, OR or the end", t)
	}
	return expr, nil
}

func (p *parser) peek() token { return p.tokens[p.next] }

// take gives the next token and moves on; the end is never passed.
func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != tokenEnd {
		p.next++
	}
	return t
}

func (p *parser) accept(keyword string) bool {
	if p.peek().is(keyword) {
		p.next++
		return true
	}
	return false
}

func (p *parser) acceptPunct(text string) bool {
	if t := p.peek(); t.kind == tokenPunct && t.raw == text {
		p.next++
		return true
	}
	return false
}

func (p *parser) at(t token) int { return character(p.text, t.at) }

func (p *parser) disjunction() (Expr, *syntaxError) {
	terms, err := p.terms("OR", p.conjunction)
	if err != nil || len(terms) == 1 {
		return first(terms), err
	}
	return &Or{Terms: terms, At: terms[0].Pos()}, nil
}

func (p *parser) conjunction() (Expr, *syntaxError) {
	terms, err := p.terms("AND", p.unary)
	if err != nil || len(terms) == 1 {
		return first(terms), err
	}
	return &And{Terms: terms, At: terms[0].Pos()}, nil
}

func first(terms []Expr) Expr {
	if len(terms) == 0 {
		return nil
	}
	return terms[0]
}

func (p *parser) terms(between string, term func() (Expr, *syntaxError)) ([]Expr, *syntaxError) {
	var out []Expr
	for {
		e, err := term()
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		if !p.accept(between) {
			return out, nil
		}
	}
}

func (p *parser) unary() (Expr, *syntaxError) {
	t := p.peek()
	isNot := t.is("NOT")
	if !isNot && (t.kind != tokenPunct || t.raw != "(") {
		return p.comparison()
	}
	p.next++
	if p.depth++; p.depth > MaxFilterDepth {
		return nil, syntaxErrorf(t.at, "parentheses and NOT are nested deeper than %d", MaxFilterDepth)
	}
	defer func() { p.depth-- }()
	if isNot {
		term, err := p.unary()
		if err != nil {
			return nil, err
		}
		return &Not{Term: term, At: p.at(t)}, nil
	}
	e, err := p.disjunction()
	if err != nil {
		return nil, err
	}
	if !p.acceptPunct(")") {
		return nil, expected("AND, OR or )", p.peek())
	}
	return e, nil
}

func (p *parser) comparison() (Expr, *syntaxError) {
	start := p.peek()
	if p.comparisons++; p.comparisons > MaxComparisons {
		return nil, syntaxErrorf(start.at, "more than %d comparisons", MaxComparisons)
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	c := &Comparison{Left: left, At: p.at(start)}
	opToken := p.peek()
	if c.Op, err = p.operator(); err != nil {
		return nil, err
	}
	valueToken := p.peek()
	switch c.Op {
	case IsNull, IsNotNull:
	case In, NotIn:
		c.Value, err = p.list()
	default:
		c.Value, err = p.value()
	}
	if err != nil {
		return nil, err
	}
	if err := p.subject.check(c, opToken, valueToken); err != nil {
		return nil, err
	}
	return c, nil
}

var functions = []Func{First, Last, Min, Max, Best}

// operand reads a name, or a function of a metric.
func (p *parser) operand() (Operand, *syntaxError) {
	t := p.take()
	if t.kind == tokenName && !t.dotted && !t.quoted && p.peek().raw == "(" {
		fn := Func(strings.ToLower(t.text))
		if !slices.Contains(functions, fn) {
			return Operand{}, syntaxErrorf(t.at, "unknown function %.40s; expected first, last, min, max or best of a metric", t.text)
		}
		p.next++
		inner := p.take()
		o, err := p.subject.operand(inner)
		if err != nil {
			return Operand{}, err
		}
		if o.Entity != Metric {
			return Operand{}, syntaxErrorf(inner.at, "%s() is of a metric, found %s", fn, inner.describe())
		}
		if !p.subject.metricFuncs && fn != Last {
			return Operand{}, syntaxErrorf(t.at, "%s() is for runs only", fn)
		}
		if !p.acceptPunct(")") {
			return Operand{}, expected(")", p.peek())
		}
		o.Func, o.At = fn, p.at(t)
		return o, nil
	}
	o, err := p.subject.operand(t)
	o.At = p.at(t)
	return o, err
}

func (p *parser) operator() (Op, *syntaxError) {
	t := p.take()
	switch {
	case t.kind == tokenOp:
		return Op(t.raw), nil
	case t.is("LIKE"):
		return Like, nil
	case t.is("ILIKE"):
		return ILike, nil
	case t.is("IN"):
		return In, nil
	case t.is("NOT"):
		if !p.accept("IN") {
			return "", expected("IN after NOT", p.peek())
		}
		return NotIn, nil
	case t.is("IS"):
		op := IsNull
		if p.accept("NOT") {
			op = IsNotNull
		}
		if !p.accept("NULL") {
			return "", expected("NULL or NOT NULL after IS", p.peek())
		}
		return op, nil
	}
	return "", expected("an operator (=, !=, <, <=, >, >=, LIKE, ILIKE, IN, NOT IN, IS NULL, IS NOT NULL)", t)
}

func (p *parser) value() (Value, *syntaxError) {
	t := p.take()
	switch t.kind {
	case tokenString:
		return Value{Kind: TextValue, Text: t.text, At: p.at(t)}, nil
	case tokenNumber:
		return Value{Kind: NumberValue, Number: t.number, At: p.at(t)}, nil
	case tokenName:
		return Value{}, expected("a number or a text in quotes", t)
	default:
		return Value{}, expected("a value", t)
	}
}

func (p *parser) list() (Value, *syntaxError) {
	open := p.peek()
	if !p.acceptPunct("(") {
		return Value{}, expected("a list of values in parentheses", open)
	}
	list := Value{Kind: ListValue, At: p.at(open)}
	for {
		t := p.peek()
		if len(list.List) > 0 && p.acceptPunct(")") { // MLflow's client writes ('a',) for one value
			return list, nil
		}
		v, err := p.value()
		if err != nil {
			return Value{}, err
		}
		if len(list.List) == MaxListValues {
			return Value{}, syntaxErrorf(t.at, "more than %d values in a list", MaxListValues)
		}
		if len(list.List) > 0 && list.List[0].Kind != v.Kind {
			return Value{}, syntaxErrorf(t.at, "a list holds texts or numbers, not both")
		}
		list.List = append(list.List, v)
		if p.acceptPunct(")") {
			return list, nil
		}
		if !p.acceptPunct(",") {
			return Value{}, expected(", or )", p.peek())
		}
	}
}

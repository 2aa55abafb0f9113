package search

import (
	"strconv"

	"github.com/cairnml/cairn/internal/errs"
)

// parseOperand reads what a facet or an aggregate is of, such as params.depth, best(metrics.loss) or status. Errors are
// Invalid, of the field, and say where: in characters from 1.
func parseOperand(field, text string) (Operand, error) {
	if len(text) > MaxOrderBytes {
		return Operand{}, errs.Field(field, "has %d bytes; at most %d are allowed", len(text), MaxOrderBytes)
	}
	tokens, err := tokenize(text)
	if err != nil {
		return Operand{}, positioned(field, text, err)
	}
	p := &parser{subject: subjects[OfRuns], text: text, tokens: tokens}
	o, err := p.operand()
	if err == nil && p.peek().kind != tokenEnd {
		err = expected("the end", p.peek())
	}
	if err != nil {
		return Operand{}, positioned(field, text, err)
	}
	if o.Entity == Dataset {
		return Operand{}, errs.Field(field, "a run has several datasets: name a param, a tag, a metric or an attribute")
	}
	return o, nil
}

// parseOperands reads a list of at most so many, each named once.
func parseOperands(field string, texts []string, most int) ([]Operand, error) {
	if len(texts) > most {
		return nil, errs.Field(field, "names %d; at most %d are allowed", len(texts), most)
	}
	out := make([]Operand, len(texts))
	seen := make(map[string]int, len(texts))
	for i, text := range texts {
		at := field + "[" + strconv.Itoa(i) + "]"
		o, err := parseOperand(at, text)
		if err != nil {
			return nil, err
		}
		if before, twice := seen[o.String()]; twice {
			return nil, errs.Field(at, "%s stands in %s[%d] already", o.display(), field, before)
		}
		seen[o.String()], out[i] = i, o
	}
	return out, nil
}

// textColumnOf gives the column of runs that has an attribute as a text; ok is false for other attributes: those are points
// in time, of which nearly each run has its own.
func textColumnOf(o Operand) (column string, ok bool) {
	switch a := subjects[OfRuns].attributes[o.Key]; a.typ {
	case textColumn:
		return a.column, true
	case idColumn:
		return "CAST(" + a.column + " AS TEXT)", true
	case integerColumn:
	}
	return "", false
}

// goalTerms gives operands in the form in which metricOperands looks for functions.
func goalTerms(operands []Operand) []OrderTerm {
	terms := make([]OrderTerm, len(operands))
	for i, o := range operands {
		terms[i] = OrderTerm{Operand: o}
	}
	return terms
}

// tableOf gives the table of a param's, tag's or metric's keys.
func tableOf(e Entity) (t keyed, ok bool) {
	switch e {
	case Param:
		return *subjects[OfRuns].params, true
	case Tag:
		return subjects[OfRuns].tags, true
	case Metric:
		return keyed{table: "metric_series", owner: "run_id", number: "last_value"}, true
	case Attribute, Dataset:
	}
	return keyed{}, false
}

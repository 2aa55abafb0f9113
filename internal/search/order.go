package search

import (
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// Bounds of an order.
const (
	// MaxOrderTerms bounds the terms.
	MaxOrderTerms = 10
	// MaxOrderBytes bounds the text of one term.
	MaxOrderBytes = 2 << 10
)

// OrderTerm is one term of an order: what to order by, and which way. In both ways numbers come first, then NaN, then what
// has no value; of params, numbers come first by size, then texts.
type OrderTerm struct {
	Operand
	Desc bool
}

func (t OrderTerm) String() string {
	if t.Desc {
		return t.Operand.String() + " DESC"
	}
	return t.Operand.String() + " ASC"
}

// ParseOrder reads terms such as "metrics.acc DESC" or "max(metrics.acc)" for a subject. Errors are Invalid, of the field
// "orderBy[n]", and say where: in characters from 1.
func ParseOrder(subject Subject, terms []string) ([]OrderTerm, error) {
	if len(terms) > MaxOrderTerms {
		return nil, errs.Field("orderBy", "has %d terms; at most %d are allowed", len(terms), MaxOrderTerms)
	}
	out := make([]OrderTerm, 0, len(terms))
	seen := map[string]int{}
	for i, text := range terms {
		field := "orderBy[" + strconv.Itoa(i) + "]"
		if len(text) > MaxOrderBytes {
			return nil, errs.Field(field, "has %d bytes; at most %d are allowed", len(text), MaxOrderBytes)
		}
		term, err := parseOrderTerm(subject, text)
		if err != nil {
			return nil, positioned(field, text, err)
		}
		name := term.Operand.String()
		if before, twice := seen[name]; twice {
			return nil, errs.Field(field, "%s stands in orderBy[%d] already", term.display(), before)
		}
		seen[name] = i
		out = append(out, term)
	}
	return out, nil
}

func parseOrderTerm(s Subject, text string) (OrderTerm, *syntaxError) {
	tokens, err := tokenize(text)
	if err != nil {
		return OrderTerm{}, err
	}
	p := &parser{subject: subjects[s], text: text, tokens: tokens}
	operand, err := p.operand()
	if err != nil {
		return OrderTerm{}, err
	}
	if operand.Entity == Dataset {
		return OrderTerm{}, syntaxErrorf(0, "a %s has several datasets, so it cannot be ordered by one", p.subject.name)
	}
	term := OrderTerm{Operand: operand}
	direction := p.take()
	switch {
	case direction.kind == tokenEnd:
		return term, nil
	case direction.is("ASC"):
	case direction.is("DESC"):
		term.Desc = true
	default:
		return OrderTerm{}, expected("ASC or DESC", direction)
	}
	if t := p.peek(); t.kind != tokenEnd {
		return OrderTerm{}, expected("the end", t)
	}
	return term, nil
}

// has tells whether a term orders by an attribute.
func has(terms []OrderTerm, attribute string) bool {
	for _, t := range terms {
		if t.Entity == Attribute && t.Key == attribute {
			return true
		}
	}
	return false
}

func orderText(terms []OrderTerm) string {
	parts := make([]string, len(terms))
	for i, t := range terms {
		parts[i] = t.String()
	}
	return strings.Join(parts, ", ")
}

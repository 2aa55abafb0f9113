package search

import (
	"slices"
	"strconv"
	"strings"
)

var (
	numberOps = []Op{Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, In, NotIn}
	textOps   = []Op{Equal, NotEqual, Like, ILike, In, NotIn}
	idOps     = []Op{Equal, NotEqual, In, NotIn}
)

// check holds a comparison against the types of its sides.
func (s *subject) check(c *Comparison, op, value token) *syntaxError {
	if c.Op == IsNull || c.Op == IsNotNull {
		if s.nullable(c.Left) {
			return nil
		}
		return syntaxErrorf(op.at, "%s always has a value, so it cannot be compared with NULL", c.Left.Key)
	}
	name := c.Left.display()
	wantNumber, ops := false, textOps
	switch c.Left.Entity {
	case Metric:
		wantNumber, ops = true, numberOps
	case Attribute:
		switch s.attributes[c.Left.Key].typ {
		case integerColumn:
			wantNumber, ops = true, numberOps
		case idColumn:
			if !slices.Contains(idOps, c.Op) {
				return badOperator(name, idOps, op)
			}
			return c.Value.toID(name, value)
		case textColumn:
		}
	case Param:
		// A number asks for the param's number, a text for its text.
		if s.params.number != "" && c.Value.holds(NumberValue) {
			wantNumber, ops = true, numberOps
		}
	case Tag, Dataset:
	}
	if !slices.Contains(ops, c.Op) {
		if c.Left.Entity == Param && s.params.number != "" {
			switch {
			case slices.Contains(numberOps, c.Op):
				return expected("a number, since "+string(c.Op)+" compares numbers", value)
			case slices.Contains(textOps, c.Op):
				return expected("a text in quotes, since "+string(c.Op)+" compares texts", value)
			}
		}
		return badOperator(name, ops, op)
	}
	if wantNumber != c.Value.holds(NumberValue) {
		if wantNumber {
			return expected("a number to compare "+name+" with", value)
		}
		return expected("a text in quotes to compare "+name+" with", value)
	}
	if (c.Op == Like || c.Op == ILike) && len(c.Value.Text) > MaxPatternBytes {
		return syntaxErrorf(value.at, "a pattern of %d bytes; at most %d are allowed", len(c.Value.Text), MaxPatternBytes)
	}
	return nil
}

func badOperator(name string, ops []Op, found token) *syntaxError {
	list := make([]string, len(ops))
	for i, op := range ops {
		list[i] = string(op)
	}
	return expected("one of "+strings.Join(list, ", ")+" for "+name, found)
}

// nullable tells whether a row may lack what the operand names.
func (s *subject) nullable(o Operand) bool {
	switch o.Entity {
	case Metric, Param, Tag:
		return true
	case Attribute:
		return s.attributes[o.Key].nullable
	case Dataset:
	}
	return false
}

// display names the operand in an error, as most people write it.
func (o Operand) display() string {
	switch {
	case o.Entity == Attribute:
		return o.Key
	case o.Func != "" && o.Func != Last:
		return string(o.Func) + "(" + string(o.Entity) + "." + o.Key + ")"
	}
	return string(o.Entity) + "." + o.Key
}

// holds tells whether the value, or each of a list, is of a kind.
func (v Value) holds(kind ValueKind) bool {
	if v.Kind == ListValue {
		return v.List[0].Kind == kind
	}
	return v.Kind == kind
}

// toID turns a value, or each of a list, into the number of an id.
func (v *Value) toID(name string, found token) *syntaxError {
	if v.Kind == ListValue {
		for i := range v.List {
			if err := v.List[i].toID(name, found); err != nil {
				return err
			}
		}
		return nil
	}
	if v.Kind == TextValue {
		n, err := strconv.ParseInt(v.Text, 10, 64)
		if err != nil {
			return syntaxErrorf(found.at, "%.40q is no %s: expected a number, such as '12'", v.Text, name)
		}
		v.Kind, v.Number, v.Text = NumberValue, Number{Int: n, Float: float64(n), IsInt: true}, ""
	}
	if !v.Number.IsInt {
		return expected("a whole number, which "+name+" is", found)
	}
	return nil
}

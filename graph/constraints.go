package graph

import (
	"encoding/json"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cairnml/cairn/internal/errs"
)

// checkConstraints holds the arguments of an operation's fields against @constraint of the schema, so that nothing is run of an
// operation of which a part asks for too much.
func checkConstraints(op *graphql.OperationContext) *gqlerror.Error {
	c := constraints{variables: op.Variables, seen: map[*ast.FragmentDefinition]bool{}}
	return c.selections(op.Operation.SelectionSet)
}

type constraints struct {
	variables map[string]any
	seen      map[*ast.FragmentDefinition]bool
}

func (c *constraints) selections(set ast.SelectionSet) *gqlerror.Error {
	for _, selection := range set {
		var err *gqlerror.Error
		switch s := selection.(type) {
		case *ast.Field:
			if err = c.field(s); err == nil {
				err = c.selections(s.SelectionSet)
			}
		case *ast.InlineFragment:
			err = c.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			if !c.seen[s.Definition] {
				c.seen[s.Definition] = true
				err = c.selections(s.Definition.SelectionSet)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *constraints) field(f *ast.Field) *gqlerror.Error {
	if f.Definition == nil || len(f.Definition.Arguments) == 0 {
		return nil
	}
	var values map[string]any
	for _, argument := range f.Definition.Arguments {
		d := argument.Directives.ForName("constraint")
		if d == nil {
			continue
		}
		if values == nil {
			values = f.ArgumentMap(c.variables)
		}
		if err := constrained(argument.Name, d, values[argument.Name]); err != nil {
			out := refusal(err)
			if f.Position != nil {
				out.Locations = []gqlerror.Location{{Line: f.Position.Line, Column: f.Position.Column}}
			}
			return out
		}
	}
	return nil
}

// constrained holds a value against a constraint. Of what has another type, the scalar says so when it is read.
func constrained(name string, d *ast.Directive, value any) *errs.Error {
	if list, ok := value.([]any); ok {
		least, most := bounds(d, "minItems", "maxItems")
		if n := len(list); n < least {
			return errs.Field(name, "has %s elements; there are from %s to %s", decimal(n), decimal(least), decimal(most))
		} else if n > most {
			return errs.Field(name, "has %s elements: at most %s are allowed", decimal(n), decimal(most))
		}
		return nil
	}
	n, ok := whole(value)
	if !ok {
		return nil
	}
	if least, most := bounds(d, "min", "max"); n < least || n > most {
		return errs.Field(name, "is %d; it is from %s to %s", n, decimal(least), decimal(most))
	}
	return nil
}

func bounds(d *ast.Directive, least, most string) (from, to int) {
	from, to = 0, 1<<31-1
	if a := d.Arguments.ForName(least); a != nil {
		from, _ = strconv.Atoi(a.Value.Raw)
	}
	if a := d.Arguments.ForName(most); a != nil {
		to, _ = strconv.Atoi(a.Value.Raw)
	}
	return from, to
}

// whole reads an integer as variables and literals have it.
func whole(value any) (int, bool) {
	if number, ok := value.(json.Number); ok {
		n, err := strconv.Atoi(number.String())
		return n, err == nil
	}
	return integer(value)
}

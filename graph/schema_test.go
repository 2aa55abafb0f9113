package graph

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cairnml/cairn/graph/generated"
)

// own gives the types that Cairn's schema defines.
func own(schema *ast.Schema) []*ast.Definition {
	var out []*ast.Definition
	for _, d := range schema.Types {
		if !d.BuiltIn {
			out = append(out, d)
		}
	}
	return out
}

// TestSchemaIsDescribed: whoever reads the schema alone learns what everything in it means.
func TestSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	require.NotEmpty(t, schema.Description)
	missing := []string{}
	look := func(name, description string) {
		if strings.TrimSpace(description) == "" {
			missing = append(missing, name)
		}
	}
	arguments := func(of string, list ast.ArgumentDefinitionList) {
		for _, a := range list {
			look(of+"("+a.Name+")", a.Description)
		}
	}
	for _, d := range own(schema) {
		look(d.Name, d.Description)
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			look(d.Name+"."+f.Name, f.Description)
			arguments(d.Name+"."+f.Name, f.Arguments)
		}
		for _, v := range d.EnumValues {
			look(d.Name+"."+v.Name, v.Description)
		}
	}
	for _, name := range []string{"cost", "listSize", "constraint"} {
		look("@"+name, schema.Directives[name].Description)
		arguments("@"+name, schema.Directives[name].Arguments)
	}
	require.Empty(t, missing, "these have no description")
}

// TestSchemaBoundsEveryList: what a list may cost is said of each, and how much of it may be asked for at once.
func TestSchemaBoundsEveryList(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	// Lists that a field above them measures.
	measured := map[string]bool{}
	for _, d := range own(schema) {
		for _, f := range d.Fields {
			if size := f.Directives.ForName("listSize"); size != nil {
				if fields := size.Arguments.ForName("sizedFields"); fields != nil {
					for _, child := range fields.Value.Children {
						require.NotNil(t, schema.Types[f.Type.Name()].Fields.ForName(child.Value.Raw), "%s.%s measures a field that is not there", d.Name, f.Name)
						measured[f.Type.Name()+"."+child.Value.Raw] = true
					}
				}
				if slicing := size.Arguments.ForName("slicingArguments"); slicing != nil {
					for _, a := range slicing.Value.Children {
						argument := f.Arguments.ForName(a.Value.Raw)
						require.NotNil(t, argument, "%s.%s is measured by an argument that it does not have", d.Name, f.Name)
						require.NotNil(t, argument.Directives.ForName("constraint"), "%s.%s(%s) has no bound", d.Name, f.Name, argument.Name)
					}
				}
			}
		}
	}
	for _, d := range own(schema) {
		if d.Kind == ast.InputObject {
			continue
		}
		for _, f := range d.Fields {
			name := d.Name + "." + f.Name
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			declared := f.Directives.ForName("listSize") != nil || measured[name]
			if f.Type.Elem != nil {
				require.True(t, declared, "%s is a list, and nothing says what it costs: give it @listSize", name)
			}
			if strings.HasSuffix(f.Type.Name(), "Connection") {
				require.True(t, declared && f.Arguments.ForName("first") != nil && f.Arguments.ForName("after") != nil, "%s is a page: it has first, after and @listSize", name)
			}
			for _, a := range f.Arguments {
				if a.Name == "first" || a.Name == "limit" || a.Type.Elem != nil {
					require.NotNil(t, a.Directives.ForName("constraint"), "%s(%s) has no bound", name, a.Name)
				}
			}
		}
	}
}

// TestCreatingMutationsAreIdempotent: whoever repeats a call of which the answer was lost makes nothing a second time.
func TestCreatingMutationsAreIdempotent(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	for _, f := range schema.Mutation.Fields {
		has := func(names ...string) bool {
			input := f.Arguments.ForName("input")
			for _, name := range names {
				if input == nil || schema.Types[input.Type.Name()].Fields.ForName(name) == nil {
					return false
				}
			}
			return true
		}
		switch {
		case strings.HasPrefix(f.Name, "create"):
			require.True(t, has("idempotencyKey"), "%s makes something new each time", f.Name)
		case f.Name == "logBatch" || f.Name == "appendRunLog":
			require.True(t, has("client", "sequence"), "%s stores something new each time", f.Name)
		}
	}
}

package graph

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/graph/generated"
)

func TestRolesNameEveryRootField(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	fields := map[string]bool{}
	for _, root := range []*ast.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		fields[root.Name+".__typename"] = true
		for _, f := range root.Fields {
			name := root.Name + "." + f.Name
			fields[name] = true
			role, known := roles[name]
			require.True(t, known, "%s is missing in the table of roles: nobody may have it", name)
			require.NoError(t, token.RoleValidator(role), name)
			if root == schema.Mutation {
				require.NotEqual(t, token.RoleVIEWER, role, "a viewer must not change anything: %s", name)
			}
		}
	}
	for name := range roles {
		require.True(t, fields[name], "%s is in the table of roles and not in the schema", name)
	}
}

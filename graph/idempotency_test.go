package graph_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/graph/generated"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// TestIdempotencyKeys calls each creating mutation of the schema twice with one key: what is made is made once, and another input with
// that key is refused.
func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		run := s.newRun(tracking.CreateRun{})
		_, err := s.deps.Registry.CreateModel(admin(), registry.CreateModel{Name: "taken"})
		require.NoError(t, err)
		// What tells one object from another, an input, and what in it is changed to make it another one.
		cases := map[string]struct {
			selection string
			input     vars
			change    string
			other     any
		}{
			"createExperiment":      {"{ id }", vars{"name": "once"}, "name", "twice"},
			"createRun":             {"{ id }", vars{"name": "once"}, "name", "twice"},
			"createLoggedModel":     {"{ id }", vars{"name": "once", "sourceRunId": run}, "name", "twice"},
			"createRegisteredModel": {"{ id }", vars{"name": "once"}, "name", "twice"},
			"createModelVersion":    {"{ id }", vars{"name": "taken", "source": "s3://bucket/model"}, "description", "other"},
			"createToken":           {"{ token { id } }", vars{"name": "once", "role": "ADMIN"}, "name", "twice"},
			"createWebhook":         {"{ id }", vars{"name": "once", "url": "https://93.184.216.34/hook", "events": []string{"model_version.created"}}, "name", "twice"},
		}
		for _, f := range generated.NewExecutableSchema(generated.Config{}).Schema().Mutation.Fields {
			if !strings.HasPrefix(f.Name, "create") {
				continue
			}
			c, ok := cases[f.Name]
			require.True(t, ok, "%s has no case here", f.Name)
			mutation := "mutation($input: " + f.Arguments.ForName("input").Type.String() + ") { made: " + f.Name + "(input: $input) " + c.selection + " }"
			c.input["idempotencyKey"] = "key of " + f.Name
			first := s.try(mutation, vars{"input": c.input})
			require.Empty(t, first.Errors, "%s: %s", f.Name, first.body)
			if f.Name == "createToken" {
				// From the first token on, every request needs one: the tests' server lets the local admin in all the same.
				again := must[struct{ Made struct{ Secret *string } }](s, strings.Replace(mutation, "{ token { id } }", "{ secret }", 1), vars{"input": c.input})
				require.Nil(t, again.Made.Secret, "the secret is shown once")
			}
			second := s.try(mutation, vars{"input": c.input})
			require.Empty(t, second.Errors, "%s: %s", f.Name, second.body)
			require.JSONEq(t, string(first.Data), string(second.Data), f.Name)
			c.input[c.change] = c.other
			e, _ := s.fails(mutation, vars{"input": c.input})
			require.Equal(t, "CONFLICT", e.Extensions.Code, "%s: %s", f.Name, e.Message)
			delete(c.input, "idempotencyKey")
			third := s.try(mutation, vars{"input": c.input})
			require.Empty(t, third.Errors, "%s: %s", f.Name, third.body)
			require.False(t, json.Valid(first.Data) && string(first.Data) == string(third.Data), "%s: without a key it is another one", f.Name)
		}
	})
}

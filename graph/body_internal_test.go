package graph

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

func TestResponseIsEncodedAsByTheJSONPackage(t *testing.T) {
	t.Parallel()
	failed := gqlerror.List{{Message: `"data":null, <b> & "`, Extensions: map[string]any{"data": nil}}}
	for name, response := range map[string]graphql.Response{
		"data":                   {Data: json.RawMessage(`{"run":{"name":"a"}}`)},
		"data and errors":        {Data: json.RawMessage(`{"run":null}`), Errors: failed},
		"null and errors":        {Data: json.RawMessage(`null`), Errors: failed},
		"errors":                 {Errors: failed},
		"data and what is added": {Data: json.RawMessage(`{}`), Errors: failed, Extensions: map[string]any{"cost": 1, "data": nil}},
		"nothing":                {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := json.Marshal(response)
			require.NoError(t, err)
			parts, err := encodeResponse(&response)
			require.NoError(t, err)
			require.Equal(t, string(want), string(bytes.Join(parts, nil)))
		})
	}
}

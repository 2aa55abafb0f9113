package graph_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestDeferredPartsComeWithTheRest: on every transport, the first time that a query is asked and when it is known.
func TestDeferredPartsComeWithTheRest(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	fill(t, s, 1, 2, 0)
	const want = `{"runs": {"edges": [{"node": {"params": [{"key": "depth"}, {"key": "model"}], "stage": "dev"}},
		{"node": {"params": [{"key": "depth"}, {"key": "model"}], "stage": "dev"}}]}}`
	const query = `query($slow: Boolean = true) { runs(first: 10) { edges { node { ... @defer(label: "params", if: $slow) { params { key } } ...tagged @defer } } } }
		fragment tagged on Run { ... @defer { stage: tag(key: "stage") } }`
	for range 2 {
		res := s.try(query, nil)
		require.Empty(t, res.Errors)
		require.JSONEq(t, want, string(res.Data))
		require.NotContains(t, res.body, "hasNext")
		for name, open := range transports() {
			got := open(t, s, query, nil)
			r, _ := got.next(t)
			require.Empty(t, r.Errors, name)
			require.JSONEq(t, want, string(r.Data), name)
			_, done := got.next(t)
			require.True(t, done, "%s: one response", name)
		}
	}
}

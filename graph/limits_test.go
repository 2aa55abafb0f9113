package graph_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// nested is a query of so many levels.
func nested(levels int) string {
	q := "runId"
	for ; levels > 1; levels-- {
		q = "parent { " + q + " }"
	}
	return `{ run(id: "0123456789abcdef0123456789abcdef") { ` + q + ` } }`
}

// quickest is how long something takes when nothing else keeps the machine busy.
func quickest(do func()) time.Duration {
	least := time.Hour
	for range 20 {
		began := time.Now()
		do()
		if least = min(least, time.Since(began)); least < 50*time.Millisecond {
			break
		}
	}
	return least
}

// doubling is a query of fragments that each spread the next one twice: a few lines that stand for 2^n fields.
func doubling(n int) string {
	var b strings.Builder
	b.WriteString("{ ...f0 }\n")
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on Query { ...f%d ... on Query { ...f%d } }\n", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on Query { viewer { role } }", n)
	return b.String()
}

// wide is a query of so many fields side by side, partly in fragments.
func wide(n int) string {
	var fields strings.Builder
	for range n - 101 {
		fields.WriteString(" role")
	}
	return "{ viewer { ...f ... on Viewer {" + fields.String() + " } } } fragment f on Viewer {" + strings.Repeat(" principal", 101) + " }"
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var statements atomic.Int64
	s := newServer(t, storetest.Open(t, store.Config{
		URL: "sqlite:" + t.TempDir() + "/cairn.db", OnQuery: func(string, []any) { statements.Add(1) },
	}), graph.Options{MaxBody: 1 << 20})
	statements.Store(0)

	aliases := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "a%d: __typename ", i)
		}
		return "{ " + b.String() + "}"
	}
	for name, c := range map[string]struct{ query, message string }{
		"depth":      {nested(15), "the operation has 16 levels of fields: at most 15 are allowed"},
		"aliases":    {aliases(101), "the operation has 101 aliases: at most 100 are allowed"},
		"tokens":     {"{" + strings.Repeat(" viewer { role }", 3000) + "}", "at most 10000 are allowed"},
		"fields":     {"{" + strings.Repeat(" viewer { role }", 501) + "}", "the operation has 1,002 fields: at most 1,000 are allowed"},
		"one field":  {"{ viewer {" + strings.Repeat(" role", 9900) + " } }", "the operation has 9,901 fields: at most 1,000 are allowed"},
		"unused":     {"{ viewer { role } } fragment unused on Viewer {" + strings.Repeat(" role", 9900) + " }", "9,902 fields: at most 1,000 are allowed"},
		"breadth":    {wide(201), "the operation has 201 fields side by side: at most 200 are allowed"},
		"page":       {`{ runs(first: 1001) { totalCount } }`, "first: is 1001; it is from 1 to 1,000"},
		"page below": {`{ experiments { edges { node { runs(first: 5000) { totalCount } } } } }`, "first: is 5000; it is from 1 to 1,000"},
		"list":       {`{ runs { edges { node { params(keys: [` + strings.Repeat(`"k" `, 1001) + `]) { key } } } } }`, "keys: has 1,001 elements: at most 1,000 are allowed"},
		"operations": {"query a { viewer { role } } query b { viewer {" + strings.Repeat(" role", 9900) + " } }", "9,903 fields: at most 1,000 are allowed"},
		"fragments":  {doubling(40), "fields: at most 1,000 are allowed"},
		"many":       {doubling(600), "more than 9 quadrillion fields: at most 1,000 are allowed"},
		"cycle":      {"{ ...f } fragment f on Query { viewer { role } ...f }", "within itself"},
		"cost":       {`{ runs(first: 1000) { edges { node { children(first: 1000) { edges { node { runId name } } } } } } }`, "points of cost: at most 1,000,000 are allowed"},
		"variable": {
			`query($n: Int = 1000) { runs(first: $n) { edges { node { children(first: $n) { edges { node { runId name } } } } } } }`,
			"points of cost: at most 1,000,000 are allowed",
		},
	} {
		err, status := s.fails(c.query, nil)
		require.Contains(t, strings.ToLower(err.Message), strings.ToLower(c.message), name)
		require.Equal(t, "INVALID_ARGUMENT", err.Extensions.Code, name)
		require.Equal(t, 400, status, name)
		require.Less(t, quickest(func() { s.fails(c.query, nil) }), 50*time.Millisecond, "%s: a limit is told at once", name)
	}
	require.Zero(t, statements.Load(), "a limit is checked before any SQL")

	require.Empty(t, s.try(nested(14), nil).Errors, "at the bound")
	require.Empty(t, s.try(wide(200), nil).Errors, "at the bound")
	require.Empty(t, s.try(aliases(100), nil).Errors, "at the bound")
	require.Empty(t, s.try(introspection.Query, nil).Errors, "introspection passes")
	require.Empty(t, s.try(`{ runs(first: 1000) { edges { node { runId name status startTime endTime
		params { key value } metrics { key last { value step } min { value } } tags { key value } experiment { name } } } } }`, nil).Errors,
		"a table of 1,000 runs passes")
}

func TestLimitsOfTheBody(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{MaxBody: 1000})
	for name, c := range map[string]struct {
		body, message string
		status        int
	}{
		"too large":  {`{"query": "` + strings.Repeat(" ", 1000) + `"}`, "the body is larger than 1,000 bytes", 413},
		"batch":      {`[{"query": "{ viewer { role } }"}]`, "the body is a list: send one operation a request", 400},
		"no JSON":    {`query { viewer { role } }`, "the body is not a GraphQL request, {\"query\": text, \"variables\": {…}, \"operationName\": text}: at byte 1:", 400},
		"empty":      {``, "it is empty", 400},
		"cut":        {`{"query": "{ vie`, "it ends too early", 400},
		"two":        {`{"query": "{ viewer { role } }"} {}`, "the body goes on after its JSON object, which ends at byte 32", 400},
		"wrong type": {`{"query": 5}`, "query: a number is not allowed there", 400},
		"no query":   {`{}`, "no operation provided", 400},
	} {
		res := s.send(c.body)
		require.Len(t, res.Errors, 1, name)
		require.Contains(t, res.Errors[0].Message, c.message, name)
		code := "INVALID_ARGUMENT"
		if c.status == http.StatusRequestEntityTooLarge {
			code = "RESOURCE_EXHAUSTED"
		}
		require.Equal(t, code, res.Errors[0].Extensions.Code, name)
		require.Equal(t, c.status, res.status, name)
	}
}

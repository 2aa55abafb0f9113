package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
)

const (
	// cachedQueries is how many query texts are kept, parsed, and how many persisted.
	cachedQueries = 1000
	// maxCachedText bounds a text that is kept, so that the caches hold at most some tens of megabytes. Texts with large
	// values written into them are longer; clients send values as variables.
	maxCachedText = 16 << 10
)

// parsedQueries keeps parsed queries of moderate length.
type parsedQueries struct {
	graphql.Cache[*ast.QueryDocument]
}

func newParsedQueries() parsedQueries {
	return parsedQueries{lru.New[*ast.QueryDocument](cachedQueries)}
}

// Add is called with each query that is valid, before it is run and before anybody else has it.
func (c parsedQueries) Add(ctx context.Context, text string, doc *ast.QueryDocument) {
	undefer(doc)
	if len(text) <= maxCachedText {
		c.Cache.Add(ctx, text, doc)
	}
}

// undefer takes @defer out of a query: all of it is answered at once, as the directive's proposal allows (ADR 18). Left in, gqlgen
// would answer null for what is deferred, on a transport that sends one response.
func undefer(doc *ast.QueryDocument) {
	for _, op := range doc.Operations {
		undeferIn(op.SelectionSet)
	}
	for _, fragment := range doc.Fragments {
		undeferIn(fragment.SelectionSet)
	}
}

func undeferIn(selections ast.SelectionSet) {
	isDefer := func(d *ast.Directive) bool { return d.Name == "defer" }
	for _, selection := range selections {
		switch s := selection.(type) {
		case *ast.Field:
			undeferIn(s.SelectionSet)
		case *ast.InlineFragment:
			s.Directives = slices.DeleteFunc(s.Directives, isDefer)
			undeferIn(s.SelectionSet)
		case *ast.FragmentSpread:
			s.Directives = slices.DeleteFunc(s.Directives, isDefer)
		}
	}
}

// persistedQueries keeps the texts of persisted queries. One that is too long is not kept: its client sends it each time.
type persistedQueries struct{ graphql.Cache[string] }

func newPersistedQueries() persistedQueries { return persistedQueries{lru.New[string](cachedQueries)} }

func (c persistedQueries) Add(ctx context.Context, hash, text string) {
	if len(text) <= maxCachedText {
		c.Cache.Add(ctx, hash, text)
	}
}

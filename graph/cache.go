package graph

import (
	"context"

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

func (c parsedQueries) Add(ctx context.Context, text string, doc *ast.QueryDocument) {
	if len(text) <= maxCachedText {
		c.Cache.Add(ctx, text, doc)
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

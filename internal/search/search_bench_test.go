package search

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
)

// BenchmarkRuns searches 1,000 runs of 20 params and 30 metrics.
func BenchmarkRuns(b *testing.B) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "cairn.db")})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	seed(b, db, 1000, 20, 30)
	s := New(db)
	for name, q := range map[string]RunsQuery{
		"newest":           {First: 100},
		"filter and order": {First: 50, Filter: "metrics.m1 > 0.9 and params.p1 = '3'", OrderBy: []string{"metrics.m1 DESC"}},
		"order":            {First: 50, OrderBy: []string{"metrics.m1 DESC"}},
		"page of 1000":     {First: 1000},
	} {
		q.Experiments = []int{0}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := s.Runs(ctx, q)
				require.NoError(b, err)
			}
		})
	}
}

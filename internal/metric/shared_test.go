package metric_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestFollowersShareARead: those who ask for the same get the same columns of one read, and what comes later at once all the same.
func TestFollowersShareARead(t *testing.T) {
	t.Parallel()
	var reads atomic.Int64
	db := storetest.Open(t, store.Config{URL: "sqlite:" + t.TempDir() + "/cairn.db", OnQuery: func(q string, _ []any) {
		if strings.Contains(q, "payload FROM metric_batches") {
			reads.Add(1)
		}
	}})
	s, r := newService(t, db), metric.NewReader(db)
	run := newRun(t, s)
	const followers = 20
	follow := func(cursors []metric.Cursor, keys []string) []metric.Followed {
		out := make([]metric.Followed, followers)
		var wg sync.WaitGroup
		for i := range followers {
			wg.Go(func() {
				news, err := r.Since(ctx, []*ent.Run{run}, keys, cursors[i], 1000)
				if err == nil {
					out[i] = news
				}
			})
		}
		wg.Wait()
		return out
	}
	cursors := make([]metric.Cursor, followers)
	for round := range 3 {
		logSteps(t, s, run.RunID, "loss", 10*round, 10)
		before := reads.Load()
		found := follow(cursors, nil)
		require.Equal(t, before+1, reads.Load(), "one read for all")
		var made atomic.Int64
		for i, news := range found {
			require.Len(t, news.Series, 1)
			require.Equal(t, found[0].Series[0].Steps, news.Series[0].Steps)
			require.Len(t, news.Series[0].Steps, 10)
			first := news.Series[0].Once(func() any { return made.Add(1) })
			require.EqualValues(t, 1, first, "what the first made of it")
			cursors[i] = news.Next
		}
	}
	// Other keys are another read; keys that look alike when they are joined too.
	for _, keys := range [][]string{{"loss"}, {"acc"}, {"a\nb"}, {"a", "b"}, {}} {
		before := reads.Load()
		for _, news := range follow(make([]metric.Cursor, followers), keys) {
			require.Equal(t, len(keys) == 1 && keys[0] == "loss", len(news.Series) == 1, "%q", keys)
		}
		require.Equal(t, before+1, reads.Load(), "%q", keys)
	}
}

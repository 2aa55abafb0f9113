package metric_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestFollowingBehindDamage: who follows a run hears that points are missing when the cursor passes them, and only then.
func TestFollowingBehindDamage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, r := damagedRun(t, db), metric.NewReader(db)
		s := newService(t, db)
		sound := newRun(t, s)
		logSteps(t, s, sound.RunID, "loss", 0, 10)
		for _, most := range []int{1, 7, 1000} {
			var got []int64
			var told []string
			for cursor, more := (metric.Cursor{}), true; more; {
				news, err := r.Since(ctx, []*ent.Run{run, sound}, []string{"loss"}, cursor, most)
				require.NoError(t, err)
				for _, a := range news.Series {
					if a.RunID == run.RunID {
						got = append(got, a.Steps...)
					}
				}
				told = append(told, news.Incomplete...)
				cursor, more = news.Next, news.More
			}
			require.Equal(t, left(), got)
			require.NotEmpty(t, told)
			require.NotContains(t, told, sound.RunID)
		}
		// The second batch is damaged, the third is not.
		for after, want := range map[int64][]string{1: {run.RunID}, 2: nil} {
			news, err := r.Since(ctx, []*ent.Run{run}, nil, metric.Cursor{run.RunID: after}, 1000)
			require.NoError(t, err)
			require.Equal(t, want, news.Incomplete)
			require.Equal(t, steps("", 110, 120).Steps, news.Series[0].Steps)
			require.EqualValues(t, 3, news.Next[run.RunID])
		}
		// Nothing but damage is news too.
		logSteps(t, s, run.RunID, "acc", 50, 11)
		damage(t, db, "metric_batches", "points = ?", 11)
		news, err := r.Since(ctx, []*ent.Run{run}, nil, metric.Cursor{run.RunID: 3}, 1000)
		require.NoError(t, err)
		require.Equal(t, metric.Followed{Incomplete: []string{run.RunID}, Next: metric.Cursor{run.RunID: 4}}, news)
	})
}

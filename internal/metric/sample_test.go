package metric_test

import (
	"cmp"
	"context"
	"log/slog"
	"math"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// storedOrder orders values as MLflow's database has them: NaN is 0 with a flag.
func storedOrder(a, b float64) int {
	flag := func(v float64) int {
		if math.IsNaN(v) {
			return 1
		}
		return 0
	}
	value := func(v float64) float64 {
		if math.IsNaN(v) {
			return 0
		}
		return v
	}
	return cmp.Or(cmp.Compare(value(a), value(b)), cmp.Compare(flag(a), flag(b)))
}

// requireSamples holds samples against NTILE over all points: the first of each part, and the very last.
func requireSamples(t *rapid.T, r *metric.Reader, run *ent.Run, model *naive) {
	most := rapid.IntRange(1, 20).Draw(t, "samples")
	q := metric.SampleQuery{Runs: []*ent.Run{run, run}, MaxPoints: most}
	if rapid.Bool().Draw(t, "in a range") {
		from, to := metric.IntStep(rapid.Int64Range(-3, 60).Draw(t, "from")), metric.IntStep(rapid.Int64Range(60, 150).Draw(t, "to"))
		q.From, q.To = &from, &to
	}
	for key, points := range model.points {
		points = slices.DeleteFunc(slices.Clone(points), func(p metric.Point) bool {
			return q.From != nil && (stepFloat(p.Step) < stepFloat(*q.From) || stepFloat(p.Step) > stepFloat(*q.To))
		})
		slices.SortStableFunc(points, func(a, b metric.Point) int {
			return cmp.Or(cmp.Compare(stepFloat(a.Step), stepFloat(b.Step)), cmp.Compare(a.Time, b.Time), storedOrder(a.Value, b.Value))
		})
		want := points
		if len(points) > most {
			want = nil
			at := 0
			for part := range most {
				want = append(want, points[at])
				at += len(points) / most
				if part < len(points)%most {
					at++
				}
			}
			want[most-1] = points[len(points)-1]
		}
		q.Key = key
		got, err := r.Samples(ctx, q)
		require.NoError(t, err)
		require.Len(t, got, 1, "a run that is named twice is read once")
		require.Equal(t, run.ID, got[0].Run.ID)
		require.False(t, got[0].Incomplete)
		require.Equal(t, text(want), text(pointsOf(got[0].Columns)), "%d samples of %s", most, key)
	}
}

func requireFirstPoints(t *rapid.T, r *metric.Reader, run *ent.Run, model *naive) {
	limit := rapid.IntRange(1, 40).Draw(t, "limit")
	for key, points := range model.points {
		points = slices.Clone(points)
		slices.SortStableFunc(points, func(a, b metric.Point) int {
			return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(stepFloat(a.Step), stepFloat(b.Step)), storedOrder(a.Value, b.Value))
		})
		got, err := r.FirstPoints(ctx, []*ent.Run{run}, key, limit)
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Equal(t, text(points[:min(limit, len(points))]), text(pointsOf(got[0].Columns)), "the first %d of %s", limit, key)
	}
}

func TestSamplesRefuseWhatIsOutOfBounds(t *testing.T) {
	r := &metric.Reader{}
	one, two := metric.IntStep(1), metric.IntStep(2)
	for _, q := range []metric.SampleQuery{
		{MaxPoints: 0}, {MaxPoints: metric.MaxBuckets + 1}, {MaxPoints: 1, From: &two, To: &one},
		{MaxPoints: 1, Runs: make([]*ent.Run, metric.MaxSeriesRuns+1)},
	} {
		_, err := r.Samples(ctx, q)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	}
	_, err := r.FirstPoints(ctx, nil, "loss", 0)
	require.Equal(t, errs.Invalid, errs.KindOf(err))
}

// TestManyRunsAreReadTogether: the statements are as many for a hundred runs as for two.
func TestManyRunsAreReadTogether(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + t.TempDir() + "/cairn.db", OnQuery: func(string, []any) { asked.Add(1) }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, r := newService(t, db), metric.NewReader(db)
	runs := make([]*ent.Run, 100)
	for part := range 2 { // folded, and in batches
		for i := range runs {
			if part == 0 {
				runs[i] = newRun(t, s)
			}
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: runs[i].RunID, Columns: []metric.Columns{steps("loss", 50*part, 50*part+50)}})
			require.NoError(t, err)
		}
		if part == 0 {
			require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
		}
	}
	count := func(runs []*ent.Run, read func(context.Context, []*ent.Run) ([]metric.RunPoints, error)) int64 {
		before := asked.Load()
		got, err := read(ctx, runs)
		require.NoError(t, err)
		require.Len(t, got, len(runs))
		return asked.Load() - before
	}
	for _, read := range []func(context.Context, []*ent.Run) ([]metric.RunPoints, error){
		func(ctx context.Context, runs []*ent.Run) ([]metric.RunPoints, error) {
			return r.Samples(ctx, metric.SampleQuery{Runs: runs, Key: "loss", MaxPoints: 10})
		},
		func(ctx context.Context, runs []*ent.Run) ([]metric.RunPoints, error) {
			return r.FirstPoints(ctx, runs, "loss", 10_000)
		},
	} {
		few := count(runs[:2], read)
		require.LessOrEqual(t, few, int64(8))
		require.Equal(t, few, count(runs, read))
	}
}

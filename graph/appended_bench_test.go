package graph_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// BenchmarkEventOfManyFollowers reads and encodes one event of 1,000 points for so many subscriptions of a run, where they share it and
// where each is on its own. One operation is the event of all of them.
func BenchmarkEventOfManyFollowers(b *testing.B) {
	ctx := admin()
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + b.TempDir() + "/cairn.db"})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	service := tracking.New(db, live.NewHub())
	b.Cleanup(service.Close)
	experiment := 0
	run, err := service.CreateRun(ctx, tracking.CreateRun{ExperimentID: &experiment, UserID: "tester"})
	require.NoError(b, err)
	c := metric.Columns{Key: "loss"}
	for i := range int64(1000) {
		c.Steps, c.Times, c.Values = append(c.Steps, i), append(c.Times, i), append(c.Values, float64(i)/7)
	}
	_, err = service.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{c}})
	require.NoError(b, err)
	for _, followers := range []int{1, 10, 100} {
		for _, shared := range []bool{true, false} {
			b.Run(fmt.Sprintf("followers=%d/shared=%v", followers, shared), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					reader := metric.NewReader(db)
					for range followers {
						if !shared {
							reader = metric.NewReader(db)
						}
						news, err := reader.Since(ctx, []*ent.Run{run}, nil, nil, 10_000)
						require.NoError(b, err)
						a := &news.Series[0]
						event := a.Once(func() any { return model.NewAppendedSeries(a.RunID, &a.Columns) }).(*model.AppendedSeries)
						event.Steps.MarshalGQL(io.Discard)
						event.Times.MarshalGQL(io.Discard)
						event.Values.MarshalGQL(io.Discard)
					}
				}
			})
		}
	}
}

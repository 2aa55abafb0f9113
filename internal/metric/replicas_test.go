package metric_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// replicas are servers on one PostgreSQL. appends counts what they appended by one statement, or tried to.
func replicas(t *testing.T, n int) (dbs []*store.DB, servers []*tracking.Service, appends func() int) {
	url := storetest.PostgresURL(t)
	for range n {
		db := storetest.Open(t, store.Config{URL: url})
		dbs, servers = append(dbs, db), append(servers, newService(t, db))
	}
	return dbs, servers, storetest.WatchAppends(t, url, "")
}

// TestReplicasEqualNaiveModel: each of two servers remembers a run's series, and writes to them what it likes; what is stored is
// what one that remembers nothing would store. In between the run is deleted, restored, folded and repaired.
func TestReplicasEqualNaiveModel(t *testing.T) {
	t.Parallel()
	dbs, servers, appends := replicas(t, 2)
	reader := metric.NewReader(dbs[0])
	rapid.Check(t, func(t *rapid.T) {
		run := newRun(t, servers[0])
		model := newNaive()
		someServer := rapid.IntRange(0, len(servers)-1)
		for range rapid.IntRange(4, 24).Draw(t, "batches") {
			columns := rapid.SliceOfN(someColumns, 1, 3).Draw(t, "columns")
			by := someServer.Draw(t, "server")
			_, err := servers[by].LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
			require.NoError(t, err)
			model.batch(columns)
			switch rapid.IntRange(0, 9).Draw(t, "meanwhile") {
			case 0:
				_, err := servers[someServer.Draw(t, "deleter")].DeleteRun(ctx, run.RunID)
				require.NoError(t, err)
				_, err = servers[by].LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
				require.ErrorContains(t, err, "restore it first")
				_, err = servers[someServer.Draw(t, "restorer")].RestoreRun(ctx, run.RunID)
				require.NoError(t, err)
			case 1:
				compactSome(t, dbs[someServer.Draw(t, "compactor")], rapid.IntRange(0, 6).Draw(t, "writes"))
			case 2:
				if corrupt(t, dbs[0], fmt.Sprintf("UPDATE metric_series SET count = count + 1, max_value = 1e300 WHERE run_id = %d", run.ID)) > 0 {
					require.NoError(t, faultsOf(t, dbs[0], run).Repair(ctx, dbs[someServer.Draw(t, "repairer")], false, nil))
				}
			case 3:
				requireSound(t, dbs[0], run)
			}
		}
		requireSound(t, dbs[0], run)
		requireHistory(t, reader, run, model)
		requireSummaries(t, servers[0], run, model)
	})
	require.Positive(t, appends())
}

// TestReplicasAtOnce: servers that write to the same runs at once, many calls in each statement, store each point once.
func TestReplicasAtOnce(t *testing.T) {
	t.Parallel()
	dbs, servers, appends := replicas(t, 3)
	const runs, writers, calls = 6, 12, 40
	ids := make([]string, runs)
	for i := range ids {
		ids[i] = newRun(t, servers[0]).RunID
	}
	var wg sync.WaitGroup
	failures := make(chan error, writers*calls)
	for w := range writers {
		wg.Go(func() {
			for i := range int64(calls) {
				var columns []metric.Columns
				for _, key := range []string{"loss", fmt.Sprint("own ", w)} {
					columns = append(columns, metric.Columns{Key: key, Steps: []int64{i, i}, Times: []int64{int64(w), int64(w)}, Values: []float64{float64(i), 7}})
				}
				// One run is written to by all servers, the others each by one.
				run, server := w%runs, w%runs%len(servers)
				if run == 0 {
					server = w % len(servers)
				}
				if i%5 == 0 {
					run, server = 0, w%len(servers)
				}
				_, err := servers[server].LogBatch(ctx, tracking.Batch{RunID: ids[run], Columns: columns})
				failures <- err
			}
		})
	}
	for range 5 {
		require.NoError(t, metric.CompactAll(ctx, dbs[1], slog.New(slog.DiscardHandler), nil))
	}
	wg.Wait()
	for range writers * calls {
		require.NoError(t, <-failures)
	}
	total := int64(0)
	for _, id := range ids {
		run, err := servers[0].Run(ctx, id)
		require.NoError(t, err)
		requireSound(t, dbs[0], run)
		rows, err := servers[0].SeriesOf(ctx, []int{run.ID}, []string{"loss"})
		require.NoError(t, err)
		total += rows[run.ID][0].Count
	}
	// The two points of step 7 are one.
	require.EqualValues(t, writers*(2*calls-1), total)
	require.Positive(t, appends())
}

// TestReplicasLearnWhatIsNoPoint: a series that got another role, or finer steps, without a new point is known as such to the
// other server, whose next points go on from there.
func TestReplicasLearnWhatIsNoPoint(t *testing.T) {
	t.Parallel()
	dbs, servers, _ := replicas(t, 2)
	run := newRun(t, servers[0])
	log := func(server int, c metric.Columns) {
		c.Key = "loss"
		_, err := servers[server].LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{c}})
		require.NoError(t, err)
	}
	one := func(step int64) metric.Columns {
		return metric.Columns{Steps: []int64{step}, Times: []int64{step}, Values: []float64{1}}
	}
	log(0, one(10))
	log(1, one(11))
	log(1, metric.Columns{Role: "MEASUREMENT"})
	log(0, one(12))
	log(0, metric.Columns{Role: "RESULT"})
	log(1, metric.Columns{Role: "MEASUREMENT"})
	log(0, one(5)) // the first point: all of the row is written
	rows, err := servers[0].SeriesOf(ctx, []int{run.ID}, nil)
	require.NoError(t, err)
	require.EqualValues(t, "MEASUREMENT", rows[run.ID][0].Role)

	log(1, one(13))
	log(0, metric.Columns{StepScale: 2, Steps: []int64{1200}, Times: []int64{12}, Values: []float64{1}}) // is there
	log(1, one(14))
	log(1, one(15))
	requireSound(t, dbs[0], run)
	rows, err = servers[0].SeriesOf(ctx, []int{run.ID}, nil)
	require.NoError(t, err)
	require.EqualValues(t, 1500, rows[run.ID][0].LastStep)
}

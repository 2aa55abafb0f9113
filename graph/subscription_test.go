package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

const metricsAppended = `subscription($runs: [ID!]!, $keys: [String!], $after: String) {
	metricsAppended(runs: $runs, keys: $keys, after: $after) {
		cursor series { runId key stepScale steps times values points { value step time } } } }`

// metricsPacked asks for the columns alone.
const metricsPacked = `subscription($runs: [ID!]!) {
	metricsAppended(runs: $runs) { cursor series { runId key steps values } } }`

type appended struct {
	MetricsAppended struct {
		Cursor string
		Series []struct {
			RunID, Key           string
			StepScale            int
			Steps, Times, Values string
			Points               []struct {
				Value any
				Step  json.Number
				Time  string
			}
		}
	}
}

// points reads events until so many points of a key have come, and gives their steps and the last cursor.
func points(t *testing.T, from stream, run, key string, n int) (steps []int64, cursor string) {
	t.Helper()
	for len(steps) < n {
		r, done := from.next(t)
		require.False(t, done)
		require.Empty(t, r.Errors)
		var a appended
		require.NoError(t, json.Unmarshal(r.Data, &a))
		cursor = a.MetricsAppended.Cursor
		for _, s := range a.MetricsAppended.Series {
			require.Equal(t, run, s.RunID)
			require.Equal(t, key, s.Key)
			got, values := ints(t, s.Steps), floats(t, s.Values)
			for i, step := range got {
				if math.Abs(values[i]-float64(step)/2) > 0 || s.Points != nil && s.Points[i].Step.String() != fmt.Sprint(step) {
					require.Fail(t, "another value than was logged", "step %d", step)
				}
			}
			steps = append(steps, got...)
		}
	}
	return steps, cursor
}

func sequence(from, to int64) []int64 {
	var out []int64
	for ; from < to; from++ {
		out = append(out, from)
	}
	return out
}

func TestMetricsAppendedGivesEveryPointOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		for name, open := range transports() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				run, other := s.newRun(tracking.CreateRun{}), s.newRun(tracking.CreateRun{})
				log := func(from, to int64) {
					for ; from < to; from++ {
						s.logPoints(run, "loss", from, float64(from)/2)
						s.logPoints(run, "acc", from, 1)
						s.logPoints(other, "loss", from, 1)
					}
				}
				v := vars{"runs": []string{"run:" + run}, "keys": []string{"loss"}}
				log(0, 20)

				first := open(t, s, metricsAppended, v)
				steps, _ := points(t, first, run, "loss", 20)
				require.Equal(t, sequence(0, 20), steps, "what was there before")
				written := make(chan struct{})
				go func() { log(20, 60); close(written) }()
				more, cursor := points(t, first, run, "loss", 15)
				steps = append(steps, more...)
				first.close() // in the middle of it
				<-written
				log(60, 70) // nobody is connected

				v["after"] = cursor
				second := open(t, s, metricsAppended, v)
				more, _ = points(t, second, run, "loss", 70-len(steps))
				log(70, 80)
				live, _ := points(t, second, run, "loss", 10)
				require.Equal(t, sequence(0, 80), append(append(steps, more...), live...), "each once, in order")
				second.close()
			})
		}
	})
}

// TestMetricsAppendedUntilTheRunsHaveEnded: every point comes, also one that a batch of the last moment has, and then the stream is
// completed; when all had ended before, at once.
func TestMetricsAppendedUntilTheRunsHaveEnded(t *testing.T) {
	t.Parallel()
	const query = `subscription($runs: [ID!]!, $after: String) {
		metricsAppended(runs: $runs, keys: ["loss"], after: $after, untilEnded: true) { cursor series { runId key steps values } } }`
	const finish = `mutation($run: ID!) { finishRun(input: {runId: $run}) { runId } }`
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		for name, open := range transports() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				run, deleted := s.newRun(tracking.CreateRun{}), s.newRun(tracking.CreateRun{})
				s.logPoints(run, "loss", 0, 0)
				from := open(t, s, query, vars{"runs": []string{run, deleted}})
				_, cursor := points(t, from, run, "loss", 1)
				s.logPoints(run, "loss", 1, 0.5)
				s.logPoints(run, "acc", 1, 0.5)
				must[struct{}](s, finish, vars{"run": run})
				must[struct{}](s, `mutation($run: ID!) { deleteRun(runId: $run) { runId } }`, vars{"run": deleted})
				steps, _ := points(t, from, run, "loss", 1)
				require.Equal(t, []int64{1}, steps)
				_, done := from.next(t)
				require.True(t, done, "completed")

				late := open(t, s, query, vars{"runs": []string{run, deleted}, "after": cursor})
				steps, _ = points(t, late, run, "loss", 1)
				require.Equal(t, []int64{1}, steps)
				_, done = late.next(t)
				require.True(t, done, "completed at once")
			})
		}
	})
}

// TestMetricsAppendedTellsWhatIsMissing: a batch that cannot be read is named with its run, once, also where nothing else came.
func TestMetricsAppendedTellsWhatIsMissing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		run, sound := s.newRun(tracking.CreateRun{}), s.newRun(tracking.CreateRun{})
		s.logPoints(run, "loss", 0, 0, 0.5)
		require.NoError(t, db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE metric_batches SET payload = ?", []byte("damaged"))
			return err
		}))
		s.logPoints(sound, "loss", 0, 0)
		events := s.connect(t).subscribe(t, "1", `subscription($runs: [ID!]!) {
			metricsAppended(runs: $runs) { cursor incompleteRuns series { runId } } }`, vars{"runs": []string{run, sound}})
		type event struct {
			MetricsAppended struct {
				IncompleteRuns []string
				Series         []struct{ RunID string }
			}
		}
		next := func() (e event) {
			t.Helper()
			r, done := events.next(t)
			require.False(t, done)
			require.Empty(t, r.Errors)
			require.NoError(t, json.Unmarshal(r.Data, &e))
			return e
		}
		first := next()
		require.Equal(t, []string{run}, first.MetricsAppended.IncompleteRuns)
		require.Len(t, first.MetricsAppended.Series, 1)
		require.Equal(t, sound, first.MetricsAppended.Series[0].RunID)
		s.logPoints(run, "loss", 2, 1)
		second := next()
		require.Equal(t, []string{}, second.MetricsAppended.IncompleteRuns)
		require.Equal(t, run, second.MetricsAppended.Series[0].RunID)
	})
}

func TestSeriesHandOverToSubscription(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	run := s.newRun(tracking.CreateRun{})
	s.logPoints(run, "loss", 0, 0, 0.5, 1)
	got := must[struct {
		MetricSeries struct {
			Cursor string
			Series []struct{ Steps string }
		}
	}](s, `query($r: [ID!]!) { metricSeries(runs: $r) { cursor series { steps } } }`, vars{"r": []string{run}})
	require.Equal(t, []int64{0, 1, 2}, ints(t, got.MetricSeries.Series[0].Steps))

	stored := must[struct{ LogBatch struct{ Cursor string } }](s, `mutation($i: LogBatchInput!) { logBatch(input: $i) { cursor } }`,
		vars{"i": vars{"runId": run, "metrics": []vars{{"key": "loss", "value": 1.5, "step": 3}}}})
	require.NotEmpty(t, stored.LogBatch.Cursor)
	s.logPoints(run, "loss", 4, 2)

	after := s.connect(t).subscribe(t, "1", metricsAppended, vars{"runs": []string{run}, "after": got.MetricSeries.Cursor})
	steps, _ := points(t, after, run, "loss", 2)
	require.Equal(t, []int64{3, 4}, steps, "no gap and nothing twice")
	behind, _ := s.events(t, http.MethodPost, metricsAppended, vars{"runs": []string{run}, "after": stored.LogBatch.Cursor})
	steps, _ = points(t, behind, run, "loss", 1)
	require.Equal(t, []int64{4}, steps, "a batch's cursor stands behind the batch")
}

func TestSubscriptionArguments(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	run := s.newRun(tracking.CreateRun{})
	none, status := s.fails(metricsAppended, vars{"runs": []string{}})
	require.Equal(t, http.StatusBadRequest, status, "what the schema bounds is refused before a stream begins")
	require.Equal(t, "runs: has 0 elements; there are from 1 to 1,000", none.Message)
	for name, c := range map[string]struct {
		query             string
		v                 vars
		code, field, says string
	}{
		"unknown run": {metricsAppended, vars{"runs": []string{strings.Repeat("0", 32)}}, "NOT_FOUND", "", "not found"},
		"bad run":     {metricsAppended, vars{"runs": []string{run, "x"}}, "INVALID_ARGUMENT", "runs[1]", "32 lower-case hex digits"},
		"forged cursor": {
			metricsAppended, vars{"runs": []string{run}, "after": "AAAA"}, "INVALID_ARGUMENT", "after", "not a cursor",
		},
		"filter": {runsChanged, vars{"filter": "metrics.acc >"}, "INVALID_ARGUMENT", "filter", "expected"},
		"cursor of another kind": {
			runsChanged, vars{"after": "Zm9v"}, "INVALID_ARGUMENT", "after", "not a cursor",
		},
	} {
		for transport, open := range transports() {
			got := open(t, s, c.query, c.v)
			r, done := got.next(t)
			require.False(t, done)
			require.Len(t, r.Errors, 1, "%s %s: %s", transport, name, r.Data)
			require.Equal(t, c.code, r.Errors[0].Extensions.Code, "%s %s", transport, name)
			require.Equal(t, c.field, r.Errors[0].Extensions.Field, "%s %s", transport, name)
			require.Contains(t, r.Errors[0].Message, c.says, "%s %s", transport, name)
			_, done = got.next(t)
			require.True(t, done, "%s %s: completed after the error", transport, name)
		}
	}
	eventually(t, func() bool { return s.deps.Hub.Len() == 0 }, "nothing is followed any more")
}

const runsChanged = `subscription($experiments: [ID!], $filter: String, $after: String) {
	runsChanged(experiments: $experiments, filter: $filter, after: $after) {
		cursor changes { kind runId run { runId name status params { key value } metric(key: "acc") { last { value } } } } } }`

type changed struct {
	RunsChanged struct {
		Cursor  string
		Changes []struct {
			Kind, RunID string
			Run         *struct {
				Name, Status string
				Params       []struct{ Key, Value string }
				Metric       *struct{ Last struct{ Value float64 } }
			}
		}
	}
}

func nextChange(t *testing.T, from stream) changed {
	t.Helper()
	r, done := from.next(t)
	require.False(t, done)
	require.Empty(t, r.Errors)
	var c changed
	require.NoError(t, json.Unmarshal(r.Data, &c))
	return c
}

func TestRunsChanged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		mine, err := s.deps.Tracking.CreateExperiment(admin(), tracking.CreateExperiment{Name: "mine"})
		require.NoError(t, err)
		before := s.newRun(tracking.CreateRun{ExperimentID: &mine.ID})

		v := vars{"experiments": []any{mine.ID}, "filter": "metrics.acc > 0.5 or params.keep = 'yes'"}
		sub := s.connect(t).subscribe(t, "1", runsChanged, v)
		greeting := nextChange(t, sub)
		require.Empty(t, greeting.RunsChanged.Changes, "the first event has the cursor only")
		require.NotEmpty(t, greeting.RunsChanged.Cursor)

		s.newRun(tracking.CreateRun{}) // in another experiment
		run := s.newRun(tracking.CreateRun{ExperimentID: &mine.ID, Name: "first"})
		c := nextChange(t, sub)
		require.Len(t, c.RunsChanged.Changes, 1)
		require.Equal(t, run, c.RunsChanged.Changes[0].RunID)
		require.Equal(t, "LEFT", c.RunsChanged.Changes[0].Kind, "it does not match, and a client might show it")
		require.Nil(t, c.RunsChanged.Changes[0].Run)

		kinds := func(want ...string) {
			t.Helper()
			// Points count as a change of their run some time later, so a change may be told twice.
			for len(want) > 0 {
				for _, change := range nextChange(t, sub).RunsChanged.Changes {
					require.Equal(t, run, change.RunID)
					if len(want) > 0 && change.Kind == want[0] {
						want = want[1:]
					} else {
						require.Equal(t, "UPDATED", change.Kind)
					}
				}
			}
		}
		s.logPoints(run, "acc", 0, 0.9)
		kinds("ENTERED")
		name := "renamed"
		_, err = s.deps.Tracking.UpdateRun(admin(), tracking.UpdateRun{RunID: run, Name: &name})
		require.NoError(t, err)
		kinds("UPDATED")
		_, err = s.deps.Tracking.DeleteRun(admin(), run)
		require.NoError(t, err)
		kinds("LEFT")
		sub.close()

		// Nobody is connected.
		_, err = s.deps.Tracking.LogBatch(admin(), tracking.Batch{RunID: before, Params: []tracking.Param{{Key: "keep", Value: "yes"}}})
		require.NoError(t, err)
		v["after"] = greeting.RunsChanged.Cursor
		again, _ := s.events(t, http.MethodPost, runsChanged, v)
		seen := map[string]string{}
		for len(seen) < 2 {
			for _, change := range nextChange(t, again).RunsChanged.Changes {
				seen[change.RunID] = change.Kind
				if change.RunID == before {
					require.Equal(t, "yes", change.Run.Params[0].Value)
				}
			}
		}
		require.Equal(t, map[string]string{run: "LEFT", before: "ENTERED"}, seen, "what changed behind the cursor")
	})
}

func TestSlowReaderIsReadForNoFurtherThanItReads(t *testing.T) {
	t.Parallel()
	var reads atomic.Int64
	s := newServer(t, storetest.Open(t, store.Config{URL: "sqlite:" + t.TempDir() + "/cairn.db", OnQuery: func(q string, _ []any) {
		if strings.Contains(q, "payload FROM metric_batches") {
			reads.Add(1)
		}
	}}), graph.Options{PollInterval: 10 * time.Millisecond})
	run := s.newRun(tracking.CreateRun{})
	sub := s.connect(t).subscribe(t, "1", metricsPacked, vars{"runs": []string{run}})
	eventually(t, func() bool { return s.deps.Hub.Len() == 1 }, "subscribed")

	// Nobody reads. What the server holds is one event, of at most one batch more than 10,000 points, and one wake-up: it
	// reads the next event only when this one is taken. What the kernel and the client's library keep is little.
	const batches, size = 40, 10_000
	values := make([]float64, size)
	for i := range int64(batches) {
		for j := range values {
			values[j] = float64(i*size+int64(j)) / 2
		}
		s.logPoints(run, "loss", i*size, values...)
	}
	require.Positive(t, reads.Load())
	require.Less(t, reads.Load(), int64(12), "of 40 events")
	steps, _ := points(t, sub, run, "loss", batches*size)
	require.Equal(t, sequence(0, batches*size), steps, "and nothing is lost")
}

// TestRateThatAClientAsksFor: however much happens, no more events come, and nothing is left out.
func TestRateThatAClientAsksFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		run := s.newRun(tracking.CreateRun{})
		const rate, batches = 4, 150
		began := time.Now()
		sub := s.connect(t).subscribe(t, "1", `subscription($runs: [ID!]!) {
			metricsAppended(runs: $runs, maxRate: 4) { cursor series { runId key steps values } } }`, vars{"runs": []string{run}})
		s.logPoints(run, "loss", 0, 0)
		steps, _ := points(t, sub, run, "loss", 1)
		go func() {
			for i := range int64(batches) {
				s.logPoints(run, "loss", i+1, float64(i+1)/2)
			}
		}()
		events := 1
		for ; len(steps) <= batches; events++ {
			more, _ := points(t, sub, run, "loss", 1)
			steps = append(steps, more...)
		}
		require.Equal(t, sequence(0, batches+1), steps)
		require.LessOrEqual(t, float64(events), 1+rate*time.Since(began).Seconds())
	})
}

func TestWhatAnotherReplicaWritesIsFound(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	s, replica := newServer(t, db, graph.Options{}), newServer(t, db, graph.Options{})
	for _, server := range []*server{s, replica} {
		relay := live.StartRelay(server.deps.Hub, db, live.NewPostgres(db), slog.New(slog.DiscardHandler))
		t.Cleanup(relay.Close)
	}
	run := s.newRun(tracking.CreateRun{})
	sub := s.connect(t).subscribe(t, "1", metricsAppended, vars{"runs": []string{run}})
	eventually(t, func() bool { return s.deps.Hub.Len() == 1 }, "subscribed")
	replica.logPoints(run, "loss", 0, 0, 0.5)
	steps, _ := points(t, sub, run, "loss", 2)
	require.Equal(t, sequence(0, 2), steps)
}

func TestWhoIsAloneReadsOnlyWhenWoken(t *testing.T) {
	t.Parallel()
	var looks, reads atomic.Int64
	s := newServer(t, storetest.Open(t, store.Config{URL: "sqlite:" + t.TempDir() + "/cairn.db", OnQuery: func(q string, _ []any) {
		if strings.Contains(q, "tokens") {
			looks.Add(1)
		} else {
			reads.Add(1)
		}
	}}), graph.Options{PollInterval: 5 * time.Millisecond})
	run := s.newRun(tracking.CreateRun{})
	sub := s.connect(t).subscribe(t, "1", metricsAppended, vars{"runs": []string{run}})
	s.logPoints(run, "loss", 0, 0)
	points(t, sub, run, "loss", 1)

	// The credential is asked for at each poll, and read from the database about once a second: many polls lie between.
	looked := func(n int64) func() bool { return func() bool { return looks.Load() >= n } }
	eventually(t, looked(looks.Load()+1), "the event's own reads are over")
	read := reads.Load()
	eventually(t, looked(looks.Load()+1), "the credential is looked at while nothing happens")
	require.Equal(t, read, reads.Load(), "and nothing else")
	s.logPoints(run, "loss", 1, 0.5)
	points(t, sub, run, "loss", 1)
}

func TestReaderThatReadsNothingIsDropped(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{WriteTimeout: 200 * time.Millisecond})
	run := s.newRun(tracking.CreateRun{})
	values := make([]float64, 50_000)
	for i := range int64(6) {
		for j := range values {
			values[j] = float64(i) + float64(j)/7
		}
		s.logPoints(run, "loss", i*50_000, values...)
	}
	for _, open := range transports() {
		open(t, s, metricsPacked, vars{"runs": []string{run}})
	}
	eventually(t, func() bool { return s.deps.Hub.Len() == 0 }, "who does not read is not waited for")
}

func TestSubscriptionsEndWithTheirRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	run := s.newRun(tracking.CreateRun{})
	for _, open := range transports() {
		sub := open(t, s, metricsAppended, vars{"runs": []string{run}})
		eventually(t, func() bool { return s.deps.Hub.Len() == 1 }, "subscribed")
		sub.close()
		eventually(t, func() bool { return s.deps.Hub.Len() == 0 }, "ended")
	}
	c := s.connect(t)
	c.subscribe(t, "1", metricsAppended, vars{"runs": []string{run}})
	eventually(t, func() bool { return s.deps.Hub.Len() == 1 }, "subscribed")
	c.write(t, wsMessage{ID: "1", Type: "complete"})
	eventually(t, func() bool { return s.deps.Hub.Len() == 0 }, "ended by the client, the connection open")
	r, _ := c.subscribe(t, "2", `{ viewer { role } }`, nil).next(t)
	require.JSONEq(t, `{"viewer":{"role":"ADMIN"}}`, string(r.Data))
}

func TestCloseEndsEveryStream(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	run := s.newRun(tracking.CreateRun{})
	for _, open := range transports() {
		open(t, s, metricsAppended, vars{"runs": []string{run}})
	}
	eventually(t, func() bool { return s.deps.Hub.Len() == 3 }, "subscribed")
	idle := s.connect(t)
	s.handler.Close()
	eventually(t, func() bool { return s.deps.Hub.Len() == 0 }, "ended")
	_, _, err := idle.conn.Read(idle.ctx)
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err), "%v", err)
}

func TestBoundsOfSubscriptions(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{MaxOperations: 2, MaxSubscriptions: 3})
	run := s.newRun(tracking.CreateRun{})
	v := vars{"runs": []string{run}}
	c := s.connect(t)
	c.subscribe(t, "1", metricsAppended, v)
	c.subscribe(t, "2", metricsAppended, v)
	eventually(t, func() bool { return s.deps.Hub.Len() == 2 }, "subscribed")
	refused := func(sub *wsStream, says string) {
		t.Helper()
		r, done := sub.next(t)
		require.False(t, done)
		require.Equal(t, "RESOURCE_EXHAUSTED", r.Errors[0].Extensions.Code)
		require.Contains(t, r.Errors[0].Message, says)
		_, done = sub.next(t)
		require.True(t, done)
	}
	refused(c.subscribe(t, "3", metricsAppended, v), "2 operations are running on this connection")
	for range 5 { // what a transport refuses holds no place
		err, _ := s.fails(metricsAppended, v)
		require.Contains(t, err.Message, "needs a stream")
	}

	other := s.connect(t)
	other.subscribe(t, "1", metricsAppended, v)
	eventually(t, func() bool { return s.deps.Hub.Len() == 3 }, "subscribed")
	refused(other.subscribe(t, "2", metricsAppended, v), "3 subscriptions are open on this server")
	_, res := s.events(t, http.MethodPost, metricsAppended, v)
	require.Equal(t, http.StatusTooManyRequests, res.StatusCode)

	require.NoError(t, c.conn.CloseNow())
	eventually(t, func() bool { return s.deps.Hub.Len() == 1 }, "its places are free again")
	eventually(t, func() bool {
		_, res := s.events(t, http.MethodPost, metricsAppended, v)
		return res.StatusCode == http.StatusOK
	}, "for others")
}

func TestBoundOfWebSockets(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{MaxWebSockets: 2})
	for range 5 {
		s.dial(t, nil) // who never says who it is takes no place
	}
	first := s.connect(t)
	s.connect(t)
	dial := func() int {
		conn, res, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http"), &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
		require.NotNil(t, res, "%v", err)
		if res.Body != nil {
			defer func() { _ = res.Body.Close() }()
		}
		if err == nil {
			require.NoError(t, conn.CloseNow())
		}
		return res.StatusCode
	}
	require.Equal(t, http.StatusTooManyRequests, dial())
	require.NoError(t, first.conn.CloseNow())
	eventually(t, func() bool { return dial() == http.StatusSwitchingProtocols }, "its place is free again")
}

// TestHandshakesThatNeverEnd: however many connections say nothing, who says who it is gets in; they are cut, the oldest first.
func TestHandshakesThatNeverEnd(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{MaxHandshakes: 3, MaxWebSockets: 4, InitTimeout: time.Hour})
	greeted := s.connect(t)
	var silent []*wsClient
	for range 20 {
		c := s.dial(t, nil)
		c.write(t, wsMessage{Type: "ping"})
		require.Equal(t, "pong", c.read(t).Type, "it waits now")
		silent = append(silent, c)
	}
	for _, c := range silent[:17] {
		_, _, err := c.conn.Read(c.ctx)
		require.Error(t, err, "cut")
	}
	for _, c := range []*wsClient{greeted, s.connect(t)} {
		r, _ := c.subscribe(t, "1", `{ viewer { role } }`, nil).next(t)
		require.JSONEq(t, `{"viewer":{"role":"ADMIN"}}`, string(r.Data))
	}
	last := silent[19] // has not waited for long
	last.write(t, wsMessage{Type: "connection_init"})
	require.Equal(t, "connection_ack", last.read(t).Type)
}

// TestNoUserTakesAll: half of the server's subscriptions and WebSockets is all that one token gets, on whatever transport; others go on.
func TestNoUserTakesAll(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{MaxSubscriptions: 4, MaxWebSockets: 4})
	run := s.newRun(tracking.CreateRun{})
	v := vars{"runs": []string{run}}
	_, _, err := s.deps.Auth.CreateToken(admin(), "root", token.RoleADMIN, nil)
	require.NoError(t, err)
	connect := func(name string) (*wsClient, func() *wsClient) {
		_, secret, err := s.deps.Auth.CreateToken(admin(), name, token.RoleVIEWER, nil)
		require.NoError(t, err)
		greet := func() *wsClient {
			c := s.dial(t, nil)
			payload, err := json.Marshal(map[string]string{"authorization": "Bearer " + secret})
			require.NoError(t, err)
			c.write(t, wsMessage{Type: "connection_init", Payload: payload})
			return c
		}
		c := greet()
		require.Equal(t, "connection_ack", c.read(t).Type)
		return c, greet
	}
	greedy, again := connect("greedy")
	greedy.subscribe(t, "1", metricsAppended, v)
	greedy.subscribe(t, "2", metricsAppended, v)
	r, _ := greedy.subscribe(t, "3", metricsAppended, v).next(t)
	require.Len(t, r.Errors, 1)
	require.Equal(t, "RESOURCE_EXHAUSTED", r.Errors[0].Extensions.Code)
	require.Contains(t, r.Errors[0].Message, "2 subscriptions of yours are open")
	second := again()
	require.Equal(t, "connection_ack", second.read(t).Type)
	third := again()
	_, _, err = third.conn.Read(third.ctx)
	require.Equal(t, websocket.StatusTryAgainLater, websocket.CloseStatus(err), "%v", err)
	require.Contains(t, err.Error(), "2 WebSockets of yours are open")

	modest, _ := connect("modest")
	sub := modest.subscribe(t, "1", metricsAppended, v)
	s.logPoints(run, "loss", 0, 0)
	points(t, sub, run, "loss", 1)
	greedy.write(t, wsMessage{ID: "1", Type: "complete"})
	eventually(t, func() bool { _, open := s.handler.Open(); return open == 2 }, "completed")
	sub = greedy.subscribe(t, "4", metricsAppended, v)
	for done := false; !done; { // what the second one was sent comes in between
		m := greedy.read(t)
		require.NotEqual(t, "error", m.Type)
		done = m.ID == sub.id
	}
}

func TestRevokedTokenEndsSubscription(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{PollInterval: 20 * time.Millisecond})
	run := s.newRun(tracking.CreateRun{})
	_, root, err := s.deps.Auth.CreateToken(admin(), "root", token.RoleADMIN, nil)
	require.NoError(t, err)
	_ = root
	_, secret, err := s.deps.Auth.CreateToken(admin(), "watcher", token.RoleVIEWER, nil)
	require.NoError(t, err)
	c := s.dial(t, &websocket.DialOptions{HTTPHeader: http.Header{"X-Anonymous": {"1"}}})
	c.write(t, wsMessage{Type: "connection_init", Payload: json.RawMessage(`{"authorization": "Bearer ` + secret + `"}`)})
	require.Equal(t, "connection_ack", c.read(t).Type)
	sub := c.subscribe(t, "1", metricsAppended, vars{"runs": []string{run}})
	s.logPoints(run, "loss", 0, 0)
	points(t, sub, run, "loss", 1)

	_, err = s.deps.Auth.RevokeToken(admin(), "watcher")
	require.NoError(t, err)
	r, done := sub.next(t)
	require.False(t, done)
	require.Equal(t, "UNAUTHENTICATED", r.Errors[0].Extensions.Code)
	_, done = sub.next(t)
	require.True(t, done)
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{KeepAlive: 300 * time.Millisecond}) // within which a busy machine answers a ping
	run := s.newRun(tracking.CreateRun{})
	sub, _ := s.events(t, http.MethodGet, metricsAppended, vars{"runs": []string{run}})
	for range 6 { // three comments, each of two lines
		line, err := sub.lines.ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, []string{":\n", "\n"}, line)
	}

	// A peer that answers pings stays; one that does not is dropped.
	c := s.dial(t, nil)
	c.write(t, wsMessage{Type: "connection_init"})
	c.subscribe(t, "1", metricsAppended, vars{"runs": []string{run}})
	for pings := 0; pings < 5; {
		var m wsMessage
		_, raw, err := c.conn.Read(c.ctx)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &m))
		if m.Type == "ping" {
			pings++
			c.write(t, wsMessage{Type: "pong"})
		}
	}
	sub.close()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	for {
		if _, _, err := c.conn.Read(ctx); err != nil {
			require.NoError(t, ctx.Err(), "dropped before the test gave up")
			break
		}
	}
	eventually(t, func() bool { return s.deps.Hub.Len() == 0 }, "its subscription ended")
}

package live_test

import (
	"context"
	"database/sql"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/live/natstest"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// patience bounds how long a hint may take on a busy machine.
const patience = 30 * time.Second

// replica is what tells and is told in a server.
type replica struct {
	hub     *live.Hub
	db      *store.DB
	relay   *live.Relay
	service *tracking.Service
	// sent counts the messages that it sent.
	sent atomic.Int64
}

type countingBus struct {
	live.Bus
	sent *atomic.Int64
}

func (b countingBus) Send(ctx context.Context, message []byte) error {
	b.sent.Add(1)
	return b.Bus.Send(ctx, message)
}

type makeBus func(t *testing.T, db *store.DB) live.Bus

func newReplica(t *testing.T, cfg store.Config, bus makeBus) *replica {
	t.Helper()
	r := &replica{hub: live.NewHub(), db: storetest.Open(t, cfg)}
	r.relay = live.StartRelay(r.hub, r.db, countingBus{bus(t, r.db), &r.sent}, slog.New(slog.DiscardHandler))
	t.Cleanup(r.relay.Close)
	r.service = tracking.New(r.db, r.hub)
	t.Cleanup(r.service.Close)
	return r
}

func (r *replica) connected(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return r.relay.State().Connected }, patience, 5*time.Millisecond, "hints arrive")
	require.Empty(t, r.relay.State().Problem)
}

func (r *replica) lost(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return !r.relay.State().Connected && r.relay.State().Problem != "starting" },
		patience, 5*time.Millisecond, "hints do not arrive, and the state says so")
}

func woken(t *testing.T, s *live.Subscription, why string) {
	t.Helper()
	select {
	case <-s.C():
	case <-time.After(patience):
		require.Fail(t, "was not woken", why)
	}
}

// quiet takes the signals that wait: from the start on a relay wakes all who may have missed something.
func quiet(s *live.Subscription) {
	select {
	case <-s.C():
	default:
	}
}

func postgresBus(_ *testing.T, db *store.DB) live.Bus { return live.NewPostgres(db) }

func natsBus(nodes *natstest.Cluster) makeBus {
	return func(t *testing.T, db *store.DB) live.Bus {
		identity, err := db.Identity(t.Context())
		require.NoError(t, err)
		bus, err := live.NewNATS(nodes.URLs(), identity)
		require.NoError(t, err)
		return bus
	}
}

// eachBus runs a test with two replicas that exchange hints, over each bus. interrupt cuts all connections of the bus, which
// come back after restore.
func eachBus(t *testing.T, fn func(t *testing.T, a, b *replica, interrupt, restore func())) {
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		cfg := store.Config{URL: storetest.PostgresURL(t)}
		a, b := newReplica(t, cfg, postgresBus), newReplica(t, cfg, postgresBus)
		admin, err := sql.Open("postgres", cfg.URL)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, admin.Close()) })
		fn(t, a, b, func() {
			_, err := admin.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()")
			require.NoError(t, err)
		}, func() {})
	})
	t.Run("nats", func(t *testing.T) {
		t.Parallel()
		cfg := store.Config{URL: storetest.PostgresURL(t)}
		nodes := natstest.Start(t, 3)
		fn(t, newReplica(t, cfg, natsBus(nodes)), newReplica(t, cfg, natsBus(nodes)), func() {
			for i := range 3 {
				nodes.Stop(i)
			}
		}, func() {
			for i := range 3 {
				nodes.Start(i)
			}
		})
	})
	t.Run("postgres behind pgbouncer", func(t *testing.T) {
		t.Parallel()
		direct := storetest.PostgresURL(t)
		cfg := store.Config{URL: storetest.PgBouncerURL(t, direct), DirectURL: direct}
		a, b := newReplica(t, cfg, postgresBus), newReplica(t, cfg, postgresBus)
		fn(t, a, b, func() {}, func() {})
	})
}

// TestBusCarriesHints publishes what is not in the database, so that nothing but the bus can tell of it.
func TestBusCarriesHints(t *testing.T) {
	t.Parallel()
	eachBus(t, func(t *testing.T, a, b *replica, _, _ func()) {
		a.connected(t)
		b.connected(t)
		points := b.hub.Subscribe(func(e live.Event) bool { return e.Metrics && e.Sequence == 7 }, "a run")
		changes := b.hub.Subscribe(func(e live.Event) bool { return e.Changed && e.ExperimentID == 3 })
		models := b.hub.Subscribe(func(e live.Event) bool { return e.RegisteredModelID == 5 })
		other := b.hub.Subscribe(func(live.Event) bool { return true }, "another run")
		for _, s := range []*live.Subscription{points, changes, models, other} {
			defer s.Close()
		}
		woken(t, other, "a relay that begins to follow wakes everybody, since it does not know what they missed")
		quiet(points)
		quiet(changes)
		quiet(models)
		a.hub.Publish(live.Event{RunID: "a run", ExperimentID: 3, Metrics: true, Sequence: 7})
		woken(t, points, "points")
		a.hub.Publish(live.Event{RunID: "a run", ExperimentID: 3, Changed: true})
		woken(t, changes, "a change")
		a.hub.Publish(live.Event{RegisteredModelID: 5})
		woken(t, models, "a model")
		require.Empty(t, other.C())
	})
}

func TestHintsAreGathered(t *testing.T) {
	t.Parallel()
	eachBus(t, func(t *testing.T, a, b *replica, _, _ func()) {
		a.connected(t)
		b.connected(t)
		last := b.hub.Subscribe(func(e live.Event) bool { return e.Sequence == 50_000 }, "run 9")
		defer last.Close()
		before, began := a.sent.Load(), time.Now()
		for i := range int64(50_000) {
			a.hub.Publish(live.Event{RunID: "run " + string('0'+rune(i%10)), Metrics: true, Sequence: i + 1})
		}
		woken(t, last, "the newest sequence is the one that is told")
		paces := int64(time.Since(began)/(10*time.Millisecond)) + 3
		require.LessOrEqual(t, a.sent.Load()-before, paces, "50,000 commits are one message for each pause, at most")
	})
}

// TestMoreThanIsTold wakes everybody when there are too many hints to send.
func TestMoreThanIsTold(t *testing.T) {
	t.Parallel()
	cfg := store.Config{URL: storetest.PostgresURL(t)}
	a, b := newReplica(t, cfg, postgresBus), newReplica(t, cfg, postgresBus)
	a.connected(t)
	b.connected(t)
	s := b.hub.Subscribe(func(live.Event) bool { return false }, "some run")
	defer s.Close()
	woken(t, s, "at its beginning")
	for i := range 10_000 {
		a.hub.Publish(live.Event{RegisteredModelID: i + 1})
	}
	woken(t, s, "though no hint is for it")
}

func TestLostBusComesBack(t *testing.T) {
	t.Parallel()
	eachBus(t, func(t *testing.T, a, b *replica, interrupt, restore func()) {
		a.connected(t)
		b.connected(t)
		run, err := a.service.CreateRun(t.Context(), tracking.CreateRun{})
		require.NoError(t, err)
		s := b.hub.Subscribe(func(e live.Event) bool { return e.Metrics }, run.RunID)
		defer s.Close()
		interrupt()
		_, err = a.service.LogBatch(t.Context(), tracking.Batch{RunID: run.RunID, Columns: columns(1)})
		require.NoError(t, err)
		woken(t, s, "by the bus, or by what is in the database")
		restore()
		a.connected(t)
		b.connected(t)
		told := b.hub.Subscribe(func(e live.Event) bool { return e.Sequence == 99 }, "a run")
		defer told.Close()
		require.Eventually(t, func() bool { // the first may meet a connection that is about to be found lost
			a.hub.Publish(live.Event{RunID: "a run", Metrics: true, Sequence: 99})
			select {
			case <-told.C():
				return true
			default:
				return false
			}
		}, patience, 20*time.Millisecond, "hints arrive again")
	})
}

func TestLostNATSIsToldAndDoneWithout(t *testing.T) {
	t.Parallel()
	cfg := store.Config{URL: storetest.PostgresURL(t)}
	nodes := natstest.Start(t, 3)
	a, b := newReplica(t, cfg, natsBus(nodes)), newReplica(t, cfg, natsBus(nodes))
	a.connected(t)
	b.connected(t)
	for i := range 3 {
		nodes.Stop(i)
	}
	b.lost(t)
	require.Equal(t, live.State{Bus: "nats", Problem: "no connection to nats"}, b.relay.State())
	follows(t, a, b)
	for i := range 3 {
		nodes.Start(i)
	}
	b.connected(t)
}

// TestPoolerThatBringsNothing: behind a pooler in transaction mode LISTEN succeeds, and nothing comes.
func TestPoolerThatBringsNothing(t *testing.T) {
	t.Parallel()
	cfg := store.Config{URL: storetest.PgBouncerURL(t, storetest.PostgresURL(t))}
	a, b := newReplica(t, cfg, postgresBus), newReplica(t, cfg, postgresBus)
	b.lost(t)
	require.Contains(t, b.relay.State().Problem, "--database-direct")
	follows(t, a, b)
}

// follows holds a server to what another commits, whatever becomes of messages.
func follows(t *testing.T, a, b *replica) {
	t.Helper()
	run, err := a.service.CreateRun(t.Context(), tracking.CreateRun{})
	require.NoError(t, err)
	points := b.hub.Subscribe(func(e live.Event) bool { return e.Metrics }, run.RunID)
	defer points.Close()
	changes := b.hub.Subscribe(func(e live.Event) bool { return e.Changed })
	defer changes.Close()
	woken(t, points, "at its beginning")
	woken(t, changes, "at its beginning")
	for i := range int64(3) {
		_, err := a.service.LogBatch(t.Context(), tracking.Batch{RunID: run.RunID, Columns: columns(i)})
		require.NoError(t, err)
		woken(t, points, "by points")
		woken(t, changes, "by the change that they are")
	}
}

// TestPointsOfAServerThatDied: it committed them, and was killed before it told anybody or noted a change of the run.
func TestPointsOfAServerThatDied(t *testing.T) {
	t.Parallel()
	cfg := store.Config{URL: storetest.PostgresURL(t)}
	b := newReplica(t, cfg, postgresBus)
	run, err := b.service.CreateRun(t.Context(), tracking.CreateRun{})
	require.NoError(t, err)
	s := b.hub.Subscribe(func(e live.Event) bool { return e.Metrics }, run.RunID)
	defer s.Close()
	woken(t, s, "at its beginning")
	require.NoError(t, b.db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.Ent().Run.UpdateOneID(run.ID).SetMetricSequence(5).Exec(ctx)
	}))
	woken(t, s, "by what the run's row says")
	output := b.hub.Subscribe(func(e live.Event) bool { return e.Log }, run.RunID)
	defer output.Close()
	require.NoError(t, b.db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.Ent().Run.UpdateOneID(run.ID).SetLogSequence(1).Exec(ctx)
	}))
	woken(t, output, "by how much console output the run's row says")
}

func TestMessagesThatAreNone(t *testing.T) {
	t.Parallel()
	cfg := store.Config{URL: storetest.PostgresURL(t)}
	a, b := newReplica(t, cfg, postgresBus), newReplica(t, cfg, postgresBus)
	a.connected(t)
	b.connected(t)
	s := b.hub.Subscribe(func(live.Event) bool { return false }, "some run")
	defer s.Close()
	woken(t, s, "at its beginning")
	bus := live.NewPostgres(a.db)
	require.NoError(t, bus.Send(t.Context(), []byte("\x01 no message")))
	require.NoError(t, bus.Send(t.Context(), []byte(`{"v":99,"from":"a newer server","told":"in a way that is not known here"}`)))
	woken(t, s, "somebody committed something")
	require.True(t, b.relay.State().Connected)
}

func columns(step int64) []metric.Columns {
	return []metric.Columns{{Key: "loss", Steps: []int64{step}, Times: []int64{1_700_000_000_000 + step}, Values: []float64{0.5}}}
}

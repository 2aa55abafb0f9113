package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// lease makes a row of a name, which can be counted.
func lease(ctx context.Context, tx *store.Tx, name string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO leases (name, owner, expires_at, fencing_token) VALUES (?, 'o', 0, 0)", name)
	return err
}

func leases(t *testing.T, db *store.DB) int {
	t.Helper()
	n, err := db.Ent().Lease.Query().Count(context.Background())
	require.NoError(t, err)
	return n
}

// groups stores names, and notes how many came together.
type groups struct {
	mu    sync.Mutex
	sizes []int
	hold  chan struct{} // unless nil, until which a group waits
}

func (g *groups) RunTogether(ctx context.Context, tx *store.Tx, requests []any) ([]error, error) {
	g.mu.Lock()
	g.sizes = append(g.sizes, len(requests))
	g.mu.Unlock()
	if g.hold != nil {
		<-g.hold
	}
	for _, r := range requests {
		if err := lease(ctx, tx, r.(string)); err != nil {
			return nil, err
		}
	}
	return make([]error, len(requests)), nil
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, time.Minute, time.Millisecond, what)
}

// TestWritersWaitForThoseWhoComeAgain: who comes first waits for the others that were answered with it, and who is alone
// for nobody.
func TestWritersWaitForThoseWhoComeAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		db.Expect(3, time.Hour)
		g := &groups{}
		for round := range 5 {
			var wg sync.WaitGroup
			failures := make([]error, 3)
			for i := range failures {
				wg.Go(func() { failures[i] = db.WriteTogether(ctx, "k", g, fmt.Sprint(round, i)) })
			}
			wg.Wait()
			for _, err := range failures {
				require.NoError(t, err)
			}
		}
		require.Equal(t, []int{3, 3, 3, 3, 3}, g.sizes)
		require.Equal(t, 15, leases(t, db))
		// What does not run together is not kept waiting.
		require.NoError(t, db.WriteFor(ctx, "k", func(ctx context.Context, tx *store.Tx) error { return lease(ctx, tx, "other") }))
		require.Equal(t, 3, db.Expected("k"))
	})
}

// TestWritersExpectThoseWhoCome: those that are expected are the last group and who came while it was run.
func TestWritersExpectThoseWhoCome(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		g := &groups{hold: make(chan struct{})}
		var wg sync.WaitGroup
		failures := make([]error, 4)
		write := func(i int) { failures[i] = db.WriteTogether(ctx, "k", g, fmt.Sprint(i)) }
		wg.Go(func() { write(0) })
		g.hold <- struct{}{} // the first is alone, and runs
		wg.Wait()
		require.Equal(t, 1, db.Expected("k"))
		wg.Go(func() { write(1) })
		eventually(t, "the second runs", func() bool { g.mu.Lock(); defer g.mu.Unlock(); return len(g.sizes) == 2 })
		wg.Go(func() { write(2) })
		wg.Go(func() { write(3) })
		eventually(t, "two wait", func() bool { return db.Waiting("k") == 2 })
		g.hold <- struct{}{}
		eventually(t, "all are expected", func() bool { return db.Expected("k") == 3 })
		g.hold <- struct{}{}
		wg.Wait()
		for _, err := range failures {
			require.NoError(t, err)
		}
		require.Equal(t, []int{1, 1, 2}, g.sizes)
		eventually(t, "one went away", func() bool { return db.Expected("k") == 2 })
	})
}

// TestStopEndsWaiting: a writer that waits for others runs what it has when it is stopped.
func TestStopEndsWaiting(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		db.Expect(2, time.Hour)
		g := &groups{}
		done := make(chan error, 1)
		go func() { done <- db.WriteTogether(ctx, "k", g, "a") }()
		eventually(t, "it waits", func() bool { return db.Waiting("k") == 1 })
		require.NoError(t, db.Close())
		require.NoError(t, <-done)
		require.Equal(t, []int{1}, g.sizes)
		require.ErrorContains(t, db.WriteTogether(ctx, "k", g, "b"), "the server is stopping")
	})
}

// TestWhoGoesAwayTakesNobodyAlong: a request runs its group itself where nothing else runs. When its caller gives up, the
// group is committed all the same; one that only waited is not run.
func TestWhoGoesAwayTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		db.Expect(2, time.Hour)
		g := &groups{hold: make(chan struct{})}
		leading, leave := context.WithCancel(ctx)
		var wg sync.WaitGroup
		failures := make([]error, 4)
		wg.Go(func() { failures[0] = db.WriteTogether(leading, "k", g, "leads") })
		eventually(t, "one waits", func() bool { return db.Waiting("k") == 1 })
		wg.Go(func() { failures[1] = db.WriteTogether(ctx, "k", g, "shares") })
		eventually(t, "both run", func() bool { g.mu.Lock(); defer g.mu.Unlock(); return len(g.sizes) == 1 })
		db.Expect(2, 0)
		waiting, giveUp := context.WithCancel(ctx)
		wg.Go(func() { failures[2] = db.WriteTogether(waiting, "k", g, "gives up") })
		eventually(t, "the third waits", func() bool { return db.Waiting("k") == 1 })
		wg.Go(func() { failures[3] = db.WriteTogether(ctx, "k", g, "stays") })
		eventually(t, "the fourth waits", func() bool { return db.Waiting("k") == 2 })
		leave()
		giveUp()
		close(g.hold)
		wg.Wait()
		require.NoError(t, failures[0])
		require.NoError(t, failures[1])
		require.ErrorIs(t, failures[2], context.Canceled)
		require.NoError(t, failures[3])
		require.Equal(t, []int{2, 1}, g.sizes)
		require.Equal(t, 3, leases(t, db))
	})
}

// TestWriterOutlivesPanics: a panic of what a request left to do after its commit, and a connection that was lost within a
// transaction, cost nothing but themselves.
func TestWriterOutlivesPanics(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		for i := range 3 {
			err := db.WriteFor(ctx, "k", func(ctx context.Context, tx *store.Tx) error {
				tx.OnCommit(func() { panic("boom") })
				return lease(ctx, tx, fmt.Sprint("panics", i))
			})
			require.ErrorContains(t, err, "boom")
			require.NoError(t, db.BreakWriter("k"))
			require.NoError(t, db.WriteFor(ctx, "k", func(ctx context.Context, tx *store.Tx) error { return lease(ctx, tx, fmt.Sprint(i)) }))
		}
		require.Equal(t, 6, leases(t, db), "what was committed stays")
	})
}

// TestRelaxedCommits: a commit is relaxed when all who share it are, the next one on the connection is not, and what was
// committed so is seen at once.
func TestRelaxedCommits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		var commits []bool // by the lane of one key, one after the other
		db.WatchCommits(func(relaxed bool) { commits = append(commits, relaxed) })
		type method func(context.Context, string, store.WriteFunc) error
		write := func(how method, name string) error {
			return how(ctx, "k", func(ctx context.Context, tx *store.Tx) error {
				if db.Postgres() {
					var setting string
					if _, err := tx.Scan(ctx, "SELECT current_setting('synchronous_commit')", nil, &setting); err != nil {
						return err
					}
					if setting != "on" {
						return fmt.Errorf("synchronous_commit is %s after a relaxed commit", setting)
					}
				}
				return lease(ctx, tx, name)
			})
		}
		// together commits what stands in one group, which waits behind a request of its own.
		together := func(round string, how ...method) {
			held, release := make(chan struct{}), make(chan struct{})
			var wg sync.WaitGroup
			failures := make([]error, len(how)+1)
			wg.Go(func() {
				failures[len(how)] = db.WriteRelaxed(ctx, "k", func(context.Context, *store.Tx) error {
					close(held)
					<-release
					return nil
				})
			})
			<-held
			for i, h := range how {
				wg.Go(func() { failures[i] = write(h, fmt.Sprint(round, i)) })
			}
			eventually(t, "the group waits", func() bool { return db.Waiting("k") == len(how) })
			close(release)
			wg.Wait()
			for _, err := range failures {
				require.NoError(t, err)
			}
		}
		together("a", db.WriteRelaxed, db.WriteRelaxed)
		together("b", db.WriteRelaxed, db.WriteFor)
		require.NoError(t, write(db.WriteRelaxed, "c"))
		require.NoError(t, write(db.WriteFor, "d"))
		require.Equal(t, []bool{true, true, true, false, true, false}, commits)
		require.Equal(t, 6, leases(t, db))
	})
}

package tracking_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// logStep logs a point of the series "loss".
func logStep(s *tracking.Service, runID string, step int64) error {
	_, err := s.LogBatch(ctx, tracking.Batch{RunID: runID, Columns: []metric.Columns{
		{Key: "loss", Steps: []int64{step}, Times: []int64{step}, Values: []float64{float64(step)}}}})
	return err
}

func requireSteps(t *testing.T, db *store.DB, run *ent.Run, want ...int64) {
	t.Helper()
	page, err := metric.NewReader(db).History(ctx, run.ID, "loss", 0, 1000)
	require.NoError(t, err)
	require.Equal(t, want, page.Columns.Steps)
}

// TestAppendsAreOneStatement: points for series that the server knows are stored by one statement, whatever else happened to the
// run since, and only if it is as the server knows it.
func TestAppendsAreOneStatement(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	db := storetest.Open(t, store.Config{URL: url})
	s, other := newService(t, db), newService(t, storetest.Open(t, store.Config{URL: url}))
	appends := storetest.WatchAppends(t, url, "")
	run := newRun(t, s)
	log := func(s *tracking.Service, step int64) { require.NoError(t, logStep(s, run.RunID, step)) }

	log(s, 1) // makes the series
	require.Equal(t, 0, appends())
	log(s, 2)
	log(s, 3)
	require.Equal(t, 2, appends())
	log(s, 3)
	require.Equal(t, 3, appends(), "a point that is there takes one too")

	_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Tags: []tracking.Tag{{Key: "k", Value: "v"}}, Columns: []metric.Columns{column("loss", 0)}})
	require.NoError(t, err)
	name := "renamed"
	_, err = other.UpdateRun(ctx, tracking.UpdateRun{RunID: run.RunID, Name: &name})
	require.NoError(t, err)
	require.Equal(t, 3, appends())
	log(s, 4)
	require.Equal(t, 4, appends(), "no point came meanwhile")

	log(other, 5)
	require.Equal(t, 4, appends())
	log(s, 6)
	require.Equal(t, 5, appends(), "in vain")
	log(s, 7)
	require.Equal(t, 5, appends(), "others write to the run")
	log(s, 8)
	require.Equal(t, 6, appends(), "they do not any more")
	requireSteps(t, db, run, 1, 2, 3, 0, 4, 5, 6, 7, 8)

	stored, err := s.Run(ctx, run.RunID)
	require.NoError(t, err)
	require.Equal(t, "renamed", stored.Name)
	require.GreaterOrEqual(t, stored.UpdatedAt, run.UpdatedAt)
	require.EqualValues(t, 9, stored.MetricSequence)
}

// TestAppendsLookForTheRun: a run that is deleted, or gone, gets no points, whatever the server remembers.
func TestAppendsLookForTheRun(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	db := storetest.Open(t, store.Config{URL: url})
	s, other := newService(t, db), newService(t, storetest.Open(t, store.Config{URL: url}))
	run := newRun(t, s)
	require.NoError(t, logStep(s, run.RunID, 1))
	require.NoError(t, logStep(s, run.RunID, 2))
	_, err := other.DeleteRun(ctx, run.RunID)
	require.NoError(t, err)
	require.Equal(t, errs.Conflict, errs.KindOf(logStep(s, run.RunID, 3)))
	_, err = other.RestoreRun(ctx, run.RunID)
	require.NoError(t, err)
	require.NoError(t, logStep(s, run.RunID, 4))
	require.NoError(t, logStep(s, run.RunID, 5))
	requireSteps(t, db, run, 1, 2, 4, 5)
	require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM runs WHERE id = ?", run.ID)
		return err
	}))
	require.Equal(t, errs.NotFound, errs.KindOf(logStep(s, run.RunID, 6)))
}

// TestAppendsThatFail: where the one statement fails, and PostgreSQL says so, a transaction stores the points.
func TestAppendsThatFail(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	db := storetest.Open(t, store.Config{URL: url})
	s := newService(t, db)
	appends := storetest.WatchAppends(t, url, "RAISE EXCEPTION 'not now';")
	run := newRun(t, s)
	for step := range int64(4) {
		require.NoError(t, logStep(s, run.RunID, step))
	}
	require.Equal(t, 3, appends())
	requireSteps(t, db, run, 0, 1, 2, 3)
}

// TestAppendsThatAreCutOff: when the connection ends within the statement, nobody knows whether it stored the points. The
// caller is told, and may send them again.
func TestAppendsThatAreCutOff(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]struct {
		cut    direction
		stored bool
	}{
		"the statement is lost": {toServer, false},
		"its answer is lost":    {toClient, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := storetest.PostgresURL(t)
			c := newCable(t, url)
			db, look := storetest.Open(t, store.Config{URL: c.url}), storetest.Open(t, store.Config{URL: url})
			s := newService(t, db)
			run := newRun(t, s)
			require.NoError(t, logStep(s, run.RunID, 1))
			require.NoError(t, logStep(s, run.RunID, 2))
			c.mu.Lock()
			c.cut = drop.cut
			c.mu.Unlock()
			err := logStep(s, run.RunID, 3)
			require.Equal(t, errs.Unavailable, errs.KindOf(err), "%v", err)
			if drop.stored {
				requireSteps(t, look, run, 1, 2, 3)
			} else {
				requireSteps(t, look, run, 1, 2)
			}
			for step := int64(3); step < 6; step++ {
				require.NoError(t, logStep(s, run.RunID, step))
			}
			requireSteps(t, look, run, 1, 2, 3, 4, 5)
		})
	}
}

// direction is which way a cable is cut.
type direction int

const (
	whole direction = iota
	toServer
	toClient
)

// cable leads to a PostgreSQL, and is cut within the statement that appends points: before the server has it, or when it answered.
type cable struct {
	url string
	mu  sync.Mutex
	cut direction
}

func newCable(t *testing.T, to string) *cable {
	t.Helper()
	u, err := url.Parse(to)
	require.NoError(t, err)
	target := u.Host
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	u.Host = listener.Addr().String()
	c := &cable{url: u.String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { c.connect(target, client) })
		}
	})
	t.Cleanup(func() { require.NoError(t, listener.Close()); wg.Wait() })
	return c
}

// connect carries one connection until an end hangs up.
func (c *cable) connect(target string, client net.Conn) {
	defer client.Close()
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	var wg sync.WaitGroup
	asked := make(chan struct{}, 1)
	carry := func(from, to net.Conn, look func(part []byte) error) {
		defer to.Close()
		buffer := make([]byte, 1<<16)
		for {
			n, err := from.Read(buffer)
			if err == nil {
				err = look(buffer[:n])
			}
			if err == nil {
				_, err = to.Write(buffer[:n])
			}
			if err != nil {
				return
			}
		}
	}
	wg.Go(func() {
		carry(client, server, func(part []byte) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.cut == whole || !bytes.Contains(part, []byte("append_points")) {
				return nil
			}
			if c.cut == toServer {
				c.cut = whole
				return errCut
			}
			asked <- struct{}{}
			return nil
		})
	})
	wg.Go(func() {
		carry(server, client, func([]byte) error {
			select {
			case <-asked: // it answers when it has committed
				c.mu.Lock()
				defer c.mu.Unlock()
				c.cut = whole
				return errCut
			default:
				return nil
			}
		})
	})
	wg.Wait()
}

var errCut = errors.New("cut off")

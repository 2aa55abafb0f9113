package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/live/natstest"
	"github.com/cairnml/cairn/internal/store/storetest/cluster"
)

// Sizes of the test of replicas. `make test-full` goes round more often.
const (
	fleetServers     = 3
	fleetRuns        = 50
	fleetSubscribers = 6
	fleetKeys        = 2
	fleetPoints      = 3 // of each key, in a batch
	// fleetPatience bounds what must come after a fault.
	fleetPatience = 90 * time.Second
	// fleetLost: of so many answers, one is lost.
	fleetLost  = 17
	fleetPause = 50 * time.Millisecond // between two batches of a run, so that the machine has something left
)

// fleet is Cairn as many use it: some replicas on a PostgreSQL behind a PgBouncer in transaction mode, which tell each other over
// NATS, and a proxy that gives each request to the next of them.
type fleet struct {
	t        *testing.T
	dir      string
	postgres *cluster.Cluster
	pooler   *cluster.PgBouncer
	nats     *natstest.Cluster
	replicas [fleetServers]*replicaProcess
	next     atomic.Int64
	url      string
	// answers that the proxy was given, and those that it lost.
	answers, lost atomic.Int64
}

// replicaProcess is a `cairn server`.
type replicaProcess struct {
	url     *url.URL
	command *exec.Cmd
	log     string
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, dir: t.TempDir()}
	var err error
	f.postgres, err = cluster.Start(t.Context(), "", "fsync=off", "full_page_writes=off", "shared_buffers=64MB")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.postgres.Stop()) })
	f.pooler, err = cluster.StartPgBouncer(t.Context(), f.postgres.URL("postgres"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.pooler.Stop()) })
	f.nats = natstest.Start(t, 3)
	for i := range f.replicas {
		port, err := cluster.FreePort()
		require.NoError(t, err)
		f.replicas[i] = &replicaProcess{
			url: &url.URL{Scheme: "http", Host: "127.0.0.1:" + strconv.Itoa(port)}, log: filepath.Join(f.dir, fmt.Sprintf("server%d.log", i)),
		}
	}
	var started sync.WaitGroup // all at once: one of them migrates
	for i := range f.replicas {
		started.Go(func() { f.startReplica(i) })
		t.Cleanup(func() { f.killReplica(i) })
	}
	started.Wait()
	for _, r := range f.replicas {
		f.await(r)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		ErrorLog: log.New(io.Discard, "", 0), // of answers that are cut off
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(f.replicas[f.next.Add(1)%fleetServers].url)
		},
		// Some answers are lost behind the server that gave them.
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodPost && r.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" && f.answers.Add(1)%fleetLost == 0 {
				f.lost.Add(1)
				return errTransient
			}
			return nil
		},
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	t.Cleanup(proxy.Close)
	f.url = proxy.URL
	return f
}

func (f *fleet) startReplica(i int) {
	r := f.replicas[i]
	out, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Error(err)
		return
	}
	defer out.Close()
	r.command = exec.CommandContext(context.WithoutCancel(f.t.Context()), "cairn", "server", "--listen", r.url.Host,
		"--data-dir", filepath.Join(f.dir, fmt.Sprintf("data%d", i)), "--artifacts", filepath.Join(f.dir, "artifacts"),
		"--database", f.pooler.URL("postgres"), "--database-direct", f.postgres.URL("postgres"), "--nats", f.nats.URLs())
	r.command.Stdout, r.command.Stderr = out, out
	if err := r.command.Start(); err != nil {
		f.t.Error(err)
	}
}

func (f *fleet) await(r *replicaProcess) {
	f.t.Helper()
	ok := func() bool {
		response, err := http.Get(r.url.JoinPath("ready").String())
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}
	if !waitFor(ok) {
		said, _ := os.ReadFile(r.log)
		require.Fail(f.t, "a replica is not ready", "%s", said)
	}
}

// killReplica ends a replica at once, if it runs.
func (f *fleet) killReplica(i int) {
	r := f.replicas[i]
	if r.command == nil || r.command.Process == nil {
		return
	}
	_ = r.command.Process.Kill() // it may have ended
	_ = r.command.Wait()         // killed, as it should be
	r.command = nil
}

func waitFor(done func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(fleetPatience); !done(); <-tick.C {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// errTransient is what a client of a fleet tries again after.
var errTransient = errors.New("try again")

type fleetError struct {
	Message    string
	Extensions struct{ Code string }
}

// mayTryAgain tells errors that come of what is killed from others.
func mayTryAgain(found []fleetError) error {
	for _, e := range found {
		if e.Extensions.Code != "UNAVAILABLE" {
			return fmt.Errorf("%s: %s", e.Extensions.Code, e.Message)
		}
	}
	if len(found) > 0 {
		return errTransient
	}
	return nil
}

// ask sends a mutation through the proxy once. It gives errTransient when it should be sent again.
func (f *fleet) ask(ctx context.Context, text string, variables map[string]any) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	body, err := json.Marshal(map[string]any{"query": text, "variables": variables})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return errTransient
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusBadGateway {
		return errTransient
	}
	if response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "" {
		return errors.New("503 without Retry-After")
	}
	var said struct{ Errors []fleetError }
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil {
		return errTransient // cut off
	}
	return mayTryAgain(said.Errors)
}

// insist sends a mutation until it is acknowledged. with is asked for the variables of each attempt.
func (f *fleet) insist(ctx context.Context, text string, with func(attempt int) map[string]any) error {
	for attempt := 0; ; attempt++ {
		err := f.ask(ctx, text, with(attempt))
		if !errors.Is(err, errTransient) {
			return err
		}
		if !rest(ctx, fleetPause) {
			return ctx.Err()
		}
	}
}

func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// fleetWriter logs to one run until it is told to end. Each attempt to send a batch has other times: were it stored twice, there
// would be two points of a step.
type fleetWriter struct {
	run   string
	acked atomic.Int64 // batches
}

func (w *fleetWriter) log(ctx context.Context, f *fleet, end <-chan struct{}) error {
	err := f.insist(ctx, `mutation($run: ID!) { createRun(input: {runId: $run, leaseSeconds: 600}) { runId } }`,
		func(int) map[string]any { return map[string]any{"run": w.run} })
	if err != nil {
		return fmt.Errorf("create run: %w", err)
	}
	for sequence := 1; ; sequence++ {
		select {
		case <-end:
			return nil
		default:
		}
		err := f.insist(ctx, `mutation($input: LogBatchInput!) { logBatch(input: $input) { stored } }`, func(attempt int) map[string]any {
			var points []map[string]any
			for key := range fleetKeys {
				for i := range fleetPoints {
					step := (sequence-1)*fleetPoints + i
					points = append(points, map[string]any{
						"key": fmt.Sprintf("metric %d", key), "step": step, "value": float64(step) / 8,
						"time": time.UnixMilli(1_700_000_000_000 + int64(step*1000+attempt)).UTC().Format("2006-01-02T15:04:05.000Z"),
					})
				}
			}
			return map[string]any{"input": map[string]any{"runId": w.run, "client": "trainer", "sequence": sequence, "metrics": points}}
		})
		if err != nil {
			return fmt.Errorf("batch %d: %w", sequence, err)
		}
		w.acked.Add(1)
		rest(ctx, fleetPause)
	}
}

// fleetSubscriber follows all runs through the proxy, and connects again with its last cursor whenever it is cut off.
type fleetSubscriber struct {
	mu sync.Mutex
	// seen counts how often each step of a series came.
	seen     map[string]map[int64]int
	points   int64
	connects int
}

func (s *fleetSubscriber) follow(ctx context.Context, f *fleet, runs []string) error {
	s.seen = map[string]map[int64]int{}
	cursor := ""
	for ctx.Err() == nil {
		err := s.connect(ctx, f, runs, &cursor)
		if err != nil && !errors.Is(err, errTransient) && ctx.Err() == nil {
			return err
		}
		rest(ctx, fleetPause)
	}
	return nil
}

func (s *fleetSubscriber) connect(ctx context.Context, f *fleet, runs []string, cursor *string) error {
	body, err := json.Marshal(map[string]any{
		"query":     `subscription($runs: [ID!]!, $after: String) { metricsAppended(runs: $runs, after: $after) { cursor series { runId key steps } } }`,
		"variables": map[string]any{"runs": runs, "after": *cursor},
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return errTransient
	}
	defer response.Body.Close()
	s.mu.Lock()
	s.connects++
	s.mu.Unlock()
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return errTransient
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var event struct {
			Data struct {
				MetricsAppended *struct {
					Cursor string
					Series []struct{ RunID, Key, Steps string }
				}
			}
			Errors []fleetError
		}
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			return errTransient // cut off
		}
		if err := mayTryAgain(event.Errors); err != nil {
			return err
		}
		if event.Data.MetricsAppended == nil {
			return fmt.Errorf("an event of nothing: %.200s", data)
		}
		s.mu.Lock()
		for _, series := range event.Data.MetricsAppended.Series {
			if err := s.count(series.RunID+" "+series.Key, series.Steps); err != nil {
				s.mu.Unlock()
				return err
			}
		}
		s.mu.Unlock()
		*cursor = event.Data.MetricsAppended.Cursor
	}
}

func (s *fleetSubscriber) count(series, packed string) error {
	raw, err := base64.StdEncoding.DecodeString(packed)
	if err != nil || len(raw)%8 != 0 {
		return fmt.Errorf("steps that are no array: %.80q", packed)
	}
	if s.seen[series] == nil {
		s.seen[series] = map[int64]int{}
	}
	for ; len(raw) > 0; raw = raw[8:] {
		s.seen[series][int64(binary.LittleEndian.Uint64(raw))]++
		s.points++
	}
	return nil
}

// has counts the points that came.
func (s *fleetSubscriber) has() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.points
}

// TestReplicasLoseNothing kills and starts again, in turn, each replica, each server of NATS and PostgreSQL, while 50 runs are logged
// and subscribers follow them all. What was acknowledged is stored once, and comes to every subscriber once.
func TestReplicasLoseNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	rounds := 1
	if os.Getenv("CAIRN_TEST_FULL") != "" {
		rounds = 10
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	writers, runs := make([]*fleetWriter, fleetRuns), make([]string, fleetRuns)
	for i := range writers {
		runs[i] = fmt.Sprintf("%032x", i+1)
		writers[i] = &fleetWriter{run: runs[i]}
	}
	failed := make(chan error, fleetRuns+fleetSubscribers)
	end := make(chan struct{})
	var writing, following sync.WaitGroup
	for _, w := range writers {
		writing.Go(func() {
			if err := w.log(ctx, f, end); err != nil {
				failed <- fmt.Errorf("writer of %s: %w", w.run, err)
			}
		})
	}
	check := func() {
		t.Helper()
		select {
		case err := <-failed:
			for _, r := range f.replicas {
				said, _ := os.ReadFile(r.log)
				t.Logf("%s:\n%s", r.log, said)
			}
			require.NoError(t, err)
		default:
		}
	}
	// progress waits until each run has got further.
	progress := func(batches int64, what string) {
		t.Helper()
		from := make([]int64, fleetRuns)
		for i, w := range writers {
			from[i] = w.acked.Load()
		}
		require.True(t, waitFor(func() bool {
			check()
			for i, w := range writers {
				if w.acked.Load() < from[i]+batches {
					return false
				}
			}
			return true
		}), "every run goes on: %s", what)
	}
	progress(1, "at the beginning")
	subscribers := make([]*fleetSubscriber, fleetSubscribers)
	for i := range subscribers {
		subscribers[i] = &fleetSubscriber{}
		following.Go(func() {
			if err := subscribers[i].follow(ctx, f, runs); err != nil {
				failed <- fmt.Errorf("subscriber %d: %w", i, err)
			}
		})
	}
	progress(3, "with subscribers")
	for range rounds {
		for i := range fleetServers {
			f.killReplica(i)
			progress(2, "without a replica")
			f.startReplica(i)
			f.await(f.replicas[i])
			f.nats.Stop(i)
			progress(2, "without a server of NATS")
			f.nats.Start(i)
			if i == 1 {
				require.NoError(t, f.postgres.Kill(t.Context()))
				require.NoError(t, f.postgres.Restart(ctx))
			}
			progress(2, "with all of them")
		}
	}
	close(end)
	writing.Wait()
	check()

	var total int64
	for _, w := range writers {
		total += w.acked.Load() * fleetKeys * fleetPoints
	}
	for i, s := range subscribers {
		require.True(t, waitFor(func() bool { check(); return s.has() >= total }), "subscriber %d has %d of %d points", i, s.has(), total)
	}
	cancel()
	following.Wait()
	check()
	connects := 0
	for i, s := range subscribers {
		connects += s.connects
		require.Equal(t, total, s.points, "subscriber %d got nothing twice", i)
		for _, w := range writers {
			for key := range fleetKeys {
				seen := s.seen[fmt.Sprintf("%s metric %d", w.run, key)]
				for step := range w.acked.Load() * fleetPoints {
					require.Equal(t, 1, seen[step], "subscriber %d, run %s, metric %d, step %d", i, w.run, key, step)
				}
			}
		}
	}
	for _, w := range writers {
		f.requireStoredOnce(w)
	}
	t.Logf("%d kills, %d answers lost, %d points acknowledged, %d subscribers that connected %d times",
		rounds*(2*fleetServers+1), f.lost.Load(), total, fleetSubscribers, connects)
}

// requireStoredOnce holds what is stored of a run to what was acknowledged: in order, each step once.
func (f *fleet) requireStoredOnce(w *fleetWriter) {
	f.t.Helper()
	response, err := http.Get(f.url + "/metric-series/" + w.run + "?format=csv")
	require.NoError(f.t, err)
	defer response.Body.Close()
	require.Equal(f.t, http.StatusOK, response.StatusCode)
	table := csv.NewReader(response.Body)
	columns, err := table.Read()
	require.NoError(f.t, err)
	require.Equal(f.t, []string{"run_id", "key", "step", "time", "value"}, columns)
	steps := map[string][]string{}
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(f.t, err)
		steps[row[1]] = append(steps[row[1]], row[2])
		step, err := strconv.ParseFloat(row[2], 64)
		require.NoError(f.t, err)
		value, err := strconv.ParseFloat(row[4], 64)
		require.NoError(f.t, err)
		require.InDelta(f.t, step/8, value, 0)
	}
	require.Len(f.t, steps, fleetKeys)
	want := make([]string, w.acked.Load()*fleetPoints)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	for key, got := range steps {
		require.Equal(f.t, want, got, "run %s, %s", w.run, key)
	}
}

package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/gc"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/internal/webhook"
)

// wait bounds what a test waits for: a busy machine is slow, a hang is longer.
const wait = time.Minute

// smallBuffer is what the kernel keeps of what nobody reads: little, so that tests need not send megabytes.
const smallBuffer = 16 << 10

// client reads with small buffers too.
var client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(smallBuffer)
	}
	return conn, err
}}}

// server is a handler over a database, with a middleware like the server's: a token when one is sent, else the local admin.
type server struct {
	t       *testing.T
	url     string
	deps    graph.Deps
	handler *graph.Handler
	log     *logBuffer
}

func newServer(t *testing.T, db *store.DB, options graph.Options, webhookAllow ...string) *server {
	t.Helper()
	allowed, err := webhook.ParseAllowed(webhookAllow)
	require.NoError(t, err)
	hub := live.NewHub()
	service := tracking.New(db, hub)
	t.Cleanup(service.Close)
	files, err := artifact.Open(t.TempDir())
	require.NoError(t, err)
	s := &server{t: t, log: &logBuffer{}, deps: graph.Deps{
		Tracking: service, Metrics: metric.NewReader(db), Search: search.New(db), Auth: auth.New(db), Hub: hub,
		Artifacts: artifact.NewService(files, db), Garbage: gc.New(db, files),
	}}
	s.deps.Registry = registry.New(db, hub, s.deps.Artifacts)
	s.deps.Webhooks = webhook.New(db, webhook.Options{Allowed: allowed})
	s.deps.Registry.Tell(s.deps.Webhooks)
	if options.Logger == nil {
		options.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	options.Version = "1.2.3"
	s.handler = graph.NewHandler(s.deps, options)
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		switch {
		case r.Header.Get("Authorization") != "":
			p, err := s.deps.Auth.Authenticate(ctx, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			if err == nil {
				ctx = auth.With(ctx, p)
			}
		case r.Header.Get("X-Anonymous") == "":
			ctx = auth.With(ctx, auth.Principal{Name: "local:tester", Role: token.RoleADMIN})
		}
		s.handler.ServeHTTP(w, r.WithContext(ctx))
	}))
	web.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		if tcp, ok := conn.(*net.TCPConn); ok && state == http.StateNew {
			_ = tcp.SetWriteBuffer(smallBuffer)
		}
	}
	web.Start()
	t.Cleanup(web.Close)
	t.Cleanup(s.handler.Close)
	s.url = web.URL
	return s
}

// admin is a context of the local admin, for calls of the core.
func admin() context.Context {
	return auth.With(context.Background(), auth.Principal{Name: "local:tester", Role: token.RoleADMIN})
}

type gqlError struct {
	Message    string
	Path       []any
	Locations  []struct{ Line, Column int }
	Extensions struct{ Code, Field, Request string }
}

type response struct {
	status int
	body   string
	Data   json.RawMessage
	Errors []gqlError
}

type vars map[string]any

// send posts a body as it is.
func (s *server) send(body string, headers ...string) response {
	s.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.url, strings.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return s.do(req)
}

func (s *server) do(req *http.Request) response {
	s.t.Helper()
	res, err := client.Do(req)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, res.Body.Close()) }()
	raw, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	out := response{status: res.StatusCode, body: string(raw)}
	require.NoError(s.t, json.Unmarshal(raw, &out), "%d: %s", res.StatusCode, raw)
	return out
}

func request(query string, variables vars) string {
	raw, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func (s *server) try(query string, variables vars, headers ...string) response {
	s.t.Helper()
	return s.send(request(query, variables), headers...)
}

// must runs an operation that has no errors, and reads its data into a T.
func must[T any](s *server, query string, variables vars) T {
	s.t.Helper()
	res := s.try(query, variables)
	require.Empty(s.t, res.Errors, "%s", res.body)
	var out T
	require.NoError(s.t, json.Unmarshal(res.Data, &out), "%s", res.Data)
	return out
}

// fails runs an operation that has one error, and gives it.
func (s *server) fails(query string, variables vars, headers ...string) (gqlError, int) {
	s.t.Helper()
	res := s.try(query, variables, headers...)
	require.Len(s.t, res.Errors, 1, "%s", res.body)
	return res.Errors[0], res.status
}

// newRun makes a run by the core.
func (s *server) newRun(in tracking.CreateRun) string {
	s.t.Helper()
	run, err := s.deps.Tracking.CreateRun(admin(), in)
	require.NoError(s.t, err)
	return run.RunID
}

// log stores points of one metric, their steps counting on from a first one.
func (s *server) logPoints(run, key string, first int64, values ...float64) {
	s.t.Helper()
	c := metric.Columns{Key: key, Values: values}
	for i := range values {
		c.Steps, c.Times = append(c.Steps, first+int64(i)), append(c.Times, 1_700_000_000_000+first+int64(i))
	}
	_, err := s.deps.Tracking.LogBatch(admin(), tracking.Batch{RunID: run, Columns: []metric.Columns{c}})
	require.NoError(s.t, err)
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

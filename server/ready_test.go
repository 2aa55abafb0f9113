package server_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store/storetest/cluster"
	"github.com/cairnml/cairn/server"
)

// eventually waits for what happens by itself, however busy the machine is.
func eventually(t *testing.T, done func() bool, what string) {
	t.Helper()
	require.Eventually(t, done, time.Minute, 20*time.Millisecond, what)
}

func (r *running) ready() (status int, said struct {
	Ready    bool
	Database string
	Live     *struct {
		Bus, Problem string
		Connected    bool
	}
},
) {
	got := r.send(http.MethodGet, "/ready", "")
	require.NoError(r.t, json.Unmarshal([]byte(got.body), &said), got.body)
	return got.status, said
}

func TestReadyOfOneServer(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	got := r.send(http.MethodGet, "/ready", "")
	require.Equal(t, http.StatusOK, got.status)
	require.JSONEq(t, `{"ready": true, "database": "ok"}`, got.body)
	require.Equal(t, http.StatusMethodNotAllowed, r.send(http.MethodPost, "/ready", "").status)
}

// TestLostDatabase: a server that loses PostgreSQL refuses with 503 and keeps its subscribers, and goes on when it is back.
func TestLostDatabase(t *testing.T) {
	t.Parallel()
	postgres, err := cluster.Start(t.Context(), "", "fsync=off", "full_page_writes=off", "shared_buffers=32MB")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, postgres.Stop()) })
	r := start(t, server.Config{Database: postgres.URL("postgres"), Artifacts: filepath.Join(t.TempDir(), "artifacts")})
	eventually(t, func() bool { _, said := r.ready(); return said.Live.Connected }, "notifications arrive")
	const run = "0123456789abcdef0123456789abcdef"
	require.NotContains(t, r.graphql(`mutation { createRun(input: {runId: "`+run+`"}) { runId } }`), "errors")
	points := func(step string) string {
		return `mutation { logBatch(input: {runId: "` + run + `", metrics: [{key: "loss", value: 0.5, step: ` + step + `}]}) { stored } }`
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/graphql",
		strings.NewReader(`{"query": "subscription { metricsAppended(runs: [\"`+run+`\"]) { series { points { step } } } }"}`))
	require.NoError(t, err)
	request.Header.Set("Content-Type", typeJSON)
	request.Header.Set("Accept", "text/event-stream")
	stream, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer stream.Body.Close()
	lines := bufio.NewReader(stream.Body)
	event := func() string {
		for {
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				return data
			}
		}
	}
	require.NotContains(t, r.graphql(points("1")), "errors")
	require.JSONEq(t, `{"data":{"metricsAppended":{"series":[{"points":[{"step":1}]}]}}}`, event())

	require.NoError(t, postgres.Kill(t.Context()))
	refused := func(method, path, body string) {
		t.Helper()
		got := r.send(method, path, body, "Content-Type", typeJSON)
		require.Equal(t, http.StatusServiceUnavailable, got.status, got.body)
		require.NotEmpty(t, got.header.Get("Retry-After"))
		require.NotContains(t, got.body, "pq:")
		require.NotContains(t, got.body, "127.0.0.1")
	}
	all := func() {
		t.Helper()
		refused(http.MethodPost, "/graphql", `{"query": "{ run(id: \"`+run+`\") { status } }"}`)
		refused(http.MethodPost, "/graphql", `{"query": "`+strings.ReplaceAll(points("2"), `"`, `\"`)+`"}`)
		refused(http.MethodGet, "/api/2.0/mlflow/experiments/get?experiment_id=0", "")
		refused(http.MethodPost, "/api/2.0/mlflow/runs/log-metric", `{"run_id": "`+run+`", "key": "loss", "value": 1, "timestamp": 1, "step": 2}`)
		refused(http.MethodGet, "/metric-series/"+run+"?format=csv", "")
		refused(http.MethodGet, "/artifacts/"+run+"/model.pkl", "")
	}
	all() // at once, by what each finds itself
	eventually(t, func() bool { status, _ := r.ready(); return status == http.StatusServiceUnavailable }, "it is not ready")
	all()
	_, said := r.ready()
	require.False(t, said.Ready)
	require.Equal(t, "lost", said.Database)
	require.Equal(t, answer{http.StatusOK, nil, "OK"}, withoutHeader(r.send(http.MethodGet, "/health", "")), "it lives")

	require.NoError(t, postgres.Restart(t.Context()))
	eventually(t, func() bool { status, said := r.ready(); return status == http.StatusOK && said.Live.Connected }, "it is ready again")
	require.NotContains(t, r.graphql(points("3")), "errors")
	require.JSONEq(t, `{"data":{"metricsAppended":{"series":[{"points":[{"step":3}]}]}}}`, event(), "the subscriber was kept, and misses nothing")
}

func withoutHeader(a answer) answer {
	a.header = nil
	return a
}

func TestNATSIsForPostgreSQL(t *testing.T) {
	t.Parallel()
	for nats, said := range map[string]string{
		"nats://127.0.0.1:4222": "SQLite",
	} {
		_, err := server.New(t.Context(), server.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), NATS: nats})
		require.ErrorContains(t, err, said)
	}
	for _, nats := range []string{"http://127.0.0.1", "nats://", "nats://user:secret@%zz", "nats://127.0.0.1:4222,,"} {
		_, err := server.New(t.Context(), server.Config{
			Listen: "127.0.0.1:0", DataDir: t.TempDir(), Database: "postgres://127.0.0.1:1/cairn?sslmode=disable", NATS: nats,
		})
		require.ErrorContains(t, err, "nats: is not one or more of nats://HOST:4222")
		require.NotContains(t, err.Error(), "secret")
	}
}

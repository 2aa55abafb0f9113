package server_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/cairnml/cairn/server"
)

// scrape reads /metrics as Prometheus does.
func (r *running) scrape() map[string]*dto.MetricFamily {
	r.t.Helper()
	got := r.send(http.MethodGet, "/metrics", "")
	require.Equal(r.t, http.StatusOK, got.status)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(got.body))
	require.NoError(r.t, err)
	problems, err := promlint.New(strings.NewReader(got.body)).Lint()
	require.NoError(r.t, err)
	require.Empty(r.t, problems)
	return families
}

// labelled finds the series of a metric that has the label's value; an empty value finds the only series.
func labelled(t *testing.T, families map[string]*dto.MetricFamily, name, value string) *dto.Metric {
	t.Helper()
	require.Contains(t, families, name)
	for _, m := range families[name].GetMetric() {
		if value == "" {
			return m
		}
		for _, l := range m.GetLabel() {
			if l.GetValue() == value {
				return m
			}
		}
	}
	require.FailNow(t, "no series", "%s of %s", name, value)
	return nil
}

const observedRun = "0123456789abcdef0123456789abcdef"

func (r *running) logTwoPoints() {
	r.t.Helper()
	require.NotContains(r.t, r.graphql(`mutation Begin { createRun(input: {runId: "`+observedRun+`"}) { runId } }`), "errors")
	require.NotContains(r.t, r.graphql(`mutation Log { logBatch(input: {runId: "`+observedRun+`", metrics: [{key: "loss", value: 1, step: 1}, {key: "loss", value: 2, step: 2}]}) { stored } }`), "errors")
}

func TestMetricsOfTheServer(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{Version: "v1.2.3"})
	before := labelled(t, r.scrape(), "cairn_transaction_requests", "").GetHistogram().GetSampleSum()
	r.logTwoPoints()
	require.Contains(t, r.graphql(`{ run(id: "nothing") { runId } }`), "errors")
	require.Equal(t, http.StatusNotFound, r.send(http.MethodGet, "/api/2.0/mlflow/runs/get?run_id=nothing", "").status)

	got := r.scrape()
	require.EqualValues(t, 1, labelled(t, got, "cairn_logged_batches_total", "").GetCounter().GetValue())
	require.EqualValues(t, 2, labelled(t, got, "cairn_logged_points_total", "").GetCounter().GetValue())
	require.EqualValues(t, 2, labelled(t, got, "cairn_graphql_operation_duration_seconds", "mutation").GetHistogram().GetSampleCount())
	require.EqualValues(t, 1, labelled(t, got, "cairn_graphql_errors_total", "INVALID_ARGUMENT").GetCounter().GetValue())
	require.EqualValues(t, 1, labelled(t, got, "cairn_http_request_duration_seconds", "mlflow").GetHistogram().GetSampleCount())
	require.GreaterOrEqual(t, labelled(t, got, "cairn_transaction_requests", "").GetHistogram().GetSampleSum(), before+2)
	require.Positive(t, labelled(t, got, "cairn_sql_statement_duration_seconds", "").GetHistogram().GetSampleCount())
	require.EqualValues(t, 1, labelled(t, got, "cairn_database_reachable", "").GetGauge().GetValue())
	require.EqualValues(t, 0, labelled(t, got, "cairn_subscriptions_open", "").GetGauge().GetValue())
	require.EqualValues(t, 1, labelled(t, got, "cairn_build_info", "v1.2.3").GetGauge().GetValue())
	require.Contains(t, got, "cairn_compaction_backlog_batches")
	require.Contains(t, got, "process_resident_memory_bytes")

	require.Equal(t, http.StatusMethodNotAllowed, r.send(http.MethodPost, "/metrics", "").status)
	admin := r.createToken("boss", "ADMIN")
	reader := r.createToken("prometheus", "VIEWER", "Authorization", "Bearer "+admin)
	require.Equal(t, http.StatusUnauthorized, r.send(http.MethodGet, "/metrics", "").status)
	require.Equal(t, http.StatusOK, r.send(http.MethodGet, "/metrics", "", "Authorization", "Bearer "+reader).status)
}

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) with(parts ...string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}

// TestSlowIsLogged: what takes longer than the bound is logged with the id that the client was told, and without what was stored.
func TestSlowIsLogged(t *testing.T) {
	t.Parallel()
	log := &lines{}
	r := start(t, server.Config{SlowQuery: 1, Logger: slog.New(slog.NewTextHandler(log, nil))})
	got := r.send(http.MethodPost, "/graphql", `{"query": "query Named { experiment(name: \"a secret name\") { experimentId } }"}`, "Content-Type", typeJSON)
	id := got.header.Get("X-Request-Id")
	require.NotEmpty(t, id)
	require.NotEmpty(t, log.with("slow statement", "request="+id, "SELECT", "took="))
	require.Len(t, log.with("slow operation", "request="+id, "name=Named"), 1)
	require.Empty(t, log.with("a secret name"))
	for range 100 {
		r.send(http.MethodGet, "/api/2.0/mlflow/experiments/get?experiment_id=0", "")
	}
	counted := labelled(t, r.scrape(), "cairn_slow_total", "request").GetCounter().GetValue()
	require.EqualValues(t, 100, counted)
	require.Less(t, len(log.with("slow request")), 100, "a server in need is not kept busy by its log")

	quiet := &lines{}
	r = start(t, server.Config{Logger: slog.New(slog.NewTextHandler(quiet, nil))})
	r.logTwoPoints()
	require.Empty(t, quiet.with("slow"))
}

// receiver takes traces as a collector does.
type receiver struct {
	url   string
	mu    sync.Mutex
	spans []*tracepb.Span
}

func receive(t *testing.T) *receiver {
	t.Helper()
	c := &receiver{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &sent) != nil {
			http.Error(w, "not traces", http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range sent.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(web.Close)
	c.url = web.URL
	return c
}

func (c *receiver) named(prefix string) (found []*tracepb.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if strings.HasPrefix(s.GetName(), prefix) {
			found = append(found, s)
		}
	}
	return found
}

func TestTracesReachACollector(t *testing.T) {
	t.Parallel()
	c := receive(t)
	r := start(t, server.Config{OTLPEndpoint: c.url})
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	body := `{"query": "query Named { experiment(name: \"a secret name\") { experimentId } }"}`
	r.send(http.MethodPost, "/graphql", body, "Content-Type", typeJSON, "Traceparent", "00-"+theirs+"-00f067aa0ba902b7-01")
	r.send(http.MethodGet, "/health", "")
	require.NoError(t, r.stop()) // sends what waits

	requests := c.named("query Named")
	require.Len(t, requests, 1)
	require.Equal(t, theirs, hex.EncodeToString(requests[0].GetTraceId()))
	require.Equal(t, "00f067aa0ba902b7", hex.EncodeToString(requests[0].GetParentSpanId()))
	statements := c.named("SELECT")
	require.NotEmpty(t, statements)
	for _, s := range statements {
		if bytes.Equal(s.GetTraceId(), requests[0].GetTraceId()) {
			require.Equal(t, requests[0].GetSpanId(), s.GetParentSpanId())
			require.NotContains(t, s.String(), "a secret name")
		}
	}
	require.Empty(t, c.named("GET"), "nobody traces health")
}

func TestTracesWithoutACollectorDisturbNobody(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"collector:4318", "ftp://collector", "http://", "::"} {
		_, err := server.New(context.Background(), server.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", OTLPEndpoint: endpoint})
		require.ErrorContains(t, err, "OpenTelemetry collector", endpoint)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	r := start(t, server.Config{OTLPEndpoint: gone.URL})
	r.logTwoPoints()
	require.NoError(t, r.stop())
}

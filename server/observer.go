package server

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/store"
)

const (
	// slowPerSecond bounds what is logged of what is slow: a database in need has enough to do.
	slowPerSecond = 10
	// loggedText bounds a statement in the log and in a trace.
	loggedText = 2000
)

// observer sees what the server and its database do, and tells the operator: as metrics, as traces, and in the log what took long.
type observer struct {
	log     *slog.Logger
	metrics *metrics
	traces  *traces
	slow    time.Duration // 0: nothing is slow
	limit   *rate.Limiter
}

var _ store.Observer = (*observer)(nil)

func newObserver(cfg Config, traces *traces) *observer {
	return &observer{
		log: cfg.Logger, metrics: newMetrics(cfg.Version), traces: traces, slow: cfg.SlowQuery,
		limit: rate.NewLimiter(slowPerSecond, slowPerSecond),
	}
}

// Statement is part of store.Observer.
func (o *observer) Statement(ctx context.Context, st store.Statement) {
	o.metrics.statements.Observe(st.Took.Seconds())
	if parent := trace.SpanFromContext(ctx); parent.IsRecording() {
		_, span := o.traces.tracer.Start(ctx, verb(st.Text), trace.WithTimestamp(st.Began), trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(attribute.String("db.query.text", short(st.Text))))
		if st.Err != nil {
			span.SetStatus(codes.Error, "the statement failed")
		}
		span.End(trace.WithTimestamp(st.Began.Add(st.Took)))
	}
	if o.tooSlow(st.Took) {
		o.tell(ctx, "statement", st.Took, "statement", short(st.Text))
	}
}

// Committed is part of store.Observer.
func (o *observer) Committed(requests int, took time.Duration) {
	o.metrics.commits.Observe(took.Seconds())
	o.metrics.group.Observe(float64(requests))
}

// operation is told of GraphQL queries and mutations that were answered.
func (o *observer) operation(ctx context.Context, op graph.Operation) {
	o.metrics.operations.WithLabelValues(op.Kind).Observe(op.Took.Seconds())
	if op.Code != "" {
		o.metrics.failures.WithLabelValues(op.Code).Inc()
	}
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetName(strings.TrimSpace(op.Kind + " " + op.Name))
		span.SetAttributes(attribute.String("graphql.operation.type", op.Kind), attribute.String("graphql.operation.name", op.Name))
		if op.Code != "" {
			span.SetAttributes(attribute.String("error.type", op.Code))
		}
	}
	if o.tooSlow(op.Took) {
		o.tell(ctx, "operation", op.Took, "kind", op.Kind, "name", op.Name)
	}
}

// request is told of requests that were answered. GraphQL says more of its own.
func (o *observer) request(r *http.Request, w *response, took time.Duration) {
	part := apiOf(r.URL.Path)
	status := w.status
	if status == 0 {
		status = http.StatusOK
	}
	if status == http.StatusSwitchingProtocols || strings.HasPrefix(w.Header().Get("Content-Type"), "text/event-stream") {
		o.metrics.streams.WithLabelValues(part.String()).Inc()
		return
	}
	o.metrics.requests.WithLabelValues(part.String(), strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
	// How long a file takes is its size's and its reader's affair.
	if o.tooSlow(took) && part == apiMLflow {
		o.tell(r.Context(), "request", took, "method", r.Method, "path", r.URL.Path, "status", status)
	}
}

func (o *observer) tooSlow(took time.Duration) bool { return o.slow > 0 && took >= o.slow }

func (o *observer) tell(ctx context.Context, what string, took time.Duration, more ...any) {
	o.metrics.slow.WithLabelValues(what).Inc()
	if !o.limit.Allow() {
		return
	}
	fields := []any{"took", took}
	if id := requestID(ctx); id != "" {
		fields = append(fields, "request", id)
	}
	if id := trace.SpanContextFromContext(ctx); id.IsSampled() {
		fields = append(fields, "trace", id.TraceID())
	}
	o.log.WarnContext(ctx, "slow "+what, append(fields, more...)...)
}

// verb is the first word of a statement.
func verb(text string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return word
}

// short is a statement in one line, cut when it is long.
func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > loggedText {
		return strings.ToValidUTF8(text[:loggedText], "") + " …"
	}
	return text
}

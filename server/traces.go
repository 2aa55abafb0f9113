package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/cairnml/cairn/internal/errs"
)

// traces sends what requests do to an OpenTelemetry collector, or nowhere.
type traces struct {
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider // nil where they go nowhere
}

const (
	tracerName = "github.com/cairnml/cairn/server"
	// flushTimeout bounds what is sent when the server stops.
	flushTimeout = 2 * time.Second
)

// propagator reads which trace a request belongs to. (W3C Trace Context, the header traceparent)
var propagator = propagation.TraceContext{}

// newTraces begins to send, over OTLP and HTTP, where --otlp-endpoint or OpenTelemetry's own variables name a collector. Those
// variables also say what else there is to say of it: headers, certificates, which requests are sampled.
func newTraces(ctx context.Context, endpoint, version string, log *slog.Logger) (*traces, error) {
	if endpoint == "" && os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return &traces{tracer: noop.NewTracerProvider().Tracer(tracerName)}, nil
	}
	var options []otlptracehttp.Option
	if endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, errs.Field("--otlp-endpoint", "%.200q is not the address of an OpenTelemetry collector, for example http://127.0.0.1:4318", endpoint)
		}
		if u.Path == "" || u.Path == "/" {
			u.Path = "/v1/traces" // as OTEL_EXPORTER_OTLP_ENDPOINT means it
		}
		options = append(options, otlptracehttp.WithEndpointURL(u.String()))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "traces cannot be sent: %v", err)
	}
	about, err := resource.New(ctx, resource.WithHost(), resource.WithAttributes(
		attribute.String("service.name", "cairn"), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "OTEL_RESOURCE_ATTRIBUTES: %v", err)
	}
	// The one place of the package for this is global.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces cannot be sent", "error", err) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return &traces{tracer: provider.Tracer(tracerName), provider: provider}, nil
}

// begin starts the span of a request, as part of the trace that its client names.
func (t *traces) begin(r *http.Request, id string) (context.Context, trace.Span) {
	part := apiOf(r.URL.Path)
	if t.provider == nil || !needsDatabase(part) {
		return r.Context(), noop.Span{}
	}
	ctx := propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return t.tracer.Start(ctx, r.Method+" "+part.String(), trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("url.path", r.URL.Path), attribute.String("cairn.request", id)))
}

func end(span trace.Span, status int) {
	if span.IsRecording() {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(status))
		}
	}
	span.End()
}

// close sends what waits, and ends.
func (t *traces) close(log *slog.Logger) {
	if t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		log.Warn("the last traces cannot be sent", "error", err)
	}
}

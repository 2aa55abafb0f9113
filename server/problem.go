package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/server/mlflow"
)

// statusOf is the one table from kinds of errors to HTTP status codes of what this package answers itself.
var statusOf = map[errs.Kind]int{
	errs.Invalid:          http.StatusBadRequest,
	errs.NotFound:         http.StatusNotFound,
	errs.Exists:           http.StatusConflict,
	errs.Conflict:         http.StatusConflict,
	errs.Unauthenticated:  http.StatusUnauthorized,
	errs.PermissionDenied: http.StatusForbidden,
	errs.Exhausted:        http.StatusRequestEntityTooLarge,
	errs.Unavailable:      http.StatusServiceUnavailable,
	errs.Unsupported:      http.StatusNotImplemented,
	errs.Damaged:          http.StatusInternalServerError,
	errs.Internal:         http.StatusInternalServerError,
}

// mlflowCodeOf gives the words that MLflow's clients know for what is refused before a request reaches server/mlflow.
var mlflowCodeOf = map[errs.Kind]string{
	errs.Invalid:          "INVALID_PARAMETER_VALUE",
	errs.NotFound:         "ENDPOINT_NOT_FOUND",
	errs.Exists:           "RESOURCE_ALREADY_EXISTS",
	errs.Conflict:         "INVALID_STATE",
	errs.Unauthenticated:  "UNAUTHENTICATED",
	errs.PermissionDenied: "PERMISSION_DENIED",
	errs.Exhausted:        "RESOURCE_EXHAUSTED",
	errs.Unavailable:      "TEMPORARILY_UNAVAILABLE",
	errs.Unsupported:      "NOT_IMPLEMENTED",
	errs.Damaged:          "DATA_LOSS",
	errs.Internal:         "INTERNAL_ERROR",
}

// refuse answers a request with an error in the format of the API that it was made to. An error that is not for users
// is logged by its request id, and its cause is not shown.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	kind := errs.KindOf(err)
	status, message := statusOf[kind], err.Error()
	switch {
	case kind == errs.Internal && errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		// The client went away: no fault of the server's, and nobody reads the answer.
		s.log.DebugContext(r.Context(), "request cancelled", "request", requestID(r.Context()), "method", r.Method, "path", r.URL.Path, "error", err)
		kind, status, message = errs.Unavailable, statusOf[errs.Unavailable], "the request was cancelled"
	case kind == errs.Internal:
		s.log.ErrorContext(r.Context(), "request failed", "request", requestID(r.Context()), "method", r.Method, "path", r.URL.Path, "error", err)
		message = "internal error (request " + requestID(r.Context()) + ")"
	}
	writeProblem(w, r, kind, status, message)
}

func writeProblem(w http.ResponseWriter, r *http.Request, kind errs.Kind, status int, message string) {
	var body any
	switch api := apiOf(r.URL.Path); api {
	case apiGraphQL:
		body = map[string]any{"errors": []any{map[string]any{"message": message, "extensions": map[string]any{"code": kind}}}}
	case apiMLflow, apiMLflowArtifacts:
		body = map[string]any{"error_code": mlflowCodeOf[kind], "message": message}
	default:
		body = map[string]any{"code": kind, "message": message}
	}
	if status == http.StatusUnauthorized {
		challenges(w.Header(), apiOf(r.URL.Path))
	}
	writeJSON(w, status, body)
}

// challenges says how to authenticate. Basic is taken everywhere and named for MLflow's clients alone: a browser that reads
// of it asks its user for a password before a page can ask for a token.
func challenges(header http.Header, part api) {
	if part == apiMLflow || part == apiMLflowArtifacts {
		mlflow.Challenge(header)
		return
	}
	header.Set("WWW-Authenticate", `Bearer realm="cairn"`)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The client is gone when this fails; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}

// api is a part of the server with rules of its own for bodies, authentication and errors.
type api int

const (
	apiOther api = iota
	apiHealth
	apiReady
	apiVersion
	apiMetrics
	apiPages
	apiGraphQL
	apiMLflow
	apiMLflowArtifacts
	apiArtifacts
	apiMetricSeries
)

// String is the name of the part in metrics and traces.
func (a api) String() string {
	return [...]string{"other", "health", "ready", "version", "metrics", "pages", "graphql", "mlflow", "mlflow-artifacts", "artifacts", "metric-series"}[a]
}

// holdsFile tells of a path of MLflow's API whose bodies are files, and not JSON.
func holdsFile(path string) bool {
	return strings.Contains(path, "/mlflow-artifacts/artifacts") || strings.Contains(path, "/mlflow-artifacts/parts/") ||
		strings.HasSuffix(path, "/mlflow/upload-artifact")
}

// apiOf says which part serves a path. It looks at the path as it came: cleaning it first would turn a path that leaves
// its root into one that looks sound.
func apiOf(path string) api {
	switch {
	case path == "/graphql":
		return apiGraphQL
	case strings.HasPrefix(path, "/api/"), strings.HasPrefix(path, "/ajax-api/"):
		if holdsFile(path) {
			return apiMLflowArtifacts
		}
		return apiMLflow
	case strings.HasPrefix(path, "/artifacts/"):
		return apiArtifacts
	case strings.HasPrefix(path, "/metric-series/"):
		return apiMetricSeries
	case mlflow.AtRoot(path):
		return apiMLflow
	case path == "/health":
		return apiHealth
	case path == "/ready":
		return apiReady
	case path == "/version":
		return apiVersion
	case path == "/metrics":
		return apiMetrics
	case isPage(path):
		return apiPages
	}
	return apiOther
}

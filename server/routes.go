package server

import (
	"io"
	"net/http"

	"github.com/cairnml/cairn/internal/errs"
)

// handler is the chain that every request goes through, outermost first.
func (s *Server) handler() http.Handler {
	var h http.Handler = http.HandlerFunc(s.route)
	h = s.bounded(h)
	h = s.authenticated(h)
	h = s.reachable(h)
	h = s.guarded(h)
	return s.watched(h)
}

// route hands a request to the part that serves its path. It is no http.ServeMux, which would clean a path that leaves
// its root and answer with a redirect to a sound one.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	switch apiOf(r.URL.Path) {
	case apiGraphQL:
		s.graphql.ServeHTTP(w, r)
	case apiMLflow, apiMLflowArtifacts:
		s.mlflow.ServeHTTP(w, r)
	case apiArtifacts:
		s.serveArtifact(w, r)
	case apiMetricSeries:
		s.serveMetricSeries(w, r)
	case apiHealth:
		s.plain(w, r, "OK")
	case apiReady:
		s.ready(w, r)
	case apiVersion:
		s.plain(w, r, s.cfg.Version)
	case apiMetrics:
		s.serveMetrics(w, r)
	case apiPages:
		s.pages(w, r)
	default:
		s.notFound(w, r)
	}
}

// plain answers with a word. Health is asked for often and says nothing but that requests are served.
func (s *Server) plain(w http.ResponseWriter, r *http.Request, text string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.methodNotAllowed(w, r, "GET, HEAD")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, text) // fails only when the client is gone
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	s.refuse(w, r, errs.New(errs.NotFound, "there is nothing at %.200q; the pages begin at /, the API is at /graphql, its explorer at /explorer, MLflow's API below /api/", r.URL.Path))
}

func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request, allowed string) {
	w.Header().Set("Allow", allowed)
	s.refuseStatus(w, r, errs.New(errs.Invalid, "%s is not possible at %.200q, only %s", r.Method, r.URL.Path, allowed), http.StatusMethodNotAllowed)
}

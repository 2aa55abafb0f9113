// Package mlflow is Cairn's second language: the REST API that every MLflow client speaks. A handler decodes the types,
// calls the core that GraphQL calls too, and encodes what came back; rules about names, values and states are the core's.
package mlflow

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/internal/webhook"
)

// Deps is the core that the handlers call. All fields but the last are required.
type Deps struct {
	Tracking  *tracking.Service
	Search    *search.Searcher
	Metrics   *metric.Reader
	Artifacts *artifact.Service
	Registry  *registry.Service
	Webhooks  *webhook.Service
	// MaxArtifactBytes bounds one uploaded file.
	MaxArtifactBytes int64
	// Log is told the causes of internal errors; they are dropped when it is nil.
	Log *slog.Logger
}

type shell struct {
	Deps
}

// New makes the handler of everything below /api/ and /ajax-api/. It must be given paths as they came: a multiplexer that
// cleans paths before it would turn an attempt to leave the artifacts' root into a redirect. The request's context
// carries the principal (auth.With); without one every request is refused.
func New(deps Deps) http.Handler {
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	return &shell{Deps: deps}
}

func (s *shell) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	// A query string that is read in part only would ask for something else, such as the whole store for a folder of it.
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		writeError(ctx, w, s.Log, r, errs.New(errs.Invalid, "The query string is not well formed: what is no letter or digit in it is written as %%XX, a semicolon as %%3B"))
		return
	}
	if text, err := url.QueryUnescape(r.URL.RawQuery); err != nil || !plain(text) {
		writeError(ctx, w, s.Log, r, errs.New(errs.Invalid, "The query string must be UTF-8 without NUL characters, each byte beyond ASCII as %%XX"))
		return
	}
	if !plain(r.URL.Path) {
		writeError(ctx, w, s.Log, r, errs.New(errs.Invalid, "The path must be UTF-8 without NUL characters"))
		return
	}
	found, path, err := find(r.Method, r.URL.Path)
	if err != nil {
		var e *routeError
		if errors.As(err, &e) {
			if e.allow != "" {
				w.Header().Set("Allow", e.allow)
			}
			writeCode(w, e.code, e.message)
			return
		}
		writeError(ctx, w, s.Log, r, err)
		return
	}
	if err := auth.Require(ctx, found.role); err != nil {
		writeError(ctx, w, s.Log, r, err)
		return
	}
	c := &call{shell: s, Context: ctx, w: w, r: r, path: path, values: query}
	if found.body > 0 {
		if err := c.readBody(found.body); err != nil {
			writeError(ctx, w, s.Log, r, err)
			return
		}
		defer c.release()
	}
	c.out = takeBuffer()
	err = found.handle(c)
	if err != nil {
		writeError(ctx, w, s.Log, r, err)
	} else if !c.answered {
		if len(*c.out) == 0 {
			*c.out = append(*c.out, '{', '}')
		}
		writeJSON(w, http.StatusOK, *c.out)
	}
	giveBuffer(c.out)
}

// split cuts a path into its API ("mlflow", "mlflow-artifacts"), its version and the rest.
func split(path string) (api, version, rest string) {
	path = strings.TrimPrefix(path, "/ajax-api/")
	path = strings.TrimPrefix(path, "/api/")
	version, path, _ = strings.Cut(path, "/")
	api, rest, _ = strings.Cut(path, "/")
	return api, version, rest
}

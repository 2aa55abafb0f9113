package server

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/metric/metricfile"
	"github.com/cairnml/cairn/internal/tracking"
)

// Headers of downloads of series.
const (
	// pointsHeader says how many points the series have.
	pointsHeader = "Cairn-Points"
	// incompleteTrailer comes behind the file, when points are missing from it since what holds them is damaged. A file has no
	// place to say it, and it is not known before.
	incompleteTrailer = "Cairn-Incomplete"
)

// serveMetricSeries gives whole series of a run as a file (docs/metric-series.md):
//
//	GET, HEAD /metric-series/{runId}?format=csv|parquet|arrow&key=loss&key=acc
func (s *Server) serveMetricSeries(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.methodNotAllowed(w, r, "GET, HEAD")
		return
	}
	format, export, runID, err := s.findMetricSeries(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", format.ContentType())
	header.Set("Content-Disposition", `attachment; filename="`+runID+`-metrics.`+string(format)+`"`)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set(pointsHeader, strconv.FormatInt(export.Points, 10))
	header.Set("Trailer", incompleteTrailer)
	if r.Method == http.MethodHead {
		return
	}
	sent := &sentWriter{ResponseWriter: w}
	if err := writeMetricSeries(r.Context(), sent, format, export, runID); err != nil {
		s.cutMetricSeries(sent, r, err)
		return
	}
	if len(export.Incomplete) > 0 {
		s.log.ErrorContext(r.Context(), "series were downloaded that lack points: `cairn db check` tells more", "request", requestID(r.Context()),
			"run", runID, "series", len(export.Incomplete), "keys", shortList(export.Incomplete))
		header.Set(incompleteTrailer, shortList(export.Incomplete))
	}
}

func (s *Server) findMetricSeries(r *http.Request) (metricfile.Format, *metric.Export, string, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return "", nil, "", errs.New(errs.Invalid, "the query string is not well formed: what is no letter or digit in it is written as %%XX")
	}
	for name := range query {
		if name != "format" && name != "key" {
			return "", nil, "", errs.New(errs.Invalid, "%.60q is no parameter of a download of metrics: there are format, and key once for each metric", name)
		}
	}
	format, err := metricfile.ParseFormat(query.Get("format"))
	if err != nil {
		return "", nil, "", err //nolint:wrapcheck // an error for users already
	}
	keys := query["key"]
	for _, key := range keys {
		if !utf8.ValidString(key) || strings.IndexByte(key, 0) >= 0 {
			return "", nil, "", errs.Field("key", "%.60q is not UTF-8 without NUL characters", key)
		}
	}
	id, err := tracking.ParseRunID(strings.TrimPrefix(r.URL.Path, "/metric-series/"))
	if err != nil {
		return "", nil, "", err //nolint:wrapcheck // an error for users already
	}
	run, err := s.tracking.Run(r.Context(), id)
	if err != nil {
		return "", nil, "", err //nolint:wrapcheck // an error for users already
	}
	export, err := s.metrics.Export(r.Context(), run, keys)
	return format, export, id, err //nolint:wrapcheck // an error for users already
}

func writeMetricSeries(ctx context.Context, w http.ResponseWriter, format metricfile.Format, export *metric.Export, runID string) error {
	file := metricfile.NewWriter(w, format, metricfile.Contents{RunID: runID, Keys: export.Keys, StepScale: export.StepScale})
	if err := export.Each(ctx, file.Write); err != nil {
		return err //nolint:wrapcheck // wrapped by the package that gives it
	}
	return file.Close() //nolint:wrapcheck // wrapped by the package that gives it
}

// cutMetricSeries ends a download that failed: with an error, or where a part of the file was sent, by cutting the connection,
// which is all that tells the client.
func (s *Server) cutMetricSeries(w *sentWriter, r *http.Request, err error) {
	gone := r.Context().Err() != nil || w.failed != nil
	if !w.sent && !gone {
		for _, name := range []string{"Content-Disposition", pointsHeader, "Trailer"} {
			w.Header().Del(name)
		}
		s.refuse(w, r, err)
		return
	}
	if !gone {
		s.log.ErrorContext(r.Context(), "a download of metrics was cut off", "request", requestID(r.Context()), "path", r.URL.Path, "error", err)
	}
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to cut a connection
}

// sentWriter knows whether anything was sent.
type sentWriter struct {
	http.ResponseWriter
	sent   bool
	failed error
}

func (w *sentWriter) Write(b []byte) (int, error) {
	w.sent = true
	n, err := w.ResponseWriter.Write(b)
	if err != nil {
		w.failed = err
	}
	return n, err //nolint:wrapcheck // a writer passes on what the writer below it said
}

// shortList names some keys in ASCII.
func shortList(keys []string) string {
	const most = 10
	var b strings.Builder
	for i, key := range keys[:min(most, len(keys))] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.QuoteToASCII(key))
	}
	if more := len(keys) - most; more > 0 {
		b.WriteString(" and " + strconv.Itoa(more) + " more")
	}
	return b.String()
}

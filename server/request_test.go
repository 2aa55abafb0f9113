package server

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func watchedServer(level slog.Level) (*Server, *bytes.Buffer) {
	var log bytes.Buffer
	return &Server{log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))}, &log
}

func TestPanicIsA500WithoutInternals(t *testing.T) {
	t.Parallel()
	for path, shape := range map[string]string{"/graphql": `"errors"`, "/api/2.0/mlflow/runs/get": `"error_code":"INTERNAL_ERROR"`, "/artifacts/r/p": `"code":"INTERNAL"`} {
		s, log := watchedServer(slog.LevelInfo)
		h := s.watched(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret of /srv/cairn") }))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, http.StatusInternalServerError, w.Code)
		require.Contains(t, w.Body.String(), shape)
		require.NotContains(t, w.Body.String(), "secret")
		id := w.Header().Get("X-Request-Id")
		require.NotEmpty(t, id)
		require.Contains(t, w.Body.String(), id)
		require.Contains(t, log.String(), id)
		require.Contains(t, log.String(), "secret of /srv/cairn")
	}
}

func TestPanicAfterTheFirstByteCutsTheConnection(t *testing.T) {
	t.Parallel()
	s, _ := watchedServer(slog.LevelInfo)
	h := s.watched(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		panic("late")
	}))
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	})
}

func TestAccessLogIsForDebuggingAndHoldsNoSecret(t *testing.T) {
	t.Parallel()
	for level, logged := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelDebug: true} {
		s, log := watchedServer(level)
		h := s.watched(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
		r := httptest.NewRequest(http.MethodGet, "/version?token=hidden", nil)
		r.Header.Set("Authorization", "Bearer hidden")
		h.ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, logged, bytes.Contains(log.Bytes(), []byte("status=418")))
		require.NotContains(t, log.String(), "hidden")
	}
}

func TestRequestIDsAreUnique(t *testing.T) {
	t.Parallel()
	a, b := newRequestIDs(), newRequestIDs()
	seen := map[string]bool{}
	for range 1000 {
		seen[a.next()], seen[b.next()] = true, true
	}
	require.Len(t, seen, 2000)
}

package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func watchedServer(level slog.Level) (*Server, *bytes.Buffer) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))
	return &Server{log: logger, observer: newObserver(Config{Logger: logger}, &traces{})}, &log
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

func TestClientThatDoesNotReadIsGivenUp(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, err := watch(rw, 100*time.Millisecond).Write(make([]byte, 256<<20)) // more than any buffer on the way
		ended <- err
	}))
	t.Cleanup(web.Close)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", web.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	_, err = conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	require.NoError(t, err)
	require.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
}

func TestSlowAnswersOfOneConnectionAreWhole(t *testing.T) {
	t.Parallel()
	const patience = 200 * time.Millisecond
	gap := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		w := watch(rw, patience)
		if _, err := w.Write([]byte("begun ")); err != nil {
			t.Error(err)
		}
		w.Flush()
		<-gap // longer than the patience: it is for the client, and not for who answers
		if _, err := w.Write(bytes.Repeat([]byte("x"), 3*writePart)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(web.Close)
	for range 2 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL, http.NoBody)
		require.NoError(t, err)
		response, err := web.Client().Do(request)
		require.NoError(t, err)
		time.AfterFunc(2*patience, func() { gap <- struct{}{} })
		content, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Len(t, content, len("begun ")+3*writePart)
		require.NoError(t, response.Body.Close())
	}
}

func TestCancelledRequestIsNoErrorOfTheServer(t *testing.T) {
	t.Parallel()
	for level, logged := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelDebug: true} {
		s, log := watchedServer(level)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequest(http.MethodPut, "/artifacts/r/p", nil).WithContext(ctx)
		s.refuse(httptest.NewRecorder(), r, fmt.Errorf("wait for the writer: %w", ctx.Err()))
		require.Equal(t, logged, bytes.Contains(log.Bytes(), []byte("wait for the writer")))
		require.NotContains(t, log.String(), "level=ERROR")
	}
	s, log := watchedServer(slog.LevelInfo)
	s.refuse(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/artifacts/r/p", nil), context.Canceled)
	require.Contains(t, log.String(), "level=ERROR", "the client is still there")
}

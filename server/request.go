package server

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

// requestIDs makes ids that are unique in a log of many servers and starts: a random prefix and a count.
type requestIDs struct {
	prefix string
	count  atomic.Uint64
}

func newRequestIDs() *requestIDs {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	return &requestIDs{prefix: hex.EncodeToString(b[:]) + "-"}
}

func (ids *requestIDs) next() string { return ids.prefix + strconv.FormatUint(ids.count.Add(1), 10) }

type requestIDKey struct{}

// requestID is the id under which a request stands in the log; empty outside a request.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// response watches what a handler answers, for the access log and for what a panic may still send, and gives up on a
// client that does not read: what it was to get would be held for as long as it likes.
type response struct {
	http.ResponseWriter
	control *http.ResponseController
	// patience is how long the client may take for each writePart.
	patience time.Duration
	status   int
	bytes    int64
}

// watch begins an answer. A connection keeps the deadline of the answer before, which is taken off.
func watch(w http.ResponseWriter, patience time.Duration) *response {
	out := &response{ResponseWriter: w, control: http.NewResponseController(w), patience: patience}
	_ = out.control.SetWriteDeadline(time.Time{}) // fails only where there are no deadlines
	return out
}

func (w *response) hurry() { _ = w.control.SetWriteDeadline(time.Now().Add(w.patience)) }

func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	if status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	written := 0
	for {
		part := b[written:min(written+writePart, len(b))]
		w.hurry()
		n, err := w.ResponseWriter.Write(part)
		written += n
		w.bytes += int64(n)
		if err != nil || written >= len(b) {
			return written, err //nolint:wrapcheck // a writer passes on what the writer below it said
		}
	}
}

// ReadFrom sends a file, which the operating system does by itself where it can.
func (w *response) ReadFrom(src io.Reader) (int64, error) {
	to, ok := w.ResponseWriter.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{w}, src) //nolint:wrapcheck // as above
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	whole, ok := src.(*io.LimitedReader)
	if !ok {
		whole = &io.LimitedReader{R: src, N: math.MaxInt64}
	}
	var sent int64
	for whole.N > 0 {
		// A new reader for each part: the file in it must be seen.
		part := &io.LimitedReader{R: whole.R, N: min(filePart, whole.N)}
		w.hurry()
		n, err := to.ReadFrom(part)
		sent, whole.N, w.bytes = sent+n, whole.N-n, w.bytes+n
		if err != nil || n == 0 {
			return sent, err //nolint:wrapcheck // as above
		}
	}
	return sent, nil
}

// Flush is for event streams.
func (w *response) Flush() {
	w.hurry()
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// What is read of the rest of a body once its request is refused. net/http itself reads drainedByHTTP more, then closes.
const (
	drainedByHTTP = 256 << 10
	drainBytes    = 64 << 20
	drainTime     = 2 * time.Second
)

// drain sends the refusal and reads on for a while: a client that writes its whole body before it reads would find its
// connection reset, and the answer lost.
func (w *response) drain(r *http.Request, body io.Reader) {
	if r.Header.Get("Expect") != "" {
		return // it waits for leave to send the body, and has its answer
	}
	w.Flush()
	if w.control.SetReadDeadline(time.Now().Add(drainTime)) != nil {
		return // without a bound in time nothing is read
	}
	_, _ = io.CopyN(io.Discard, body, drainBytes) // however it ends, the connection is closed
	_ = w.control.SetReadDeadline(time.Time{})
}

// Hijack is for WebSockets.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.status = http.StatusSwitchingProtocols
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("hijack connection: %w", err)
	}
	return conn, rw, nil
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// watched gives every request an id, logs it, counts it as in flight, and turns a panic into a 500 that shows nothing
// internal.
func (s *Server) watched(next http.Handler) http.Handler {
	ids := newRequestIDs()
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		arrived(r)
		s.inFlight.Add(1)
		defer s.inFlight.Done()
		id, start := ids.next(), time.Now()
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		w := watch(rw, writeTimeout)
		w.Header().Set("X-Request-Id", id)
		sent, size := r.Body, r.ContentLength
		ctx, span := s.observer.traces.begin(r, id)
		r = r.WithContext(ctx)
		defer func() {
			s.observer.request(r, w, time.Since(start))
			end(span, w.status)
		}()
		defer func() {
			if cause := recover(); cause != nil {
				if cause == http.ErrAbortHandler { //nolint:errorlint,err113 // a panic value, compared as net/http does
					panic(cause) //nolint:forbidigo // net/http's own way to cut a connection, passed on
				}
				s.log.ErrorContext(r.Context(), "panic in a request", "request", id, "method", r.Method, "path", r.URL.Path,
					"panic", cause, "stack", string(debug.Stack()))
				if w.status != 0 {
					// Part of an answer is out: cutting the connection is all that tells the client.
					panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's own way to cut a connection
				}
				writeProblem(w, r, errs.Internal, http.StatusInternalServerError, "internal error (request "+id+")")
			}
		}()
		next.ServeHTTP(w, r)
		if w.status >= http.StatusBadRequest && (size < 0 || size > drainedByHTTP) {
			w.drain(r, sent)
		}
		if s.log.Enabled(r.Context(), slog.LevelDebug) {
			s.log.DebugContext(r.Context(), "request", "request", id, "method", r.Method, "path", r.URL.Path,
				"status", w.status, "bytes", w.bytes, "duration", time.Since(start), "peer", r.RemoteAddr)
		}
	})
}

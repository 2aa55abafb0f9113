package server

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

// bounded limits the body of a request: its size, counted after decompression, its time, and on writes to the JSON APIs
// its type. A body in another type could be sent by a plain HTML form of any site.
func (s *Server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		body := &body{ReadCloser: r.Body, control: http.NewResponseController(w)}
		switch apiOf(r.URL.Path) {
		case apiGraphQL:
			body.max = maxGraphQLBytes
		case apiMLflow:
			body.max = maxRESTBytes
		case apiArtifacts, apiMLflowArtifacts:
			body.max, body.rolling = s.cfg.MaxArtifactBytes, true
		default:
			// Nothing reads a body here. What is wrong is the path or the method, and that is said.
			r.Body = http.NoBody
			next.ServeHTTP(w, r)
			return
		}
		if !body.rolling && r.Method != http.MethodGet && r.Method != http.MethodHead {
			if err := requireJSON(r); err != nil {
				status := http.StatusUnsupportedMediaType
				if apiOf(r.URL.Path) == apiMLflow {
					status = http.StatusBadRequest // as MLflow's own server answers
				}
				s.refuseStatus(w, r, err, status)
				return
			}
		}
		switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
		case "", "identity":
			if r.ContentLength > body.max {
				s.refuse(w, r, body.tooLarge())
				return
			}
		case "gzip":
			body.compressed = true
			r.Header.Del("Content-Encoding")
			r.ContentLength = -1
		default:
			s.refuseStatus(w, r, errs.Field("Content-Encoding", "%q is not supported; send gzip or nothing", encoding), http.StatusUnsupportedMediaType)
			return
		}
		r.Body = body
		next.ServeHTTP(w, r)
	})
}

func (s *Server) refuseStatus(w http.ResponseWriter, r *http.Request, err *errs.Error, status int) {
	writeProblem(w, r, err.Kind, status, err.Error())
}

func requireJSON(r *http.Request) *errs.Error {
	given := r.Header.Get("Content-Type")
	if given == "application/json" {
		return nil
	}
	media, _, err := mime.ParseMediaType(given)
	if err != nil || media != "application/json" {
		return errs.Field("Content-Type", "must be application/json, not %q", given)
	}
	return nil
}

// body is a request's body with its bounds.
type body struct {
	io.ReadCloser
	control *http.ResponseController
	max     int64
	// rolling gives each read its own time, for files of any size; else the whole body has one.
	rolling    bool
	compressed bool

	started  bool
	decoder  io.Reader
	unpacked int64
	failed   error
}

func (b *body) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	if !b.started || b.rolling {
		_ = b.control.SetReadDeadline(time.Now().Add(bodyTimeout)) // not supported only in tests without a connection
	}
	if !b.started {
		b.started = true
		b.decoder = b.ReadCloser
		if b.compressed {
			decoder, err := gzip.NewReader(b.ReadCloser)
			if err != nil {
				return 0, b.end(errs.Wrap(errs.Invalid, err, "the body is not gzip, as its Content-Encoding says"))
			}
			b.decoder = decoder
		}
	}
	// One byte more than the bound is asked for, so that a body of just the bound still ends with io.EOF.
	if left := b.max - b.unpacked + 1; int64(len(p)) > left {
		p = p[:left]
	}
	n, err := b.decoder.Read(p)
	b.unpacked += int64(n)
	switch {
	case b.unpacked > b.max:
		return n - int(b.unpacked-b.max), b.end(b.tooLarge())
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		return n, b.end(io.EOF)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, b.end(errs.Wrap(errs.Unavailable, err, "the body did not come within %v", bodyTimeout))
	case b.compressed && damaged(err):
		return n, b.end(errs.Wrap(errs.Invalid, err, "the compressed body is damaged or cut off"))
	}
	return n, b.end(err)
}

func damaged(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt)
}

// end clears the deadline, which would else cut a long answer, and keeps the error for reads that follow.
func (b *body) end(err error) error {
	_ = b.control.SetReadDeadline(time.Time{})
	b.failed = err
	return err
}

// tooLarge can be told from others both as an *errs.Error and as an *http.MaxBytesError.
func (b *body) tooLarge() *errs.Error {
	return errs.Wrap(errs.Exhausted, &http.MaxBytesError{Limit: b.max}, "the body is larger than %d bytes, which is the most that is accepted here", b.max)
}

package server

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
)

func gzipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// echoed sends a body through the bounds to a handler that reads it whole.
func echoed(t *testing.T, path string, header http.Header, content []byte) (*httptest.ResponseRecorder, []byte, error) {
	t.Helper()
	s := &Server{cfg: Config{MaxArtifactBytes: 1000}.withDefaults()}
	s.log = s.cfg.Logger
	var got []byte
	var failed error
	h := s.bounded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, failed = io.ReadAll(r.Body) }))
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(content))
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w, got, failed
}

var asJSON = http.Header{"Content-Type": {"application/json; charset=utf-8"}}

func packed() http.Header {
	return http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}
}

func TestBodyPassesWithinItsBound(t *testing.T) {
	t.Parallel()
	_, got, err := echoed(t, "/graphql", asJSON, []byte(`{"query":"{viewer{role}}"}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"query":"{viewer{role}}"}`, string(got))

	exact := bytes.Repeat([]byte("x"), maxGraphQLBytes)
	_, got, err = echoed(t, "/graphql", asJSON, exact)
	require.NoError(t, err)
	require.Len(t, got, maxGraphQLBytes)
}

func TestBodyIsUnpackedWithinItsBound(t *testing.T) {
	t.Parallel()
	_, got, err := echoed(t, "/graphql", packed(), gzipped(t, []byte(`{"query":"x"}`)))
	require.NoError(t, err)
	require.JSONEq(t, `{"query":"x"}`, string(got))

	bomb := gzipped(t, make([]byte, maxGraphQLBytes+1))
	require.Less(t, len(bomb), 1<<20)
	_, got, err = echoed(t, "/graphql", packed(), bomb)
	require.Equal(t, errs.Exhausted, errs.KindOf(err))
	require.ErrorContains(t, err, "16777216 bytes")
	require.Len(t, got, maxGraphQLBytes)
	var tooLarge *http.MaxBytesError
	require.ErrorAs(t, err, &tooLarge)
}

func TestBodyRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path    string
		header  http.Header
		content string
		status  int
		says    string
	}{
		"form":                {"/graphql", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "a=b", 415, "application/json"},
		"text":                {"/graphql", http.Header{"Content-Type": {"text/plain"}}, "{}", 415, "application/json"},
		"no type":             {"/api/2.0/mlflow/runs/create", http.Header{}, "{}", 400, "INVALID_PARAMETER_VALUE"},
		"unknown compression": {"/graphql", http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"br"}}, "{}", 415, "gzip"},
		"announced too large": {"/artifacts/r/f", http.Header{}, strings.Repeat("x", 1001), 413, "1000 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, got, err := echoed(t, test.path, test.header, []byte(test.content))
			require.NoError(t, err)
			require.Nil(t, got, "the handler must not be reached")
			require.Equal(t, test.status, w.Code)
			require.Contains(t, w.Body.String(), test.says)
		})
	}
}

// TestBodyWithoutAUse: the handler says what is wrong, the method or the path, and is shown no body.
func TestBodyWithoutAUse(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/health", "/nothing", "/"} {
		_, got, err := echoed(t, path, asJSON, []byte("{}"))
		require.NoError(t, err)
		require.NotNil(t, got, "the handler is reached")
		require.Empty(t, got)
	}
}

func TestBodyDamagedCompression(t *testing.T) {
	t.Parallel()
	whole := gzipped(t, bytes.Repeat([]byte("metric"), 100))
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-5] ^= 0xff
	for name, content := range map[string][]byte{"cut off": whole[:len(whole)-9], "no gzip": []byte("{}"), "wrong checksum": flipped} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := echoed(t, "/graphql", packed(), content)
			require.Equal(t, errs.Invalid, errs.KindOf(err))
		})
	}
}

func FuzzBody(f *testing.F) {
	f.Add([]byte(`{"query":"x"}`), false)
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), true)
	f.Fuzz(func(t *testing.T, content []byte, compressed bool) {
		header := asJSON.Clone()
		if compressed {
			header = packed()
		}
		_, got, err := echoed(t, "/graphql", header, content)
		if err != nil {
			require.NotEqual(t, errs.Internal, errs.KindOf(err), err)
		} else if !compressed {
			require.Len(t, got, len(content))
		}
	})
}

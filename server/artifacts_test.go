package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/artifact/artifacttest"
	"github.com/cairnml/cairn/server"
)

func (r *running) createRun() string {
	r.t.Helper()
	out := r.graphql(`mutation { createRun(input: {name: "files"}) { runId } }`)
	return out["data"].(map[string]any)["createRun"].(map[string]any)["runId"].(string)
}

func (r *running) createModel(run string) string {
	r.t.Helper()
	out := r.graphql(`mutation { createLoggedModel(input: {sourceRunId: "` + run + `", name: "m"}) { modelId } }`)
	return out["data"].(map[string]any)["createLoggedModel"].(map[string]any)["modelId"].(string)
}

func TestArtifactsGoInAndOut(t *testing.T) {
	t.Parallel()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		artifactsGoInAndOut(t, start(t, server.Config{}))
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		location, _ := artifacttest.S3(t)
		artifactsGoInAndOut(t, start(t, server.Config{Artifacts: location}))
	})
}

func artifactsGoInAndOut(t *testing.T, r *running) {
	run := r.createRun()
	content := "<script>alert('trained')</script>" + strings.Repeat("x", 1000)
	sum := sha256.Sum256([]byte(content))
	for _, root := range []string{"/artifacts/" + run, "/artifacts/models/" + r.createModel(run)} {
		for _, name := range []string{"page.html", "deep/er/model.bin", "с пробелом/学习 %41.txt"} {
			path := root + "/" + escaped(name)
			put := r.send(http.MethodPut, path, content)
			require.Equal(t, http.StatusCreated, put.status, put.body)
			var stored struct {
				Path   string
				Size   int64
				SHA256 string
			}
			require.NoError(t, json.Unmarshal([]byte(put.body), &stored))
			require.Equal(t, name, stored.Path)
			require.Equal(t, int64(len(content)), stored.Size)
			require.Equal(t, hex.EncodeToString(sum[:]), stored.SHA256)

			got := r.send(http.MethodGet, path, "")
			require.Equal(t, http.StatusOK, got.status)
			require.Equal(t, content, got.body)
			require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
			require.Contains(t, got.header.Get("Content-Security-Policy"), "sandbox")
			require.True(t, strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment"))
			require.NotContains(t, got.header.Get("Content-Type"), "html")

			part := r.send(http.MethodGet, path, "", "Range", "bytes=8-12")
			require.Equal(t, http.StatusPartialContent, part.status)
			require.Equal(t, content[8:13], part.body)
			require.Equal(t, http.StatusPartialContent, r.send(http.MethodGet, path, "", "Range", "bytes=8-12", "If-Range", got.header.Get("Etag")).status)
			require.Equal(t, content, r.send(http.MethodGet, path, "", "Range", "bytes=8-12", "If-Range", `"other"`).body)
			require.Equal(t, http.StatusRequestedRangeNotSatisfiable, r.send(http.MethodGet, path, "", "Range", "bytes=99999-").status)
			require.Equal(t, http.StatusNotModified, r.send(http.MethodGet, path, "", "If-None-Match", got.header.Get("Etag")).status)
			require.Empty(t, r.send(http.MethodHead, path, "").body)
		}
	}
	// A second upload replaces the first.
	require.Equal(t, http.StatusCreated, r.send(http.MethodPut, "/artifacts/"+run+"/page.html", "new").status)
	require.Equal(t, "new", r.send(http.MethodGet, "/artifacts/"+run+"/page.html", "").body)
	require.Equal(t, http.StatusCreated, r.send(http.MethodPut, "/artifacts/"+run+"/empty", "").status)
	require.Empty(t, r.send(http.MethodGet, "/artifacts/"+run+"/empty", "").body)
}

func escaped(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

func TestArtifactPathsStayBelowTheirRoot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	canary := filepath.Join(dir, "canary")
	require.NoError(t, os.WriteFile(canary, []byte("canary"), 0o600))
	r := start(t, server.Config{DataDir: filepath.Join(dir, "data")})
	run := r.createRun()
	for _, way := range []string{
		"../../../../canary", "..%2f..%2f..%2f..%2fcanary", "%2e%2e/%2e%2e/%2e%2e/%2e%2e/canary", "%252e%252e%252f%252e%252e%252fcanary",
		"a/../../canary", "./canary", "a//canary", "/canary", "%2fcanary", "a\\..\\canary", "a%5c..%5ccanary", "a%00b", "a%0ab", "C:/canary", "c%3a/canary",
		"", "a/", "..", "%c0%ae%c0%ae/canary", "a/.", strings.Repeat("a/", 600) + "b", strings.Repeat("n", 300),
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut} {
			got := r.raw(method, "/artifacts/"+run+"/"+way, "overwritten")
			require.GreaterOrEqual(t, got.status, 400, "%s %s", method, way)
			require.Less(t, got.status, 500, "%s %s", method, way)
			require.NotContains(t, got.body, "canary\n")
			require.NotContains(t, got.body, dir, "no path of the server is shown")
		}
	}
	content, err := os.ReadFile(canary)
	require.NoError(t, err)
	require.Equal(t, "canary", string(content))
}

// raw sends a path as it is written: a client would clean or encode it.
func (r *running) raw(method, path, body string) answer {
	r.t.Helper()
	u, err := url.Parse(r.url)
	require.NoError(r.t, err)
	conn, err := (&net.Dialer{}).DialContext(r.t.Context(), "tcp", u.Host)
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, conn.Close()) }()
	var request bytes.Buffer
	request.WriteString(method + " " + path + " HTTP/1.1\r\nHost: " + u.Host + "\r\nConnection: close\r\n")
	if method == http.MethodPut {
		request.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	} else {
		request.WriteString("\r\n")
	}
	_, err = conn.Write(request.Bytes())
	require.NoError(r.t, err)
	return readAnswer(r.t, conn, method)
}

func TestArtifactRefusals(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{MaxArtifactBytes: 100})
	run := r.createRun()
	tests := map[string]struct {
		method, path, body string
		header             []string
		status             int
		says               string
	}{
		"unknown run":       {method: "PUT", path: "/artifacts/" + strings.Repeat("0", 32) + "/f", body: "x", status: 404, says: "NOT_FOUND"},
		"no run id":         {method: "PUT", path: "/artifacts/nonsense/f", body: "x", status: 400, says: "INVALID_ARGUMENT"},
		"unknown model":     {method: "GET", path: "/artifacts/models/m-" + strings.Repeat("0", 32) + "/f", status: 404, says: "NOT_FOUND"},
		"no model id":       {method: "GET", path: "/artifacts/models/x/f", status: 400, says: ""},
		"missing file":      {method: "GET", path: "/artifacts/" + run + "/f", status: 404, says: "NOT_FOUND"},
		"too large":         {method: "PUT", path: "/artifacts/" + run + "/f", body: strings.Repeat("x", 101), status: 413, says: "100 bytes"},
		"too large, packed": {method: "PUT", path: "/artifacts/" + run + "/f", body: packedBody(t, strings.Repeat("x", 101)), header: []string{"Content-Encoding", "gzip"}, status: 413, says: "100 bytes"},
		"a part of a file":  {method: "PUT", path: "/artifacts/" + run + "/f", body: "x", header: []string{"Content-Range", "bytes 0-0/2"}, status: 400, says: "one PUT"},
		"other method":      {method: "DELETE", path: "/artifacts/" + run + "/f", status: 405, says: "GET, HEAD, PUT"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sub := &running{t: t, url: r.url}
			got := sub.send(test.method, test.path, test.body, test.header...)
			if name == "no model id" {
				require.GreaterOrEqual(t, got.status, 400)
				require.Less(t, got.status, 500)
				return
			}
			require.Equal(t, test.status, got.status, got.body)
			require.Contains(t, got.body, test.says)
		})
	}
}

func TestUploadThatIsCutOffLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := start(t, server.Config{DataDir: dir})
	run := r.createRun()
	u, err := url.Parse(r.url)
	require.NoError(t, err)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", u.Host)
	require.NoError(t, err)
	_, err = conn.Write([]byte("PUT /artifacts/" + run + "/half HTTP/1.1\r\nHost: " + u.Host + "\r\nContent-Length: 1000\r\n\r\nhalf of it"))
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	got := readAnswer(t, conn, http.MethodPut)
	require.NoError(t, conn.Close())
	require.Equal(t, http.StatusBadRequest, got.status, got.body)
	require.Equal(t, http.StatusNotFound, r.send(http.MethodGet, "/artifacts/"+run+"/half", "").status)
	require.NoError(t, r.stop())
	require.NoError(t, filepath.WalkDir(filepath.Join(dir, "artifacts"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			t.Errorf("%s was left", path)
		}
		return err
	}))
}

func TestDeletedRunTakesNoFiles(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	run := r.createRun()
	r.graphql(`mutation { deleteRun(runId: "` + run + `") { runId } }`)
	got := r.send(http.MethodPut, "/artifacts/"+run+"/f", "x")
	require.Equal(t, http.StatusConflict, got.status)
	require.Contains(t, got.body, "deleted")
}

// What has rotted on disk is given to nobody as whole: a small file is refused, a large one ends before its end.
func TestDamagedArtifactsAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log lockedBuffer
	r := start(t, server.Config{DataDir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	run := r.createRun()
	for name, size := range map[string]int{"small": 100_000, "large": 3 << 20} { // smaller ones are in the database for some seconds too
		content := strings.Repeat("x", size)
		path := "/artifacts/" + run + "/" + name
		require.Equal(t, http.StatusCreated, r.send(http.MethodPut, path, content).status)
		sum := sha256.Sum256([]byte(content))
		got := r.send(http.MethodGet, path, "")
		require.Equal(t, content, got.body)
		require.Equal(t, "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":", got.header.Get("Repr-Digest"))
		require.Equal(t, `"`+hex.EncodeToString(sum[:])+`"`, got.header.Get("ETag"))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "artifacts", "0", run, "artifacts", name), []byte(content[1:]+"y"), 0o600))
	}
	small := r.send(http.MethodGet, "/artifacts/"+run+"/small", "")
	require.Equal(t, http.StatusInternalServerError, small.status)
	require.Contains(t, small.body, "DATA_LOSS")
	require.Contains(t, small.body, "is damaged")
	small = r.send(http.MethodGet, "/api/2.0/mlflow-artifacts/artifacts/0/"+run+"/artifacts/small", "")
	require.Equal(t, http.StatusGone, small.status)
	require.Contains(t, small.body, "is damaged")

	large, err := http.Get(r.url + "/artifacts/" + run + "/large")
	require.NoError(t, err)
	defer func() { require.NoError(t, large.Body.Close()) }()
	require.Equal(t, http.StatusOK, large.StatusCode)
	body, err := io.ReadAll(large.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Less(t, len(body), 3<<20)
	require.Contains(t, log.String(), "is not what was uploaded")
	require.Contains(t, log.String(), run+"/artifacts/large")
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

package server_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/server"
)

// running is a server on a port of its own, which ends with the test.
type running struct {
	t    *testing.T
	url  string
	stop func() error
}

func start(t *testing.T, cfg server.Config) *running {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.DataDir == "" {
		cfg.DataDir = t.TempDir()
	}
	s, err := server.New(t.Context(), cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r := &running{t: t, url: s.URL()}
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { require.NoError(t, r.stop()) })
	return r
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (r *running) send(method, path, body string, header ...string) answer {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	require.NoError(r.t, err)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			request.Host = header[i+1]
		} else {
			request.Header.Set(header[i], header[i+1])
		}
	}
	response, err := http.DefaultTransport.RoundTrip(request) // a redirect is an answer to look at
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, response.Body.Close()) }()
	content, err := io.ReadAll(response.Body)
	require.NoError(r.t, err)
	return answer{response.StatusCode, response.Header, string(content)}
}

const typeJSON = "application/json"

func (r *running) graphql(query string, header ...string) map[string]any {
	r.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	require.NoError(r.t, err)
	got := r.send(http.MethodPost, "/graphql", string(body), append([]string{"Content-Type", typeJSON}, header...)...)
	var out map[string]any
	require.NoError(r.t, json.Unmarshal([]byte(got.body), &out), got.body)
	return out
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{Version: "v1.2.3"})
	require.Equal(t, "OK", r.send(http.MethodGet, "/health", "").body)
	require.Equal(t, "v1.2.3", r.send(http.MethodGet, "/version", "").body)
	viewer := r.graphql("{ viewer { principal role serverVersion } }")["data"].(map[string]any)["viewer"].(map[string]any)
	require.Contains(t, viewer["principal"], "local:")
	require.Equal(t, "ADMIN", viewer["role"])
	require.Equal(t, "v1.2.3", viewer["serverVersion"])
	require.Contains(t, r.send(http.MethodGet, "/api/2.0/mlflow/experiments/get?experiment_id=0", "").body, `"Default"`)
	require.Contains(t, r.send(http.MethodGet, "/ajax-api/2.0/mlflow/experiments/get?experiment_id=0", "").body, `"Default"`)

	missing := r.send(http.MethodGet, "/nothing", "")
	require.Equal(t, http.StatusNotFound, missing.status)
	require.Contains(t, missing.body, "/graphql")
	for _, header := range [][]string{{"Content-Type", typeJSON}, {"Content-Type", "text/plain"}, {"Content-Encoding", "br"}} {
		posted := r.send(http.MethodPost, "/prefix/graphql", `{"query": "{viewer{role}}"}`, header...)
		require.Equal(t, http.StatusNotFound, posted.status, header)
		require.Contains(t, posted.body, "there is nothing at", header)
	}
	wrong := r.send(http.MethodPost, "/health", "")
	require.Equal(t, http.StatusMethodNotAllowed, wrong.status)
	require.Equal(t, "GET, HEAD", wrong.header.Get("Allow"))
}

func TestPagesAreServedUnderAStrictPolicy(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	for path, kind := range map[string]string{
		"/": "text/html", "/explorer": "text/html", "/assets/explorer.js": "text/javascript", "/assets/base.css": "text/css", "/assets/icon.svg": "image/svg+xml",
		"/runs": "text/html", "/experiments/1": "text/html", "/assets/index.js": "text/javascript", "/assets/index.css": "text/css", "/assets/third-party-licenses.txt": "text/plain",
	} {
		got := r.send(http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, got.status, path)
		require.True(t, strings.HasPrefix(got.header.Get("Content-Type"), kind), path)
		require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
		policy := got.header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.NotContains(t, policy, "unsafe")
		require.Equal(t, http.StatusNotModified, r.send(http.MethodGet, path, "", "If-None-Match", got.header.Get("Etag")).status)
	}
	for _, path := range []string{"/assets/", "/assets/index.html", "/assets/explorer.html", "/index.html", "/runsx", "/runs/1/2/3/4/5/6/7/8", "/assets/../embed.go", "/assets/%2e%2e/embed.go", "/assets/nothing.js"} {
		require.Equal(t, http.StatusNotFound, r.send(http.MethodGet, path, "").status, path)
	}
}

func TestPagesFindTheirRootFromAnyDepth(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	for path, base := range map[string]string{"/": "./", "/runs": "./", "/experiments/1": "../", "/experiments/1/": "../../"} {
		require.Contains(t, r.send(http.MethodGet, path, "").body, `<base href="`+base+`">`, path)
	}
	require.NotEqual(t, r.send(http.MethodGet, "/runs", "").header.Get("Etag"), r.send(http.MethodGet, "/runs/1", "").header.Get("Etag"))
}

func TestPagesAreCompressedForWhoTakesIt(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	whole := r.send(http.MethodGet, "/assets/index.js", "", "Accept-Encoding", "identity")
	require.Empty(t, whole.header.Get("Content-Encoding"))
	for _, accepted := range []string{"gzip", "br, gzip;q=0.5"} {
		packed := r.send(http.MethodGet, "/assets/index.js", "", "Accept-Encoding", accepted)
		require.Equal(t, "gzip", packed.header.Get("Content-Encoding"))
		require.Less(t, len(packed.body), len(whole.body)/2)
		require.NotEqual(t, whole.header.Get("Etag"), packed.header.Get("Etag"))
		unpack, err := gzip.NewReader(strings.NewReader(packed.body))
		require.NoError(t, err)
		content, err := io.ReadAll(unpack)
		require.NoError(t, err)
		require.Equal(t, whole.body, string(content))
	}
	require.Empty(t, r.send(http.MethodGet, "/assets/index.js", "", "Accept-Encoding", "gzip;q=0, br").header.Get("Content-Encoding"))
}

func TestForeignPagesAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	for name, header := range map[string][]string{
		"rebound name":  {"Host", "evil.test"},
		"other origin":  {"Origin", "https://evil.test"},
		"opaque origin": {"Origin", "null"},
	} {
		got := r.send(http.MethodPost, "/graphql", `{"query":"{viewer{role}}"}`, append(header, "Content-Type", typeJSON)...)
		require.Equal(t, http.StatusForbidden, got.status, name)
		require.Contains(t, got.body, "PERMISSION_DENIED", name)
	}
	form := r.send(http.MethodPost, "/graphql", "query=x", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusUnsupportedMediaType, form.status)
}

// createToken makes a token and gives its secret.
func (r *running) createToken(name, role string, header ...string) string {
	r.t.Helper()
	out := r.graphql(`mutation { createToken(input: {name: "`+name+`", role: `+role+`}) { secret } }`, header...)
	require.NotContains(r.t, out, "errors")
	return out["data"].(map[string]any)["createToken"].(map[string]any)["secret"].(string)
}

func TestFromTheFirstTokenOnEveryRequestNeedsOne(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	admin := r.createToken("boss", "ADMIN")
	viewer := r.createToken("reader", "VIEWER", "Authorization", "Bearer "+admin)

	const bearer, basicToo = `Bearer realm="cairn"`, `Basic realm="cairn"`
	for path, challenges := range map[string][]string{
		"/api/2.0/mlflow/experiments/get?experiment_id=0": {bearer, basicToo},
		"/api/2.0/mlflow-artifacts/artifacts/x":           {bearer, basicToo},
		"/artifacts/x/y":                                  {bearer}, // no browser asks for a password on its own
	} {
		refused := r.send(http.MethodGet, path, "")
		require.Equal(t, http.StatusUnauthorized, refused.status, path)
		require.Equal(t, challenges, refused.header.Values("WWW-Authenticate"), path)
		require.Contains(t, refused.body, "UNAUTHENTICATED")
	}
	require.Contains(t, r.send(http.MethodPost, "/graphql", `{"query":"{viewer{role}}"}`, "Content-Type", typeJSON).body, "UNAUTHENTICATED")
	require.Equal(t, "OK", r.send(http.MethodGet, "/health", "").body)
	require.Equal(t, http.StatusOK, r.send(http.MethodGet, "/explorer", "").status)

	require.Contains(t, r.send(http.MethodGet, "/api/2.0/mlflow/experiments/get?experiment_id=0", "", "Authorization", "Bearer "+viewer).body, "Default")
	basic, err := http.NewRequest(http.MethodGet, r.url+"/api/2.0/mlflow/experiments/get?experiment_id=0", http.NoBody)
	require.NoError(t, err)
	basic.SetBasicAuth("anything", viewer)
	require.Contains(t, r.send(http.MethodGet, "/api/2.0/mlflow/experiments/get?experiment_id=0", "", "Authorization", basic.Header.Get("Authorization")).body, "Default")

	denied := r.send(http.MethodPost, "/api/2.0/mlflow/experiments/create", `{"name":"x"}`, "Content-Type", typeJSON, "Authorization", "Bearer "+viewer)
	require.Equal(t, http.StatusForbidden, denied.status)
	denied = r.send(http.MethodPut, "/artifacts/"+strings.Repeat("0", 32)+"/f", "x", "Authorization", "Bearer "+viewer)
	require.Equal(t, http.StatusForbidden, denied.status)

	for _, header := range []string{"Bearer wrong", "Bearer cairn_" + strings.Repeat("0", 40), "Basic !!", "Bearer", "Digest x"} {
		require.Equal(t, http.StatusUnauthorized, r.send(http.MethodGet, "/api/2.0/mlflow/experiments/get?experiment_id=0", "", "Authorization", header).status, header)
	}
}

func TestServerIsStartedWithAToken(t *testing.T) {
	t.Parallel()
	secret := "cairn_" + strings.Repeat("ab", 20)
	file := filepath.Join(t.TempDir(), "token")
	cfg := server.Config{Listen: "0.0.0.0:0", DataDir: t.TempDir(), AdminTokenFile: file}
	_, err := server.New(t.Context(), cfg)
	require.ErrorContains(t, err, "--admin-token-file")
	require.NoError(t, os.WriteFile(file, []byte("password\n"), 0o600))
	_, err = server.New(t.Context(), cfg)
	require.Equal(t, errs.Invalid, errs.KindOf(err))
	require.ErrorContains(t, err, file+" holds no token")
	require.NotContains(t, err.Error(), "password")
	require.NoError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	r := start(t, cfg)
	require.Contains(t, r.graphql("{viewer{role}}"), "errors")
	viewer := r.graphql("{viewer{role}}", "Authorization", "Bearer "+secret)["data"].(map[string]any)["viewer"].(map[string]any)
	require.Equal(t, "ADMIN", viewer["role"])
}

func TestListeningBeyondLoopbackNeedsTokens(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	_, err := server.New(t.Context(), server.Config{Listen: "0.0.0.0:0", DataDir: dir})
	require.Equal(t, errs.Invalid, errs.KindOf(err))
	require.ErrorContains(t, err, "--allow-remote")
	require.NoDirExists(t, dir, "refused before anything is made")
	require.NoError(t, start(t, server.Config{DataDir: dir}).stop())
	_, err = server.New(t.Context(), server.Config{Listen: "0.0.0.0:0", DataDir: dir})
	require.ErrorContains(t, err, "--allow-remote", "a database without tokens")

	local := start(t, server.Config{DataDir: dir})
	admin := local.createToken("boss", "ADMIN")
	require.NoError(t, local.stop())
	remote := start(t, server.Config{Listen: "0.0.0.0:0", DataDir: dir})
	require.Contains(t, remote.graphql("{viewer{principal}}", "Authorization", "Bearer "+admin)["data"].(map[string]any)["viewer"].(map[string]any)["principal"], "token:boss")
}

func TestAllowRemoteTakesProxiedRequestsForStrangers(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{Listen: "0.0.0.0:0", AllowRemote: true})
	viewer := func(header ...string) any {
		return r.graphql("{viewer{principal}}", header...)["data"].(map[string]any)["viewer"].(map[string]any)["principal"]
	}
	require.Contains(t, viewer(), "local:")
	require.Equal(t, "anonymous", viewer("X-Forwarded-For", "203.0.113.7"))
	denied := r.graphql(`mutation { createToken(input: {name: "x", role: ADMIN}) { secret } }`, "X-Forwarded-For", "203.0.113.7")
	require.Contains(t, denied, "errors")
}

func TestStartRefusals(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, taken.Close()) }) // after the parallel parts
	used := t.TempDir()
	start(t, server.Config{DataDir: used})
	tests := map[string]struct {
		cfg  server.Config
		says string
	}{
		"port in use":           {server.Config{Listen: taken.Addr().String()}, "in use"},
		"no such port":          {server.Config{Listen: "127.0.0.1:99999"}, "0 to 65535"},
		"empty port":            {server.Config{Listen: "127.0.0.1:"}, "0 to 65535"},
		"address without port":  {server.Config{Listen: "127.0.0.1"}, "HOST:PORT"},
		"data directory in use": {server.Config{DataDir: used}, "another Cairn server"},
		"data directory in use with another database": {
			server.Config{DataDir: used, Database: "sqlite:" + filepath.Join(t.TempDir(), "other.db")}, "another Cairn server",
		},
		"unknown database":  {server.Config{Database: "mysql://localhost/x"}, "sqlite:PATH"},
		"unknown artifacts": {server.Config{Artifacts: "gopher://x"}, "gopher"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.cfg.DataDir == "" {
				test.cfg.DataDir = filepath.Join(t.TempDir(), "data")
			}
			if test.cfg.Listen == "" {
				test.cfg.Listen = "127.0.0.1:0"
			}
			_, err := server.New(t.Context(), test.cfg)
			require.Error(t, err)
			require.ErrorContains(t, err, test.says)
			require.NotEqual(t, errs.Internal, errs.KindOf(err))
		})
	}
}

func TestStoppingEndsStreamsAndFinishesWhatIsInFlight(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/graphql", strings.NewReader(`{"query":"subscription { runsChanged { cursor } }"}`))
	require.NoError(t, err)
	request.Header.Set("Content-Type", typeJSON)
	request.Header.Set("Accept", "text/event-stream")
	stream, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, stream.Body.Close()) }()
	require.Equal(t, http.StatusOK, stream.StatusCode)

	// A request whose body is still coming when the server is told to stop.
	body, feed := io.Pipe()
	reading := make(chan struct{})
	traced := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	slow, err := http.NewRequestWithContext(traced, http.MethodPost, r.url+"/graphql", body)
	require.NoError(t, err)
	slow.Header.Set("Content-Type", typeJSON)
	slow.Header.Set("Expect", "100-continue")
	answered := make(chan string, 1)
	go func() {
		response, err := http.DefaultClient.Do(slow)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer func() { _ = response.Body.Close() }()
		content, _ := io.ReadAll(response.Body)
		answered <- string(content)
	}()
	_, err = io.WriteString(feed, `{"query":`)
	require.NoError(t, err)
	<-reading                   // the server asks for the body when it begins to read it
	r.graphql("{viewer{role}}") // and answers others meanwhile

	began := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	_, err = io.Copy(io.Discard, stream.Body)
	require.NoError(t, err, "the stream ends in order")
	_, err = io.WriteString(feed, `"{viewer{role}}"}`)
	require.NoError(t, err)
	require.NoError(t, feed.Close())
	require.Contains(t, <-answered, "ADMIN")
	require.NoError(t, <-stopped)
	require.Less(t, time.Since(began), 10*time.Second)
}

func TestCompressedRequest(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	content := packedBody(t, `{"query":"{viewer{role}}"}`)
	got := r.send(http.MethodPost, "/graphql", content, "Content-Type", typeJSON, "Content-Encoding", "gzip")
	require.Contains(t, got.body, "ADMIN")
	content = packedBody(t, `{"name":"packed"}`)
	got = r.send(http.MethodPost, "/api/2.0/mlflow/experiments/create", content, "Content-Type", typeJSON, "Content-Encoding", "gzip")
	require.Equal(t, http.StatusOK, got.status, got.body)
}

func TestTooLargeABodyIsRefusedWithItsBound(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	large := `{"query":"` + strings.Repeat(" ", 16<<20) + `"}`
	got := r.send(http.MethodPost, "/graphql", large, "Content-Type", typeJSON)
	require.Equal(t, http.StatusRequestEntityTooLarge, got.status)
	require.Contains(t, got.body, "16777216")
	packed := packedBody(t, large)
	got = r.send(http.MethodPost, "/graphql", packed, "Content-Type", typeJSON, "Content-Encoding", "gzip")
	require.Equal(t, http.StatusRequestEntityTooLarge, got.status)
	require.Contains(t, got.body, "larger than")
}

package mlflow_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/artifactreference"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/artifact/artifacttest"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

func openArtifacts(t *testing.T, db *store.DB, root string) *artifact.Service {
	t.Helper()
	files, err := artifact.Open(root)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })
	return artifact.NewService(files, db)
}

type fileList struct {
	RootURI string `json:"root_uri"`
	Files   []struct {
		Path  string `json:"path"`
		IsDir bool   `json:"is_dir"`
		Size  *int64 `json:"file_size"`
	} `json:"files"`
	Next string `json:"next_page_token"`
}

func (l fileList) String() string {
	var names []string
	for _, f := range l.Files {
		switch {
		case f.IsDir:
			names = append(names, f.Path+"/")
		case f.Size != nil:
			names = append(names, fmt.Sprintf("%s:%d", f.Path, *f.Size))
		}
	}
	return strings.Join(names, " ")
}

// place is the path of a run's file below the proxy, escaped.
func (w *world) place(run, name string) string {
	w.Helper()
	root := strings.TrimPrefix(w.run(run).Info.ArtifactURI, "mlflow-artifacts:/")
	return artifacts + "/" + root + "/" + name
}

func TestArtifactsUpAndDown(t *testing.T) {
	each(t, func(w *world) {
		run := w.newRun("0")
		root := "0/" + run + "/artifacts"
		put := func(name, content string) {
			w.Helper()
			a := w.send(http.MethodPut, w.place(run, name), "text/plain", content).ok()
			require.Empty(w, a.body)
		}
		put("one.txt", "old")
		put("one.txt", "one")
		put("dir/MLmodel", "flavors: {}")
		put("dir/deep/%E5%90%8D%E5%89%8D%20+%25.txt", "unicode")
		put("empty", "")

		listed := func(query string) string { return into[fileList](w.get(query)).String() }
		proxy := func(dir string) string {
			w.Helper()
			return into[fileList](w.send(http.MethodGet, artifacts+"?path="+url.QueryEscape(dir), "", "")).String()
		}
		require.Equal(w, "dir/ empty:0 one.txt:3", proxy(root))
		require.Equal(w, "MLmodel:11 deep/", proxy(root+"/dir"))
		require.Equal(w, "名前 +%.txt:7", proxy(root+"/dir/deep"))
		require.Empty(w, proxy(root+"/nothing"))
		require.Empty(w, proxy(root+"/one.txt"))
		require.Equal(w, "0/", proxy(""))
		require.Equal(w, "dir/ empty:0 one.txt:3", listed("artifacts/list?run_id="+run))
		require.Equal(w, "dir/MLmodel:11 dir/deep/", listed("artifacts/list?path=dir&run_id="+run))
		require.Equal(w, "mlflow-artifacts:/"+root, into[fileList](w.get("artifacts/list?run_id="+run)).RootURI)

		a := w.send(http.MethodGet, w.place(run, "dir/deep/%E5%90%8D%E5%89%8D%20+%25.txt"), "", "").ok()
		require.Equal(w, "unicode", a.body)
		require.Contains(w, a.header.Get("Content-Disposition"), "attachment; filename*=utf-8''%E5%90%8D")
		a = w.send(http.MethodGet, w.place(run, "one.txt"), "", "").ok()
		require.Equal(w, "one", a.body)
		require.Equal(w, "3", a.header.Get("Content-Length"))
		require.Equal(w, "bytes", a.header.Get("Accept-Ranges"))
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.url+w.place(run, "one.txt"), nil)
		require.NoError(w, err)
		request.Header.Set("Range", "bytes=1-")
		a = w.do(request)
		require.Equal(w, http.StatusPartialContent, a.status)
		require.Equal(w, "ne", a.body)
		a = w.send(http.MethodHead, w.place(run, "one.txt"), "", "").ok()
		require.Equal(w, "3", a.header.Get("Content-Length"))
		require.Empty(w, w.send(http.MethodGet, w.place(run, "empty"), "", "").ok().body)
		w.send(http.MethodGet, w.place(run, "absent"), "", "").notFound("absent")
		w.send(http.MethodGet, w.place(run, "dir"), "", "").fails(http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST")

		require.Equal(w, "{}", w.send(http.MethodDelete, w.place(run, "dir/deep"), "", "").ok().body)
		require.Equal(w, "{}", w.send(http.MethodDelete, w.place(run, "dir/deep"), "", "").ok().body)
		require.Equal(w, "MLmodel:11", proxy(root+"/dir"))
		w.send(http.MethodDelete, "/api/2.0/mlflow-artifacts/artifacts/0", "", "").notFound("no run and no logged model")
	})
}

func TestArtifactsAreRecorded(t *testing.T) {
	each(t, func(w *world) {
		run := w.newRun("0")
		w.send(http.MethodPut, w.place(run, "a.txt"), "text/plain", "content").ok()
		reference, err := w.db.Ent().ArtifactReference.Query().
			Where(artifactreference.Location("0/" + run + "/artifacts/a.txt")).Only(context.Background())
		require.NoError(w, err)
		sum := sha256.Sum256([]byte("content"))
		require.Equal(w, hex.EncodeToString(sum[:]), reference.Sha256)
		require.EqualValues(w, 7, reference.Size)
		require.NotNil(w, reference.RunID)
		require.Equal(w, "local:tester", reference.CreatedBy)
	})
}

func TestArtifactsOfLoggedModels(t *testing.T) {
	each(t, func(w *world) {
		m := w.newModel(object{"experiment_id": "0", "name": "m"}).Info
		base := artifacts + "/" + strings.TrimPrefix(m.ArtifactURI, "mlflow-artifacts:/")
		w.send(http.MethodPut, base+"/MLmodel", "", "x").ok()
		w.send(http.MethodPut, base+"/data/model.pkl", "", "xy").ok()
		list := into[fileList](w.get("logged-models/" + m.ModelID + "/artifacts/directories"))
		require.Equal(w, "MLmodel:1 data/", list.String())
		require.Equal(w, m.ArtifactURI, list.RootURI)
		list = into[fileList](w.get("logged-models/" + m.ModelID + "/artifacts/directories?artifact_directory_path=data"))
		require.Equal(w, "data/model.pkl:2", list.String())
		require.Equal(w, "x", w.send(http.MethodGet, base+"/MLmodel", "", "").ok().body)
	})
}

// What a training uploads must not run in the browser of whoever looks at it.
func TestArtifactsAreServedSafely(t *testing.T) {
	each(t, func(w *world) {
		run := w.newRun("0")
		for name, kind := range map[string]string{
			"MLmodel": "text/plain; charset=utf-8", "MLproject": "text/plain; charset=utf-8", "a.html": "application/octet-stream",
			"a.svg": "application/octet-stream", "a.js": "text/plain; charset=utf-8", "a.json": "text/plain; charset=utf-8",
			"model.pkl": "application/octet-stream", "a.png": "image/png", "a.PNG": "image/png", "a.jpg": "image/jpeg", "noext": "application/octet-stream",
			"a.xhtml": "application/octet-stream", "a.xml": "text/plain; charset=utf-8", ".html": "application/octet-stream",
		} {
			w.send(http.MethodPut, w.place(run, name), "text/html", "<script>alert(1)</script>").ok()
			a := w.send(http.MethodGet, w.place(run, name), "", "").ok()
			require.Equal(w, kind, a.header.Get("Content-Type"), name)
			require.Equal(w, "nosniff", a.header.Get("X-Content-Type-Options"), name)
			require.True(w, strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment; filename="), name)
			require.Contains(w, a.header.Get("Content-Security-Policy"), "sandbox", name)
		}
	})
}

func TestArtifactPathsStayBelowTheirRoot(t *testing.T) {
	each(t, func(w *world) {
		run := w.newRun("0")
		root := "0/" + run + "/artifacts"
		w.send(http.MethodPut, w.place(run, "dir/a.txt"), "", "a").ok()
		canary := filepath.Join(filepath.Dir(w.root), "canary")
		require.NoError(w, os.WriteFile(canary, []byte("alive"), 0o600))
		files := func() (names []string) {
			require.NoError(w, filepath.WalkDir(filepath.Dir(w.root), func(path string, entry fs.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					names = append(names, path)
				}
				return err
			}))
			return names
		}
		before := files()
		up := strings.Repeat("../", 12) // more than enough for every root
		// Plain names, if odd ones, below a root.
		odd := map[string]bool{"..;/canary": true}
		for _, escape := range []string{
			"../../../../canary", "..", ".", "dir/../../../../../canary", "dir/./a.txt", "dir//a.txt", "dir/a.txt/", "/etc/passwd", "//canary",
			"%2e%2e/%2e%2e/%2e%2e/%2e%2e/canary", "..%2f..%2f..%2f..%2fcanary", "%2e%2e%2f%2e%2e%2fcanary", "%2E%2E/canary",
			"%252e%252e/canary", "%252e%252e%252fcanary", "%25252e%25252e%25252fcanary", "..%5c..%5ccanary", "..%255ccanary", "C:%5ccanary",
			"a%00b", "%2500", "a%0ab", "a%0d%0ab", "a%7fb", "dir%2f..%2f..%2fcanary", "..;/canary", "..%c0%afcanary", "%ff", up + "canary",
			"file:///etc/passwd", "~/../canary", "c:/canary",
		} {
			for _, prefix := range []string{"/api", "/ajax-api"} {
				path := prefix + "/2.0/mlflow-artifacts/artifacts/" + root + "/" + escape
				for _, method := range []string{http.MethodPut, http.MethodGet, http.MethodDelete} {
					a := w.raw(method, path)
					if odd[escape] {
						require.Less(w, a.status, 500, "%s: %s", a.asked, a.body)
						w.raw(http.MethodDelete, path)
						continue
					}
					a.fails(http.StatusBadRequest, "INVALID_PARAMETER_VALUE")
				}
				for _, list := range []string{
					prefix + "/2.0/mlflow-artifacts/artifacts?path=" + url.QueryEscape(root) + "/" + escape,
					prefix + "/2.0/mlflow/artifacts/list?run_id=" + run + "&path=" + escape,
				} {
					if odd[escape] { // a semicolon as it is would cut the query string short, and what is left lists the root
						w.raw(http.MethodGet, strings.ReplaceAll(list, ";", "%3b")).ok()
					}
					w.raw(http.MethodGet, list).fails(http.StatusBadRequest, "INVALID_PARAMETER_VALUE")
				}
			}
		}
		content, err := os.ReadFile(canary)
		require.NoError(w, err)
		require.Equal(w, "alive", string(content))
		require.Equal(w, before, files())
		for _, path := range []string{"", "/x", "/0", "/0/" + nobody, "/0/x/artifacts/y", "/0/" + run + "/x", "/1/" + run + "/artifacts/x", "/0/models/x/artifacts/y"} {
			a := w.raw(http.MethodPut, artifacts+path)
			require.GreaterOrEqual(w, a.status, 400, a.asked)
			require.Less(w, a.status, 500, a.asked)
		}
		w.send(http.MethodPut, artifacts+"/0/"+nobody+"/artifacts/x", "", "x").notFound(nobody)
		w.send(http.MethodPut, artifacts+"/0/models/m-"+nobody+"/artifacts/x", "", "x").notFound(nobody)
		require.Equal(w, before, files())
		w.post("runs/delete", object{"run_id": run}).ok()
		w.send(http.MethodPut, w.place(run, "late.txt"), "", "x").invalid("deleted", "restore")
		w.send(http.MethodGet, w.place(run, "dir/a.txt"), "", "").ok()
	})
}

// raw sends a path exactly as it is written.
func (w *world) raw(method, path string) answer {
	w.Helper()
	host := strings.TrimPrefix(w.url, "http://")
	request := &http.Request{
		Method: method, URL: &url.URL{Scheme: "http", Host: host, Opaque: "//" + host + path}, Header: http.Header{}, Host: host,
	}
	if method == http.MethodPut {
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader("x")), 1
	}
	return w.do(request.WithContext(context.Background()))
}

func TestUploadsAreBoundedAndWhole(t *testing.T) {
	each(t, func(w *world) {
		run := w.newRun("0")
		const limit = 1 << 20 // as newWorld sets it
		w.send(http.MethodPut, w.place(run, "most"), "", strings.Repeat("x", limit)).ok()
		w.send(http.MethodPut, w.place(run, "more"), "", strings.Repeat("x", limit+1)).invalid("1048576 bytes")
		request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, w.url+w.place(run, "chunked"),
			io.MultiReader(strings.NewReader(strings.Repeat("x", limit)), strings.NewReader("x"))) // of no known length
		require.NoError(w, err)
		a := w.do(request)
		require.GreaterOrEqual(w, a.status, 400, a.body)
		require.Less(w, a.status, 500, a.body)

		connection, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", strings.TrimPrefix(w.url, "http://"))
		require.NoError(w, err)
		_, err = fmt.Fprintf(connection, "PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nonly this", w.place(run, "cut"))
		require.NoError(w, err)
		require.NoError(w, connection.(*net.TCPConn).CloseWrite())
		require.NoError(w, connection.SetReadDeadline(time.Now().Add(time.Minute)))
		_, err = io.Copy(io.Discard, connection) // the server is done when it closes
		require.NoError(w, err)
		require.NoError(w, connection.Close())
		require.Equal(w, "most:1048576", into[fileList](w.get("artifacts/list?run_id="+run)).String())
	})
}

func TestListsInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t), token.RoleEDITOR) // folders are the same with every database
	run := w.newRun("0")
	dir := filepath.Join(w.root, "0", run, "artifacts", "many")
	require.NoError(w, os.MkdirAll(dir, 0o750))
	files := 2_005
	if os.Getenv("CAIRN_TEST_FULL") != "" {
		files = 100_005 // of more names than the store holds at once
	}
	for i := range files {
		require.NoError(w, os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%05d +%%", i)), nil, 0o600))
	}
	seen := map[string]bool{}
	token, pages := "", 0
	for ; pages == 0 || token != ""; pages++ {
		list := into[fileList](w.get("artifacts/list?path=many&run_id=" + run + "&page_token=" + url.QueryEscape(token)))
		for _, f := range list.Files {
			require.False(w, seen[f.Path], f.Path)
			seen[f.Path] = true
		}
		token = list.Next
	}
	require.Equal(w, (files+999)/1000, pages)
	require.Len(w, seen, files)
	response, err := http.Get(w.url + artifacts + "?path=0/" + run + "/artifacts/many")
	require.NoError(w, err)
	var all fileList
	require.NoError(w, json.NewDecoder(response.Body).Decode(&all))
	require.NoError(w, response.Body.Close())
	require.Equal(w, int64(-1), response.ContentLength, "it is sent in parts, before its end is known")
	require.Equal(w, "application/json", response.Header.Get("Content-Type"))
	require.Len(w, all.Files, files)
	for i, f := range all.Files {
		require.Equal(w, fmt.Sprintf("f%05d +%%", i), f.Path)
	}
	w.get("artifacts/list?page_token=a%2Fb&run_id=" + run).invalid("'page_token'")
	w.get("artifacts/list?page_token=%25zz&run_id=" + run).invalid("'page_token'")
}

// A list that cannot be read to its end must not look like a shorter one.
func TestAListThatFailsIsCutOff(t *testing.T) {
	t.Parallel()
	location, bucket := artifacttest.S3(t)
	target, err := url.Parse(bucket)
	require.NoError(t, err)
	forward := httputil.NewSingleHostReverseProxy(target)
	var answered atomic.Int32 // lists that are left to be answered
	between := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Query().Get("prefix"), "/many/") && answered.Add(-1) < 0 {
			out.WriteHeader(http.StatusForbidden)
			return
		}
		forward.ServeHTTP(out, r)
	}))
	t.Cleanup(between.Close)
	place, err := url.Parse(location)
	require.NoError(t, err)
	settings := place.Query()
	settings.Set("endpoint", between.URL)
	place.RawQuery = settings.Encode()

	w := newWorldAt(t, storetest.SQLite(t), token.RoleEDITOR, place.String(), 1<<20)
	run := w.newRun("0")
	files, err := artifact.Open(location)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })
	for i := range 1_001 {
		_, err := files.Put(t.Context(), fmt.Sprintf("0/%s/artifacts/many/%s%04d", run, strings.Repeat("n", 60), i), strings.NewReader("x"), 1)
		require.NoError(t, err)
	}
	get := func() (int, error) {
		response, err := http.Get(w.url + artifacts + "?path=0/" + run + "/artifacts/many")
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, response.Body.Close())
		return response.StatusCode, err
	}
	answered.Store(3) // a part of 1,000 with a look behind it, and the rest
	status, err := get()
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, err)
	answered.Store(2)
	status, err = get()
	require.Equal(t, http.StatusOK, status)
	require.Error(t, err)
	answered.Store(0)
	w.send(http.MethodGet, artifacts+"?path=0/"+run+"/artifacts/many", "", "").fails(http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE")
}

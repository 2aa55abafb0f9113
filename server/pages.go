package server

import (
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/web"
)

// pagePolicy lets a page load what this server ships and nothing else: no script or style of its own text, no other
// host, no frame around it. Artifacts come as blobs, fetched with the user's token; what is in a frame is a blob of HTML that
// inherits this policy, so that no script of it runs.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; connect-src 'self'; " +
	"frame-src blob:; worker-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'"

// contentTypes are said here, since the system's own table of types may not know them.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

// The pages of the web UI: these paths and everything below them. Which of them there are, the UI itself knows.
var pageRoots = []string{"experiments", "runs", "compare", "models", "settings"}

// maxPageDepth bounds how many different answers there are to a path.
const maxPageDepth = 8

func isPage(path string) bool {
	if path == "/" || path == "/explorer" || strings.HasPrefix(path, "/assets/") {
		return true
	}
	root, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	for _, one := range pageRoots {
		if root == one {
			return strings.Count(path, "/") <= maxPageDepth
		}
	}
	return false
}

func pageFile(url string) (web.File, string, bool) {
	if url == "/explorer" {
		file, ok := web.Open(web.Explorer)
		return file, ".html", ok
	}
	name, ok := strings.CutPrefix(url, "/assets/")
	if !ok {
		file, ok := web.IndexAt(url)
		return file, ".html", ok
	}
	kind := path.Ext(name)
	if kind == ".html" {
		return web.File{}, "", false
	}
	file, ok := web.Open(name)
	return file, kind, ok
}

// pages serves the embedded web pages. They hold no data: what they show they ask the GraphQL API for.
func (s *Server) pages(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.methodNotAllowed(w, r, "GET, HEAD")
		return
	}
	file, kind, ok := pageFile(r.URL.Path)
	if !ok {
		s.notFound(w, r)
		return
	}
	content, etag := file.Content, file.ETag
	header := w.Header()
	header.Set("Content-Type", contentTypes[kind])
	header.Set("Content-Security-Policy", pagePolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Another version of the program serves other files under the same names.
	header.Set("Cache-Control", "no-cache")
	header.Set("Vary", "Accept-Encoding")
	if file.Gzip != nil && takesGzip(r) {
		content, etag = file.Gzip, strings.TrimSuffix(etag, `"`)+`-gzip"`
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Etag", etag)
	if r.Header.Get("If-None-Match") == etag {
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(content) // fails only when the client is gone
	}
}

// takesGzip reads Accept-Encoding as browsers write it: a list of names, those with q=0 refused.
func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.TrimSpace(weight) != "q=0"
		}
	}
	return false
}

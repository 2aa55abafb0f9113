package server

import (
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/cairnml/cairn/web"
)

// pagePolicy lets a page load what this server ships and nothing else: no script or style of its own text, no other
// host, no frame around it.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// contentTypes are said here, since the system's own table of types may not know them.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

var pageFiles = map[string]string{"/": "runs.html", "/explorer": "explorer.html"}

// pages serves the embedded web pages. They hold no data: what they show they ask the GraphQL API for.
func (s *Server) pages(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.methodNotAllowed(w, r, "GET, HEAD")
		return
	}
	name, ok := pageFiles[r.URL.Path]
	if !ok {
		name = strings.TrimPrefix(r.URL.Path, "/assets/")
	}
	content, err := fs.ReadFile(web.Pages, "pages/"+name)
	if err != nil || !ok && strings.HasSuffix(name, ".html") {
		s.notFound(w, r)
		return
	}
	header := w.Header()
	header.Set("Content-Type", contentTypes[path.Ext(name)])
	header.Set("Content-Security-Policy", pagePolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Another version of the program serves other files under the same names.
	header.Set("Cache-Control", "no-cache")
	header.Set("Etag", web.ETag(name))
	if r.Header.Get("If-None-Match") == web.ETag(name) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(content) //nolint:gosec // embedded in the program; it fails only when the client is gone
	}
}

// Package web holds the pages that the server shows: dist/, the web UI that tools/web.sh builds from src/, and pages/, the
// GraphQL explorer, which is sent as it is written.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"strings"
	"sync"
)

//go:embed pages dist
var files embed.FS

// File is a file as it is sent.
type File struct {
	Content []byte
	// Gzip is the content compressed; nil where that would not make it smaller.
	Gzip []byte
	// ETag names the content for HTTP caches.
	ETag string
}

// Index is the page of the web UI, and Explorer that of the GraphQL explorer.
const (
	Index    = "index.html"
	Explorer = "explorer.html"
)

var all = sync.OnceValue(func() map[string]File {
	found := map[string]File{}
	for _, root := range []string{"pages", "dist/assets", "dist"} {
		entries, err := fs.ReadDir(files, root)
		if err != nil {
			continue
		}
		for _, entry := range entries {
			content, err := fs.ReadFile(files, root+"/"+entry.Name())
			if err == nil {
				found[entry.Name()] = newFile(content)
			}
		}
	}
	return found
})

// Open gives a file by its name; the names of both folders are in one place.
func Open(name string) (File, bool) {
	file, ok := all()[name]
	return file, ok
}

func newFile(content []byte) File {
	sum := sha256.Sum256(content)
	return File{Content: content, Gzip: compress(content), ETag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

func compress(content []byte) []byte {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err = w.Write(content); err != nil || w.Close() != nil || packed.Len() >= len(content) {
		return nil
	}
	return packed.Bytes()
}

// indexes has the page of the UI for each depth, since it is the same for all pages of a depth.
var indexes sync.Map

// IndexAt is the page of the UI for a path, with the way back to the root of the UI in it: "../" for each folder. The
// page so finds its files and the API below whatever prefix a proxy shows it, without being told.
func IndexAt(path string) (File, bool) {
	depth := strings.Count(path, "/") - 1
	if known, ok := indexes.Load(depth); ok {
		return known.(File), true //nolint:forcetypeassert // the only type that is stored
	}
	file, ok := Open(Index)
	if !ok {
		return File{}, false
	}
	base := "./"
	if depth > 0 {
		base = strings.Repeat("../", depth)
	}
	file = newFile(bytes.Replace(file.Content, []byte(`<base href="/">`), []byte(`<base href="`+base+`">`), 1))
	indexes.Store(depth, file)
	return file, true
}

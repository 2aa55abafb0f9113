// Package web holds the pages that the server shows, as they are sent: written by hand, without a build step.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"sync"
)

// Pages has the files below pages/.
//
//go:embed pages
var Pages embed.FS

var etags = sync.OnceValue(func() map[string]string {
	tags := map[string]string{}
	entries, err := fs.ReadDir(Pages, "pages")
	if err != nil {
		return tags
	}
	for _, entry := range entries {
		content, err := fs.ReadFile(Pages, "pages/"+entry.Name())
		if err != nil {
			continue
		}
		sum := sha256.Sum256(content)
		tags[entry.Name()] = `"` + hex.EncodeToString(sum[:12]) + `"`
	}
	return tags
})

// ETag names the content of a page for HTTP caches; empty when there is no such page.
func ETag(name string) string { return etags()[name] }

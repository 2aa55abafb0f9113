// Package migrations holds the versioned migrations of both databases, embedded in the program. They are made by
// `go run ./ent/migrate/migrations/generate NAME`, reviewed by hand, and never changed once released.
package migrations

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"sort"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// Files gives the migrations of a dialect in order.
func Files(d string) ([]migrate.File, error) {
	dir := "sqlite"
	if d == dialect.Postgres {
		dir = "postgres"
	}
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	out := make([]migrate.File, 0, len(entries))
	for _, e := range entries {
		text, err := files.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", e.Name(), err)
		}
		out = append(out, migrate.NewLocalFile(e.Name(), text))
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name() < out[j].Name() })
	return out, nil
}

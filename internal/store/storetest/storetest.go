// Package storetest gives tests real databases: a SQLite file and a database on a real PostgreSQL that it starts itself.
package storetest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
)

// Each runs a test on both databases, each fresh and migrated. Nothing is skipped: without PostgreSQL the test fails and
// names the command that installs it.
func Each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, Postgres(t))
	})
}

// SQLite opens a fresh SQLite database, closed with the test.
func SQLite(t *testing.T) *store.DB {
	t.Helper()
	return Open(t, store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "cairn.db")})
}

// Postgres opens a fresh PostgreSQL database, closed with the test.
func Postgres(t *testing.T) *store.DB {
	t.Helper()
	return Open(t, store.Config{URL: PostgresURL(t)})
}

// Open opens a database and closes it with the test.
func Open(t *testing.T, cfg store.Config) *store.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := store.Open(ctx, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

func TestInspectLooksWhileAServerIsOn(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "cairn.db")
	db, err := store.Open(t.Context(), store.Config{URL: url})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()

	look, err := store.Inspect(t.Context(), url)
	require.NoError(t, err)
	defer func() { require.NoError(t, look.Close()) }()
	status, err := look.Schema(t.Context())
	require.NoError(t, err)
	require.Equal(t, status.Program, status.Database)
	faults, err := look.Check(t.Context())
	require.NoError(t, err)
	require.Empty(t, faults)
}

func TestInspectChangesNothing(t *testing.T) {
	t.Parallel()
	for name, journal := range map[string]string{"a database of Cairn's that no server has": "wal", "another's": "delete"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "cairn.db")
		if journal == "wal" {
			db, err := store.Open(t.Context(), store.Config{URL: "sqlite:" + path})
			require.NoError(t, err)
			require.NoError(t, db.Close())
			require.NoError(t, os.Remove(path+".lock"))
		} else {
			db, err := sql.Open("sqlite", path)
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), "CREATE TABLE theirs (x)")
			require.NoError(t, err)
			require.NoError(t, db.Close())
		}
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		look, err := store.Inspect(t.Context(), "sqlite:"+path)
		require.NoError(t, err)
		_, err = look.Schema(t.Context())
		require.NoError(t, err)
		faults, err := look.Check(t.Context())
		require.NoError(t, err)
		require.Equal(t, journal == "wal", len(faults) == 0, "%v", faults)
		require.NoError(t, look.Close())
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after, name)
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		if journal == "wal" {
			continue // SQLite's own empty files beside it, which the next writer takes away
		}
		require.Len(t, files, 1, name)
	}
}

func TestInspectDoesNotMakeADatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cairn.db")
	_, err := store.Inspect(t.Context(), "sqlite:"+path)
	require.Equal(t, errs.NotFound, errs.KindOf(err))
	require.NoFileExists(t, path)
}

func TestInspectTellsWhatIsNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cairn.db")
	require.NoError(t, os.WriteFile(path, []byte("this is a text and no database at all, long enough to be read as one"), 0o600))
	look, err := store.Inspect(t.Context(), "sqlite:"+path)
	require.NoError(t, err)
	defer func() { require.NoError(t, look.Close()) }()
	_, err = look.Schema(t.Context())
	require.Equal(t, errs.Invalid, errs.KindOf(err))
}

package store_test

import (
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

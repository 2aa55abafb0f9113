package python_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/python"
)

func TestBootstrapHoldsWhatPythonNeeds(t *testing.T) {
	t.Parallel()
	tree, err := python.Bootstrap()
	require.NoError(t, err)
	for _, name := range []string{"sitecustomize.py", "_cairn_bootstrap/__init__.py", "_cairn_bootstrap/session.py"} {
		content, err := fs.ReadFile(tree, name)
		require.NoError(t, err)
		require.NotEmpty(t, content)
	}
	require.Regexp(t, `^[0-9a-f]{64}$`, python.BootstrapDigest())
	names, err := fs.Glob(tree, "_cairn_bootstrap/*")
	require.NoError(t, err)
	for _, name := range names {
		require.Equal(t, ".py", filepath.Ext(name), "bytecode must not be embedded")
	}
}

func TestWriteBootstrapRepairsWhatWasChanged(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "bootstrap")
	require.NoError(t, python.WriteBootstrap(dir))
	path := filepath.Join(dir, "sitecustomize.py")
	tree, err := python.Bootstrap()
	require.NoError(t, err)
	want, err := fs.ReadFile(tree, "sitecustomize.py")
	require.NoError(t, err)

	before, err := os.Stat(path)
	require.NoError(t, err)
	require.Zero(t, before.Mode().Perm()&0o077)
	require.NoError(t, python.WriteBootstrap(dir))
	after, err := os.Stat(path)
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after), "an equal file is left alone")

	require.NoError(t, os.WriteFile(path, []byte("import os"), 0o600))
	require.NoError(t, python.WriteBootstrap(dir))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestWriteBootstrapSaysWhereItCannotWrite(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.ErrorContains(t, python.WriteBootstrap(filepath.Join(file, "below")), "write the bootstrap")
}

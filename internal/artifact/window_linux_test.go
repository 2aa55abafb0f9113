package artifact

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who pages through a folder reads it once, unless it changes.
func TestAWindowIsKeptWhileItsFolderStaysAsItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	d := s.place.(*folder)
	many := filepath.Join(dir, "many")
	require.NoError(t, os.Mkdir(many, 0o700))
	for i := range 10 {
		require.NoError(t, os.WriteFile(filepath.Join(many, fmt.Sprintf("%d", i)), []byte("x"), 0o600))
	}
	within, err := d.root.OpenRoot("many")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, within.Close()) })
	rest := func() {
		for folderVersion(within) == "" {
			require.NoError(t, t.Context().Err())
			runtime.Gosched()
		}
	}
	list := func(after string) (names []string) {
		infos, _, err := s.List(t.Context(), "many", after, 3)
		require.NoError(t, err)
		for _, i := range infos {
			names = append(names, filepath.Base(i.Path))
		}
		return names
	}
	rest()
	require.Equal(t, []string{"0", "1", "2"}, list(""))
	first, kept := d.windows.Get("many")
	require.True(t, kept)
	require.Equal(t, []string{"3", "4", "5"}, list("2"))
	require.NoError(t, os.WriteFile(filepath.Join(many, "6"), []byte("other"), 0o600))
	infos, more, err := s.List(t.Context(), "many", "5", 1)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, int64(5), infos[0].Size, "a window has names, and nothing that may be old")
	same, _ := d.windows.Get("many")
	require.Same(t, first, same)

	require.NoError(t, os.WriteFile(filepath.Join(many, "55"), nil, 0o600))
	require.NoError(t, os.Remove(filepath.Join(many, "7")))
	require.Equal(t, []string{"55", "6", "8"}, list("5"), "at once")
	rest()
	require.Equal(t, []string{"55", "6", "8"}, list("5"))
	other, _ := d.windows.Get("many")
	require.NotSame(t, first, other)
	require.Equal(t, []string{"0", "1", "2"}, list(""), "what is before the window is read anew")
	require.Equal(t, []string{"8", "9"}, list("6"))
}

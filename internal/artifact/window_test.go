package artifact

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWindows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	var names []string
	const files = 2*entriesRead + 500
	for i := range files {
		names = append(names, fmt.Sprintf("%05d", i*7919%files))
		require.NoError(t, os.WriteFile(filepath.Join(dir, names[i]), nil, 0o600))
	}
	slices.Sort(names)
	const whole = 1 << 30
	for _, bound := range []struct{ most, size, want int }{
		{files, whole, files}, {files + 1, whole, files}, {700, whole, 700}, {files, 700 * (5 + nameBytes), 700}, {1, whole, 1}, {files, 1, 1},
	} {
		for _, after := range []string{"", names[0], names[1000], names[1000] + "+", names[files-2], names[files-1], "z"} {
			w, err := readWindow(t.Context(), root, after, bound.most, bound.size)
			require.NoError(t, err)
			left := names[len(names)-len((&window{names: names}).behind(after)):]
			n := min(bound.want, len(left))
			require.Equal(t, left[:n], append([]string{}, w.names...), "%v behind %q", bound, after)
			require.Equal(t, n < len(left), w.more)
			require.True(t, w.has(after))
			if w.more {
				require.False(t, w.has(w.names[n-1]), "the next are not known to it")
			}
			if after != "" {
				require.False(t, w.has(""))
			}
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = readWindow(ended, root, "", 10, whole)
	require.ErrorIs(t, err, context.Canceled)
}

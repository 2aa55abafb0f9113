package autolog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func mustOpenJournal(t *testing.T, dir string, limit int64) *journal {
	t.Helper()
	j, err := openJournal(dir, limit)
	require.NoError(t, err)
	t.Cleanup(func() { _ = j.close() })
	return j
}

func readAll(t *testing.T, j *journal) []string {
	t.Helper()
	var out []string
	for at := int64(0); ; {
		payload, next, err := j.read(at)
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out, at = append(out, string(payload)), next
	}
}

func TestJournalGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := mustOpenJournal(t, dir, 1<<20)
	for i := range 3 {
		_, err := j.append(fmt.Appendf(nil, "frame %d", i), 0)
		require.NoError(t, err)
	}
	require.NoError(t, j.close())
	_, err := j.append([]byte("late"), 0)
	require.ErrorIs(t, err, os.ErrClosed)

	j = mustOpenJournal(t, dir, 1<<20)
	_, err = j.append([]byte("frame 3"), 0)
	require.NoError(t, err)
	require.Equal(t, []string{"frame 0", "frame 1", "frame 2", "frame 3"}, readAll(t, j))
	require.Zero(t, j.damaged)
}

func TestJournalCutsADamagedTail(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"half a frame":     func(b []byte) []byte { return b[:len(b)-3] },
		"half a header":    func(b []byte) []byte { return append(b, 1, 2, 3) },
		"a flipped bit":    func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"zeros":            func(b []byte) []byte { return append(b, make([]byte, 4096)...) },
		"an absurd length": func(b []byte) []byte { return append(b, bytes.Repeat([]byte{0xff}, 64)...) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := mustOpenJournal(t, dir, 1<<20)
			for _, frame := range []string{"one", "two", "three"} {
				_, err := j.append([]byte(frame), 0)
				require.NoError(t, err)
			}
			require.NoError(t, j.close())
			files, err := filepath.Glob(filepath.Join(dir, journalPrefix+"*"))
			require.NoError(t, err)
			data, err := os.ReadFile(files[0])
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(files[0], damage(data), 0o600))

			j = mustOpenJournal(t, dir, 1<<20)
			require.Positive(t, j.damaged)
			kept := readAll(t, j)
			require.GreaterOrEqual(t, len(kept), 2)
			_, err = j.append([]byte("after"), 0)
			require.NoError(t, err)
			require.Equal(t, append(kept, "after"), readAll(t, j))
		})
	}
}

func TestJournalIsBounded(t *testing.T) {
	t.Parallel()
	j := mustOpenJournal(t, t.TempDir(), 100)
	_, err := j.append(make([]byte, 50), 0)
	require.NoError(t, err)
	_, err = j.append(make([]byte, 50), 0)
	require.ErrorIs(t, err, errSpoolFull)
	_, err = j.append(make([]byte, 20), 30)
	require.ErrorIs(t, err, errSpoolFull, "the reserve is for others")
	_, err = j.append(make([]byte, 20), 0)
	require.NoError(t, err)
	_, err = j.append(nil, 0)
	require.Error(t, err)
}

func TestJournalRollsAndTrims(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := mustOpenJournal(t, dir, 1<<30)
	j.segment = 64 << 10
	frame := make([]byte, 30<<10)
	var positions []int64
	for range 6 {
		at, err := j.append(frame, 0)
		require.NoError(t, err)
		positions = append(positions, at)
	}
	require.NoError(t, j.commit())
	require.Len(t, j.segments, 2)
	require.NoError(t, j.trim(positions[2], 0))
	require.Len(t, j.segments, 2, "a segment that is needed stays")
	require.NoError(t, j.trim(j.end, j.size))
	require.Len(t, j.segments, 2, "as much as may be kept stays")
	require.NoError(t, j.trim(j.end, 0))
	require.Len(t, j.segments, 1, "the last segment stays")
	_, next, err := j.read(0)
	require.NoError(t, err)
	require.Greater(t, next, positions[3], "a reader goes on with what is left")
	require.NoError(t, j.close())
	j = mustOpenJournal(t, dir, 1<<30)
	require.Len(t, j.segments, 1)
}

func TestJournalWakesReaders(t *testing.T) {
	t.Parallel()
	j := mustOpenJournal(t, t.TempDir(), 1<<20)
	grown := j.wait(0)
	_, err := j.append([]byte("x"), 0)
	require.NoError(t, err)
	<-grown
	<-j.wait(0)
}

func FuzzJournalRecovery(f *testing.F) {
	f.Add([]byte{}, 3)
	f.Add([]byte{3, 0, 0, 0, 1, 2, 3, 4, 'a', 'b', 'c'}, 1)
	f.Fuzz(func(t *testing.T, tail []byte, frames int) {
		dir := t.TempDir()
		j, err := openJournal(dir, 1<<20)
		require.NoError(t, err)
		frames &= 7
		for range frames {
			_, err = j.append([]byte("frame"), 0)
			require.NoError(t, err)
		}
		require.NoError(t, j.close())
		path := j.path(0)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(data, tail...), 0o600))
		j, err = openJournal(dir, 1<<20)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(readAll(t, j)), frames)
		require.NoError(t, j.close())
	})
}

//go:build unix

package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// links gives how many names a file has.
func links(t *testing.T, path string) uint64 {
	t.Helper()
	stat, err := os.Stat(path)
	require.NoError(t, err)
	return uint64(stat.Sys().(*syscall.Stat_t).Nlink) //nolint:unconvert // it has other types on other systems
}

func readAll(f *File) (string, error) {
	content, err := io.ReadAll(f)
	return string(content), errors.Join(err, f.Close())
}

// Content of any length is hashed to what it is, and cut off where it is cut off: also with the error that io.ReadFull has for
// an end.
func TestReceive(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, blockBytes - 1, blockBytes, blockBytes + 1, 5*blockBytes + 7} {
		content := bytes.Repeat([]byte{7}, size)
		var out bytes.Buffer
		n, sum, err := receive(context.Background(), &out, iotest.HalfReader(bytes.NewReader(content)), int64(size))
		require.NoError(t, err)
		require.Equal(t, int64(size), n)
		require.Equal(t, hexSum(content), sum)
		require.Equal(t, size, out.Len())
		_, _, err = receive(context.Background(), nil, bytes.NewReader(content), int64(size)-1)
		require.Equal(t, errs.Exhausted, errs.KindOf(err))
		for _, cut := range []error{io.ErrUnexpectedEOF, errors.New("reset")} {
			_, _, err = receive(context.Background(), nil, io.MultiReader(bytes.NewReader(content), iotest.ErrReader(cut)), 1<<30)
			var source *SourceError
			require.ErrorAs(t, err, &source)
			require.ErrorIs(t, err, cut)
		}
	}
}

// One content is stored once, by whatever runs and models, and stays until the last of them is gone.
func TestContentIsStoredOnce(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, db *store.DB, settling bool) {
		s, dir := newService(t, db)
		s.pending.set(settling)
		ctx := context.Background()
		content := strings.Repeat("weights", 100_000)
		places := []string{RunRoot(0, runA) + "/a", RunRoot(0, runA) + "/folder/b", ModelRoot(0, modelA) + "/c"}
		at := func(place string) string { return filepath.Join(dir, filepath.FromSlash(place)) }
		for i, place := range places {
			for range 2 { // the second time in place of itself
				_, err := s.Put(ctx, place, strings.NewReader(content), 1<<20)
				require.NoError(t, err)
				require.Equal(t, uint64(i+1), links(t, at(place)))
				require.Zero(t, leftovers(t, dir))
			}
		}
		_, err := s.Put(ctx, places[0], strings.NewReader("other"), 100)
		require.NoError(t, err)
		require.NoError(t, s.settleBelow(ctx, places[0]))
		require.NoError(t, s.Delete(ctx, places[1]))
		require.Equal(t, uint64(1), links(t, at(places[2])))
		f, _, err := s.Open(ctx, places[2])
		require.NoError(t, err)
		got, err := readAll(f)
		require.NoError(t, err)
		require.Equal(t, content, got)
		for _, place := range []string{"e1", "e2"} {
			_, err := s.Put(ctx, RunRoot(0, runA)+"/"+place, strings.NewReader(""), 1)
			require.NoError(t, err)
			require.NoError(t, s.settleBelow(ctx, ""))
			require.Equal(t, uint64(1), links(t, at(RunRoot(0, runA)+"/"+place)), "an empty file takes no space to share")
		}

		// A twin that has rotted, became a link or a folder, or is gone, takes no one's place.
		for i, spoil := range []func(path string) error{
			func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("rotten!", 100_000)), 0o600) },
			func(path string) error { return errors.Join(os.Remove(path), os.Symlink("e1", path)) },
			func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
			os.Remove,
		} {
			require.NoError(t, spoil(at(places[2])))
			place := fmt.Sprintf("%s/again%d", RunRoot(0, runA), i)
			_, err = s.Put(ctx, place, strings.NewReader(content), 1<<20)
			require.NoError(t, err)
			f, _, err := s.Open(ctx, place)
			require.NoError(t, err)
			got, err := readAll(f)
			require.NoError(t, err)
			require.Equal(t, content, got)
			require.Zero(t, leftovers(t, dir))
			require.NoError(t, s.Delete(ctx, place))
		}
	})
}

// What is damaged on disk is given to nobody as if it were whole: neither changed, nor cut, nor grown, of any size; and again
// when it has been checked before.
func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	s, dir := newService(t, storetest.SQLite(t))
	ctx := context.Background()
	for _, size := range []int{100, checkedWhole, checkedWhole + 1, 3*checkedWhole + 5} {
		content := strings.Repeat("x", size)
		place := fmt.Sprintf("%s/%d", RunRoot(0, runA), size)
		path := filepath.Join(dir, filepath.FromSlash(place))
		_, err := s.Put(ctx, place, strings.NewReader(content), 1<<30)
		require.NoError(t, err)
		for range 2 {
			f, info, err := s.Open(ctx, place)
			require.NoError(t, err)
			require.Equal(t, hexSum([]byte(content)), info.SHA256)
			got, err := readAll(f)
			require.NoError(t, err)
			require.Equal(t, content, got)
		}
		for what, spoilt := range map[string]string{
			"last byte": content[:size-1] + "y", "first byte": "y" + content[1:], "cut": content[:size-1], "grown": content + "x", "empty": "",
		} {
			require.NoError(t, os.WriteFile(path, []byte(spoilt), 0o600))
			f, _, err := s.Open(ctx, place)
			if err == nil {
				var got string
				got, err = readAll(f)
				require.Less(t, len(got), size, "%s of %d", what, size)
				require.Equal(t, errs.Damaged, errs.KindOf(f.Err()))
			}
			require.Equal(t, errs.Damaged, errs.KindOf(err), "%s of %d", what, size)
			require.ErrorContains(t, err, "is damaged")
		}
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		f, _, err := s.Open(ctx, place)
		require.NoError(t, err, "it was put right")
		_, err = readAll(f)
		require.NoError(t, err)
	}
}

// A large file that was checked is not hashed each time, until it changes.
func TestCheckedOnce(t *testing.T) {
	t.Parallel()
	s, dir := newService(t, storetest.SQLite(t))
	ctx := context.Background()
	place := RunRoot(0, runA) + "/large"
	path := filepath.Join(dir, filepath.FromSlash(place))
	content := strings.Repeat("x", 2*checkedWhole)
	_, err := s.Put(ctx, place, strings.NewReader(content), 1<<30)
	require.NoError(t, err)
	asIs := func() bool {
		f, _, err := s.Open(ctx, place)
		require.NoError(t, err)
		_, asIs := f.Content().(*os.File)
		_, err = readAll(f)
		require.NoError(t, err)
		return asIs
	}
	stat, err := os.Stat(path)
	require.NoError(t, err)
	s.checks.Purge() // it was hashed when it came
	require.False(t, asIs())
	if runtime.GOOS != "linux" {
		return // this system does not tell when a file changed
	}
	require.Eventually(t, asIs, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, os.WriteFile(path, []byte("y"+content[1:]), 0o600))
	require.NoError(t, os.Chtimes(path, time.Unix(1, 0), stat.ModTime())) // as one who hides it
	f, _, err := s.Open(ctx, place)
	require.NoError(t, err)
	_, err = readAll(f)
	require.Equal(t, errs.Damaged, errs.KindOf(err))
}

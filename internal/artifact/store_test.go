//go:build unix

package artifact

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/internal/errs"
)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func get(t require.TestingT, s *Store, name string) string {
	f, info, err := s.Open(context.Background(), name)
	require.NoError(t, err)
	content, err := io.ReadAll(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Equal(t, int64(len(content)), info.Size)
	return string(content)
}

func put(t require.TestingT, s *Store, name, content string) Info {
	info, err := s.Put(context.Background(), name, strings.NewReader(content), 1<<20)
	require.NoError(t, err)
	return info
}

// leftovers are uploads that nobody will finish.
func leftovers(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, uploads))
	require.NoError(t, err)
	return len(entries)
}

func TestOpenStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, location := range []string{
		dir, filepath.Join(dir, "new", "folder"), "file://" + filepath.ToSlash(dir), "file:" + dir, "file://localhost" + dir,
	} {
		s, err := Open(location)
		require.NoError(t, err, location)
		require.NoError(t, s.Close())
	}
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for location, want := range map[string]string{
		"":                "artifacts: name a folder",
		"s3://":           "is not s3://BUCKET/PREFIX",
		"s3://k:s@b/x":    "credentials are not part of it",
		"s3://bucket/../": "the prefix \"..\" in the bucket is not a clean path",
		"s3://b/x?a=b":    "cannot be opened",
		"ftp://bucket":    "artifacts: the scheme ftp: is not known",
		"http://x/y":      "artifacts: the scheme http: is not known",
		"file://host/x":   "is not a file: URL of a folder on this machine",
		"file:":           "is not a file: URL of a folder on this machine",
		file:              "cannot be made: not a directory",
		file + "/further": "cannot be made: not a directory",
	} {
		_, err := Open(location)
		require.ErrorContains(t, err, want, location)
		require.Contains(t, []errs.Kind{errs.Invalid, errs.Unsupported}, errs.KindOf(err))
	}
}

func TestPutAndOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	info := put(t, s, "0/run/artifacts/model/MLmodel", "flavors: {}")
	sum := sha256.Sum256([]byte("flavors: {}"))
	require.Equal(t, hex.EncodeToString(sum[:]), info.SHA256)
	require.Equal(t, int64(11), info.Size)
	require.Equal(t, "0/run/artifacts/model/MLmodel", info.Path)
	require.Equal(t, "flavors: {}", get(t, s, info.Path))
	put(t, s, info.Path, "")
	require.Empty(t, get(t, s, info.Path), "the later replaces the earlier")
	require.Zero(t, leftovers(t, dir))

	f, _, err := s.Open(context.Background(), put(t, s, "big", strings.Repeat("0123456789", 1000)).Path)
	require.NoError(t, err)
	_, err = f.Seek(-3, io.SeekEnd)
	require.NoError(t, err)
	tail, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, "789", string(tail))
	require.NoError(t, f.Close())
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	put(t, s, "folder/file", "kept")
	cut := errors.New("connection cut off")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		path string
		body io.Reader
		max  int64
		kind errs.Kind
		want string
	}{
		"too large":      {path: "x", body: strings.NewReader("12345"), max: 4, kind: errs.Exhausted, want: "larger than 4 bytes"},
		"nothing fits":   {path: "x", body: strings.NewReader("1"), max: -5, kind: errs.Exhausted, want: "larger than"},
		"endless":        {path: "x", body: endless{}, max: 1 << 16, kind: errs.Exhausted, want: "larger than 65536 bytes"},
		"cut off":        {path: "x", body: io.MultiReader(strings.NewReader("half"), iotest.ErrReader(cut)), kind: errs.Internal, want: "connection cut off"},
		"ended":          {ctx: ended, path: "x", body: strings.NewReader("1"), kind: errs.Internal, want: "context canceled"},
		"folder":         {path: "folder", body: strings.NewReader("1"), kind: errs.Conflict, want: "is a folder already"},
		"below a file":   {path: "folder/file/x", body: strings.NewReader("1"), kind: errs.Conflict, want: "a file"},
		"the store's":    {path: uploads + "/x", body: strings.NewReader("1"), kind: errs.Invalid, want: "the store's own"},
		"the store's, 2": {path: strings.ToUpper(uploads), body: strings.NewReader("1"), kind: errs.Invalid, want: "the store's own"},
	} {
		if c.ctx == nil {
			c.ctx = context.Background()
		}
		if c.max == 0 {
			c.max = math.MaxInt64
		}
		_, err := s.Put(c.ctx, c.path, c.body, c.max)
		require.ErrorContains(t, err, c.want, name)
		require.Equal(t, c.kind, errs.KindOf(err), name)
		require.Zero(t, leftovers(t, dir), name)
		_, err = os.Stat(filepath.Join(dir, "x"))
		require.ErrorIs(t, err, os.ErrNotExist, "nothing is visible of what failed")
	}
	require.Equal(t, "kept", get(t, s, "folder/file"))
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A reader never sees a half of a file, also while it is replaced.
func TestPutIsAtomic(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir())
	contents := []string{strings.Repeat("a", 100_000), strings.Repeat("b", 50_000)}
	put(t, s, "x/y", contents[0])
	results := make(chan error, 40)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			_, err := s.Put(context.Background(), "x/y", iotest.HalfReader(strings.NewReader(contents[i%2])), 1<<20)
			results <- err
		})
		group.Go(func() {
			f, _, err := s.Open(context.Background(), "x/y")
			if err == nil {
				var b []byte
				b, err = io.ReadAll(f)
				if string(b) != contents[0] && string(b) != contents[1] {
					err = errors.New("a mixture")
				}
				err = errors.Join(err, f.Close())
			}
			results <- err
		})
	}
	group.Wait()
	close(results)
	for err := range results {
		require.NoError(t, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	put(t, s, "a/file", "x")
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "a", "pipe"), 0o600))
	for name, want := range map[string]string{
		"missing": "there is no artifact", "a": "is a folder", "a/missing": "there is no artifact", "a/file/x": "there is no artifact",
		"a/pipe": "there is no artifact",
	} {
		_, _, err := s.Open(context.Background(), name)
		require.ErrorContains(t, err, want, name)
		require.Equal(t, errs.NotFound, errs.KindOf(err), name)
		require.NotContains(t, err.Error(), dir, "no path of the server")
	}
}

func TestListAndDelete(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	for _, name := range []string{"r/b.txt", "r/a/deep/x", "r/ä", "r/Z", "r/a.txt"} {
		put(t, s, name, name)
	}
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "r", "pipe"), 0o600))
	list := func(dir, after string, limit int) (names []string, more bool) {
		infos, more, err := s.List(context.Background(), dir, after, limit)
		require.NoError(t, err)
		for _, i := range infos {
			name := i.Path
			if i.IsDir {
				name += "/"
				require.Zero(t, i.Size)
			} else {
				require.Positive(t, i.Size)
			}
			names = append(names, name)
		}
		return names, more
	}
	names, more := list("r", "", 10)
	require.Equal(t, []string{"r/Z", "r/a/", "r/a.txt", "r/b.txt", "r/ä"}, names)
	require.False(t, more)
	names, more = list("r", "", 5)
	require.Len(t, names, 5)
	require.False(t, more)
	names, more = list("r", "a", 2)
	require.Equal(t, []string{"r/a.txt", "r/b.txt"}, names)
	require.True(t, more)
	names, _ = list("", "", 10)
	require.Equal(t, []string{"r/"}, names, "not the store's own folder")
	for _, none := range []string{"missing", "r/a.txt", "r/missing/x", "r/a.txt/x"} {
		names, more = list(none, "", 10)
		require.Empty(t, names, none)
		require.False(t, more)
	}
	for _, limit := range []int{0, MaxList + 1} {
		_, _, err := s.List(context.Background(), "r", "", limit)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	}

	require.NoError(t, s.Delete(context.Background(), "r/a.txt"))
	require.NoError(t, s.Delete(context.Background(), "r/a"))
	names, _ = list("r", "", 10)
	require.Equal(t, []string{"r/Z", "r/b.txt", "r/ä"}, names)
	for _, gone := range []string{"r/a", "r/a.txt", "r/Z/x", "q"} {
		require.Equal(t, errs.NotFound, errs.KindOf(s.Delete(context.Background(), gone)), gone)
	}
	for _, never := range []string{"", ".", "..", uploads} {
		require.Equal(t, errs.Invalid, errs.KindOf(s.Delete(context.Background(), never)), never)
	}
}

// A large folder is paged in order, and none is left out or given twice, whatever the order in which the file system gives them.
func TestListOfManyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	const files = 4000
	require.NoError(t, os.Mkdir(filepath.Join(dir, "many"), 0o700))
	for i := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "many", fmt.Sprintf("%05d", i*7919%files)), nil, 0o600))
	}
	for _, limit := range []int{37, 999, MaxList} {
		n, after := 0, ""
		for more := true; more; {
			var infos []Info
			var err error
			infos, more, err = s.List(context.Background(), "many", after, limit)
			require.NoError(t, err)
			require.True(t, len(infos) == limit || !more)
			for _, i := range infos {
				require.Equal(t, fmt.Sprintf("many/%05d", n), i.Path)
				after = i.Cursor()
				n++
			}
		}
		require.Equal(t, files, n)
	}
}

func TestAbandonedUploadsAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir)
	for name, age := range map[string]time.Duration{"old": 25 * time.Hour, "new": time.Hour} {
		path := filepath.Join(dir, uploads, name)
		require.NoError(t, os.WriteFile(path, []byte("half"), 0o600))
		at := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	require.NoError(t, s.RemoveAbandoned())
	require.Equal(t, 1, leftovers(t, dir), "another server may be uploading the new one")
}

// A canary lies outside of the store, where a path that escaped would find it. No path, in any encoding, and no link
// reads, lists, replaces or removes it.
func TestNothingLeavesTheRoot(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	canary := filepath.Join(base, "canary")
	dir := filepath.Join(base, "store")
	s := openStore(t, dir)
	const song = "the canary sings"
	require.NoError(t, os.WriteFile(canary, []byte(song), 0o600))
	put(t, s, "in/side", "x")
	for link, target := range map[string]string{
		"link": canary, "folder": base, "up": "..", "in/up": "../..", "in/relative": "../../canary", "absolute": "/etc",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
	}
	encode := map[string]func(string) string{
		"plain": func(p string) string { return p },
		"once":  url.PathEscape,
		"twice": func(p string) string { return url.PathEscape(url.PathEscape(p)) },
		"every byte": func(p string) string {
			var b strings.Builder
			for i := range len(p) {
				b.WriteString("%" + hex.EncodeToString([]byte{p[i]}))
			}
			return b.String()
		},
		"dots":      func(p string) string { return strings.ReplaceAll(p, ".", "%2e") },
		"dots 2":    func(p string) string { return strings.ReplaceAll(p, ".", "%252E") },
		"slashes":   func(p string) string { return strings.ReplaceAll(p, "/", "%2F") },
		"backslash": func(p string) string { return strings.ReplaceAll(p, "/", `\`) },
		"overlong":  func(p string) string { return strings.ReplaceAll(p, ".", "%c0%ae") },
		"NUL":       func(p string) string { return p + "\x00.txt" },
		"NUL, once": func(p string) string { return p + "%00.txt" },
		"mixed":     func(p string) string { return strings.ReplaceAll(p, "../", "..%2f") },
	}
	try := func(t require.TestingT, p string) {
		ctx := context.Background()
		if f, _, err := s.Open(ctx, p); err == nil {
			content, err := io.ReadAll(f)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			require.NotContains(t, string(content), song, p)
		}
		if infos, _, err := s.List(ctx, p, "", 100); err == nil {
			for _, i := range infos {
				// By its size: folders of the store's own may be called "canary" too, and stay when their file is removed.
				require.NotEqual(t, int64(len(song)), i.Size, "%s: %s", p, i.Path)
				require.NotContains(t, i.Path, "passwd", p)
			}
		}
		if _, err := s.Put(ctx, p, strings.NewReader("dead"), 100); err == nil {
			require.NoError(t, s.Delete(ctx, p), p)
		} else {
			require.NotEqual(t, errs.Internal, errs.KindOf(err), "%s: %v", p, err)
		}
		if err := s.Delete(ctx, p); err != nil {
			require.NotEqual(t, errs.Internal, errs.KindOf(err), "%s: %v", p, err)
		}
		content, err := os.ReadFile(canary)
		require.NoError(t, err, p)
		require.Equal(t, song, string(content), p)
		entries, err := os.ReadDir(base)
		require.NoError(t, err)
		require.Len(t, entries, 2, "nothing new beside the store: %s", p)
	}
	targets := []string{
		"../canary", "in/../../canary", "./../canary", "..//canary", "/" + canary, canary, "in/side/../../../canary", "....//canary",
		"link", "folder/canary", "up/canary", "in/up/canary", "in/relative", "absolute/passwd", "folder", "up", "folder/new", "up/new/new",
		"C:/canary", "file:" + canary, "~/canary", "..", "../", ".", "", "in/..", "in/../..",
	}
	for _, target := range targets {
		for _, enc := range encode {
			try(t, enc(target))
		}
	}
	// Links that the tries removed come back for the random ones.
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "up")))
	require.NoError(t, os.Symlink("..", filepath.Join(dir, "up")))
	piece := rapid.SampledFrom([]string{
		"..", ".", "/", "//", `\`, "canary", "in", "up", "%2e", "%2e%2e", "%2f", "%5c", "%00", "%25", "2e", "\x00", "side", "~", "C:", " ",
	})
	rapid.Check(t, func(t *rapid.T) {
		try(t, strings.Join(rapid.SliceOfN(piece, 1, 8).Draw(t, "pieces"), ""))
	})
	require.Equal(t, song, string(bytes.TrimSpace(must(os.ReadFile(canary)))))
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

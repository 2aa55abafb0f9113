//go:build unix

package artifact

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// eachWay runs a test on each database, with small files that last by their contents in the database and with ones that do not.
func eachWay(t *testing.T, fn func(t *testing.T, db *store.DB, settling bool)) {
	t.Helper()
	for name, settling := range map[string]bool{"synced": false, "settling": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, db, settling) })
		})
	}
}

func keep(t *testing.T, s *Service, name, content string) {
	t.Helper()
	_, err := s.Put(context.Background(), name, strings.NewReader(content), 1<<30)
	require.NoError(t, err)
}

// is tells that a file is given, with its record.
func is(t *testing.T, s *Service, name, content string) {
	t.Helper()
	f, info, err := s.Open(context.Background(), name)
	require.NoError(t, err)
	got, err := readAll(f)
	require.NoError(t, err)
	require.Equal(t, content, got)
	require.Equal(t, []any{int64(len(content)), hexSum([]byte(content))}, []any{info.Size, info.SHA256})
}

func pendingContents(t *testing.T, db *store.DB) int {
	t.Helper()
	n, err := db.Ent().PendingContent.Query().Count(context.Background())
	require.NoError(t, err)
	return n
}

// A machine that fails loses what its disk was not told to keep: the names of new files, their ends, and what replaced others.
// All that was acknowledged is given all the same, and is at its place after the next start.
func TestSmallFilesSurviveTheMachine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, dir := newService(t, db)
		root := RunRoot(0, runA)
		at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(root), name) }
		keep(t, s, root+"/replaced", "before")
		keep(t, s, root+"/large", "before")
		s.pending.set(true)
		keep(t, s, root+"/whole", "whole")
		keep(t, s, root+"/cut", "all of it")
		keep(t, s, root+"/new/lost", "new")
		keep(t, s, root+"/empty", "")
		keep(t, s, root+"/replaced", "after")
		keep(t, s, root+"/twin", "all of it")
		keep(t, s, root+"/deleted", "deleted")
		keep(t, s, root+"/large", "small for a while")
		require.Equal(t, 8, pendingContents(t, db))
		require.NoFileExists(t, at("whole"))
		is(t, s, root+"/whole", "whole")
		is(t, s, root+"/replaced", "after")
		listed, _, err := s.List(context.Background(), root, "", 20)
		require.NoError(t, err)
		require.Len(t, listed, 8, "whoever lists a folder finds all that was uploaded into it")
		require.Equal(t, 8, pendingContents(t, db))
		keep(t, s, root+"/late", "late")
		large := strings.Repeat("large", smallBytes)
		keep(t, s, root+"/large", large)
		require.NoError(t, s.Delete(context.Background(), root+"/deleted"))
		require.Equal(t, uint64(2), links(t, at("twin")))

		require.NoError(t, os.Truncate(at("cut"), 3))
		require.NoError(t, os.RemoveAll(at("new")))
		require.NoError(t, os.Remove(at("empty")))
		require.NoError(t, os.WriteFile(at("replaced"), []byte("before"), 0o600))
		contents := map[string]string{
			"whole": "whole", "cut": "all of it", "new/lost": "new", "empty": "", "replaced": "after", "twin": "all of it", "large": large, "late": "late",
		}
		next := NewService(openStore(t, dir), db)
		check := func() {
			for name, content := range contents {
				is(t, next, root+"/"+name, content)
			}
			_, _, err := next.Open(context.Background(), root+"/deleted")
			require.Equal(t, errs.NotFound, errs.KindOf(err))
		}
		check()
		require.NoError(t, next.Restore(context.Background()))
		if db.Postgres() {
			require.Equal(t, 9, pendingContents(t, db), "they may be another replica's")
			require.NoError(t, next.restore(context.Background(), time.Now().Add(orphanAge)))
		}
		require.Zero(t, pendingContents(t, db))
		check()
		for name, content := range contents {
			got, err := os.ReadFile(at(name))
			require.NoError(t, err)
			require.Equal(t, content, string(got))
		}
		require.NoFileExists(t, at("deleted"))
		require.Zero(t, leftovers(t, dir))
	})
}

// What the disk has is not kept twice. Of what it may not have, after a sync that failed, the file is written again.
func TestSmallFilesSettle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, dir := newService(t, db)
		d := s.files.place.(*folder)
		ctx := context.Background()
		root := RunRoot(0, runA)
		s.pending.set(true)
		for n := range 3 {
			keep(t, s, fmt.Sprintf("%s/%d", root, n), fmt.Sprint("content ", n))
		}
		require.NoError(t, s.Delete(ctx, root+"/2"))
		require.Equal(t, 3, pendingContents(t, db))
		require.NoError(t, s.settleBelow(ctx, root))
		stopped, stop := context.WithCancel(ctx)
		stop()
		require.Error(t, s.settlePending(stopped, d))
		require.Equal(t, 3, pendingContents(t, db), "the next time")
		require.FileExists(t, filepath.Join(dir, filepath.FromSlash(root), "1"))
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.FromSlash(root), "1"), []byte("what is left"), 0o600))
		require.NoError(t, s.settlePending(ctx, d))
		require.Zero(t, pendingContents(t, db))
		require.Zero(t, s.pending.bytes)
		is(t, s, root+"/0", "content 0")
		is(t, s, root+"/1", "content 1")
		_, _, err := s.Open(ctx, root+"/2")
		require.Equal(t, errs.NotFound, errs.KindOf(err))

		// No more waits than is allowed, and nothing where nobody settles.
		s.pending.bytes = maxPending - smallBytes
		keep(t, s, root+"/3", strings.Repeat("x", smallBytes))
		require.Zero(t, pendingContents(t, db))
		s.pending.bytes = 0
		s.pending.set(false)
		keep(t, s, root+"/4", "x")
		require.Zero(t, pendingContents(t, db))
		is(t, s, root+"/4", "x")
	})
}

// Settle settles by itself before much waits.
func TestSettle(t *testing.T) {
	t.Parallel()
	s, _ := newService(t, storetest.SQLite(t))
	s.pending.bytes = maxPending / 2
	s.pending.set(true)
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { s.Settle(ctx) })
	defer group.Wait()
	defer stop()
	for n := 0; ; n++ {
		keep(t, s, fmt.Sprintf("%s/%d", RunRoot(0, runA), n), "content")
		s.pending.mu.Lock()
		settled := s.pending.bytes < maxPending/2+int64(n)*(pendingRow+7)
		s.pending.mu.Unlock()
		if settled {
			return
		}
	}
}

// A place where no file can be is refused before anything is recorded, and what is in the way stays.
func TestSmallFilesAreRefused(t *testing.T) {
	t.Parallel()
	s, dir := newService(t, storetest.SQLite(t))
	s.pending.set(true)
	root := RunRoot(0, runA)
	keep(t, s, root+"/folder/file", "file")
	for range 2 { // while the file waits, and when it is there
		for _, name := range []string{root + "/folder", root + "/folder/file/below"} {
			for _, size := range []int{1, 2 * smallBytes} {
				_, err := s.Put(context.Background(), name, strings.NewReader(strings.Repeat("x", size)), 1<<20)
				require.Equal(t, errs.Conflict, errs.KindOf(err), name)
			}
		}
		require.NoError(t, s.settleBelow(context.Background(), root))
	}
	is(t, s, root+"/folder/file", "file")
	require.Equal(t, 1, pendingContents(t, s.db))
	require.Equal(t, int64(4+pendingRow), s.pending.bytes)
	require.Zero(t, leftovers(t, dir))
}

// Uploads into a folder and its removal at the same time: there is no file without its record, and no record without its file.
func TestUploadsMeetRemovals(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, db *store.DB, settling bool) {
		first, dir := newService(t, db)
		services := []*Service{first, first}
		if db.Postgres() {
			services[1] = NewService(openStore(t, dir), db)
		}
		for _, s := range services {
			s.pending.set(settling)
		}
		root := RunRoot(0, runA) + "/folder"
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for n := range 20 {
					_, err := services[i%2].Put(context.Background(), fmt.Sprintf("%s/%d", root, i), strings.NewReader(fmt.Sprint(i, n)), 100)
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Go(func() {
			for range 20 {
				if err := services[0].Delete(context.Background(), root); err != nil && !errs.Is(err, errs.NotFound) {
					t.Error(err)
				}
			}
		})
		group.Wait()
		require.NoError(t, first.settleBelow(context.Background(), root))
		recorded := map[string]string{}
		refs, err := db.Ent().ArtifactReference.Query().All(context.Background())
		require.NoError(t, err)
		for _, ref := range refs {
			recorded[ref.Location] = ref.Sha256
		}
		there := map[string]string{}
		at := filepath.Join(dir, filepath.FromSlash(root))
		require.NoError(t, filepath.WalkDir(at, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil //nolint:nilerr // the last to come may have been the removal
			}
			content, err := os.ReadFile(path)
			there[root+"/"+e.Name()] = hexSum(content)
			return err
		}))
		require.Equal(t, recorded, there)
	})
}

// A list has the files of this process be at their places, all at once, and reads of the database what others uploaded alone.
func TestListedSmallFiles(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, dir := newService(t, db)
		s.pending.set(true)
		root := RunRoot(0, runA)
		const files = 40
		for n := range files {
			keep(t, s, fmt.Sprintf("%s/%02d", root, n), "the same of all")
		}
		others, err := store.PendingContentsBelow(t.Context(), db.Read(), []string{root}, 0, s.pending.own())
		require.NoError(t, err)
		require.Empty(t, others)
		if db.Postgres() {
			other := NewService(openStore(t, dir), db)
			other.pending.set(true)
			keep(t, other, root+"/other", "of another replica")
			others, err = store.PendingContentsBelow(t.Context(), db.Read(), []string{root}, 0, s.pending.own())
			require.NoError(t, err)
			require.Len(t, others, 1)
		}
		found, err := s.ListEach(t.Context(), []string{root, root}, "", files+2)
		require.NoError(t, err)
		for _, listing := range found {
			require.Len(t, listing.Infos, files+len(others))
		}
		require.Equal(t, uint64(files), links(t, filepath.Join(dir, filepath.FromSlash(root), "00")), "one file of each content")
	})
}

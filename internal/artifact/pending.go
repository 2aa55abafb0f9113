package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// A small file that is uploaded into a folder lasts by its content in the database, which is committed with its record and
// shares the sync of that commit with others. Some seconds later, or as soon as somebody lists or removes a folder that it is in,
// it is put at its place; one sync makes many of them last, and their contents are forgotten. Until then it is given from the
// database, also where a machine failed before its disk had the file. See docs/adr/0012.

const (
	// smallBytes is up to what size a file is small.
	smallBytes = 64 << 10
	// maxPending bounds how much content waits for the disk. What comes beyond it is synced while its sender waits.
	maxPending = 64 << 20
	// pendingRow is what a row costs beside its content.
	pendingRow = 512
	// settleInterval is how long files wait for the disk.
	settleInterval = 5 * time.Second
	// orphanAge is after how long contents are those of a server that is gone. Clocks of replicas must agree that well.
	orphanAge = time.Minute
)

// pending are the small files of this process that wait for the disk.
type pending struct {
	mu sync.Mutex
	// settling: somebody runs Settle.
	settling bool
	// Ids are from firstID on, so far away from those of others that they are no one else's.
	firstID, lastID int64
	bytes           int64
	// files are the last of each path, replaced those that others came in place of.
	files    map[string]*pendingFile
	replaced []*pendingFile
	// folders counts the files in a folder and in those below it.
	folders map[string]int
	// full is told when it is time before its time.
	full chan struct{}
}

type pendingFile struct {
	id   int64
	path string
	sum  string
	size int64
	// placed: it is at its place. suspect: a sync failed, and nobody knows what the disk has of it. Both are of who settles.
	placed, suspect bool
}

func newPending() pending {
	first := rand.Int64N(1 << 62) //nolint:gosec // no secret: only far from where other servers began to count
	return pending{
		firstID: first, lastID: first,
		files: map[string]*pendingFile{}, folders: map[string]int{}, full: make(chan struct{}, 1),
	}
}

// keep gives an id under which a content may be kept, or false where it may not.
func (p *pending) keep(size int64) (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.settling || p.bytes+size+pendingRow > maxPending {
		return 0, false
	}
	p.bytes += size + pendingRow
	p.lastID++
	return p.lastID, true
}

// own gives the ids that this process has given.
func (p *pending) own() store.IDs {
	p.mu.Lock()
	defer p.mu.Unlock()
	return store.IDs{Behind: p.firstID, To: p.lastID}
}

// refuse gives back what keep took.
func (p *pending) refuse(size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes -= size + pendingRow
}

// eachFolder calls fn for the folders that a path is in.
func eachFolder(name string, fn func(folder string)) {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		fn(dir)
	}
	fn("")
}

// add has a file wait for the disk whose content is kept.
func (p *pending) add(f *pendingFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if before := p.files[f.path]; before != nil {
		p.replaced = append(p.replaced, before)
	} else {
		eachFolder(f.path, func(folder string) { p.folders[folder]++ })
	}
	p.files[f.path] = f
	if p.bytes > maxPending/2 {
		select {
		case p.full <- struct{}{}:
		default:
		}
	}
}

// forget is that contents are not kept any more.
func (p *pending) forget(files []*pendingFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range files {
		p.bytes -= f.size + pendingRow
		if p.files[f.path] != f {
			continue
		}
		delete(p.files, f.path)
		eachFolder(f.path, func(folder string) {
			if p.folders[folder]--; p.folders[folder] == 0 {
				delete(p.folders, folder)
			}
		})
	}
}

// below gives the files that wait in a folder and in those below it, or at its very path; "" are all.
func (p *pending) below(folder string) []*pendingFile {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.folders[folder] == 0 && p.files[folder] == nil {
		return nil
	}
	var out []*pendingFile
	for at, f := range p.files {
		if folder == "" || at == folder || strings.HasPrefix(at, folder+"/") {
			out = append(out, f)
		}
	}
	return out
}

// takeReplaced gives the files that others came in place of, once.
func (p *pending) takeReplaced() []*pendingFile {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.replaced
	p.replaced = nil
	return out
}

func (p *pending) giveBack(replaced []*pendingFile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replaced = append(p.replaced, replaced...)
}

// waits tells whether a file of a path waits.
func (p *pending) waits(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.files[name] != nil
}

// blocked tells whether a file that waits is in the way of one that comes: it has the name of a folder of that, or the other way round.
func (p *pending) blocked(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := p.folders[name] > 0
	eachFolder(name, func(folder string) { found = found || p.files[folder] != nil })
	return found
}

func (p *pending) set(settling bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settling = settling
}

// Settle makes small files last that were uploaded, until ctx ends: without it, each upload does so itself. Contents that are
// kept then are for Restore. It returns at once where the store is no folder.
func (s *Service) Settle(ctx context.Context) {
	d, ok := s.files.place.(*folder)
	if !ok {
		return
	}
	s.pending.set(true)
	defer s.pending.set(false)
	ticker := time.NewTicker(settleInterval)
	defer ticker.Stop()
	for looked := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.pending.full:
		}
		err := s.settlePending(ctx, d)
		if time.Since(looked) >= orphanAge {
			looked = time.Now()
			err = errors.Join(err, s.restore(ctx, looked.Add(-orphanAge)))
		}
		if err != nil && ctx.Err() == nil {
			s.db.Logger().ErrorContext(ctx, "uploaded files cannot be made to last yet; their contents stay in the database", "error", err)
		}
	}
}

// settlePending puts the files that wait at their places, makes them last, and forgets their contents.
func (s *Service) settlePending(ctx context.Context, d *folder) error {
	defer s.settlement()()
	files := s.pending.below("")
	failed := s.place(ctx, d, files)
	files = slices.DeleteFunc(files, func(f *pendingFile) bool { return !f.placed })
	replaced := s.pending.takeReplaced()
	gone := slices.Concat(files, replaced)
	if len(gone) == 0 {
		return failed
	}
	paths, ids := make([]string, len(files)), make([]int64, len(gone))
	for i, f := range files {
		paths[i] = f.path
	}
	for i, f := range gone {
		ids[i] = f.id
	}
	err := d.settle(paths)
	if err == nil {
		err = s.dropPending(ctx, ids)
	}
	if err != nil { // Linux tells of a write that failed once, and takes what it had for written then
		for _, f := range files {
			f.placed, f.suspect = false, true
		}
		s.pending.giveBack(replaced)
		return errors.Join(failed, err)
	}
	s.pending.forget(gone)
	return failed
}

// settlement has one put files at their places at a time.
func (s *Service) settlement() func() {
	s.settles.Lock()
	return s.settles.Unlock
}

// placedAtOnce is how many files are put at their places at the same time: on PostgreSQL they share transactions.
const placedAtOnce = 8

// place puts files that wait at their places, each of them named once. It goes on where one cannot be put there, and gives the
// first error.
func (s *Service) place(ctx context.Context, d *folder, files []*pendingFile) error {
	twins := map[string]string{} // by contents: the file that others of the same become links to
	for _, f := range files {
		if f.placed {
			twins[f.sum] = f.path
		}
	}
	var first, rest []*pendingFile
	for _, f := range files {
		switch _, has := twins[f.sum]; {
		case f.placed:
		case has:
			rest = append(rest, f)
		default:
			twins[f.sum] = f.path
			first = append(first, f)
		}
	}
	return errors.Join(s.placeEach(ctx, d, first, twins), s.placeEach(ctx, d, rest, twins))
}

// placeEach is place, a few files at a time and in no order.
func (s *Service) placeEach(ctx context.Context, d *folder, files []*pendingFile, twins map[string]string) error {
	var group errgroup.Group
	group.SetLimit(placedAtOnce)
	for _, f := range files {
		group.Go(func() error {
			kept, found, err := store.PendingContentByID(ctx, s.db.Read(), f.id)
			if err == nil && found {
				err = s.putBack(ctx, d, kept, twins[f.sum], f.suspect)
			}
			if err != nil {
				return fmt.Errorf("artifact %q: %w", f.path, err)
			}
			f.placed, f.suspect = true, false
			return nil
		})
	}
	return group.Wait() //nolint:wrapcheck // wrapped above
}

// foldersAtOnce bounds the folders of one query.
const foldersAtOnce = 200

// settleBelow has folders hold what was uploaded into them.
func (s *Service) settleBelow(ctx context.Context, names ...string) error {
	d, ok := s.files.place.(*folder)
	if !ok {
		return nil
	}
	if err := s.placeBelow(ctx, d, names); err != nil || !s.db.Postgres() {
		return err
	}
	for some := range slices.Chunk(names, foldersAtOnce) {
		if err := s.placeOthers(ctx, d, some); err != nil {
			return err
		}
	}
	return nil
}

// placeBelow puts files of this process that wait at their places.
func (s *Service) placeBelow(ctx context.Context, d *folder, names []string) error {
	found := map[*pendingFile]bool{} // one folder may be named twice, or lie in another
	for _, name := range names {
		for _, f := range s.pending.below(name) {
			found[f] = true
		}
	}
	if len(found) == 0 {
		return nil
	}
	defer s.settlement()()
	return s.place(ctx, d, slices.Collect(maps.Keys(found)))
}

// placeOthers puts files of other replicas that wait at their places; those make them last.
func (s *Service) placeOthers(ctx context.Context, d *folder, names []string) error {
	own := s.pending.own()
	for after := int64(0); ; {
		page, err := store.PendingContentsBelow(ctx, s.db.Read(), names, after, own)
		if err != nil || len(page) == 0 {
			return err //nolint:wrapcheck // wrapped by the store
		}
		for _, p := range page {
			after = p.ID
			if err := s.putBack(ctx, d, p, "", false); err != nil {
				return err
			}
		}
	}
}

func (s *Service) dropPending(ctx context.Context, ids []int64) error {
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { //nolint:wrapcheck // wrapped by the store
		return store.DropPending(ctx, tx, ids)
	})
}

// Restore writes files again that were uploaded and did not reach the disk before their server or its machine ended. Who is
// alone with the database, as on SQLite, restores all, before anybody uploads; replicas leave out what may be another's still.
func (s *Service) Restore(ctx context.Context) error {
	before := time.Now().Add(orphanAge)
	if s.db.Postgres() {
		before = time.Now().Add(-orphanAge)
	}
	return s.restore(ctx, before)
}

func (s *Service) restore(ctx context.Context, before time.Time) (failed error) {
	d, ok := s.files.place.(*folder)
	if !ok {
		return nil
	}
	own := map[int64]bool{}
	for _, f := range s.pending.below("") {
		own[f.id] = true
	}
	for after := int64(0); ; {
		page, err := store.PendingContents(ctx, s.db.Read(), after, before.UnixMilli())
		if err != nil || len(page) == 0 {
			return errors.Join(failed, err)
		}
		var paths []string
		var ids []int64
		for _, p := range page {
			after = p.ID
			if own[p.ID] {
				continue
			}
			if err := s.putBack(ctx, d, p, "", false); err != nil {
				failed = errors.Join(failed, fmt.Errorf("restore artifact %q: %w", p.Location, err))
				continue
			}
			paths, ids = append(paths, p.Location), append(ids, p.ID)
		}
		if len(ids) == 0 {
			continue
		}
		if err := errors.Join(d.settle(paths), ctx.Err()); err != nil {
			return errors.Join(failed, err)
		}
		if err := s.dropPending(ctx, ids); err != nil {
			return errors.Join(failed, err)
		}
	}
}

// putBack puts a file at its place whose content is kept, unless it is there already, and unless something else is recorded there
// by now. Where it is suspect, it is written anew in any case. A twin is a file that may have the same content; empty where none is known.
func (s *Service) putBack(ctx context.Context, d *folder, p store.PendingContent, twin string, suspect bool) error {
	defer s.lock(p.Location)()
	sum, err := s.recordedSum(ctx, p.Location)
	if err != nil || sum != p.SHA256 {
		return err
	}
	if !suspect {
		if sum, err := d.sum(ctx, p.Location, int64(len(p.Content))); err == nil && sum == p.SHA256 {
			return nil
		}
	}
	u, err := s.lay(ctx, d, p, twin)
	if err != nil {
		return err
	}
	if !s.db.Postgres() {
		err = u.place()
	} else {
		// Replicas that upload to the same path record first. So who holds the row comes before them. Nothing is written.
		err = s.db.WriteRelaxed(ctx, p.Location, func(ctx context.Context, tx *store.Tx) error {
			var sum string
			_, err := tx.Scan(ctx, "SELECT sha256 FROM artifact_references WHERE location = ?"+tx.LockRow(), []any{p.Location}, &sum)
			if err != nil || sum != p.SHA256 || u.at == "" {
				return err //nolint:wrapcheck // wrapped by the store
			}
			return u.place()
		})
		err = u.discard(err)
	}
	if err != nil {
		return err
	}
	// A removal of the folder may have gone past.
	if sum, err = s.recordedSum(ctx, p.Location); err == nil && sum == "" {
		if err = s.files.remove(ctx, p.Location); errs.Is(err, errs.NotFound) {
			return nil
		}
	}
	return err
}

// lay lays a file whose content is kept where nobody sees it: a link to a twin, this one if it is there, or a file of its own.
func (s *Service) lay(ctx context.Context, d *folder, p store.PendingContent, twin string) (*folderUpload, error) {
	if len(p.Content) > 0 {
		info := Info{Path: p.Location, Size: int64(len(p.Content)), SHA256: p.SHA256}
		twins, err := s.twins(ctx, info)
		if err != nil {
			return nil, err
		}
		u := &folderUpload{d: d, Info: info}
		for _, twin := range append([]string{twin}, twins...) {
			if twin != "" && twin != p.Location && u.become(ctx, twin) {
				return u, nil
			}
		}
	}
	return d.lay(p.Location, p.Content)
}

func (s *Service) recordedSum(ctx context.Context, name string) (string, error) {
	was, err := s.recorded(ctx, name)
	return was.sha256, err
}

// sum gives the hash of the file at a path, if it has a size; else nothing.
func (d *folder) sum(ctx context.Context, name string, size int64) (string, error) {
	src, info, err := d.open(ctx, name)
	if err != nil {
		return "", err
	}
	var sum string
	if info.Size == size {
		_, sum, err = receive(ctx, nil, src, size)
	}
	return sum, errors.Join(err, src.Close())
}

// takeSmall reads what comes, up to what a small file has. whole is false where there is more: then it comes from rest.
func takeSmall(r io.Reader, maxBytes int64) (content []byte, whole bool, rest io.Reader, err error) {
	block := blocks.Get().(*[blockBytes]byte) // the pool holds nothing else
	defer blocks.Put(block)
	n, err := fill(r, block[:smallBytes+1])
	content = bytes.Clone(block[:n])
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, false, nil, &SourceError{Err: err}
	case err == nil:
		return nil, false, io.MultiReader(bytes.NewReader(content), r), nil
	case int64(n) > maxBytes:
		return nil, false, nil, errs.New(errs.Exhausted, "the file is larger than %d bytes, the most that is accepted", maxBytes)
	case content == nil:
		content = []byte{} // and no NULL
	}
	return content, true, nil, nil
}

// putSmall is Put for a content that is kept under an id.
func (s *Service) putSmall(ctx context.Context, d *folder, o owner, name string, content []byte, id int64) (Info, error) {
	info := Info{Path: name, Size: int64(len(content)), SHA256: hexSum(content), ModTime: time.Now().UnixMilli()}
	defer s.lock(name)()
	err := d.mayPut(name)
	if err == nil && s.pending.blocked(name) {
		err = describeBlocked(name, fs.ErrExist)
	}
	if err != nil {
		s.pending.refuse(info.Size)
		return Info{}, err
	}
	by, _ := auth.From(ctx)
	row := &store.ArtifactRow{
		RunPK: o.runPK, Location: name, SHA256: info.SHA256, Size: info.Size, CreatedAt: info.ModTime, CreatedBy: by.Name,
		PendingID: id, Content: content,
	}
	// Whoever uploads may go away, and the file is there.
	err = s.db.WriteTogether(context.WithoutCancel(ctx), name, recorder{}, row)
	s.pending.add(&pendingFile{id: id, path: name, sum: info.SHA256, size: info.Size}) // also where it failed: whether it was committed is not always known
	if err != nil {
		return Info{}, fmt.Errorf("record artifact: %w", err)
	}
	return info, nil
}

// inMemory is a file that the file system does not have yet.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

func (inMemory) version() (string, bool) { return "", false }

// openPending opens a file whose content is kept, in place of one that is not what was recorded; nil where nothing is kept.
func (s *Service) openPending(ctx context.Context, name string, was recorded) (*File, error) {
	if _, ok := s.files.place.(*folder); !ok || was.sha256 == "" || was.size > smallBytes {
		return nil, nil //nolint:nilnil // its content is not kept
	}
	content, found, err := store.PendingContentOf(ctx, s.db.Read(), name, was.sha256)
	if err != nil || !found || hexSum(content) != was.sha256 {
		return nil, err //nolint:wrapcheck // wrapped by the store
	}
	file := inMemory{bytes.NewReader(content)}
	return &File{ReadSeeker: file.Reader, source: file}, nil
}

// lay writes a file to where nobody sees it, and does not make it last.
func (d *folder) lay(name string, content []byte) (*folderUpload, error) {
	u, err := d.newUpload(name)
	if err != nil {
		return nil, err
	}
	if _, err := u.file.Write(content); err != nil {
		return nil, u.discard(describe(name, err))
	}
	if err := u.close(); err != nil {
		return nil, u.discard(describe(name, err))
	}
	return u, nil
}

// mayPut refuses a path where no file can be put.
func (d *folder) mayPut(name string) error {
	stat, err := d.root.Lstat(filepath.FromSlash(name))
	switch {
	case err == nil && stat.IsDir():
		return describeBlocked(name, fs.ErrExist)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return describeBlocked(name, err)
	}
	return nil
}

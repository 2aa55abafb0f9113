package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cairnml/cairn/ent/artifactreference"
	"github.com/cairnml/cairn/ent/predicate"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Service is a store of artifacts that knows whose each is, and records the size and the hash of what was uploaded.
// Paths are below the store's root, as in Root(run.ArtifactLocation) + "/model/MLmodel". It is safe for concurrent use.
type Service struct {
	files *Store
	db    *store.DB
	// locks keep the record of a file in step with the file, for uploads to the same path at the same time.
	locks [64]sync.Mutex
	seed  maphash.Seed
	// checks are of files by their paths.
	checks  *lru.Cache[string, check]
	pending pending
	settles sync.Mutex
}

// NewService makes a service. The store stays the caller's to close.
func NewService(files *Store, db *store.DB) *Service {
	checks, _ := lru.New[string, check](maxChecks) // fails only for a size below 1
	return &Service{
		files: files, db: db, seed: maphash.MakeSeed(), checks: checks,
		pending: newPending(),
	}
}

func (s *Service) lock(name string) func() {
	l := &s.locks[maphash.String(s.seed, name)%uint64(len(s.locks))]
	l.Lock()
	return l.Unlock
}

// owner is the run or the logged model whose artifact a path names.
type owner struct {
	name    string
	runPK   *int
	deleted bool
	// within is the path below the owner's root; empty for the root itself.
	within string
}

// ErrNoOwner is the cause of the NotFound of a path that is nobody's, unlike that of a file that is not there.
var ErrNoOwner = errors.New("artifact path of no run and no logged model")

var (
	runIDPattern   = regexp.MustCompile(`^[0-9a-f]{32}$`)
	modelIDPattern = regexp.MustCompile(`^m-[0-9a-f]{32}$`)
)

// servicePath judges a path as its owner sees it too: what would be refused below a run's root is refused below the store's.
func servicePath(name string) (string, error) {
	name, err := artifactPath(name)
	if err != nil {
		return "", err
	}
	parts := strings.Split(name, "/")
	for i := 1; i < len(parts)-1; i++ {
		if parts[i] == "artifacts" && (runIDPattern.MatchString(parts[i-1]) || modelIDPattern.MatchString(parts[i-1])) {
			if _, err := CleanPath(strings.Join(parts[i+1:], "/")); err != nil {
				return "", err
			}
		}
	}
	return name, nil
}

// owner finds whose artifact a path names: "…/RUN/artifacts/…", or "…/models/MODEL/artifacts/…", where that is the
// location of the run or the model. An experiment may lie below another run's folder: the innermost owner is meant.
func (s *Service) owner(ctx context.Context, name string) (owner, error) {
	parts := strings.Split(name, "/")
	for i := len(parts) - 1; i > 0; i-- {
		if parts[i] != "artifacts" {
			continue
		}
		found, location, err := s.ownerByID(ctx, parts[i-1])
		if err != nil {
			return owner{}, fmt.Errorf("find owner of artifact: %w", err)
		}
		if found.name == "" {
			continue
		}
		if root, err := Root(location); err == nil && root == strings.Join(parts[:i+1], "/") {
			found.within = strings.Join(parts[i+1:], "/")
			return found, nil
		}
	}
	return owner{}, errs.Wrap(errs.NotFound, ErrNoOwner, "no run and no logged model has its artifacts at %.200q", name)
}

// ownerByID finds the run or the model that an id names; its name is empty where there is none.
func (s *Service) ownerByID(ctx context.Context, id string) (owner, string, error) {
	switch {
	case runIDPattern.MatchString(id):
		r, err := store.RunOfArtifacts(ctx, s.db.Read(), id)
		if err != nil || r.PK == 0 {
			return owner{}, "", err
		}
		return owner{name: "run " + id, runPK: &r.PK, deleted: r.Deleted}, r.Location, nil
	case modelIDPattern.MatchString(id):
		m, err := store.ModelOfArtifacts(ctx, s.db.Read(), id)
		if err != nil || m.PK == 0 {
			return owner{}, "", err
		}
		return owner{name: "logged model " + id, deleted: m.Deleted}, m.Location, nil
	}
	return owner{}, "", nil
}

// ownerToChange is owner for who is about to change its artifacts.
func (s *Service) ownerToChange(ctx context.Context, name string) (owner, error) {
	o, err := s.owner(ctx, name)
	if err == nil && o.deleted {
		err = errs.New(errs.Conflict, "the %s is deleted; restore it before changing its artifacts", o.name)
	}
	return o, err
}

// fileToChange judges the path of a file that is to be stored, and finds its owner.
func (s *Service) fileToChange(ctx context.Context, name string) (string, owner, error) {
	name, err := servicePath(name)
	if err != nil {
		return "", owner{}, err
	}
	o, err := s.ownerToChange(ctx, name)
	if err == nil && o.within == "" {
		err = errs.Field("path", "names the folder of the %s and no file in it", o.name)
	}
	return name, o, err
}

// Put stores a file for the run or the model that the path names, and records it. Errors: those of Store.Put, NotFound
// when the path is nobody's, Conflict when its owner is deleted.
func (s *Service) Put(ctx context.Context, name string, r io.Reader, maxBytes int64) (Info, error) {
	name, o, err := s.fileToChange(ctx, name)
	if err != nil {
		return Info{}, err
	}
	if d, ok := s.files.place.(*folder); ok {
		content, whole, rest, err := takeSmall(r, maxBytes)
		if err != nil {
			return Info{}, err
		}
		if whole {
			if id, ok := s.pending.keep(int64(len(content))); ok {
				return s.putSmall(ctx, d, o, name, content, id)
			}
			rest = bytes.NewReader(content)
		}
		if r = rest; s.pending.blocked(name) {
			return Info{}, describeBlocked(name, fs.ErrExist)
		}
	}
	u, err := s.files.receive(ctx, name, r, maxBytes)
	if err != nil {
		return Info{}, err
	}
	return s.store(ctx, o, u)
}

// store publishes an upload, and records it.
func (s *Service) store(ctx context.Context, o owner, u upload) (Info, error) {
	info := u.info()
	if err := u.settle(ctx, func() ([]string, error) { return s.twins(ctx, info) }); err != nil {
		return Info{}, u.discard(err)
	}
	// Only from here on is the path locked: a slow upload keeps nobody waiting.
	defer s.lock(info.Path)()
	if err := u.publish(ctx); err != nil {
		return Info{}, err
	}
	info = u.info()
	by, _ := auth.From(ctx)
	// Whoever uploads may go away, and the file is there.
	row := &store.ArtifactRow{
		RunPK: o.runPK, Location: info.Path, SHA256: info.SHA256, Size: info.Size, CreatedAt: time.Now().UnixMilli(), CreatedBy: by.Name,
	}
	whole := context.WithoutCancel(ctx)
	err := s.db.WriteTogether(whole, info.Path, recorder{}, row)
	if f, ok := u.(*folderUpload); ok && err == nil && s.db.Postgres() {
		err = s.agree(whole, f, row)
	}
	if f, ok := u.(*folderUpload); ok && err == nil {
		err = s.forgetRemoved(whole, f.d, info.Path)
	}
	if err != nil {
		// The file is not what may be recorded at its path, and would be taken for damaged.
		err = errors.Join(err, s.files.remove(context.WithoutCancel(ctx), info.Path))
		return Info{}, fmt.Errorf("record artifact: %w", err)
	}
	if f, ok := u.(*folderUpload); ok && f.came != "" && info.Size > checkedWhole {
		s.checks.Add(info.Path, check{f.came + info.SHA256, time.Now()})
	}
	return info, nil
}

// maxAgreements bounds how often replicas go after one another.
const maxAgreements = 8

// agree has the record of a path follow its file where another replica replaced that meanwhile. Locks are within a process: of two
// that publish and record at the same time, one may be the last to publish and the other the last to record. Whoever recorded
// last looks last, and finds the file of the other.
func (s *Service) agree(ctx context.Context, u *folderUpload, row *store.ArtifactRow) error {
	came := u.came
	for range maxAgreements {
		src, info, err := s.files.open(ctx, row.Location)
		if errs.Is(err, errs.NotFound) {
			return nil // removed, and its record with it
		}
		if err != nil {
			return err
		}
		version, _ := src.version()
		if version == came || version == "" {
			return src.Close()
		}
		info.Size, info.SHA256, err = receive(ctx, nil, src, info.Size)
		if err = errors.Join(err, src.Close()); err != nil {
			return err
		}
		if info.SHA256 == row.SHA256 {
			return nil
		}
		next := *row
		next.Size, next.SHA256 = info.Size, info.SHA256
		if err := s.db.WriteTogether(ctx, row.Location, recorder{}, &next); err != nil {
			return err
		}
		row, came = &next, version
	}
	return nil
}

// forgetRemoved forgets a record whose file is gone: a removal of the folder that it was in may have come between publishing and
// recording. Whoever uploads to the path again publishes first: so what is recorded behind a file that is there stays.
func (s *Service) forgetRemoved(ctx context.Context, d *folder, name string) error {
	if !d.missing(name) {
		return nil
	}
	return s.db.WriteFor(ctx, name, func(ctx context.Context, tx *store.Tx) error { //nolint:wrapcheck // wrapped by the store
		return s.forgetBelow(ctx, tx, name, []predicate.ArtifactReference{artifactreference.Location(name)})
	})
}

// recorder records files that were uploaded at the same time by few statements.
type recorder struct{}

// RunTogether implements store.Together.
func (recorder) RunTogether(ctx context.Context, tx *store.Tx, requests []any) ([]error, error) {
	rows := make([]*store.ArtifactRow, len(requests))
	for i, r := range requests {
		rows[i] = r.(*store.ArtifactRow) // nothing else is given to it
	}
	return make([]error, len(requests)), store.RecordArtifacts(ctx, tx, rows)
}

// maxTwins is how many files of the same content are tried: each can have so many links.
const maxTwins = 8

// twins gives where files lie that had the content of an upload when they were recorded.
func (s *Service) twins(ctx context.Context, info Info) ([]string, error) {
	out, err := store.SameContent(ctx, s.db.Read(), info.SHA256, info.Size, maxTwins)
	if err != nil {
		return nil, fmt.Errorf("look for the same content: %w", err)
	}
	return out, nil
}

// recorded is what was recorded of a file; its sha256 is empty where nothing was.
type recorded struct {
	size   int64
	sha256 string
}

// Open opens a file; the caller closes it. Errors: those of Store.Open, Damaged where it is not what was uploaded.
func (s *Service) Open(ctx context.Context, name string) (*File, Info, error) {
	name, err := servicePath(name)
	if err != nil {
		return nil, Info{}, err
	}
	f, info, err := s.openRecorded(ctx, name)
	for try := 0; errs.Is(err, errs.Damaged) && try < 3; try++ { // it may have been replaced between the one look and the other
		f, info, err = s.openRecorded(ctx, name)
	}
	if errs.Is(err, errs.Damaged) {
		s.logDamage(ctx, name, err)
	}
	return f, info, err
}

func (s *Service) recorded(ctx context.Context, name string) (was recorded, err error) {
	if was.size, was.sha256, err = store.RecordedArtifact(ctx, s.db.Read(), name); err != nil {
		err = fmt.Errorf("read what was recorded of an artifact: %w", err)
	}
	return was, err
}

func (s *Service) openRecorded(ctx context.Context, name string) (*File, Info, error) {
	if s.pending.waits(name) {
		was, err := s.recorded(ctx, name)
		if err != nil {
			return nil, Info{}, err
		}
		if f, err := s.openPending(ctx, name, was); f != nil || err != nil {
			return f, Info{Path: name, Size: was.size, SHA256: was.sha256}, err
		}
	}
	src, info, missing := s.files.openContext(ctx, name)
	if missing != nil && !errs.Is(missing, errs.NotFound) {
		return nil, Info{}, missing
	}
	was, err := s.recorded(ctx, name)
	if err != nil {
		if missing == nil {
			err = errors.Join(err, src.Close())
		}
		return nil, Info{}, err
	}
	if err = missing; err == nil {
		info.SHA256 = was.sha256
		f, failed := s.checkedFile(ctx, src, info, was)
		if failed == nil {
			return f, info, nil
		}
		if err = errors.Join(failed, src.Close()); !errs.Is(failed, errs.Damaged) {
			return nil, Info{}, err
		}
	}
	// It may be on its way to its place, or have been lost there.
	f, failed := s.openPending(ctx, name, was)
	switch {
	case failed != nil:
		return nil, Info{}, errors.Join(err, failed)
	case f == nil:
		return nil, Info{}, err
	}
	return f, Info{Path: name, Size: was.size, SHA256: was.sha256, ModTime: info.ModTime}, nil
}

// List is Store.List, with what was uploaded into the folder a moment ago. It gives no hashes.
func (s *Service) List(ctx context.Context, dir, after string, limit int) ([]Info, bool, error) {
	if err := s.settleListed(ctx, dir); err != nil {
		return nil, false, err
	}
	return s.files.List(ctx, dir, after, limit)
}

// Each gives fn all entries of a folder, some at a time and in the order of List, without hashes. It stops at fn's first error.
func (s *Service) Each(ctx context.Context, dir string, fn func([]Info) error) error {
	if err := s.settleListed(ctx, dir); err != nil {
		return err
	}
	after := ""
	for {
		infos, more, err := s.files.List(ctx, dir, after, listedAtOnce)
		if err != nil {
			return err
		}
		if len(infos) > 0 {
			after = infos[len(infos)-1].Cursor()
			if err := fn(infos); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}

// settleListed judges the path of a folder that is listed, and has it hold what was uploaded into it.
func (s *Service) settleListed(ctx context.Context, dir string) error {
	if dir != "" {
		if _, err := servicePath(dir); err != nil {
			return err
		}
	}
	return s.settleBelow(ctx, dir)
}

// addHashes adds the recorded hashes of files that may still be what was recorded, by their sizes.
func (s *Service) addHashes(ctx context.Context, infos []Info) error {
	byPath := map[string]*Info{}
	for i := range infos {
		if !infos[i].IsDir {
			byPath[infos[i].Path] = &infos[i]
		}
	}
	paths := make([]string, 0, len(byPath))
	for p := range byPath {
		paths = append(paths, p)
	}
	const chunk = 500
	for part := range slices.Chunk(paths, chunk) {
		refs, err := s.db.Ent().ArtifactReference.Query().Where(artifactreference.LocationIn(part...)).All(ctx)
		if err != nil {
			return fmt.Errorf("read artifact references: %w", err)
		}
		for _, ref := range refs {
			if info := byPath[ref.Location]; info != nil && info.Size == ref.Size {
				info.SHA256 = ref.Sha256
			}
		}
	}
	return nil
}

// Delete removes a file, or a folder with all that is in it, and their records. Errors: those of Store.Delete, NotFound
// when the path is nobody's, Conflict when its owner is deleted.
func (s *Service) Delete(ctx context.Context, name string) error {
	name, err := servicePath(name)
	if err != nil {
		return err
	}
	o, err := s.ownerToChange(ctx, name)
	if err != nil {
		return err
	}
	if err := s.settleBelow(ctx, name); err != nil {
		return err
	}
	defer s.lock(name)()
	if err := s.files.Delete(ctx, name); err != nil {
		return err
	}
	recorded := []predicate.ArtifactReference{
		artifactreference.Or(artifactreference.Location(name), artifactreference.LocationHasPrefix(name+"/")),
	}
	if o.runPK != nil { // an index serves
		recorded = append(recorded, artifactreference.RunID(*o.runPK))
	}
	err = s.db.WriteFor(ctx, name, func(ctx context.Context, tx *store.Tx) error { return s.forgetBelow(ctx, tx, name, recorded) })
	if err != nil {
		return fmt.Errorf("forget artifact: %w", err)
	}
	return nil
}

// forgetBelow forgets the records of what was removed. Another server may have published files there since: what is recorded of
// those, now or in a moment, stays, as whoever records one waits for its row, which is locked here.
func (s *Service) forgetBelow(ctx context.Context, tx *store.Tx, name string, recorded []predicate.ArtifactReference) error {
	d, ok := s.files.place.(*folder)
	if !ok { // to ask a bucket for each file would hold the writer up
		_, err := tx.Ent().ArtifactReference.Delete().Where(recorded...).Exec(ctx)
		return err //nolint:wrapcheck // wrapped by the caller
	}
	query := tx.Ent().ArtifactReference.Query().Where(recorded...)
	query.Modify(tx.ForUpdate)
	rows, err := query.Select(artifactreference.FieldID, artifactreference.FieldLocation).All(ctx)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	gone := make([]int, 0, len(rows))
	all := d.missing(name)
	for _, row := range rows {
		if all || d.missing(row.Location) {
			gone = append(gone, row.ID)
		}
	}
	for _, part := range store.Parts(gone) {
		if _, err := tx.Ent().ArtifactReference.Delete().Where(artifactreference.IDIn(part...)).Exec(ctx); err != nil {
			return err //nolint:wrapcheck // wrapped by the caller
		}
	}
	return nil
}

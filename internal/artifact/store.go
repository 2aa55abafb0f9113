// Package artifact stores the files that runs and logged models leave, and records what they are.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

const (
	// uploads is where files lie until they are whole. No path of an artifact leads there.
	uploads = ".cairn-uploads"
	// uploadLife is after how long without a byte an upload counts as given up.
	uploadLife = 24 * time.Hour
	// MaxList bounds how many entries one List gives.
	MaxList = 10_000
)

// Info tells of a file or a folder.
type Info struct {
	// Path is relative to the store's root.
	Path  string
	IsDir bool
	// Size is in bytes; 0 for a folder.
	Size int64
	// SHA256 is that of the content, in hex; empty where it is not known.
	SHA256 string
	// ModTime is when the content was written, in Unix milliseconds.
	ModTime int64
}

// Store is a folder of artifacts. Everything goes through an os.Root: no path, and no link in the folder, leads out of
// it. It is safe for concurrent use.
type Store struct{ root *os.Root }

var schemePattern = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):`) // of one letter, it is a drive

// Open opens the store at a folder, or a file: URL of one, and makes it if needed. Errors: Invalid for a URL of another
// kind or a folder that cannot be used, Unsupported for s3://.
func Open(location string) (*Store, error) {
	dir, err := folderOf(location)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "artifacts: the folder %s cannot be made: %s", dir, reason(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "artifacts: the folder %s cannot be opened: %s", dir, reason(err))
	}
	s := &Store{root: root}
	if err := s.prepare(time.Now()); err != nil {
		return nil, errors.Join(errs.Wrap(errs.Invalid, err, "artifacts: the folder %s cannot be written: %s", dir, reason(err)),
			root.Close())
	}
	return s, nil
}

// Exists tells whether there is a store at a location. Errors: as of Open.
func Exists(location string) (bool, error) {
	dir, err := folderOf(location)
	if err != nil {
		return false, err
	}
	stat, err := os.Stat(dir)
	return err == nil && stat.IsDir(), nil
}

// Check tells whether a location is one that Open knows, without looking at it.
func Check(location string) error {
	_, err := folderOf(location)
	return err
}

// folderOf reads a folder's path or its file: URL.
func folderOf(location string) (string, error) {
	dir := location
	if m := schemePattern.FindStringSubmatch(location); m != nil {
		switch strings.ToLower(m[1]) {
		case "file":
			u, err := url.Parse(location)
			if err != nil || u.Host != "" && u.Host != "localhost" || u.Path == "" && u.Opaque == "" {
				return "", errs.Field("artifacts", "%.200q is not a file: URL of a folder on this machine, such as file:///srv/artifacts",
					location)
			}
			dir = filepath.FromSlash(u.Path + u.Opaque)
		case "s3":
			return "", errs.New(errs.Unsupported, "artifacts: s3:// is not supported by this build; name a folder")
		default:
			return "", errs.Field("artifacts", "the scheme %.20s: is not known; name a folder, or file:///FOLDER", m[1])
		}
	}
	if dir == "" {
		return "", errs.Field("artifacts", "name a folder")
	}
	return dir, nil
}

// Close closes the store. Files that were opened stay open.
func (s *Store) Close() error { return s.root.Close() }

// prepare makes the folder of uploads, and removes what was given up in it: another server may be uploading there too.
func (s *Store) prepare(now time.Time) error {
	if err := s.root.MkdirAll(uploads, 0o750); err != nil {
		return err
	}
	entries, err := s.entries(uploads)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || now.Sub(info.ModTime()) < uploadLife {
			continue
		}
		if err := s.root.Remove(uploads + "/" + e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (s *Store) entries(dir string) (entries []fs.DirEntry, err error) {
	f, err := s.root.Open(filepath.FromSlash(dir))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return f.ReadDir(-1)
}

// artifactPath judges a path, and keeps it out of the store's own folder.
func artifactPath(p string) (string, error) {
	p, err := CleanPath(p)
	if err != nil {
		return "", err
	}
	if first, _, _ := strings.Cut(p, "/"); strings.EqualFold(first, uploads) {
		return "", errs.Field("path", "%s is the store's own", uploads)
	}
	return p, nil
}

// Open opens a file; the caller closes it. Errors: Invalid for a bad path, NotFound for what is no file in the store.
func (s *Store) Open(ctx context.Context, name string) (io.ReadSeekCloser, Info, error) {
	name, err := artifactPath(name)
	if err != nil {
		return nil, Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, Info{}, fmt.Errorf("open artifact: %w", err)
	}
	// Asked before it is opened: to open a pipe would wait for its writer.
	if stat, err := s.root.Stat(filepath.FromSlash(name)); err != nil {
		return nil, Info{}, describe(name, err)
	} else if !stat.Mode().IsRegular() {
		return nil, Info{}, notFile(name, stat.IsDir())
	}
	f, err := s.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, Info{}, describe(name, err)
	}
	stat, err := f.Stat()
	if err == nil && !stat.Mode().IsRegular() {
		err = notFile(name, stat.IsDir())
	}
	if err != nil {
		return nil, Info{}, errors.Join(describe(name, err), f.Close())
	}
	return f, Info{Path: name, Size: stat.Size(), ModTime: stat.ModTime().UnixMilli()}, nil
}

// List gives the files and folders directly below a folder ("" for the root), by name, from behind the name after on, at
// most limit (1 to MaxList), and whether there are more. A folder that does not exist is empty, as is a file.
func (s *Store) List(ctx context.Context, dir, after string, limit int) ([]Info, bool, error) {
	if limit < 1 || limit > MaxList {
		return nil, false, errs.Field("first", "is %d; it is from 1 to %d", limit, MaxList)
	}
	folder := "."
	if dir != "" {
		var err error
		if folder, err = artifactPath(dir); err != nil {
			return nil, false, err
		}
	}
	if stat, err := s.root.Stat(filepath.FromSlash(folder)); err == nil && !stat.IsDir() {
		return nil, false, nil
	}
	entries, err := s.entries(folder)
	if err != nil {
		if err = describe(dir, err); errs.Is(err, errs.NotFound) {
			return nil, false, nil
		}
		return nil, false, err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	var out []Info
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, false, fmt.Errorf("list artifacts: %w", err)
		}
		if e.Name() <= after {
			continue
		}
		info, ok := s.entryInfo(path.Join(dir, e.Name()))
		if !ok {
			continue
		}
		if len(out) == limit {
			return out, true, nil
		}
		out = append(out, info)
	}
	return out, false, nil
}

// entryInfo tells of an entry of a folder, unless it is none of an artifact: the store's own, gone meanwhile, a link that
// leads out, or no file.
func (s *Store) entryInfo(name string) (Info, bool) {
	if _, err := artifactPath(name); err != nil {
		return Info{}, false
	}
	stat, err := s.root.Stat(filepath.FromSlash(name))
	if err != nil || !stat.IsDir() && !stat.Mode().IsRegular() {
		return Info{}, false
	}
	info := Info{Path: name, IsDir: stat.IsDir(), ModTime: stat.ModTime().UnixMilli()}
	if !info.IsDir {
		info.Size = stat.Size()
	}
	return info, true
}

// DeleteEmpty removes a folder in which nothing is. Errors: Invalid for a bad path. That something is in it, or that it is not
// there, is none.
func (s *Store) DeleteEmpty(name string) error {
	name, err := artifactPath(name)
	if err != nil {
		return err
	}
	if entries, err := s.entries(name); err != nil || len(entries) > 0 {
		return nil //nolint:nilerr // it is not there, or no folder
	}
	if err := s.root.Remove(filepath.FromSlash(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		if entries, again := s.entries(name); again == nil && len(entries) > 0 {
			return nil // it has something since
		}
		return describe(name, err)
	}
	return nil
}

// Delete removes a file, or a folder with all that is in it; of a link, the link. Errors: Invalid for a bad path,
// NotFound where nothing is.
func (s *Store) Delete(ctx context.Context, name string) error {
	name, err := artifactPath(name)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete artifact: %w", err)
	}
	if _, err := s.root.Lstat(filepath.FromSlash(name)); err != nil {
		return describe(name, err)
	}
	if err := s.root.RemoveAll(filepath.FromSlash(name)); err != nil {
		return describe(name, err)
	}
	return nil
}

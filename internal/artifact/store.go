// Package artifact stores the files that runs and logged models leave, and records what they are.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
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

// Store keeps the bytes of artifacts by their paths below its root. It is safe for concurrent use.
type Store struct{ place }

// place is where the bytes of a store lie. Names that it is given are clean.
type place interface {
	// receive takes what comes to where nobody sees it. When it fails, nothing is left.
	receive(ctx context.Context, name string, r io.Reader, maxBytes int64) (upload, error)
	// open opens a file. Errors: NotFound for what is none.
	open(ctx context.Context, name string) (source, Info, error)
	// list is List.
	list(ctx context.Context, dir, after string, limit int) ([]Info, bool, error)
	// remove removes a file, or a folder with all that is in it. Errors: NotFound where nothing is.
	remove(ctx context.Context, name string) error
	// removeEmpty removes a folder in which nothing is, where folders can be empty.
	removeEmpty(name string) error
	// Close closes the store. Files that were opened stay open.
	Close() error
}

// upload is a file that came whole, and that nobody sees before it is published. It is published or discarded, once.
type upload interface {
	info() Info
	// settle makes the bytes last. Where the place keeps a content once, one of the twins stands for them: files that had the
	// same content when they were recorded.
	settle(ctx context.Context, twins func() ([]string, error)) error
	// publish makes the file visible at its path, and that last. When it fails, the upload is discarded.
	publish(ctx context.Context) error
	// discard removes the upload because of an error, and gives that error.
	discard(because error) error
}

// source is a file that was opened.
type source interface {
	io.ReadSeekCloser
	// version names what the content cannot change without: of a file, its inode and when that was changed. It is empty where
	// nothing such is known. Where it is not steady, the file may be changing right now.
	version() (name string, steady bool)
}

var schemePattern = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):`) // of one letter, it is a drive

// Open opens the store in a bucket (s3://BUCKET/PREFIX), or in a folder or a file: URL of one, which it makes if needed.
// Errors: Invalid for a URL of another kind or a folder that cannot be used, Unsupported for a kind of bucket that this
// build does not have, Unavailable for a bucket that does not answer.
func Open(location string) (*Store, error) {
	if u, err := bucketURL(location); err != nil {
		return nil, err
	} else if u != nil {
		b, err := openBucket(u)
		if err != nil {
			return nil, err
		}
		return &Store{b}, nil
	}
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
	f := newFolder(root)
	if err := root.MkdirAll(uploads, 0o750); err != nil {
		return nil, errors.Join(errs.Wrap(errs.Invalid, err, "artifacts: the folder %s cannot be written: %s", dir, reason(err)),
			root.Close())
	}
	return &Store{f}, nil
}

// RemoveAbandoned removes what is left of uploads that ended, with their server or their client, before they were whole, and to
// which no byte came for a day. Buckets do so by a rule of their own.
func (s *Store) RemoveAbandoned() error {
	d, ok := s.place.(*folder)
	if !ok {
		return nil
	}
	if err := d.removeAbandoned(time.Now()); err != nil {
		return describe(uploads, err)
	}
	return nil
}

// Exists tells whether there is a store at a location. Errors: as of Open.
func Exists(location string) (bool, error) {
	if u, err := bucketURL(location); err != nil || u != nil {
		return u != nil, err
	}
	dir, err := folderOf(location)
	if err != nil {
		return false, err
	}
	stat, err := os.Stat(dir)
	return err == nil && stat.IsDir(), nil
}

// Check tells whether a location is one that Open knows, without looking at it.
func Check(location string) error {
	if u, err := bucketURL(location); err != nil || u != nil {
		return err
	}
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
		default:
			return "", errs.Field("artifacts", "the scheme %.20s: is not known; name a folder, file:///FOLDER or s3://BUCKET/PREFIX", m[1])
		}
	}
	if dir == "" {
		return "", errs.Field("artifacts", "name a folder")
	}
	return dir, nil
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

// Put stores a file, in place of one that may be there. The file appears whole or not at all, and lasts when Put returns.
// Errors: Invalid for a bad path, Exhausted for more than maxBytes, Conflict where a folder is in the way, Unavailable for
// a full disk, and *SourceError when r fails.
func (s *Store) Put(ctx context.Context, name string, r io.Reader, maxBytes int64) (Info, error) {
	name, err := artifactPath(name)
	if err != nil {
		return Info{}, err
	}
	u, err := s.receive(ctx, name, r, maxBytes)
	if err != nil {
		return Info{}, err
	}
	if err := u.settle(ctx, func() ([]string, error) { return nil, nil }); err != nil {
		return Info{}, u.discard(err)
	}
	return u.info(), u.publish(ctx)
}

// Open opens a file; the caller closes it. Errors: Invalid for a bad path, NotFound for what is no file in the store.
func (s *Store) Open(ctx context.Context, name string) (io.ReadSeekCloser, Info, error) {
	name, err := artifactPath(name)
	if err != nil {
		return nil, Info{}, err
	}
	return s.openContext(ctx, name)
}

func (s *Store) openContext(ctx context.Context, name string) (source, Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, Info{}, fmt.Errorf("open artifact: %w", err)
	}
	return s.open(ctx, name)
}

// List gives the files and folders directly below a folder ("" for the root), from behind the one whose
// Cursor is after, at most limit (1 to MaxList), and whether there are more: in a folder by name, in a bucket by key. A folder that does not exist is empty, as is a file.
func (s *Store) List(ctx context.Context, dir, after string, limit int) ([]Info, bool, error) {
	if limit < 1 || limit > MaxList {
		return nil, false, errs.Field("first", "is %d; it is from 1 to %d", limit, MaxList)
	}
	if dir != "" {
		var err error
		if dir, err = artifactPath(dir); err != nil {
			return nil, false, err
		}
	}
	return s.list(ctx, dir, after, limit)
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
	return s.remove(ctx, name)
}

// DeleteEmpty removes a folder in which nothing is. Errors: Invalid for a bad path. That something is in it, or that it is not
// there, is none.
func (s *Store) DeleteEmpty(name string) error {
	name, err := artifactPath(name)
	if err != nil {
		return err
	}
	return s.removeEmpty(name)
}

package artifact

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime"

	"github.com/cairnml/cairn/internal/errs"
)

// Put stores a file, in place of one that may be there. The file appears whole or not at all, and is on disk when Put
// returns. Errors: Invalid for a bad path, Exhausted for more than maxBytes, Conflict where a folder is in the way,
// Unavailable for a full disk, and *SourceError when r fails.
func (s *Store) Put(ctx context.Context, name string, r io.Reader, maxBytes int64) (Info, error) {
	name, err := artifactPath(name)
	if err != nil {
		return Info{}, err
	}
	upload, info, err := s.upload(ctx, r, maxBytes)
	if err != nil {
		return Info{}, err
	}
	info.Path = name
	if err := s.publish(upload, name); err != nil {
		return Info{}, s.discard(upload, err)
	}
	return info, nil
}

// upload receives a file to a place of its own, from where publish moves it, or discard removes it. When it fails,
// nothing is left.
func (s *Store) upload(ctx context.Context, r io.Reader, maxBytes int64) (upload string, info Info, err error) {
	upload = uploads + "/" + rand.Text()
	if info, err = s.receive(ctx, upload, r, maxBytes); err != nil {
		return "", Info{}, s.discard(upload, err)
	}
	return upload, info, nil
}

// discard removes an upload because of an error, and gives that error.
func (s *Store) discard(upload string, because error) error {
	if err := s.root.Remove(filepath.FromSlash(upload)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(because, fmt.Errorf("remove upload: %w", err))
	}
	return because
}

// receive writes what comes to an upload, and hashes it on the way.
func (s *Store) receive(ctx context.Context, upload string, r io.Reader, maxBytes int64) (info Info, err error) {
	f, err := s.root.OpenFile(filepath.FromSlash(upload), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return Info{}, describe(upload, err)
	}
	defer func() {
		if e := f.Close(); e != nil && err == nil {
			err = describe(upload, e)
		}
	}()
	h := sha256.New()
	in := &source{ctx: ctx, r: r}
	// One byte more than allowed tells a file that is too large from one that is just not.
	limit := max(maxBytes, 0)
	if limit < math.MaxInt64 {
		limit++
	}
	info.Size, err = io.Copy(io.MultiWriter(f, h), io.LimitReader(in, limit))
	switch {
	case in.err != nil:
		return Info{}, &SourceError{Err: in.err}
	case in.ctx.Err() != nil:
		return Info{}, fmt.Errorf("receive artifact: %w", in.ctx.Err())
	case err != nil:
		return Info{}, describe(upload, err)
	case info.Size > maxBytes:
		return Info{}, errs.New(errs.Exhausted, "the file is larger than %d bytes, the most that is accepted", maxBytes)
	}
	if err := f.Sync(); err != nil {
		return Info{}, describe(upload, err)
	}
	stat, err := f.Stat()
	if err != nil {
		return Info{}, describe(upload, err)
	}
	info.ModTime = stat.ModTime().UnixMilli()
	info.SHA256 = hex.EncodeToString(h.Sum(nil))
	return info, nil
}

// SourceError is what reading an upload failed with: the sender's fault, and not the store's.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return "read upload: " + e.Err.Error() }

func (e *SourceError) Unwrap() error { return e.Err }

// source reads until the context ends, and keeps apart what reading failed with and what writing did.
type source struct {
	ctx context.Context //nolint:containedctx // of one Put
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, fmt.Errorf("receive artifact: %w", err)
	}
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// publish moves a whole upload to its place.
func (s *Store) publish(upload, name string) error {
	dir := path.Dir(name)
	// The folder may be removed by another request after it was made, so this is tried again.
	for try := 0; ; try++ {
		err := s.root.MkdirAll(filepath.FromSlash(dir), 0o750)
		if err == nil {
			err = s.root.Rename(filepath.FromSlash(upload), filepath.FromSlash(name))
		}
		if err == nil {
			return s.syncFolder(dir)
		}
		if !errors.Is(err, fs.ErrNotExist) || try == 3 {
			return describeBlocked(name, err)
		}
	}
}

// syncFolder makes a rename last. Windows has no such call, and needs none.
func (s *Store) syncFolder(dir string) (err error) {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := s.root.Open(filepath.FromSlash(dir))
	if errors.Is(err, fs.ErrNotExist) { // removed meanwhile, and the file with it
		return nil
	}
	if err != nil {
		return describe(dir, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Sync(); err != nil {
		return describe(dir, err)
	}
	return nil
}

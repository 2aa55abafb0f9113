package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"gocloud.dev/blob"

	"github.com/cairnml/cairn/internal/errs"
)

// Origin is a folder or a bucket in which another program keeps artifacts, to copy them from. It is only read, and nothing outside
// of it, whatever path or link leads there.
type Origin struct {
	// begins is how locations in it begin, with the slash.
	begins string
	// root is that of a folder, else bucket is one.
	root   *os.Root
	bucket *bucket
}

// OpenOrigin opens a folder or a bucket, as Open names them. The caller closes it. Errors: those of Open, Invalid also for a folder
// that is not there.
func OpenOrigin(location string) (*Origin, error) {
	if u, err := bucketURL(location); err != nil {
		return nil, err
	} else if u != nil {
		p, err := openBucket(u)
		if err != nil {
			return nil, err
		}
		begins := u.Scheme + "://" + u.Host + "/"
		if u.Path != "" {
			begins += u.Path + "/"
		}
		if s3, ok := p.(*s3Bucket); ok {
			return &Origin{begins: begins, bucket: s3.bucket}, nil
		}
		return &Origin{begins: begins, bucket: p.(*bucket)}, nil // the other kind that openBucket gives
	}
	dir, err := folderOf(location)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // an error for users already; the other is that the working folder is gone
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "artifacts: the folder %s cannot be read: %s", dir, reason(err))
	}
	return &Origin{begins: strings.TrimSuffix(filepath.ToSlash(dir), "/") + "/", root: root}, nil
}

// Close closes the origin.
func (o *Origin) Close() error {
	if o.root != nil {
		return o.root.Close()
	}
	return o.bucket.Close()
}

// Within gives the path below the origin of a location in it: a path or a file: URL, or the URL of a bucket.
func (o *Origin) Within(location string) (string, bool) {
	if rest, ok := strings.CutPrefix(location, "file:"); ok {
		location = rest
		if u, err := url.Parse("file:" + rest); err == nil && u.Path != "" {
			location = u.Path
		}
	}
	path, ok := strings.CutPrefix(location, o.begins)
	if !ok {
		return "", false
	}
	path, err := CleanPath(strings.TrimSuffix(path, "/"))
	return path, err == nil
}

// Has tells whether there is a folder in which something may be.
func (o *Origin) Has(ctx context.Context, dir string) (bool, error) {
	if o.root != nil {
		stat, err := o.root.Stat(filepath.FromSlash(dir))
		return err == nil && stat.IsDir(), nil
	}
	_, err := o.bucket.blobs.List(&blob.ListOptions{Prefix: dir + "/"}).Next(ctx)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, describeBucket(dir, err)
}

// Each gives the files below a folder: their paths below it and their sizes. With a file that cannot be taken comes the reason.
func (o *Origin) Each(ctx context.Context, dir string, fn func(name string, size int64, refused error) error) error {
	if o.root == nil {
		return o.eachObject(ctx, dir, fn)
	}
	files := o.root.FS()
	err := fs.WalkDir(files, dir, func(name string, entry fs.DirEntry, err error) error {
		within := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist): // it went meanwhile, or nothing was ever there
			return nil
		case err != nil:
			return fn(within, 0, unreadable(within, err))
		case entry.IsDir():
			return nil
		}
		stat, err := fs.Stat(files, name) // of what a link leads to
		switch {
		case err != nil:
			return fn(within, 0, unreadable(within, err))
		case !stat.Mode().IsRegular():
			return fn(within, 0, errs.New(errs.Invalid, "%.200q is no file", within))
		}
		_, refused := CleanPath(within)
		return fn(within, stat.Size(), refused)
	})
	if err != nil {
		return fmt.Errorf("list artifacts: %w", err)
	}
	return nil
}

func (o *Origin) eachObject(ctx context.Context, dir string, fn func(name string, size int64, refused error) error) error {
	objects := o.bucket.blobs.List(&blob.ListOptions{Prefix: dir + "/"})
	for {
		object, err := objects.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return describeBucket(dir, err)
		}
		within := strings.TrimPrefix(object.Key, dir+"/")
		if object.IsDir || within == "" || strings.HasSuffix(within, "/") { // as consoles make folders
			continue
		}
		_, refused := CleanPath(within)
		if err := fn(within, object.Size, refused); err != nil {
			return err
		}
	}
}

// Open opens a file; the caller closes it.
func (o *Origin) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if o.root == nil {
		r, err := o.bucket.blobs.NewReader(ctx, name, nil)
		if err != nil {
			return nil, describeBucket(name, err)
		}
		return r, nil
	}
	f, err := o.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, unreadable(name, err)
	}
	return f, nil
}

// unreadable says why a file of an origin's folder cannot be read.
func unreadable(name string, err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) && !errors.Is(err, fs.ErrPermission) {
		return errs.Wrap(errs.Invalid, err, "%.200q is a link that leads out of the folder, and is not followed", name)
	}
	return errs.Wrap(errs.Invalid, err, "%.200q cannot be read: %s", name, reason(err))
}

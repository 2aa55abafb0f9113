package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

// folder is a place on a disk. Everything goes through an os.Root: no path, and no link in the folder, leads out of it.
type folder struct {
	root  *os.Root
	syncs syncer
}

// openFile is a file of a folder.
type openFile struct{ *os.File }

// settled is for how long a file must not have changed for its version to name its content: clocks of file systems have
// steps of 10 ms at most, in one of which a file may be written, read and written again.
const settled = 50 * time.Millisecond

func (f openFile) version() (string, bool) {
	stat, err := f.Stat()
	if err != nil {
		return "", false
	}
	return versionOf(stat)
}

func (d *folder) Close() error { return d.root.Close() }

// removeAbandoned removes uploads that were given up: another server may be uploading there too.
func (d *folder) removeAbandoned(now time.Time) error {
	return d.eachPart(uploads, func(entries []fs.DirEntry) error {
		for _, e := range entries {
			if info, err := e.Info(); err != nil || now.Sub(info.ModTime()) < uploadLife {
				continue
			}
			if err := d.root.RemoveAll(uploads + "/" + e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
}

// entriesRead is how many entries of a folder are read at a time.
const entriesRead = 1000

// eachPart gives the entries of a folder, some at a time, in no order.
func (d *folder) eachPart(dir string, fn func([]fs.DirEntry) error) (err error) {
	f, err := d.root.Open(filepath.FromSlash(dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for {
		entries, err := f.ReadDir(entriesRead)
		if len(entries) == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := fn(entries); err != nil {
			return err
		}
	}
}

func (d *folder) open(_ context.Context, name string) (source, Info, error) {
	// Asked before it is opened: to open a pipe would wait for its writer.
	if stat, err := d.root.Stat(filepath.FromSlash(name)); err != nil {
		return nil, Info{}, describe(name, err)
	} else if !stat.Mode().IsRegular() {
		return nil, Info{}, notFile(name, stat.IsDir())
	}
	f, err := d.root.Open(filepath.FromSlash(name))
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
	return openFile{f}, Info{Path: name, Size: stat.Size(), ModTime: stat.ModTime().UnixMilli()}, nil
}

func (d *folder) list(ctx context.Context, dir, after string, limit int) ([]Info, bool, error) {
	after = strings.TrimSuffix(after, "/") // a file and a folder cannot have the same name here
	within := "."
	if dir != "" {
		within = dir
	}
	if stat, err := d.root.Stat(filepath.FromSlash(within)); err == nil && !stat.IsDir() {
		return nil, false, nil
	}
	var out []Info
	for {
		names, more, err := d.names(ctx, within, after, limit+1)
		if err != nil {
			if err = describe(dir, err); errs.Is(err, errs.NotFound) {
				return nil, false, nil
			}
			return nil, false, err
		}
		for _, name := range names {
			info, ok := d.entryInfo(path.Join(dir, name))
			if !ok {
				continue
			}
			if len(out) == limit {
				return out, true, nil
			}
			out = append(out, info)
		}
		if !more {
			return out, false, nil
		}
		after = names[len(names)-1]
	}
}

// names gives the first names of a folder behind another, at most limit, and whether there are more. It holds no more than
// a few times that many, however large the folder is.
func (d *folder) names(ctx context.Context, dir, after string, limit int) ([]string, bool, error) {
	var out []string
	more := false
	cut := func() {
		slices.Sort(out)
		if len(out) > limit {
			more = true
			clear(out[limit:])
			out = out[:limit]
		}
	}
	err := d.eachPart(dir, func(entries []fs.DirEntry) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("list artifacts: %w", err)
		}
		for _, e := range entries {
			if name := e.Name(); name > after && (!more || name < out[limit-1]) {
				out = append(out, name)
			}
		}
		if len(out) >= 2*limit+entriesRead {
			cut()
		}
		return nil
	})
	cut()
	return out, more, err
}

// entryInfo tells of an entry of a folder, unless it is none of an artifact: the store's own, gone meanwhile, a link that
// leads out, or no file.
func (d *folder) entryInfo(name string) (Info, bool) {
	if _, err := artifactPath(name); err != nil {
		return Info{}, false
	}
	stat, err := d.root.Stat(filepath.FromSlash(name))
	if err != nil || !stat.IsDir() && !stat.Mode().IsRegular() {
		return Info{}, false
	}
	info := Info{Path: name, IsDir: stat.IsDir(), ModTime: stat.ModTime().UnixMilli()}
	if !info.IsDir {
		info.Size = stat.Size()
	}
	return info, true
}

func (d *folder) removeEmpty(name string) error {
	// A folder that is not empty cannot be removed this way; a file could.
	stat, err := d.root.Lstat(filepath.FromSlash(name))
	if err != nil || !stat.IsDir() {
		return nil //nolint:nilerr // it is not there, or no folder
	}
	err = d.root.Remove(filepath.FromSlash(name))
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || notEmpty(err) {
		return nil
	}
	return describe(name, err)
}

func (d *folder) remove(_ context.Context, name string) error {
	if _, err := d.root.Lstat(filepath.FromSlash(name)); err != nil {
		return describe(name, err)
	}
	for try := 1; ; try++ {
		err := d.root.RemoveAll(filepath.FromSlash(name))
		switch {
		case err == nil:
			return nil
		case !notEmpty(err):
			return describe(name, err)
		case try == maxRemovals:
			return errs.Wrap(errs.Conflict, err, "files are uploaded into %.200q all the time; end that, and delete it then", name)
		}
	}
}

// maxRemovals is how often a folder is removed into which files are uploaded meanwhile.
const maxRemovals = 100

// missing tells whether nothing is at a path.
func (d *folder) missing(name string) bool {
	_, err := d.root.Lstat(filepath.FromSlash(name))
	return errors.Is(err, fs.ErrNotExist)
}

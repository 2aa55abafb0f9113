package artifact

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/cairnml/cairn/internal/errs"
)

// folder is a place on a disk. Everything goes through an os.Root: no path, and no link in the folder, leads out of it.
type folder struct {
	root  *os.Root
	syncs syncer
	// windows are of folders by their paths.
	windows *lru.Cache[string, *window]
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

func newFolder(root *os.Root) *folder {
	windows, _ := lru.New[string, *window](keptWindows) // fails only for a size below 1
	return &folder{root: root, windows: windows}
}

func (d *folder) Close() error { return d.root.Close() }

// removeAbandoned removes uploads that were given up: another server may be uploading there too.
func (d *folder) removeAbandoned(now time.Time) error {
	return eachPart(d.root, uploads, func(names []string) error {
		for _, name := range names {
			name = uploads + "/" + name
			if info, err := d.root.Lstat(name); err != nil || now.Sub(info.ModTime()) < uploadLife {
				continue
			}
			if err := d.root.RemoveAll(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
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
	within, err := d.root.OpenRoot(filepath.FromSlash(path.Join(".", dir)))
	if err != nil {
		if err = describe(dir, err); errs.Is(err, errs.NotFound) {
			return nil, false, nil
		}
		return nil, false, err
	}
	defer func() { _ = within.Close() }() // it was only read
	var out []Info
	for {
		w, err := d.window(ctx, within, dir, after, limit+1)
		if err != nil {
			return nil, false, describe(dir, err)
		}
		for _, name := range w.behind(after) {
			info, ok := d.entryInfo(within, dir, name)
			if !ok {
				continue
			}
			if len(out) == limit {
				return out, true, nil
			}
			out = append(out, info)
		}
		if !w.more {
			return out, false, nil
		}
		after = w.names[len(w.names)-1]
	}
}

// entryInfo tells of an entry of a folder, unless it is none of an artifact: the store's own, gone meanwhile, a link that
// leads out, or no file.
func (d *folder) entryInfo(within *os.Root, dir, name string) (Info, bool) {
	at := path.Join(dir, name)
	if _, err := artifactPath(at); err != nil {
		return Info{}, false
	}
	// Asked of the folder that is open: to go down the whole path for each entry takes several times as long.
	stat, err := within.Lstat(name)
	if err == nil && stat.Mode()&fs.ModeSymlink != 0 {
		stat, err = d.root.Stat(filepath.FromSlash(at))
	}
	if err != nil || !stat.IsDir() && !stat.Mode().IsRegular() {
		return Info{}, false
	}
	info := Info{Path: at, IsDir: stat.IsDir(), ModTime: stat.ModTime().UnixMilli()}
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

package artifact

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
)

// folderUpload is a file in the folder of uploads.
type folderUpload struct {
	d *folder
	// at is where it lies, as its own file or as a link to a twin.
	at string
	// file is nil once it is written, and of a link.
	file *os.File
	// linked: it is a link to a twin.
	linked bool
	// came is the version of the file once it is at its place; empty where it is not known, and of a twin.
	came string
	Info
}

func (u *folderUpload) info() Info { return u.Info }

func (d *folder) newUpload(name string) (*folderUpload, error) {
	at := uploads + "/" + rand.Text()
	f, err := d.root.OpenFile(filepath.FromSlash(at), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return nil, describe(name, err)
	}
	return &folderUpload{d: d, at: at, file: f, Info: Info{Path: name}}, nil
}

func (d *folder) receive(ctx context.Context, name string, r io.Reader, maxBytes int64) (upload, error) {
	u, err := d.newUpload(name)
	if err != nil {
		return nil, err
	}
	if u.Size, u.SHA256, err = receive(ctx, writingEarly{u.file}, r, maxBytes); err != nil {
		return nil, u.discard(describe(name, err))
	}
	stat, err := u.file.Stat()
	if err != nil {
		return nil, u.discard(describe(name, err))
	}
	u.ModTime = stat.ModTime().UnixMilli()
	return u, nil
}

// earlyBytes is after how many bytes the kernel begins to write a file.
const earlyBytes = 8 << 20

// writingEarly writes a file to the disk while it comes, and not at its end alone.
type writingEarly struct{ *os.File }

func (w writingEarly) wrote(at int64, n int) {
	if end := at + int64(n); end/earlyBytes > at/earlyBytes {
		beginWriting(w.File, end/earlyBytes*earlyBytes-earlyBytes, earlyBytes)
	}
}

// discard removes an upload because of an error, and gives that error.
func (u *folderUpload) discard(because error) error {
	because = errors.Join(because, u.close())
	if u.at == "" { // it is at its place
		return because
	}
	if err := u.d.root.Remove(filepath.FromSlash(u.at)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(because, fmt.Errorf("remove upload: %w", err))
	}
	return because
}

// close closes the file, once it is written.
func (u *folderUpload) close() error {
	if u.file == nil {
		return nil
	}
	err := u.file.Close()
	u.file = nil
	return err
}

func (u *folderUpload) settle(ctx context.Context, twins func() ([]string, error)) error {
	if u.Size > 0 {
		found, err := twins()
		if err != nil {
			return err
		}
		for _, twin := range found {
			if u.become(ctx, twin) {
				return u.syncLink()
			}
		}
	}
	if err := u.file.Sync(); err != nil {
		return describe(u.Path, err)
	}
	return nil
}

// syncLink makes last what an upload is a link to, where that may be waiting for the disk itself.
func (u *folderUpload) syncLink() error {
	if u.Size > smallBytes {
		return nil
	}
	if err := u.d.syncFile(u.at); err != nil {
		return describe(u.Path, err)
	}
	return nil
}

// become makes an upload a link to a file that has the same content, if that is so still. What lies there is read: a twin
// that has rotted must not take the place of what just came whole.
func (u *folderUpload) become(ctx context.Context, twin string) bool {
	at := uploads + "/" + rand.Text()
	if err := u.d.root.Link(filepath.FromSlash(twin), filepath.FromSlash(at)); err != nil {
		return false // it is gone, it has all the links that it can have, or the file system has none
	}
	drop := func() bool {
		_ = u.d.root.Remove(filepath.FromSlash(at)) // else it is removed as one given up
		return false
	}
	if stat, err := u.d.root.Lstat(filepath.FromSlash(at)); err != nil || !stat.Mode().IsRegular() || stat.Size() != u.Size {
		return drop()
	}
	f, err := u.d.root.Open(filepath.FromSlash(at))
	if err != nil {
		return drop()
	}
	_, sum, err := receive(ctx, nil, f, u.Size)
	if err = errors.Join(err, f.Close()); err != nil || sum != u.SHA256 {
		return drop()
	}
	if u.at != "" {
		_ = u.close() // it is not needed
		_ = u.d.root.Remove(filepath.FromSlash(u.at))
	}
	u.at, u.linked = at, true
	return true
}

func (u *folderUpload) publish(context.Context) error {
	if err := u.place(); err != nil {
		return err
	}
	dir := path.Dir(u.Path)
	return u.d.syncs.do(dir, func() error { return u.d.sync(dir) })
}

// place makes the file visible at its path. When it fails, the upload is discarded.
func (u *folderUpload) place() error {
	if err := u.rename(); err != nil {
		return u.discard(err)
	}
	at := u.at
	u.at = ""
	if u.linked { // to rename one link of a file to another of the same is to do nothing
		_ = u.d.root.Remove(filepath.FromSlash(at))
		return nil
	}
	if u.file == nil {
		return nil
	}
	if stat, err := u.file.Stat(); err == nil {
		u.came, _ = versionOf(stat)
	}
	if err := u.close(); err != nil {
		return describe(u.Path, err)
	}
	return nil
}

// maxFolderTries bounds how often a folder is made again that other requests remove.
const maxFolderTries = 16

// rename moves an upload to its place.
func (u *folderUpload) rename() error {
	from, to := filepath.FromSlash(u.at), filepath.FromSlash(u.Path)
	// The folder may be removed by another request after it was made, so this is tried again.
	for try := 0; ; try++ {
		err := u.d.root.Rename(from, to)
		if !errors.Is(err, fs.ErrNotExist) || try == maxFolderTries {
			if err != nil {
				return describeBlocked(u.Path, err)
			}
			return nil
		}
		if err := u.d.makeFolder(path.Dir(u.Path)); err != nil {
			return describeBlocked(u.Path, err)
		}
	}
}

// makeFolder makes a folder and those above it, and has them last.
func (d *folder) makeFolder(dir string) error {
	if dir == "." {
		return nil
	}
	err := d.root.Mkdir(filepath.FromSlash(dir), 0o750)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.makeFolder(path.Dir(dir)); err != nil {
			return err
		}
		err = d.root.Mkdir(filepath.FromSlash(dir), 0o750)
	}
	if errors.Is(err, fs.ErrExist) {
		stat, e := d.root.Stat(filepath.FromSlash(dir))
		if e == nil && stat.IsDir() || errors.Is(e, fs.ErrNotExist) { // removed meanwhile: whoever needs it makes it again
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	return d.sync(path.Dir(dir))
}

// settle makes files last that were put at their places, and their names. What is not there any more is none.
func (d *folder) settle(paths []string) error {
	if ok, err := d.syncAll(); ok || err != nil {
		return err
	}
	dirs := map[string]bool{}
	for _, name := range paths {
		if err := d.syncFile(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return describe(name, err)
		}
		dirs[path.Dir(name)] = true
	}
	for dir := range dirs {
		if err := d.sync(dir); err != nil {
			return err
		}
	}
	return nil
}

func (d *folder) syncFile(name string) error {
	f, err := d.root.OpenFile(filepath.FromSlash(name), os.O_RDWR, 0) // Windows syncs only what could be written
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// sync makes last what was renamed into a folder. Windows has no such call, and needs none.
func (d *folder) sync(dir string) (err error) {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := d.root.Open(filepath.FromSlash(dir))
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

package artifact

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// versionOf names what a file holds, by its inode and when that was changed last, which nobody sets but the kernel; and tells
// whether that was long enough ago.
func versionOf(stat fs.FileInfo) (version string, steady bool) {
	s, ok := stat.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	changed := time.Unix(s.Ctim.Unix())
	return strconv.FormatUint(s.Dev, 36) + "." + strconv.FormatUint(s.Ino, 36) + "." + strconv.FormatInt(changed.UnixNano(), 36),
		time.Since(changed) >= settled
}

// beginWriting has the kernel begin to write a part of a file, which would else wait for the end and keep that waiting.
func beginWriting(f *os.File, from, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), from, n, unix.SYNC_FILE_RANGE_WRITE) // a hint
}

// syncAll makes last all that the file system of the folder was given, at once: for many small files that costs a fraction of as
// many syncs. It tells false where that would not do: a file system of another kind may not have it, or not tell of failures.
func (d *folder) syncAll() (bool, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // it was only read
	var stat unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &stat); err != nil {
		return false, err
	}
	switch int64(stat.Type) { //nolint:unconvert // it has other types on other machines
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		return true, unix.Syncfs(int(f.Fd()))
	}
	return false, nil
}

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

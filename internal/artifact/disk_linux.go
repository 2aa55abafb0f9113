package artifact

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// versionOf names what a file holds, by its inode and when that was changed last. Nobody sets the latter but the kernel.
func versionOf(stat fs.FileInfo) string {
	s, ok := stat.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	changed := time.Unix(s.Ctim.Unix())
	if since := time.Since(changed); since < settled {
		return ""
	}
	return strconv.FormatUint(s.Dev, 36) + "." + strconv.FormatUint(s.Ino, 36) + "." + strconv.FormatInt(changed.UnixNano(), 36)
}

// beginWriting has the kernel begin to write a part of a file, which would else wait for the end and keep that waiting.
func beginWriting(f *os.File, from, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), from, n, unix.SYNC_FILE_RANGE_WRITE) // a hint
}

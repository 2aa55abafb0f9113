package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/cairnml/cairn/internal/errs"
)

// Lock keeps others off a folder or a file for as long as it is held. The operating system lets go of it when the process
// ends, however it ends; its own file stays.
type Lock struct{ held *flock.Flock }

// LockDir takes a data directory for one server. Its database may lie elsewhere and have a lock of its own: this one
// guards whatever else the directory holds. Errors: Conflict when another process has it, Invalid when no file can be
// made there.
func LockDir(dir string) (*Lock, error) {
	return takeLock(filepath.Join(dir, ".lock"), "--data-dir", dir)
}

// lockFile keeps a second server off a SQLite file: the writer's caches hold only while nobody else writes.
func lockFile(path string) (*Lock, error) { return takeLock(path+".lock", "database", path) }

// takeLock takes the lock of a file for what it guards; setting is where the user chose that.
func takeLock(path, setting, guarded string) (*Lock, error) {
	l := flock.New(path, flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "%s: the lock %s cannot be taken: %s", setting, path, reason(err))
	}
	if !ok {
		holder := ""
		if pid, err := os.ReadFile(path); err == nil && len(pid) > 0 { //nolint:gosec // the lock's own file
			holder = fmt.Sprintf(" (process %s)", strings.TrimSpace(string(pid)))
		}
		return nil, errs.New(errs.Conflict,
			"%s: another Cairn server%s uses %s; stop it, or give this one its own --data-dir", setting, holder, guarded)
	}
	// The number is for the message above only, which does without it where nobody but the lock's handle may write: on
	// Windows.
	_ = os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600)
	return &Lock{held: l}, nil
}

// Release lets go of the lock.
func (l *Lock) Release() error {
	if err := l.held.Unlock(); err != nil {
		return fmt.Errorf("release lock: %w", err)
	}
	return nil
}

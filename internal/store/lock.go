package store

import (
	"fmt"
	"os"
	"strings"

	"github.com/gofrs/flock"

	"github.com/cairnml/cairn/internal/errs"
)

// fileLock keeps a second server off a SQLite file: the writer's caches hold only while nobody else writes. The operating
// system lets go of it when the process ends, however it ends.
type fileLock struct{ lock *flock.Flock }

func lockFile(path string) (*fileLock, error) {
	l := flock.New(path, flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "database: the lock %s cannot be taken: %s", path, reason(err))
	}
	if !ok {
		holder := ""
		if pid, err := os.ReadFile(path); err == nil && len(pid) > 0 { //nolint:gosec // the lock beside the database
			holder = fmt.Sprintf(" (process %s)", strings.TrimSpace(string(pid)))
		}
		return nil, errs.New(errs.Conflict,
			"database: another Cairn server%s uses %s; stop it, or give this one its own --data-dir",
			holder, strings.TrimSuffix(path, ".lock"))
	}
	// The number is for the message above only.
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "database: the lock %s cannot be written: %s", path, reason(err))
	}
	return &fileLock{lock: l}, nil
}

func (l *fileLock) release() error {
	if err := l.lock.Unlock(); err != nil {
		return fmt.Errorf("release database lock: %w", err)
	}
	return nil
}

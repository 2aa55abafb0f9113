package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/cairnml/cairn/internal/errs"
)

func notFile(name string, dir bool) error {
	if dir {
		return errs.New(errs.NotFound, "the artifact %.200q is a folder; list it, and fetch the files in it", name)
	}
	return errs.New(errs.NotFound, "there is no artifact %.200q", name)
}

// describe says in a user's words what the file system refused.
func describe(name string, err error) error {
	var e *errs.Error
	var source *SourceError
	var errno syscall.Errno
	switch {
	case errors.As(err, &e), errors.As(err, &source), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return errs.Wrap(errs.NotFound, err, "there is no artifact %.200q", name)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return errs.Wrap(errs.Unavailable, err, "the disk of the artifact store is full")
	case !errors.As(err, &errno) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrClosed):
		// No refusal of the system's: os.Root refused to follow a link out. Whether anything is there, nobody learns.
		return errs.Wrap(errs.NotFound, err, "there is no artifact %.200q", name)
	}
	return fmt.Errorf("artifact store: %w", err)
}

// describeBlocked is describe for what is to be made: what is in the way is a conflict.
func describeBlocked(name string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return errs.Wrap(errs.Conflict, err, "a part of %.200q is a file already; files lie in folders only", name)
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENOTEMPTY):
		return errs.Wrap(errs.Conflict, err, "%.200q is a folder already, or a part of it is a file", name)
	}
	return describe(name, err)
}

// reason gives the operating system's word for an error, without the path that its message repeats.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// notEmpty tells whether a folder was not removed since something is in it.
func notEmpty(err error) bool { return errors.Is(err, syscall.ENOTEMPTY) }

//go:build !windows

package autolog

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/cairnml/cairn/internal/errs"
)

// inheritedFD is where an agent finds the socket that exec listens on: the first after standard error.
const inheritedFD = 3

// inheritedListener takes the socket over from exec, so that a training that starts faster than the agent finds it.
func inheritedListener() (net.Listener, error) {
	file := os.NewFile(inheritedFD, "agent socket")
	listener, err := net.FileListener(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "`cairn agent` is started by `cairn exec`, or with --serve")
	}
	return listener, nil
}

// passListener gives a command exec's socket.
func passListener(command *exec.Cmd, listener net.Listener) (*os.File, error) {
	file, err := listener.(*net.UnixListener).File()
	if err != nil {
		return nil, fmt.Errorf("pass the socket on: %w", err)
	}
	command.ExtraFiles = []*os.File{file}
	return file, nil
}

// detach takes the agent out of the terminal's session: Ctrl-C ends the command, and the agent then delivers.
func detach(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// lockSpool makes sure that one process works on a spool. Conflict when another does.
func lockSpool(dir string) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // below the agent's own home
	if err != nil {
		return nil, fmt.Errorf("lock spool: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(errs.Wrap(errs.Conflict, err, "the spool %s is in use by an agent", dir), file.Close())
	}
	return sync.OnceFunc(func() { _ = file.Close() }), nil
}

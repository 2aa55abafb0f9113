package autolog

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/cairnml/cairn/internal/errs"
)

// dieWithParent takes the command out of the console's signals. It ends with the agent because its connection does.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// inheritedListener makes the socket itself: Windows passes none on.
func inheritedListener() (net.Listener, error) {
	listener, err := net.Listen("unix", os.Getenv("CAIRN_AGENT_SOCKET"))
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "`cairn agent` is started by `cairn exec`, or with --serve")
	}
	return listener, nil
}

// passListener frees the socket's name for the agent.
func passListener(_ *exec.Cmd, listener net.Listener) (*os.File, error) {
	if err := listener.Close(); err != nil {
		return nil, fmt.Errorf("pass the socket on: %w", err)
	}
	return os.Open(os.DevNull)
}

func detach(command *exec.Cmd) { dieWithParent(command) }

// lockSpool makes sure that one process works on a spool. Conflict when another does.
func lockSpool(dir string) (unlock func(), err error) {
	name, err := windows.UTF16PtrFromString(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("lock spool: %w", err)
	}
	handle, err := windows.CreateFile(name, windows.GENERIC_WRITE, windows.FILE_SHARE_DELETE, nil, windows.OPEN_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, errs.Wrap(errs.Conflict, err, "the spool %s is in use by an agent", dir)
	}
	return sync.OnceFunc(func() { _ = windows.CloseHandle(handle) }), nil
}

package project

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// held tells whether a process holds a lock.
func held(path string) bool {
	file, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	const alone = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(file.Fd()), alone, 0, 1, 0, &windows.Overlapped{}) != nil
}

// terminate ends a run's process: Windows has no way to ask.
func terminate(local Local) error {
	process, err := os.FindProcess(local.PID)
	if err != nil {
		return err
	}
	return process.Kill()
}

// Detach takes a command out of the console's signals.
func Detach(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

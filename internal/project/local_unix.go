//go:build !windows

package project

import (
	"os"
	"os/exec"
	"syscall"
)

// held tells whether a process holds a lock.
func held(path string) bool {
	file, err := os.Open(path) //nolint:gosec // below the agent's home
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	return syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}

// terminate asks a run's process, and what it started where it leads a group, to end.
func terminate(local Local) error {
	pid := local.PID
	if local.Group {
		pid = -pid
	}
	return syscall.Kill(pid, syscall.SIGTERM)
}

// Detach takes a command out of the terminal's session; it leads a group of its own.
func Detach(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

//go:build !linux && !windows

package autolog

import (
	"os/exec"
	"syscall"
)

// dieWithParent takes the command out of the terminal's signals. It ends with the agent because its connection does.
func dieWithParent(command *exec.Cmd) { command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

package autolog

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel kill the command when the thread that starts it ends, which is when the agent does: see
// spawner.
func dieWithParent(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

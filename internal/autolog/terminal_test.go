//go:build !windows

package autolog

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

func TestExecGivesTheCommandATerminal(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	program, _ := testProgram()
	master, slave, err := pty.Open()
	require.NoError(t, err)
	require.NoError(t, pty.Setsize(master, &pty.Winsize{Rows: 33, Cols: 77}))
	ended := make(chan int, 1)
	go func() {
		code, _ := Exec(t.Context(), ExecOptions{
			Command: []string{"sh", "-c", "test -t 1 && test -t 2 && stty size <&1 && read x && echo got $x"},
			Agent:   []string{program, "agent"}, Stdin: slave, Stdout: slave, Stderr: slave, NoDiff: true,
		})
		ended <- code
	}()
	lines := bufio.NewReader(master)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "33 77", strings.TrimSpace(line))
	_, err = master.WriteString("typed\n")
	require.NoError(t, err)
	for !strings.Contains(line, "got typed") {
		line, err = lines.ReadString('\n')
		require.NoError(t, err)
	}
	require.Zero(t, <-ended)
	require.Contains(t, server.only(t).log["STDOUT"], "33 77\n", "recorded without the terminal's CR")
}

// execProcess starts Exec in a process of its own, which can be killed.
func execProcess(t *testing.T, steps ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	program, _ := testProgram()
	command := exec.Command(program, append([]string{"exec"}, steps...)...)
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	command.Stderr = os.Stderr
	require.NoError(t, command.Start())
	return command, bufio.NewReader(out)
}

func TestSignalsReachTheCommand(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	command, out := execProcess(t, "block", "exit:6")
	line, err := out.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "blocking\n", line)
	require.NoError(t, command.Process.Signal(os.Interrupt))
	line, err = out.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "got interrupt\n", line)
	require.Error(t, command.Wait())
	require.Equal(t, 6, command.ProcessState.ExitCode())
	require.EqualValues(t, "FAILED", server.only(t).status)
}

func TestExecThatIsKilledLeavesNothingRunning(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	command, out := execProcess(t, "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`, "wait", "pid", "block")
	line, err := out.ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait())
	// The command is not ours to kill: it is still recorded, until it ends by itself.
	require.Eventually(t, func() bool {
		server.mu.Lock()
		defer server.mu.Unlock()
		for _, run := range server.runs {
			return len(run.points["m"]) == 1
		}
		return false
	}, 20*time.Second, 10*time.Millisecond)
	run := server.only(t)
	process, err := os.FindProcess(pid)
	require.NoError(t, err)
	require.NoError(t, process.Kill())
	require.Eventually(t, func() bool { return len(spools(t, home)) == 0 }, 20*time.Second, 10*time.Millisecond, "the agent delivers and ends")
	server.mu.Lock()
	defer server.mu.Unlock()
	require.EqualValues(t, "KILLED", run.status)
	require.Equal(t, "cairn exec ended before its command", run.reason)
}

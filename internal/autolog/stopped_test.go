//go:build !windows

package autolog

import (
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A process that is stopped answers nothing, does not end when it is asked to, and does not die of SIGTERM.
func TestAdapterThatIsStoppedIsReplaced(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	t.Setenv("CAIRN_TEST_STALL", "500ms")
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`,
		`obs:stop:f2:{"once":"`+filepath.Join(home, "once")+`"}`, `obs:metric:f2:{"key":"m","value":2}`, "obs:seen:f1", "bye")
	require.Zero(t, result.code, result.errOut)
	require.Empty(t, result.errOut)
	require.Empty(t, spools(t, home))
	server.mu.Lock()
	defer server.mu.Unlock()
	require.Len(t, server.runs, 2)
	var points [][]float64
	for _, run := range server.runs {
		points = append(points, run.points["m"])
		require.EqualValues(t, "FINISHED", run.status)
		if run.points["m"][0] == 1 {
			require.Equal(t, []float64{4}, run.points["seen"], "the new adapter saw everything")
			require.Contains(t, run.tags[tagWarnings], "the adapter fake ended in the middle and was started again")
		}
	}
	require.ElementsMatch(t, [][]float64{{1}, {2}}, points)
}

func TestRunThatEndsBeforeItsAnswersSaysSoUntilTheyCome(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	t.Setenv("CAIRN_TEST_PATIENCE", "300ms")
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`,
		`obs:stop:f2:{"once":"`+filepath.Join(home, "once")+`"}`, `obs:metric:f2:{"key":"m","value":2}`, `obs:metric:f3:{"key":"m","value":3}`,
		"bye", "exit:3")
	require.Equal(t, 3, result.code, result.errOut)
	require.Less(t, result.took, 30*time.Second)
	// How many depends on what was delivered by then.
	require.Regexp(t, `cairn exec: \d+ records are kept in `+regexp.QuoteMeta(spools(t, home)[0])+` \(the adapter did not answer in time\)`, result.errOut)
	require.Contains(t, result.errOut, "cairn sync")
	server.mu.Lock()
	require.Len(t, server.runs, 3)
	for _, run := range server.runs {
		require.NotEqualValues(t, "RUNNING", run.status)
		if len(run.points["m"]) == 0 {
			require.Equal(t, lateWarning("fake"), run.tags[tagWarnings])
		} else {
			require.Empty(t, run.tags[tagWarnings])
		}
	}
	server.mu.Unlock()

	report, err := Sync(t.Context(), SyncOptions{settings: settingsOf(t)})
	require.NoError(t, err)
	require.Equal(t, 1, report.Delivered, "%+v", report)
	require.Empty(t, spools(t, home))
	server.mu.Lock()
	defer server.mu.Unlock()
	var points [][]float64
	for _, run := range server.runs {
		points = append(points, run.points["m"])
		require.NotContains(t, run.tags[tagWarnings], lateWarning("fake"), "it is not true any more")
	}
	require.ElementsMatch(t, [][]float64{{1}, {2}, {3}}, points)
}

func TestAgentThatIsStoppedIsReplaced(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	once := filepath.Join(home, "stopped")
	t.Setenv("CAIRN_TEST_AGENT_DIES", once)
	t.Setenv("CAIRN_TEST_AGENT_STOPS", "1")
	result := execute(t, ExecOptions{NoDiff: true, silence: 5 * time.Second}, "out:before", "hello", "import:1.5.0",
		`obs:metric:f1:{"key":"m","value":1}`, "wait", `obs:die:f1:{"once":"`+once+`"}`, "wait", "out:after", "exit:4")
	require.Equal(t, 4, result.code, result.errOut)
	require.FileExists(t, filepath.Join(home, "stopped"))
	require.Empty(t, spools(t, home), result.errOut)
	run := server.only(t)
	require.Equal(t, []float64{1}, run.points["m"])
	require.Equal(t, "before\nafter\n", run.log["STDOUT"])
	require.EqualValues(t, "FAILED", run.status)
	require.Equal(t, "exit code 4", run.reason)
	require.Contains(t, run.tags[tagWarnings], "gave no sign of life for 5s and was started again")
}

// The command ends while its agent hangs, so that its end waits when the next agent starts.
func TestAgentThatHangsAtTheEndIsNamedOnTheRun(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	once := filepath.Join(home, "stopped")
	t.Setenv("CAIRN_TEST_AGENT_DIES", once)
	t.Setenv("CAIRN_TEST_AGENT_STOPS", "1")
	result := execute(t, ExecOptions{NoDiff: true, silence: 3 * time.Second}, "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`,
		"wait", `obs:die:f1:{"once":"`+once+`"}`, "exit:4")
	require.Equal(t, 4, result.code, result.errOut)
	require.Empty(t, spools(t, home), result.errOut)
	run := server.only(t)
	require.EqualValues(t, "FAILED", run.status)
	require.Contains(t, run.tags[tagWarnings], "gave no sign of life for 3s and was started again")
}

func TestInterruptedWaitForAStoppedAgentLeavesTheSpoolToSync(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	once := filepath.Join(home, "stopped")
	t.Setenv("CAIRN_TEST_AGENT_DIES", once)
	t.Setenv("CAIRN_TEST_AGENT_STOPS", "1")
	command, out := execProcess(t, "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`, "wait", `obs:die:f1:{"once":"`+once+`"}`, "out:sent", "block", "exit:0")
	for _, want := range []string{"sent\n", "blocking\n"} {
		line, err := out.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, want, line)
	}
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(home, "stopped"))
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM), "which the command gets, and ends with 0")
	line, err := out.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "got terminated\n", line)
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	// Until exec waits for its agent, a signal is the command's.
	for waiting := true; waiting; {
		select {
		case err := <-ended:
			require.NoError(t, err, "the exit code is the command's")
			waiting = false
		case <-time.After(100 * time.Millisecond):
			_ = command.Process.Signal(syscall.SIGINT)
		}
	}
	report, err := Sync(t.Context(), SyncOptions{settings: settingsOf(t)})
	require.NoError(t, err)
	require.Equal(t, 1, report.Delivered, "%+v", report)
	run := server.only(t)
	require.Equal(t, []float64{1}, run.points["m"])
	require.EqualValues(t, "FINISHED", run.status)
	require.Empty(t, run.reason)
}

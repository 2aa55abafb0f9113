package autolog

import (
	"context"
	"encoding/json"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type execResult struct {
	code        int
	out, errOut string
	took        time.Duration
}

// execute runs Exec with a fake training of the given steps and gives what a user sees.
func execute(t *testing.T, options ExecOptions, steps ...string) execResult {
	t.Helper()
	program, _ := testProgram()
	if options.Command == nil {
		options.Command = append([]string{program, "training"}, steps...)
	}
	options.Agent = []string{program, "agent"}
	dir := t.TempDir()
	open := func(name string) *os.File {
		file, err := os.Create(filepath.Join(dir, name))
		require.NoError(t, err)
		t.Cleanup(func() { _ = file.Close() })
		return file
	}
	options.Stdout, options.Stderr = open("out"), open("err")
	if options.Stdin == nil {
		options.Stdin = open("in")
	}
	began := time.Now()
	code, err := Exec(t.Context(), options)
	took := time.Since(began)
	require.NoError(t, err)
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return string(data)
	}
	return execResult{code, read("out"), read("err"), took}
}

func spools(t *testing.T, home string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(home, "spool", "*"))
	require.NoError(t, err)
	return found
}

func TestExecRecordsACommand(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	t.Setenv("MY_API_KEY", "sk-very-secret")
	result := execute(t, ExecOptions{Experiment: "E", RunName: "R sk-very-secret", Tags: map[string]string{"team": "a", "api_key": "tagsecret99"}, NoDiff: true},
		"out:hello", "err:oh no sk-very-secret", "raw:c3a9ff000a",
		"hello", "import:1.5.0",
		`obs:param:f1:{"key":"depth","text":"3"}`, `obs:metric:f1:{"key":"loss","value":"NaN","step":1}`, `obs:metric:f1:{"key":"loss","value":0.5,"step":2}`,
		"obs:dataset:f1", "obs:model:f1", "obs:child:f1", "file:a note", "obs:seen:f1",
		`msg:{"t":"env","packages":["numpy==2.0","scikit-learn==1.9"]}`, `msg:{"t":"warn","message":"sampled"}`,
		`msg:{"t":"log","seq":0,"params":{"lr":"0.1"},"values":{"mine":1},"step":0.5,"time_ms":5}`,
		"bye")
	require.Equal(t, 0, result.code, result.errOut)
	require.Equal(t, "hello\n\xc3\xa9\xff\x00\n", result.out)
	require.Equal(t, "oh no sk-very-secret\n", result.errOut)
	require.Empty(t, spools(t, home), "a delivered spool is removed")

	server.mu.Lock()
	defer server.mu.Unlock()
	require.Len(t, server.runs, 2)
	var run, child *fakeRun
	for _, r := range server.runs {
		if r.input.ParentRunId == nil {
			run = r
		} else {
			child = r
		}
	}
	require.Equal(t, "E", *run.input.ExperimentName)
	require.Equal(t, "R ***", *run.input.Name)
	require.EqualValues(t, "FINISHED", run.status)
	require.Equal(t, "a", run.tags["team"])
	require.Equal(t, "***", run.tags["api_key"])
	require.Equal(t, "LOCAL", run.tags["mlflow.source.type"])
	require.NotEmpty(t, run.tags["mlflow.user"])
	require.NotEmpty(t, run.tags["mlflow.source.git.commit"])
	require.Contains(t, []string{"true", "false"}, run.tags["cairn.git.dirty"])
	require.Len(t, run.tags["cairn.exec_id"], 32)
	require.Contains(t, run.tags["cairn.command"], "training")
	require.NotContains(t, run.tags["cairn.command"], "sk-very-secret")
	require.Equal(t, "sampled", run.tags[tagWarnings])
	require.Equal(t, "8", run.tags["closed"])
	require.Equal(t, map[string]string{"depth": "3", "lr": "0.1"}, run.params)
	require.True(t, sameFloats([]float64{math.NaN(), 0.5}, run.points["loss"]))
	require.Equal(t, []string{"1", "2"}, run.steps["loss"])
	require.Equal(t, []string{"0.5"}, run.steps["mine"])
	require.Equal(t, client.MetricRoleResult, run.roles["loss"])
	require.Equal(t, []float64{8}, run.points["seen"])
	require.Equal(t, "hello\né\uFFFD\uFFFD\n", run.log["STDOUT"])
	require.Equal(t, "oh no ***\n", run.log["STDERR"])
	require.Equal(t, "X_train", run.inputs[0].Name)
	require.Equal(t, "a note", run.artifacts["notes/a.txt"])
	require.Equal(t, "numpy==2.0\nscikit-learn==1.9\n", run.artifacts["requirements.txt"])
	require.NotEmpty(t, run.print.CodeHash)
	require.NotEmpty(t, run.print.DataHash)
	require.NotEmpty(t, run.print.DependenciesHash)
	require.NotEmpty(t, run.print.CommandHash)
	require.NotEmpty(t, run.print.HardwareHash)
	require.NotContains(t, run.print.Detail, "sk-very-secret")

	require.Equal(t, *run.input.RunId, *child.input.ParentRunId)
	require.Equal(t, "candidate", *child.input.Name)
	require.Equal(t, map[string]string{"depth": "3"}, child.params)
	require.EqualValues(t, "FINISHED", child.status)

	require.Len(t, server.models, 1)
	for id, model := range server.models {
		require.Equal(t, *run.input.RunId, *model.input.SourceRunId)
		require.Equal(t, "run_id: "+*run.input.RunId+"\nmodel_id: "+id+"\n", model.files["MLmodel"])
		require.Len(t, model.files["data/weights.bin"], 1000)
		require.Equal(t, client.LoggedModelStatusReady, model.status)
	}
}

func TestMetricsOfAModel(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0",
		`obs:metric:f1:{"key":"early","value":1,"text":"model"}`, `obs:metric:f1:{"key":"train","value":1}`, `obs:metric:f1:{"key":"train","value":2,"step":1}`,
		`obs:metric:f1:{"key":"other","value":3}`, `obs:model:f1:{"key":"train beside missing"}`, `obs:metric:f1:{"key":"test","value":4,"text":"model"}`,
		`obs:metric:f1:{"key":"of none","value":5,"text":"no such model"}`, "bye")
	require.Equal(t, 0, result.code, result.errOut)
	run := server.only(t)
	require.Len(t, server.models, 1)
	for _, model := range server.models {
		require.Equal(t, map[string][]float64{"train": {2}, "beside": {7}, "test": {4}}, model.points)
	}
	for key, want := range map[string][]float64{"early": {1}, "train": {1, 2}, "other": {3}, "beside": {7}, "test": {4}, "of none": {5}} {
		require.Equal(t, want, run.points[key], key)
	}
	require.Equal(t, "fake: the model \"model\" names the metric \"missing\", which was not recorded", run.tags[tagWarnings])
}

// A model that the server refuses costs the run no metric.
func TestMetricsOfARefusedModel(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	server.failWith(func(operation string, _ json.RawMessage) *fakeFailure {
		if operation == "CreateLoggedModel" {
			return &fakeFailure{status: 200, code: "INVALID_ARGUMENT"}
		}
		return nil
	})
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0", `obs:metric:f1:{"key":"train","value":1}`,
		`obs:model:f1:{"key":"train"}`, `obs:metric:f1:{"key":"test","value":4,"text":"model"}`, "bye")
	require.Equal(t, 0, result.code, result.errOut)
	run := server.only(t)
	require.Equal(t, []float64{1}, run.points["train"])
	require.Equal(t, []float64{4}, run.points["test"])
	require.Contains(t, run.tags[tagWarnings], "the server refused a record (model")
}

func TestExecPassesOnHowTheCommandEnded(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	for _, test := range []struct {
		step   string
		code   int
		status client.RunStatus
		reason string
	}{
		{"exit:0", 0, "FINISHED", ""},
		{"exit:7", 7, "FAILED", "exit code 7"},
		{"die:9", 137, "KILLED", "signal: killed"},
		{"die:15", 143, "KILLED", "signal: terminated"},
	} {
		server.mu.Lock()
		clear(server.runs)
		server.mu.Unlock()
		result := execute(t, ExecOptions{NoDiff: true}, test.step)
		require.Equal(t, test.code, result.code, test.step)
		run := server.only(t)
		require.Equal(t, test.status, run.status)
		require.Equal(t, test.reason, run.reason)
	}
}

func TestExecCommandThatCannotBeRun(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	plain := filepath.Join(t.TempDir(), "plain")
	require.NoError(t, os.WriteFile(plain, []byte("x"), 0o600))
	for name, want := range map[string]struct {
		code    int
		message string
	}{
		"no-such-command-anywhere": {127, "cairn exec: no-such-command-anywhere: command not found\n"},
		"/no/such/file":            {127, "cairn exec: /no/such/file: no such file or directory\n"},
		plain:                      {126, "cairn exec: " + plain + ": permission denied\n"},
		filepath.Dir(plain):        {126, "cairn exec: " + filepath.Dir(plain) + ": is a directory\n"},
	} {
		result := execute(t, ExecOptions{Command: []string{name}})
		require.Equal(t, want.code, result.code, name)
		require.Equal(t, want.message, result.errOut)
	}
	require.Empty(t, server.runs, "nothing is recorded of what did not run")
	require.Empty(t, spools(t, home))

	_, err := Exec(t.Context(), ExecOptions{})
	require.True(t, errs.Is(err, errs.Invalid))
	_, err = Exec(t.Context(), ExecOptions{Command: []string{"true"}, Server: "nonsense"})
	require.True(t, errs.Is(err, errs.Invalid))
}

func TestExecServerDownThenSync(t *testing.T) {
	down := httptest.NewServer(nil)
	address := down.URL
	down.Close()
	home := testHome(t, address)
	result := execute(t, ExecOptions{NoDiff: true}, "out:hello", "hello", "import:1.5.0", `obs:metric:f1:{"key":"loss","value":1}`, "obs:model:f1", "bye", "env:MLFLOW_TRACKING_URI")
	require.Equal(t, 0, result.code)
	require.Equal(t, "hello\n\n", result.out, "MLflow's client is not pointed at a server that is down")
	require.Equal(t, 1, strings.Count(result.errOut, "\n"), result.errOut)
	require.Contains(t, result.errOut, "cairn sync")
	require.Contains(t, result.errOut, "cannot reach "+address)
	require.Len(t, spools(t, home), 1)
	require.Contains(t, result.errOut, spools(t, home)[0])

	settings := settingsOf(t)
	report, err := Sync(t.Context(), SyncOptions{settings: settings})
	require.NoError(t, err)
	require.Equal(t, 1, report.Kept)
	require.Positive(t, report.Spools[0].Pending)
	require.Contains(t, report.Spools[0].Why, "cannot reach")

	server := newFakeServer(t)
	var seen []string
	report, err = Sync(t.Context(), SyncOptions{Server: server.URL, settings: settings, Progress: func(s SyncedSpool) { seen = append(seen, s.Outcome) }})
	require.NoError(t, err)
	require.Equal(t, 1, report.Delivered, "%+v", report)
	require.Equal(t, []string{SyncDelivering, SyncDelivered}, seen)
	run := server.only(t)
	require.Equal(t, []float64{1}, run.points["loss"])
	require.Equal(t, "hello\n\n", run.log["STDOUT"])
	require.EqualValues(t, "FINISHED", run.status)
	require.Len(t, server.models, 1)
	require.Empty(t, spools(t, home))

	report, err = Sync(t.Context(), SyncOptions{settings: settings})
	require.NoError(t, err)
	require.Empty(t, report.Spools)
}

func settingsOf(t *testing.T) *agentSettings {
	t.Helper()
	_, digest := testProgram()
	settings := defaultSettings()
	settings.trusted = map[string]string{"fake": digest}
	return settings
}

func TestExecWithoutAPlaceForTheSpool(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	t.Setenv("CAIRN_HOME", file)
	result := execute(t, ExecOptions{}, "out:hello", "exit:3")
	require.Equal(t, 3, result.code)
	require.Equal(t, "hello\n", result.out)
	require.Equal(t, 1, strings.Count(result.errOut, "\n"))
	require.Contains(t, result.errOut, "nothing is recorded")
}

func TestExecAgentThatDoesNotStart(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	program, _ := testProgram()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	code, err := Exec(t.Context(), ExecOptions{
		Command: []string{program, "training", "exit:5"}, Agent: []string{"/no/such/agent"}, Stdout: out, Stderr: out, Stdin: out})
	require.NoError(t, err)
	require.Equal(t, 5, code)
	said, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	require.Contains(t, string(said), "cairn sync delivers it")
	report, err := Sync(t.Context(), SyncOptions{settings: settingsOf(t)})
	require.NoError(t, err)
	require.Equal(t, 1, report.Delivered, "%+v", report)
	require.EqualValues(t, "FAILED", server.only(t).status, "how the command ended is known all the same")
	require.Empty(t, spools(t, home))
}

func TestExecInputAndEnvironment(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	t.Setenv("PYTHONPATH", "/user/path")
	input := filepath.Join(t.TempDir(), "in")
	require.NoError(t, os.WriteFile(input, []byte("typed\n"), 0o600))
	stdin, err := os.Open(input)
	require.NoError(t, err)
	result := execute(t, ExecOptions{Stdin: stdin, Experiment: "E", NoDiff: true}, "echo", "env:PYTHONPATH", "env:MLFLOW_TRACKING_URI", "env:MLFLOW_EXPERIMENT_NAME", "env:CAIRN_RUN_ID")
	lines := strings.Split(result.out, "\n")
	require.Equal(t, "typed", lines[0])
	bootstrap, rest, _ := strings.Cut(lines[1], string(os.PathListSeparator))
	require.Equal(t, "/user/path", rest)
	require.FileExists(t, filepath.Join(bootstrap, "sitecustomize.py"))
	require.Equal(t, server.URL, lines[2])
	require.Equal(t, "E", lines[3])
	require.Equal(t, *server.only(t).input.RunId, lines[4])
	t.Setenv("MLFLOW_TRACKING_URI", "http://mine")
	require.Equal(t, "http://mine\n", execute(t, ExecOptions{NoDiff: true}, "env:MLFLOW_TRACKING_URI").out)
}

func TestExecOrderOfBothStreamsInOneFile(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	program, _ := testProgram()
	both, err := os.Create(filepath.Join(t.TempDir(), "both"))
	require.NoError(t, err)
	steps := []string{program, "training"}
	want := ""
	for i := range 50 {
		steps = append(steps, "out:o", "err:e")
		want += "o\ne\n"
		_ = i
	}
	code, err := Exec(t.Context(), ExecOptions{Command: steps, Agent: []string{program, "agent"}, Stdin: both, Stdout: both, Stderr: both, NoDiff: true})
	require.NoError(t, err)
	require.Zero(t, code)
	got, err := os.ReadFile(both.Name())
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}

func TestExecIsQuick(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	execute(t, ExecOptions{NoDiff: true}, "exit:0")
	result := execute(t, ExecOptions{}, "exit:0")
	t.Logf("a command that does nothing took %v", result.took)
	require.Less(t, result.took, 3*time.Second, "the benchmark holds the real limit; this one a hang")
}

func seedsOf(t *testing.T, run *fakeRun) map[string]string {
	t.Helper()
	var print fingerprint
	require.NoError(t, json.Unmarshal([]byte(run.print.Detail), &print))
	return print.Seeds
}

func TestSiblingsGetRunsOfTheirOwn(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	mine := strings.Repeat("ab", 16)
	result := execute(t, ExecOptions{RunName: "R", NoDiff: true}, "hello", "import:1.5.0",
		`obs:metric:f1:{"key":"m","value":1}`, `obs:metric:f2:{"key":"m","value":2}`, `obs:metric:f3:{"key":"m","value":3}`,
		`obs:fit.end:f3:{"status":"FAILED"}`, `obs:param:f2:{"key":"random_state","text":"1"}`, `obs:metric:f2:{"key":"m","value":4}`,
		`msg:{"t":"run","seq":0,"run":"`+mine+`","name":"own","time_ms":5}`,
		`msg:{"t":"obs","seq":0,"adapter":"fake","kind":"metric","fit":"f4","run":"`+mine+`","time_ms":6,"payload":{"key":"m","value":5}}`,
		`msg:{"t":"obs","seq":0,"adapter":"fake","kind":"child","fit":"f5","run":"`+strings.Repeat("cd", 16)+`","time_ms":6}`,
		`msg:{"t":"run.end","seq":0,"run":"`+mine+`","status":"FINISHED","time_ms":7}`,
		`msg:{"t":"obs","seq":0,"adapter":"fake","kind":"metric","fit":"f6","run":"../x","time_ms":6}`,
		"bye")
	require.Zero(t, result.code, result.errOut)
	server.mu.Lock()
	defer server.mu.Unlock()
	byName := map[string]*fakeRun{}
	for _, run := range server.runs {
		byName[*run.input.Name] = run
	}
	require.Equal(t, []float64{1}, byName["R"].points["m"])
	require.Equal(t, []float64{2, 4}, byName["R-2"].points["m"])
	require.Equal(t, []float64{3}, byName["R-3"].points["m"])
	require.EqualValues(t, "FINISHED", byName["R-2"].status)
	require.EqualValues(t, "FAILED", byName["R-3"].status)
	for _, tag := range []string{"cairn.exec_id", "cairn.command", "mlflow.user", "mlflow.source.type"} {
		require.Equal(t, byName["R"].tags[tag], byName["R-2"].tags[tag], tag)
	}
	require.Equal(t, byName["R"].print.CommandHash, byName["R-2"].print.CommandHash)
	require.Equal(t, map[string]string{"random_state": "1"}, seedsOf(t, byName["R-2"]))
	require.Empty(t, seedsOf(t, byName["R-3"]))
	require.Equal(t, []float64{5}, byName["own"].points["m"])
	require.EqualValues(t, "FINISHED", byName["own"].status)
	require.Equal(t, "7", *byName["candidate"].input.ExperimentId, "a child of a run that is not ours is in its experiment")
	require.Contains(t, byName["R"].tags[tagWarnings], "is not the id of a run")
}

func TestAdapterThatDiesIsReplayed(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	once := filepath.Join(home, "once")
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`,
		`obs:crash:f1:{"once":"`+once+`"}`, `obs:metric:f1:{"key":"m","value":2}`, "obs:seen:f1", "bye")
	require.Zero(t, result.code, result.errOut)
	run := server.only(t)
	require.Equal(t, []float64{1, 2}, run.points["m"], "each record once")
	require.Equal(t, []float64{4}, run.points["seen"], "the new adapter saw everything")
	require.Contains(t, run.tags[tagWarnings], "the adapter fake ended in the middle and was started again")
	require.EqualValues(t, "FINISHED", run.status)
}

func TestObservationThatKillsTheAdapterIsLeftOut(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`,
		`obs:crash:f1`, `obs:metric:f1:{"key":"m","value":2}`, "bye")
	require.Zero(t, result.code, result.errOut)
	run := server.only(t)
	require.Equal(t, []float64{1, 2}, run.points["m"])
	require.Contains(t, run.tags[tagWarnings], "ended twice at the same observation, which was left out")
}

func TestTheRunWhoseObservationWasLeftOutSaysSo(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`,
		`obs:metric:f2:{"key":"m","value":2}`, `obs:crash:f2`, `obs:metric:f3:{"key":"m","value":3}`, "bye")
	require.Zero(t, result.code, result.errOut)
	server.mu.Lock()
	defer server.mu.Unlock()
	require.Len(t, server.runs, 3)
	for _, run := range server.runs {
		require.Equal(t, slices.Equal(run.points["m"], []float64{2}), strings.Contains(run.tags[tagWarnings],
			"which was left out: not all that was observed of this run was recorded"), run.tags[tagWarnings])
	}
}

func TestEveryRunOfAnAdapterThatWasGivenUpSaysSo(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0", "obs:crash:f1", "obs:crash:f2",
		`obs:metric:f3:{"key":"m","value":2}`, "out:done", "bye")
	require.Zero(t, result.code, result.errOut)
	require.Equal(t, "done\n", result.out)
	server.mu.Lock()
	defer server.mu.Unlock()
	require.Len(t, server.runs, 3)
	lost := 0
	for _, run := range server.runs {
		if strings.Contains(run.tags[tagWarnings],
			"the adapter fake ended 5 times in a row and was given up: not all that was observed of this run was recorded") {
			lost++
		}
		require.EqualValues(t, "FINISHED", run.status)
	}
	require.Equal(t, 2, lost, "the first one's observation was left out, which its run says otherwise")
}

func TestAdapterThatHangsIsStartedAgain(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	t.Setenv("CAIRN_TEST_STALL", "500ms")
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0", "obs:hang:f1", `obs:metric:f1:{"key":"m","value":2}`, "bye")
	require.Zero(t, result.code, result.errOut)
	run := server.only(t)
	require.Equal(t, []float64{2}, run.points["m"])
	require.Contains(t, run.tags[tagWarnings], "which was left out")
}

func TestAdapterWithAnotherDigestIsNotStarted(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	path := filepath.Join(home, "adapters", "fake", "cairn-adapter-fake")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\ntouch "+home+"/started\n"), 0o700))
	result := execute(t, ExecOptions{NoDiff: true}, "out:hello", "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`, "bye")
	require.Zero(t, result.code)
	require.Equal(t, "hello\n", result.out)
	require.Contains(t, result.errOut, "cairn exec: the adapter fake was not started")
	require.Equal(t, 1, strings.Count(result.errOut, "\n"))
	require.NoFileExists(t, filepath.Join(home, "started"))
	run := server.only(t)
	_, digest := testProgram()
	require.Contains(t, run.tags[tagWarnings], "the adapter fake was not started")
	require.Contains(t, run.tags[tagWarnings], digest)
	require.Contains(t, run.tags[tagWarnings], "make build")

	settings := settingsOf(t)
	list, err := verifyAdapters(t.Context(), settings)
	require.True(t, errs.Is(err, errs.Conflict))
	require.Contains(t, list[0].Problem, "expected is "+digest)
	require.NoError(t, os.Remove(path))
	list, err = listAdapters(t.Context(), settings)
	require.NoError(t, err)
	require.Contains(t, list[0].Problem, "is not installed: make build")
	installFake(t, filepath.Join(home, "adapters"))
	list, err = verifyAdapters(t.Context(), settings)
	require.NoError(t, err)
	require.Equal(t, []string{"fake.base"}, list[0].Modules)
}

// TestMessageThatCannotBeRead costs the training that message and no other.
func TestMessageThatCannotBeRead(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	result := execute(t, ExecOptions{NoDiff: true}, "hello",
		`msg:{"t":"log","seq":0,"values":{"loss":1},"step":1}`,
		`msg:{"t":"log","seq":0,"values":{"loss":2},"step":"abc"}`,
		`msg:{"t":"log","values":[1]}`,
		"wait", // for the acknowledgement of what was left out
		`msg:{"t":"log","seq":0,"values":{"loss":3},"step":3}`, "wait", "bye")
	require.Equal(t, 0, result.code, result.errOut)
	run := server.only(t)
	require.Equal(t, []float64{1, 3}, run.points["loss"])
	require.Equal(t, client.RunStatus("FINISHED"), run.status)
	require.Contains(t, run.tags[tagWarnings], "a message of the training was left out: decode message")
	require.Equal(t, 1, strings.Count(run.tags[tagWarnings], "\n"), "one warning each")
}

func TestAdapterCannotUploadOtherFiles(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:2.0.0", `obs:steal:f1:{"text":"/etc/hostname"}`, "obs:escape:f1",
		`msg:{"t":"obs","seq":0,"adapter":"fake","kind":"file","files":{"note":"/etc/hostname"}}`, "bye")
	require.Zero(t, result.code)
	run := server.only(t)
	require.Empty(t, run.artifacts)
	for _, text := range []string{"is not in the session's directory", "is not clean and relative", "outside the range"} {
		require.Contains(t, run.tags[tagWarnings], text)
	}
}

func TestAgentThatIsKilledIsStartedAgain(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	once := filepath.Join(home, "died")
	t.Setenv("CAIRN_TEST_AGENT_DIES", once)
	result := execute(t, ExecOptions{NoDiff: true}, "out:before", "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`, "wait",
		`obs:die:f1:{"once":"`+once+`"}`, "gone", "out:after", "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":2}`, "wait", "bye", "exit:4")
	require.Equal(t, 4, result.code, result.errOut)
	require.FileExists(t, filepath.Join(home, "died"))
	require.Equal(t, "before\nafter\n", result.out)
	server.mu.Lock()
	defer server.mu.Unlock()
	var points []float64
	logs := ""
	for _, run := range server.runs {
		points = append(points, run.points["m"]...)
		logs += run.log["STDOUT"]
		require.NotEqualValues(t, "RUNNING", run.status, "%v", run.tags)
	}
	require.ElementsMatch(t, []float64{1, 2}, points, "what was acknowledged before the kill is there once")
	require.Equal(t, "before\nafter\n", logs)
}

func TestSessionGoesOnAfterTheAgentWasKilled(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	once := filepath.Join(home, "died")
	t.Setenv("CAIRN_TEST_AGENT_DIES", once)
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`, "wait",
		`obs:die:f1:{"once":"`+once+`"}`, "gone", "resume", `obs:metric:f1:{"key":"m","value":2}`, `obs:metric:f2:{"key":"m","value":3}`, "wait", "bye")
	require.Equal(t, 0, result.code, result.errOut)
	require.FileExists(t, filepath.Join(home, "died"))
	require.Equal(t, "accepted 2\n", result.out)
	server.mu.Lock()
	defer server.mu.Unlock()
	require.Len(t, server.runs, 2)
	var points [][]float64
	for _, run := range server.runs {
		points = append(points, run.points["m"])
		require.EqualValues(t, "FINISHED", run.status)
		require.NotContains(t, run.tags[tagWarnings], "did not come back")
	}
	require.ElementsMatch(t, [][]float64{{1, 2}, {3}}, points, "the fit that was interrupted goes on in its run, the next has its own")
}

func TestSessionThatDoesNotComeBackIsSaidOnTheRun(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	once := filepath.Join(home, "died")
	t.Setenv("CAIRN_TEST_AGENT_DIES", once)
	result := execute(t, ExecOptions{NoDiff: true}, "hello", "import:1.5.0", `obs:die:f1:{"once":"`+once+`"}`, "gone")
	require.Equal(t, 0, result.code, result.errOut)
	require.Contains(t, server.only(t).tags[tagWarnings], "1 processes that did not come back")
}

func TestSpoolAtItsLimit(t *testing.T) {
	server := newFakeServer(t)
	testHome(t, server.URL)
	t.Setenv("CAIRN_TEST_MAX_SPOOL", "34000000")
	steps := []string{"hello", "import:1.5.0", `obs:metric:f1:{"key":"m","value":1}`, "wait"}
	for range 12 {
		steps = append(steps, "bulk:90000")
	}
	steps = append(steps, `msg:{"t":"log","seq":0,"tags":{"last":"1"}}`, "wait", "bye")
	result := execute(t, ExecOptions{NoDiff: true}, steps...)
	require.Zero(t, result.code)
	run := server.only(t)
	require.Equal(t, []float64{1}, run.points["m"])
	require.EqualValues(t, "FINISHED", run.status)
	require.Contains(t, run.tags[tagWarnings], "records were dropped: the spool was at its limit")
}

func TestCommandIsEndedByContext(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	program, _ := testProgram()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		code, _ := Exec(ctx, ExecOptions{Command: []string{program, "training", "block", "exit:9"}, Agent: []string{program, "agent"},
			Stdin: reader, Stdout: writer, Stderr: writer, NoDiff: true})
		ended <- code
	}()
	line := make([]byte, len("blocking\n"))
	_, err = reader.Read(line)
	require.NoError(t, err)
	cancel()
	require.Equal(t, 9, <-ended, "the command had the signal and ended as it likes")
	require.Eventually(t, func() bool { return len(spools(t, home)) == 0 }, 20*time.Second, 10*time.Millisecond, "the agent delivers by itself")
}

func TestServeForNotebooks(t *testing.T) {
	server := newFakeServer(t)
	home := testHome(t, server.URL)
	stdin, toAgent, err := os.Pipe()
	require.NoError(t, err)
	fromAgent, stdout, err := os.Pipe()
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() {
		ended <- RunAgent(t.Context(), AgentOptions{Serve: true, Experiment: "N", Stdin: stdin, Stdout: stdout, settings: settingsOf(t)})
	}()
	var told struct {
		Socket string `json:"socket"`
		RunID  string `json:"run_id"`
		ExecID string `json:"exec_id"`
		Server string `json:"server"`
	}
	require.NoError(t, json.NewDecoder(fromAgent).Decode(&told))
	require.Equal(t, server.URL, told.Server)
	training := &fakeTraining{}
	require.NoError(t, training.connect(told.Socket, ""))
	require.Equal(t, []string{"fake.base"}, training.welcome.Modules)
	training.send(map[string]any{"t": "import", "module": "unknown"})
	require.Equal(t, "nohook", (<-training.hooks).T)
	training.send(map[string]any{"t": "import", "module": "fake.base"})
	hook := <-training.hooks
	require.Equal(t, "hook", hook.T)
	require.Equal(t, "def install(cairn): pass\n", hook.Source)
	require.Equal(t, map[string]string{"more": "x = 1\n"}, hook.Sources)
	require.Len(t, hook.SHA256, 64)
	training.observe("metric", "f1", `{"key":"m","value":1}`)
	training.await()
	require.NoError(t, training.conn.Close())
	require.NoError(t, toAgent.Close())
	require.NoError(t, <-ended)
	run := server.only(t)
	require.Equal(t, "N", *run.input.ExperimentName)
	require.Equal(t, told.RunID, *run.input.RunId)
	require.Equal(t, []float64{1}, run.points["m"])
	require.EqualValues(t, "FINISHED", run.status)
	require.Empty(t, spools(t, home))
}

//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	// warmFits is how many fits a process does when the time of one is measured: the
	// first pays for loading what the others find loaded.
	warmFits = 4
	// mlflowWarmFits is less, since each takes seconds.
	mlflowWarmFits = 2
	deliverTimeout = 60 * time.Second
	experimentName = "training"
)

// way is how the training is recorded.
type way struct {
	name string
	// command wraps python and its arguments; server is where it records to, nil for the plain way.
	command func(python []string) []string
	server  *server
	fits    int
}

// trainingSample is what one process of the training gave.
type trainingSample struct {
	wall time.Duration
	// delivered is the time until every run was finished on the server with its model.
	delivered time.Duration
	// clientCPU is of the command and all that it started, serverCPU of the server's process tree.
	clientCPU, serverCPU time.Duration
	// fit is the median of the fits after the first, or the first where there is one.
	fit time.Duration
}

// ways returns the three ways of recording.
func ways(cairn string, cairnServer, mlflowServer *server) []way {
	var out []way
	out = append(out, way{"plain", func(python []string) []string { return python }, nil, warmFits})
	if mlflowServer != nil {
		out = append(out, way{"mlflow.sklearn.autolog()", func(python []string) []string {
			return append(python, "--mlflow")
		}, mlflowServer, mlflowWarmFits})
	}
	if cairnServer != nil {
		out = append(out, way{"cairn exec", func(python []string) []string {
			flags := []string{cairn, "exec", "--server", "http://" + cairnServer.addr, "--experiment", experimentName, "--"}
			return append(flags, python...)
		}, cairnServer, warmFits})
	}
	return out
}

// train runs the training once, with so many fits.
func (w way) train(ctx context.Context, python, directory string, fits int) (trainingSample, error) {
	script, err := filepath.Abs("bench/train.py")
	if err != nil {
		return trainingSample{}, err
	}
	var before recorded
	var serverBefore time.Duration
	if w.server != nil {
		if before, err = recordedOn(w.server.addr); err != nil {
			return trainingSample{}, err
		}
		if serverBefore, err = cpuOf(w.server.pid()); err != nil {
			return trainingSample{}, err
		}
	}
	command := w.command([]string{python, script, strconv.Itoa(fits)})
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = directory, &stdout, &stderr
	// What the command keeps of its own is kept apart from the user's.
	cmd.Env = environment("CAIRN_HOME="+filepath.Join(directory, "home"), "XDG_DATA_HOME="+filepath.Join(directory, "home"))
	if w.server != nil && w.name != "cairn exec" {
		cmd.Env = append(cmd.Env, "MLFLOW_TRACKING_URI=http://"+w.server.addr, "MLFLOW_EXPERIMENT_NAME="+experimentName)
	}
	cpuBefore, err := childrenCPU()
	if err != nil {
		return trainingSample{}, err
	}
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return trainingSample{}, fmt.Errorf("%s: %w\n%s", w.name, err, stderr.Bytes())
	}
	out := trainingSample{wall: time.Since(began)}
	cpuAfter, err := childrenCPU()
	if err != nil {
		return trainingSample{}, err
	}
	out.clientCPU = cpuAfter - cpuBefore
	if out.fit, err = fitTime(stdout.Bytes(), fits); err != nil {
		return trainingSample{}, fmt.Errorf("%s: %w\n%s", w.name, err, stderr.Bytes())
	}
	out.delivered = out.wall
	if w.server == nil {
		return out, nil
	}
	if err := awaitRecorded(ctx, w.server.addr, recorded{before.runs + fits, before.models + fits}); err != nil {
		return trainingSample{}, fmt.Errorf("%s: %w\n%s", w.name, err, stderr.Bytes())
	}
	out.delivered = time.Since(began)
	serverAfter, err := cpuOf(w.server.pid())
	if err != nil {
		return trainingSample{}, err
	}
	out.serverCPU = serverAfter - serverBefore
	return out, nil
}

// fitTime reads the times that train.py printed last.
func fitTime(stdout []byte, fits int) (time.Duration, error) {
	lines := bytes.Split(bytes.TrimSpace(stdout), []byte("\n"))
	var seconds []float64
	if err := json.Unmarshal(lines[len(lines)-1], &seconds); err != nil {
		return 0, fmt.Errorf("the training's last line: %w", err)
	}
	if len(seconds) != fits {
		return 0, fmt.Errorf("%d fits, not %d", len(seconds), fits)
	}
	if fits > 1 {
		seconds = seconds[1:]
	}
	return time.Duration(median(seconds) * float64(time.Second)), nil
}

// childrenCPU is the CPU time of all children of this process that have ended and
// of theirs. The servers have not ended, so it is the training's alone.
func childrenCPU() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		return 0, err
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}

// recorded is how much of the training a server holds, whole.
type recorded struct{ runs, models int }

// recordedOn counts the finished runs and the ready models of the training's experiment.
// It takes a connection of its own, since a server closes one that was idle during a training.
func recordedOn(addr string) (recorded, error) {
	c, err := dial(addr)
	if err != nil {
		return recorded{}, err
	}
	defer c.close()
	var experiments struct {
		Experiments []struct {
			ID   string `json:"experiment_id"`
			Name string `json:"name"`
		} `json:"experiments"`
	}
	if err := call(c, "experiments/search", map[string]any{"max_results": 100}, &experiments); err != nil {
		return recorded{}, err
	}
	for _, e := range experiments.Experiments {
		if e.Name != experimentName {
			continue
		}
		var runs struct {
			Runs []json.RawMessage `json:"runs"`
		}
		var models struct {
			Models []struct {
				Info struct {
					Status string `json:"status"`
				} `json:"info"`
			} `json:"models"`
		}
		ids := []string{e.ID}
		err := call(c, "runs/search", map[string]any{
			"experiment_ids": ids, "max_results": 1000, "filter": "attributes.status = 'FINISHED'",
		}, &runs)
		if err != nil {
			return recorded{}, err
		}
		err = call(c, "logged-models/search", map[string]any{
			"experiment_ids": ids, "max_results": 50,
		}, &models)
		if err != nil {
			return recorded{}, err
		}
		out := recorded{runs: len(runs.Runs)}
		for _, m := range models.Models {
			if m.Info.Status == "LOGGED_MODEL_READY" {
				out.models++
			}
		}
		return out, nil
	}
	return recorded{}, nil
}

// awaitRecorded waits until the server holds as much as want.
func awaitRecorded(ctx context.Context, addr string, want recorded) error {
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		have, err := recordedOn(addr)
		if err != nil {
			return err
		}
		if have.runs >= want.runs && have.models >= want.models {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not delivered within %s: %d of %d runs, %d of %d models",
				deliverTimeout, have.runs, want.runs, have.models, want.models)
		case <-ticker.C:
		}
	}
}

// trainings runs every way so many times, in turns, each on a process with one fit
// and on one with several. It returns the samples by way.
func trainings(ctx context.Context, ways []way, python, directory string, rounds int) (short, warm map[string][]trainingSample, err error) {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, nil, err
	}
	short, warm = map[string][]trainingSample{}, map[string][]trainingSample{}
	for round := range rounds {
		for _, w := range ways {
			for _, kind := range []struct {
				fits    int
				samples map[string][]trainingSample
			}{{1, short}, {w.fits, warm}} {
				sample, err := w.train(ctx, python, directory, kind.fits)
				if err != nil {
					return nil, nil, err
				}
				progress("training round %d, %s, %d fits: %.2f s, a fit %.0f ms", round+1, w.name, kind.fits,
					sample.wall.Seconds(), milliseconds(sample.fit))
				kind.samples[w.name] = append(kind.samples[w.name], sample)
			}
		}
	}
	return short, warm, nil
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cairnml/cairn/internal/autolog"
	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/project"
	"github.com/cairnml/cairn/internal/repro"
)

type reproduceCommand struct {
	connection
	listing
	Yes        bool    `short:"y" env:"-" help:"Do not ask."`
	Check      bool    `env:"-" help:"Say what is missing to run it again, and run nothing."`
	Tolerance  float64 `env:"-" default:"1e-6" help:"The relative difference between two values that counts as none (default: 1e-6)."`
	Repository string  `env:"-" placeholder:"DIR|URL" help:"Where the commit is; looked for there first."`
	Run_       string  `arg:"" name:"run" help:"The run's id."`
}

// reproduced is what --json prints.
type reproduced struct {
	Run string `json:"run"`
	// Reproduction is the run that it was run again as; empty when it was not.
	Reproduction string `json:"reproduction,omitempty"`
	repro.Verdict
	// Parts tells of each part of the fingerprint whether both runs have the same.
	Parts map[string]bool `json:"same,omitempty"`
}

// recordedRun is a run that is to be run again, as its fingerprint has it.
type recordedRun struct {
	*client.RecordedFingerprintRun
	code struct {
		Commit     string `json:"commit"`
		Repository string `json:"repository"`
		Unrecorded bool   `json:"unrecorded"`
		DiffSHA256 string `json:"diff_sha256"`
	}
	command struct {
		Argv      []string `json:"argv"`
		Directory string   `json:"directory"`
	}
	environment struct {
		Manager    string `json:"manager"`
		LockSHA256 string `json:"lock_sha256"`
	}
	diff, lock []byte
}

func (r *reproduceCommand) Run(ctx context.Context, std streams) error {
	c, err := r.open()
	if err != nil {
		return err
	}
	defer c.Close()
	run, missing, err := r.read(ctx, c)
	if err != nil {
		return err
	}
	result := reproduced{Run: r.Run_}
	if len(missing) > 0 || r.Check {
		result.Missing = missing
		if len(missing) > 0 {
			result.Outcome, result.Reason = repro.NotReproducible, strings.Join(missing, "; ")
		}
		if !r.Check {
			err = r.record(ctx, c, result)
		}
		return errors.Join(err, r.show(std, result))
	}
	if ok, err := r.confirmed(std, run); !ok {
		return err
	}
	return r.again(ctx, std, c, run)
}

// read reads a run, and says what of it is missing to run it again.
func (r *reproduceCommand) read(ctx context.Context, c *client.Client) (run *recordedRun, missing []string, err error) {
	answer, err := client.RecordedFingerprint(ctx, c, r.Run_)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // an error for users already
	}
	if answer.Run == nil {
		return nil, nil, noSuchRun(r.Run_)
	}
	run = &recordedRun{RecordedFingerprintRun: answer.Run}
	r.Run_ = answer.Run.RunId
	if run.Fingerprint == nil {
		return run, []string{"fingerprint: the run has none; runs of `cairn exec` and `cairn run` have one, once they have ended"}, nil
	}
	detail := struct {
		Code        any `json:"code"`
		Command     any `json:"command"`
		Environment any `json:"environment"`
	}{&run.code, &run.command, &run.environment}
	if err := json.Unmarshal([]byte(run.Fingerprint.Detail), &detail); err != nil {
		return nil, nil, errs.Wrap(errs.Damaged, err, "the fingerprint of the run cannot be read: %v", err)
	}
	switch {
	case run.code.Commit == "":
		missing = append(missing, "code: it was in no git repository, or had no commit")
	case run.code.Unrecorded:
		missing = append(missing, "code: what was not committed is not all recorded")
	}
	switch {
	case len(run.command.Argv) == 0:
		missing = append(missing, "command: none was recorded")
	case slices.ContainsFunc(run.command.Argv, hasHidden):
		missing = append(missing, "command: it has a secret, which is not recorded")
	}
	for path, to := range map[string]struct {
		sha  string
		data *[]byte
	}{"cairn/code.diff": {run.code.DiffSHA256, &run.diff}, "cairn/environment.lock": {run.environment.LockSHA256, &run.lock}} {
		if to.sha == "" {
			continue
		}
		var data bytes.Buffer
		_, err := c.GetArtifact(ctx, "artifacts/"+r.Run_+"/"+path, &data)
		sum := sha256.Sum256(data.Bytes())
		switch {
		case errs.Is(err, errs.NotFound):
			missing = append(missing, "artifact: "+path+" is gone")
		case err != nil:
			return nil, nil, err //nolint:wrapcheck // an error for users already
		case hex.EncodeToString(sum[:]) != to.sha:
			missing = append(missing, "artifact: "+path+" is not what was recorded")
		case hasHidden(data.String()):
			missing = append(missing, "artifact: "+path+" has a secret, which is not recorded")
		}
		*to.data = data.Bytes()
	}
	slices.Sort(missing)
	return run, missing, nil
}

// hasHidden tells text in which a secret was hidden.
func hasHidden(text string) bool {
	return strings.Contains(text, "***") || strings.Contains(text, project.Hidden)
}

func (r *reproduceCommand) confirmed(std streams, run *recordedRun) (bool, error) {
	changes := ""
	if len(run.diff) > 0 {
		changes = fmt.Sprintf(" with the changes that were not committed (%s)", showSize(int64(len(run.diff))))
	}
	what := fmt.Sprintf("run\n    %s\nof the commit %s%s, in the environment %s, as you",
		printable(strings.Join(run.command.Argv, " ")), run.code.Commit, changes, cmp.Or(run.environment.Manager, project.ManagerSystem))
	return destructive{Yes: r.Yes}.confirmed(std, what)
}

// again runs it and compares.
func (r *reproduceCommand) again(ctx context.Context, std streams, c *client.Client, run *recordedRun) error {
	say := func(format string, args ...any) { fmt.Fprintf(std.err, "cairn reproduce: "+format+"\n", args...) }
	id := autolog.NewRunID()
	here, _ := os.Getwd() // without one, the recorded places are left
	tags := map[string]string{}
	for _, tag := range run.Tags {
		tags[tag.Key] = tag.Value
	}
	result := reproduced{Run: r.Run_}
	// While it is rebuilt a signal ends it; afterwards signals are the command's.
	rebuilding, stop := interruptible(ctx)
	defer stop()
	rebuilt, err := project.Recorded{
		Commit: run.code.Commit, Diff: run.diff, Directory: run.command.Directory, Manager: run.environment.Manager, Lock: run.lock,
		Repositories: []string{r.Repository, here, run.code.Repository, tags["mlflow.source.name"]}, RunID: id, Say: say, Output: std.err,
	}.Rebuild(rebuilding)
	if err != nil {
		if rebuilding.Err() != nil {
			return fmt.Errorf("interrupted: %w", err)
		}
		result.Verdict = repro.Verdict{Outcome: repro.NotReproducible, Reason: err.Error(), Missing: []string{err.Error()}}
		return errors.Join(r.record(ctx, c, result), r.show(std, result))
	}
	stop()
	out := os.Stdout
	if r.JSON {
		out = os.Stderr // standard output has the verdict alone
	}
	code, err := autolog.Exec(ctx, autolog.ExecOptions{
		Command: run.command.Argv, Server: r.Server, Experiment: run.Experiment.Name, RunName: "reproduction of " + run.Name,
		Tags: map[string]string{"cairn.reproduces": r.Run_}, Program: "cairn reproduce", Stdout: out,
		Project: &autolog.ProjectRun{
			RunID: id, SourceName: cmp.Or(tags["mlflow.source.name"], run.command.Argv[0]), Shown: run.command.Argv, Directory: rebuilt.Checkout.Dir,
			Set: rebuilt.Environment.Variables, Unset: rebuilt.Environment.Unset, Manager: rebuilt.Environment.Manager, Lock: rebuilt.Environment.Lock,
		},
	})
	if err = errors.Join(err, rebuilt.Close()); err != nil {
		return err
	}
	result.Reproduction = id
	if result.Verdict, result.Parts, err = r.compare(ctx, c, run, id, code); err != nil {
		return err
	}
	return errors.Join(r.record(ctx, c, result), r.show(std, result))
}

// compare holds the new run against the recorded one.
func (r *reproduceCommand) compare(ctx context.Context, c *client.Client, run *recordedRun, id string, code int) (repro.Verdict, map[string]bool, error) {
	answer, err := client.RecordedFingerprint(ctx, c, id)
	if err != nil {
		return repro.Verdict{}, nil, err //nolint:wrapcheck // an error for users already
	}
	if answer.Run == nil {
		return repro.Verdict{}, nil, errs.New(errs.Unavailable, "the new run %s is not on the server yet; `cairn sync` delivers it", id)
	}
	parts := map[string]bool{}
	if now := answer.Run.Fingerprint; now != nil {
		was := run.Fingerprint
		parts = map[string]bool{
			"code": was.CodeHash == now.CodeHash, "data": was.DataHash == now.DataHash, "dependencies": was.DependenciesHash == now.DependenciesHash,
			"seeds": was.SeedsHash == now.SeedsHash, "command": was.CommandHash == now.CommandHash, "hardware": was.HardwareHash == now.HardwareHash,
		}
	}
	if answer.Run.Status != run.Status {
		return repro.Verdict{Outcome: repro.Diverged, Reason: fmt.Sprintf("it ended %s (exit code %d), and had ended %s", answer.Run.Status, code, run.Status)}, parts, nil
	}
	was, err := results(ctx, c, run.RecordedFingerprintRun)
	if err != nil {
		return repro.Verdict{}, nil, err
	}
	now, err := results(ctx, c, answer.Run)
	if err != nil {
		return repro.Verdict{}, nil, err
	}
	return repro.Compare(was, now, r.Tolerance), parts, nil
}

// results reads the series of the role result.
func results(ctx context.Context, c *client.Client, run *client.RecordedFingerprintRun) (map[string][]repro.Point, error) {
	keys := map[string]bool{}
	for _, metric := range run.Metrics {
		if metric.Role == client.MetricRoleResult {
			keys[metric.Key] = true
		}
	}
	if len(keys) == 0 {
		return map[string][]repro.Point{}, nil
	}
	answer, err := client.MetricSeriesUrl(ctx, c, run.RunId, client.MetricFileFormatCsv, nil)
	if err != nil {
		return nil, err //nolint:wrapcheck // an error for users already
	}
	if answer.Run == nil {
		return nil, noSuchRun(run.RunId)
	}
	var file bytes.Buffer
	got, err := c.GetMetricSeries(ctx, answer.Run.MetricSeriesUrl, func(int64) io.Writer { return &file })
	if err != nil {
		return nil, err //nolint:wrapcheck // an error for users already
	}
	if got.Incomplete != "" {
		return nil, errs.New(errs.Damaged, "points of %s are damaged in the server's database, so nothing is said of the run", got.Incomplete)
	}
	return repro.ReadSeries(&file, keys) //nolint:wrapcheck // an error for users already
}

// record stores the verdict on both runs.
func (r *reproduceCommand) record(ctx context.Context, c *client.Client, result reproduced) error {
	for _, run := range []string{result.Run, result.Reproduction} {
		if run == "" {
			continue
		}
		batch := client.LogBatchInput{RunId: run, Tags: []client.TagInput{{Key: "cairn.reproduction.verdict", Value: string(result.Outcome)}}}
		batch.Tags = append(batch.Tags, client.TagInput{Key: "cairn.reproduction.reason", Value: result.Reason})
		if run == result.Run {
			batch.Tags = append(batch.Tags, client.TagInput{Key: "cairn.reproduction.run", Value: result.Reproduction})
		}
		if _, err := client.LogBatch(ctx, c, batch); err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
	}
	return nil
}

func (r *reproduceCommand) show(std streams, result reproduced) error {
	var err error
	switch {
	case r.JSON:
		err = putJSON(std.out, result)
	case result.Outcome == "":
		err = put(std.out, "nothing that is recorded is missing\n")
	default:
		var f facts
		f.add("verdict", string(result.Outcome))
		f.add("reason", result.Reason)
		f.add("run", result.Run)
		f.add("again", result.Reproduction)
		for _, part := range []string{"code", "data", "dependencies", "seeds", "command", "hardware"} {
			if same, known := result.Parts[part]; known && !same {
				f.add("other", part)
			}
		}
		err = put(std.out, f.text.String())
	}
	if err == nil && (result.Outcome == repro.Diverged || result.Outcome == repro.NotReproducible) {
		return exitCode(exitError)
	}
	return err
}

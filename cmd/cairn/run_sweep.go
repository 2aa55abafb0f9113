package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/cairnml/cairn/internal/autolog"
	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/project"
)

// sweepLease is how long the run of a sweep counts as alive after the start of one of its children, in seconds.
const sweepLease = 86_400

// sweep runs every combination as a child of one run, one after the other.
func (p *projectRun) sweep(ctx context.Context) error {
	r := p.command
	all, varied, err := (project.Sweep{Random: r.Random, Seed: r.Seed}).Combinations(r.Param)
	if err != nil {
		return usageError{err}
	}
	release, err := p.register()
	if err != nil {
		return err
	}
	defer release()
	c, err := p.openSweep(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	// Asked for until the sweep ends, so that what ends one child ends the sweep.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	s := &sweepRun{projectRun: p, client: c, varied: varied, all: all}
	stopped := s.children(ctx, signals)
	if err := s.finish(context.WithoutCancel(ctx), stopped); err != nil {
		return err
	}
	return s.result()
}

// openSweep opens the run of the sweep.
func (p *projectRun) openSweep(ctx context.Context) (*client.Client, error) {
	c, err := p.command.open()
	if err != nil {
		return nil, err
	}
	r := p.command
	lease, experiment, user := sweepLease, autolog.ExperimentOf(r.Experiment), autolog.UserName()
	input := client.CreateRunInput{RunId: &p.runID, ExperimentName: &experiment, UserId: &user, StartTime: &p.began, LeaseSeconds: &lease}
	if r.RunName != "" {
		input.Name = &r.RunName
	}
	if p.parent != "" {
		input.ParentRunId = &p.parent
	}
	tags := map[string]string{
		"mlflow.user": user, "mlflow.source.type": "PROJECT", "mlflow.source.name": project.Stripped(r.URI), "mlflow.project.entryPoint": r.EntryPoint,
	}
	for key, value := range r.Tag {
		tags[key] = value
	}
	for key, value := range tags {
		input.Tags = append(input.Tags, client.TagInput{Key: key, Value: value})
	}
	if _, err := client.CreateRun(ctx, c, input); err != nil {
		c.Close()
		return nil, err //nolint:wrapcheck // an error for users already
	}
	return c, nil
}

// sweepRun is a sweep that goes on.
type sweepRun struct {
	*projectRun
	client *client.Client
	varied []string
	all    []map[string]string

	rows   []sweepRow
	failed int
}

type sweepRow struct {
	runID  string
	params map[string]string
	status string
	value  *float64
}

// children runs all combinations, until a signal ends it; they go on with others after one that failed.
func (s *sweepRun) children(ctx context.Context, signals <-chan os.Signal) (stopped bool) {
	version := s.version
	for i, params := range s.all {
		select {
		case <-signals:
			return true
		default:
		}
		_, _ = client.HeartbeatRun(ctx, s.client, s.runID, sweepLease)
		child := &projectRun{
			command: s.command, std: s.std, runID: autolog.NewRunID(), parent: s.runID, params: params, version: version, began: time.Now().UTC(),
		}
		s.say("run %d of %d: %s", i+1, len(s.all), s.describe(params))
		plan, err := child.prepare(ctx)
		code := 0
		if err == nil {
			version = cmp.Or(plan.Checkout.Commit, version) // all of them at one commit
			code, err = child.execute(ctx, plan)
			err = errors.Join(err, plan.Close())
		}
		if errors.Is(err, errDeclined) {
			s.say("%v", err)
			return true
		}
		if err != nil {
			s.say("%v", err)
		}
		if err != nil || code != 0 {
			s.failed++
		}
		s.rows = append(s.rows, s.row(context.WithoutCancel(ctx), child))
	}
	select {
	case <-signals:
		return true
	default:
		return false
	}
}

func (s *sweepRun) describe(params map[string]string) string {
	text := ""
	for _, name := range s.varied {
		text += " " + name + "=" + hiddenValue(name, params[name])
	}
	return text[min(1, len(text)):]
}

// row reads what a child came to.
func (s *sweepRun) row(ctx context.Context, child *projectRun) sweepRow {
	row := sweepRow{runID: child.runID, params: child.params, status: "UNKNOWN"}
	answer, err := client.ShowRun(ctx, s.client, child.runID, false)
	if err != nil || answer.Run == nil {
		return row
	}
	row.status = string(answer.Run.Status)
	for _, metric := range answer.Run.Metrics {
		if value := float64(metric.Last.Value); metric.Key == s.goal() && !math.IsNaN(value) {
			row.value = &value
		}
	}
	return row
}

func (s *sweepRun) goal() string { return cmp.Or(s.command.Maximize, s.command.Minimize) }

// best is the row whose value wins; -1 for none.
func (s *sweepRun) best() int {
	best := -1
	for i, row := range s.rows {
		if row.value == nil || row.status != string(client.RunStatusFinished) {
			continue
		}
		if best < 0 || s.command.Maximize != "" && *row.value > *s.rows[best].value || s.command.Minimize != "" && *row.value < *s.rows[best].value {
			best = i
		}
	}
	return best
}

// finish ends the run of the sweep, with the best of its children.
func (s *sweepRun) finish(ctx context.Context, stopped bool) error {
	batch := client.LogBatchInput{RunId: s.runID}
	if best := s.best(); best >= 0 {
		row := s.rows[best]
		batch.Tags = append(batch.Tags, client.TagInput{Key: "cairn.sweep.best_run", Value: row.runID})
		batch.Metrics = append(batch.Metrics, client.MetricPointInput{Key: s.goal(), Value: client.MetricValue(*row.value), Step: "0"})
		for _, name := range s.varied {
			batch.Params = append(batch.Params, client.ParamInput{Key: "best_" + name, Value: hiddenValue(name, row.params[name])})
		}
		if _, err := client.LogBatch(ctx, s.client, batch); err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
	}
	input := client.FinishRunInput{RunId: s.runID, Status: client.RunStatusFinished}
	reason := ""
	switch {
	case stopped:
		input.Status, reason = client.RunStatusKilled, fmt.Sprintf("ended after %d of %d runs", len(s.rows), len(s.all))
	case s.failed > 0:
		input.Status, reason = client.RunStatusFailed, fmt.Sprintf("%d of %d runs failed", s.failed, len(s.all))
	}
	if reason != "" {
		input.Reason = &reason
	}
	_, err := client.FinishRun(ctx, s.client, input)
	return err //nolint:wrapcheck // an error for users already
}

// result shows the children, the best one marked.
func (s *sweepRun) result() error {
	head := []string{"", "run"}
	head = append(head, s.varied...)
	head = append(head, "status")
	if s.goal() != "" {
		head = append(head, ">"+s.goal())
	}
	t := newTable(head...)
	best := s.best()
	for i, row := range s.rows {
		mark := ""
		if i == best {
			mark = "best"
		}
		cells := []string{mark, row.runID}
		for _, name := range s.varied {
			cells = append(cells, hiddenValue(name, row.params[name]))
		}
		cells = append(cells, row.status)
		if row.value != nil {
			cells = append(cells, strconv.FormatFloat(*row.value, 'g', 6, 64))
		}
		t.add(cells...)
	}
	if err := put(s.std.err, fmt.Sprintf("cairn run: the sweep is the run %s\n", s.runID)); err != nil {
		return err
	}
	if err := t.write(s.std.out); err != nil {
		return err
	}
	if s.failed > 0 || len(s.rows) < len(s.all) {
		return exitCode(exitError)
	}
	return nil
}

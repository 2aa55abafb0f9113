package autolog

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	autologv1 "github.com/cairnml/cairn/plugins/sdk/proto/autolog/v1"
)

// takeUser journals what the user's own code logs through the `cairn` package: it needs no adapter, and a param of the
// user's is not changed by anybody. The caller holds the lock.
func (a *agent) takeUser(known *session, m message) error {
	var ops []op
	run := m.Run
	switch m.T {
	case "run":
		if run == "" {
			return errors.New("a run without an id")
		}
		if a.state.created[run] || run == a.config.RunID {
			return nil
		}
		experiment := m.Experiment
		if experiment == "" {
			experiment = a.config.Experiment
		}
		tags := a.state.commandTags()
		for key, value := range m.Tags {
			tags[key] = a.mask.value(key, truncate(value, maxTagValue))
		}
		ops = append(ops, op{
			Kind: opCreateRun, Run: run, Name: truncate(m.Name, 500), Experiment: truncate(experiment, 500), Parent: m.Parent,
			User: a.config.User, TimeMS: m.TimeMS, Tags: tags,
		})
	case "run.end":
		if a.state.open[run] == nil || run == a.config.RunID {
			return nil // not opened here, or ended already
		}
		status := m.Status
		if status != statusFailed && status != statusKilled {
			status = statusFinished
		}
		ops = append(ops, op{Kind: opFinishRun, Run: run, Status: status, TimeMS: m.TimeMS})
	case "log":
		if run == "" {
			run = a.config.RunID
		}
		ops = a.userOps(run, m)
	case "artifact":
		run = cmp.Or(run, a.config.RunID)
		var err error
		if ops, err = a.userArtifact(known, run, m); err != nil {
			return err
		}
	}
	if run == a.config.RunID {
		if err := a.beginLocked(); err != nil {
			return err
		}
	}
	err := a.recordLocked(entry{Ops: &opsEntry{Session: known.id, Sequence: m.Seq, Ops: ops}})
	if errors.Is(err, errSpoolFull) {
		for _, o := range ops {
			a.blobBytes.Add(-a.uploader.deliverer.forget(o))
		}
	}
	return err
}

func (a *agent) userOps(run string, m message) []op {
	var ops []op
	for _, key := range sortedKeys(m.Params) {
		ops = append(ops, op{Kind: opParam, Run: run, Key: key, Value: a.mask.value(key, m.Params[key])})
	}
	for _, key := range sortedKeys(m.Tags) {
		ops = append(ops, op{Kind: opTag, Run: run, Key: key, Value: a.mask.value(key, m.Tags[key])})
	}
	step := cmp.Or(m.Step, "0")
	for _, key := range sortedKeys(m.Values) {
		ops = append(ops, op{Kind: opMetric, Run: run, Key: key, Number: m.Values[key], Step: step, TimeMS: m.TimeMS})
	}
	return ops
}

// userArtifact takes a file that the user's code copied into its session's directory. The caller holds the lock.
func (a *agent) userArtifact(known *session, run string, m message) ([]op, error) {
	if err := checkPath(m.Name); err != nil {
		return []op{}, err
	}
	t := translator{blobs: filepath.Join(a.dir, blobsDir), files: a.filesDir(known.id), session: known.id, adapter: "user", sequence: m.Seq}
	blob, err := t.blob(&autologv1.File{Content: &autologv1.File_Source{Source: m.Files["artifact"]}}, nil)
	if err != nil {
		return []op{}, fmt.Errorf("the artifact %.200q: %w", m.Name, err)
	}
	a.blobBytes.Add(t.bytes)
	if err := os.Remove(m.Files["artifact"]); err != nil {
		a.log.Warn("remove the copy of an artifact", "error", err)
	}
	return []op{{Kind: opArtifact, Run: run, Path: m.Name, Blob: blob}}, nil
}

// serveControl takes what `cairn exec` sends: output of the command and how it ended.
func (c *connection) serveControl() {
	in, a := c.intake, c.intake.agent
	in.mu.Lock()
	c.control = true
	in.mu.Unlock()
	a.mu.Lock()
	if a.state.sessions[execSession] == nil {
		if err := a.recordLocked(entry{Session: &sessionEntry{ID: execSession}}); err != nil {
			a.log.Error("begin", "error", err)
			a.state.apply(entry{Session: &sessionEntry{ID: execSession}}, 0)
		}
	}
	a.mu.Unlock()
	var living sync.WaitGroup
	stop := make(chan struct{})
	defer living.Wait()
	defer close(stop)
	living.Go(func() { c.stayAlive(stop) })
	for {
		var m message
		if err := readMessage(c.reader, &m); err != nil {
			break
		}
		switch m.T {
		case "output":
			if err := a.output(m); err != nil && !errors.Is(err, errSpoolFull) {
				a.log.Error("output", "error", err)
			}
		case "finish":
			end := endEntry{Status: m.Status, Reason: m.Reason, EndMS: m.TimeMS}
			// In the journal before it is acknowledged: an agent after this one is not told again.
			if err := a.record(entry{End: &end}); err != nil {
				a.log.Error("end of the command", "error", err)
			}
			select {
			case in.finished <- end:
			default:
			}
		case "warn":
			a.warn(a.config.RunID, m.Message)
		}
		if m.Seq > 0 {
			c.ack(m.Seq)
		}
	}
}

// stayAlive tells exec that the agent is there, until the connection ends.
func (c *connection) stayAlive(stop <-chan struct{}) {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		c.reply(reply{T: "alive"})
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

// output journals a piece of the command's output.
func (a *agent) output(m message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.Seq <= a.state.sessions[execSession].accepted {
		return nil
	}
	if a.state.logBytes+int64(len(m.Text)) > maxLog {
		a.warnLocked(a.config.RunID, fmt.Sprintf("only the first %d MiB of the output were recorded", maxLog>>20))
		return nil
	}
	stream := "STDOUT"
	if strings.EqualFold(m.Stream, "stderr") {
		stream = "STDERR"
	}
	return a.recordLocked(entry{Ops: &opsEntry{Session: execSession, Sequence: m.Seq, Ops: []op{{
		Kind: opLog, Run: a.config.RunID, Stream: stream, Text: m.Text, TimeMS: m.TimeMS}}}})
}

// finish tells exec how the recording ended.
func (in *intake) finish(out outcome) {
	in.mu.Lock()
	var control []*connection
	for c := range in.open {
		if c.control {
			control = append(control, c)
		}
	}
	in.mu.Unlock()
	for _, c := range control {
		c.reply(reply{T: "done", Outcome: &out})
	}
}

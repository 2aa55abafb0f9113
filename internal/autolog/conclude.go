package autolog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// lingerTimeout is how long processes that outlive their command are still listened to.
	lingerTimeout = 2 * time.Second
	// lastReads bounds the wait until what they had sent by then is journaled: no more than a socket holds of each.
	lastReads = time.Minute
	// adaptersTimeout bounds the wait for adapters at the end.
	adaptersTimeout = 5 * time.Minute
)

// endSession says that a training process ended; its runs are finished when its adapters are through.
func (a *agent) endSession(id string, clean bool, dropped int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.state.sessions[id]
	if known == nil || known.bye != nil {
		return
	}
	if err := a.recordLocked(entry{Bye: &byeEntry{Session: id, Clean: clean, Dropped: dropped}}); err != nil {
		a.log.Error("end of a session was lost", "error", err)
		known.bye = &byeEntry{Session: id, Clean: clean}
	}
	if dropped > 0 {
		a.warnLocked(a.config.RunID, fmt.Sprintf("the training dropped %d observations: they came faster than they could be sent", dropped))
	}
	pumps := make([]*pump, 0, len(a.pumps[id]))
	for _, p := range a.pumps[id] {
		p.notify()
		pumps = append(pumps, p)
	}
	a.closing.Add(1)
	go func() {
		defer a.closing.Done()
		for _, p := range pumps {
			<-p.done
		}
		a.finishRuns(id)
	}()
}

// finishRuns finishes the runs of a session that are still open.
func (a *agent) finishRuns(session string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	clean := false
	if known := a.state.sessions[session]; known != nil && known.bye != nil {
		clean = known.bye.Clean
	}
	var ops []op
	for run, open := range a.state.open {
		if open.session != session || run == a.config.RunID {
			continue
		}
		status, reason := open.status, ""
		switch {
		case status != "":
		case clean:
			status = statusFinished
		case a.left[session]:
			status, reason = statusKilled, "the agent was killed while it recorded this run"
		default:
			status, reason = statusKilled, "the process that wrote to it ended early"
		}
		ops = append(ops, op{Kind: opFinishRun, Run: run, Status: status, Reason: reason, TimeMS: open.lastMS})
	}
	if len(ops) == 0 {
		return
	}
	if err := a.recordLocked(entry{Ops: &opsEntry{Session: session, Ops: ops}}); err != nil {
		a.log.Error("end of runs was lost", "error", err)
	}
}

// conclude ends the command: every session, every run, the fingerprint.
func (a *agent) conclude(ctx context.Context, end endEntry) {
	a.mu.Lock()
	a.finishing = true
	sessions := sortedKeys(a.state.sessions)
	a.mu.Unlock()
	for _, id := range sessions {
		if id != execSession {
			a.endSession(id, false, 0)
		}
	}
	// Every session has ended now, so every pump comes to an end.
	if !waitFor(ctx, a.options.patience, &a.closing) || !waitFor(ctx, a.options.patience, &a.pumping) {
		a.mu.Lock()
		a.warnLateLocked()
		a.mu.Unlock()
	}
	// Also those of sessions that ended under an agent before this one.
	for _, id := range append(sessions, "") {
		a.finishRuns(id)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if flag := a.isolated(); flag != "" {
		a.warnUnrecordedLocked(fmt.Sprintf("Python was started with %s, which leaves Cairn's hook out: the training ran, but nothing was recorded automatically", flag))
	}
	if len(a.left) > 0 {
		a.warnLocked(a.config.RunID, fmt.Sprintf("the agent was killed while it recorded %d processes that did not come back: what they did afterwards was not recorded", len(a.left)))
	}
	ended := a.state.open[a.config.RunID] == nil // by the user's own code
	if !ended {
		a.closeLocked()
	}
	if a.dropped.Load() > 0 {
		a.warnLocked(a.config.RunID, a.droppedText())
	}
	if ended {
		return
	}
	err := a.recordLocked(entry{Ops: &opsEntry{Ops: []op{
		{Kind: opFinishRun, Run: a.config.RunID, Status: end.Status, Reason: end.Reason, TimeMS: end.EndMS}}}})
	if err != nil {
		a.log.Error("end of the run was lost", "error", err)
	}
}

// closeLocked records what is known of the command's runs only at their end. Where it does not fit, it is dropped.
func (a *agent) closeLocked() {
	ops := a.codeOpsLocked()
	for _, sibling := range a.state.siblings {
		ops = append(ops, a.closingOps(sibling)...)
	}
	ops = append(ops, a.closingOps(a.config.RunID)...)
	err := a.recordLocked(entry{Ops: &opsEntry{Ops: ops}})
	if err == nil {
		return
	}
	for _, o := range ops {
		a.blobBytes.Add(-a.uploader.deliverer.forget(o))
	}
	if !errors.Is(err, errSpoolFull) {
		a.log.Error("what closes the runs was lost", "error", err)
	}
}

// droppedText says how much was dropped, and why.
func (a *agent) droppedText() string {
	why := fmt.Sprintf("the spool was at its limit of %d MiB", a.journal.limit>>20)
	if a.journal.ranOutOfSpace() {
		why = "the disk of the spool was full"
	}
	return fmt.Sprintf("%d records were dropped: %s", a.dropped.Load(), why)
}

// isolated gives the flag of the command's Python for which no training said that it is there; empty when one did, or there
// is no such flag. The caller holds the lock.
func (a *agent) isolated() string {
	for id := range a.state.sessions {
		if id != execSession {
			return ""
		}
	}
	if len(a.config.Argv) == 0 {
		return ""
	}
	return readPython(a.config.Argv).isolating
}

// closingOps are what is known of a run only at its end: what it could be repeated from. The caller holds the lock.
func (a *agent) closingOps(run string) []op {
	var ops []op
	print := &fingerprint{Data: a.state.data[run], Seeds: a.state.seeds[run]}
	directory := ""
	if origin := a.state.origin; origin != nil {
		print.Code, print.Hardware, directory = origin.Code, origin.Hardware, origin.Directory
	}
	if len(a.config.Argv) > 0 {
		print.Command = &commandFacts{Argv: a.config.Argv, Directory: directory}
	}
	if a.config.Manager != "" {
		print.Environment = &environmentFacts{Manager: a.config.Manager, LockSHA256: a.config.LockSHA256}
	}
	if len(a.state.packages) > 0 {
		print.Dependencies = &dependencies{Python: a.state.python, Packages: a.state.packages}
		blob := "requirements-" + run
		if err := a.blobFile(blob, requirements(a.state.packages)); err == nil {
			ops = append(ops, op{Kind: opArtifact, Run: run, Path: "requirements.txt", Blob: blob})
		} else {
			a.warnLocked(a.config.RunID, fmt.Sprintf("requirements.txt was left out: %v", err))
		}
	}
	return append(ops, op{Kind: opFingerprint, Run: run, Fingerprint: print})
}

// waitFor waits for a group for at most a while.
func waitFor(ctx context.Context, limit time.Duration, group *sync.WaitGroup) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		group.Wait()
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

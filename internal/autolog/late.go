package autolog

import (
	"fmt"
	"slices"

	"github.com/cairnml/cairn/internal/errs"
)

// A run may end before an adapter answered all that was observed of it: the adapter hangs, or is far behind. The run says so,
// the observations stay in the spool, and once they are answered the run says that instead.

func lateWarning(adapter string) string {
	return fmt.Sprintf("the run ended before the adapter %s had answered all that was observed of it: what is missing is in the spool, and `cairn sync` delivers it", adapter)
}

func caughtUp(adapter string) string {
	return fmt.Sprintf("the adapter %s answered the last of what was observed after the run had ended; all of it is recorded", adapter)
}

// warnLateLocked says on every run that waits for an adapter's answers that it ends without them.
func (a *agent) warnLateLocked() {
	for adapter, runs := range a.unansweredRuns() {
		text := lateWarning(adapter)
		for _, run := range runs {
			a.warnLocked(run, text)
		}
	}
}

// settleLateLocked takes back what warnLateLocked said on the runs that wait for the adapter no more.
func (a *agent) settleLateLocked(adapter string, why string) {
	text := a.mask.text(truncate(lateWarning(adapter), maxWarning))
	var said []string
	for _, run := range sortedKeys(a.state.warnings) {
		if slices.Contains(a.state.warnings[run], text) {
			said = append(said, run)
		}
	}
	if len(said) == 0 {
		return
	}
	waiting := a.unansweredRuns()[adapter]
	for _, run := range said {
		if slices.Contains(waiting, run) {
			continue
		}
		o := a.state.replaceWarning(run, text, a.mask.text(why))
		if err := a.recordLocked(entry{Ops: &opsEntry{Ops: []op{o}}}); err != nil {
			a.log.Error("a warning could not be taken back", "error", err)
		}
	}
}

// unansweredRuns gives the runs of which observations wait for an adapter, by adapter. The command's run waits for what an
// adapter says at the end of a session. The caller holds the lock.
func (a *agent) unansweredRuns() map[string][]string {
	runs := map[string][]string{}
	for _, known := range a.state.sessions {
		for adapter, p := range known.adapters {
			if !a.waitsFor(adapter, p) {
				continue
			}
			for _, position := range p.positions[min(p.answered, len(p.positions)):] {
				o, err := a.observation(position)
				if err == nil && !slices.Contains(runs[adapter], o.Run) {
					runs[adapter] = append(runs[adapter], o.Run)
				}
			}
			if len(runs[adapter]) == 0 {
				runs[adapter] = []string{a.config.RunID}
			}
		}
	}
	return runs
}

// waitsFor tells whether an adapter that is installed has answers to give. The caller holds the lock.
func (a *agent) waitsFor(adapter string, p *progress) bool {
	return !p.closed && len(p.positions) > 0 && a.host(adapter) != nil
}

// unanswered counts what adapters have not answered.
func (a *agent) unanswered() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, known := range a.state.sessions {
		for adapter, p := range known.adapters {
			if a.waitsFor(adapter, p) {
				n += max(1, len(p.positions)-p.answered)
			}
		}
	}
	return n
}

// lateFailure is why a spool is kept though the server took all that was sent: nil when no adapter owes anything.
func (a *agent) lateFailure() error {
	if a.unanswered() == 0 {
		return nil
	}
	return errs.New(errs.Unavailable, "the adapter did not answer in time")
}

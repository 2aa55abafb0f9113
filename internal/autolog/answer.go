package autolog

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	autologv1 "github.com/cairnml/cairn/plugins/sdk/proto/autolog/v1"
)

// observation reads an observation from the journal.
func (a *agent) observation(position int64) (*observationEntry, error) {
	payload, _, err := a.journal.read(position)
	if err != nil {
		return nil, fmt.Errorf("read observation: %w", err)
	}
	e, err := decodeEntry(payload)
	if err != nil {
		return nil, err
	}
	if e.Observation == nil {
		return nil, fmt.Errorf("the journal has no observation at %d", position)
	}
	return e.Observation, nil
}

// skipped tells whether the n-th observation is not to be sent: the adapter died of it, or it was answered and is gone.
func (a *agent) skipped(session, adapter string, n int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.state.sessions[session].progressOf(adapter)
	return p.skipped[n] || n < p.answered && p.positions[n] < a.journal.begin()
}

func (a *agent) skip(session, adapter string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.recordLocked(entry{Ops: &opsEntry{Session: session, Adapter: adapter, Skipped: n + 1}}); err != nil {
		a.log.Error("could not skip an observation", "error", err)
		return
	}
	why := fmt.Sprintf("the adapter %s ended twice at the same observation, which was left out", adapter)
	a.warnLocked(a.config.RunID, why)
	positions := a.state.sessions[session].progressOf(adapter).positions
	if n >= len(positions) {
		return
	}
	if o, err := a.observation(positions[n]); err == nil && o.Run != a.config.RunID {
		a.warnPartial(o.Run, why)
	}
}

// giveUp ends a session's work with an adapter: what was observed stays unanswered, and the runs of which it was observed
// say so.
func (a *agent) giveUp(session, adapter string, reason error) {
	text := truncate(reason.Error(), 400)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.recordLocked(entry{Ops: &opsEntry{Session: session, Adapter: adapter, Closed: true, GaveUp: text}}); err != nil {
		a.log.Error("could not close a session", "error", err)
	}
	p := a.state.sessions[session].progressOf(adapter)
	p.closed, p.gaveUp = true, text // also where it could not be recorded
	a.warnLocked(a.config.RunID, text)
	for _, position := range p.positions[min(p.answered, len(p.positions)):] {
		if o, err := a.observation(position); err == nil {
			a.warnPartial(o.Run, p.gaveUp)
		}
	}
	a.settleLateLocked(adapter, p.gaveUp+partly)
}

const partly = ": not all that was observed of this run was recorded"

// warnPartial says on a run that an adapter did not answer all that was observed of it. The caller holds the lock.
func (a *agent) warnPartial(run, why string) {
	a.warnLocked(run, why+partly)
}

// answer journals what an adapter made of its n-th observation; n is -1 for what it had kept to the end.
func (a *agent) answer(p *pump, n int, set *autologv1.RecordSet) error {
	adapter := p.host.file.name
	t := &translator{
		state: a.state, mask: a.mask, blobs: filepath.Join(a.dir, blobsDir), files: a.filesDir(p.session),
		session: p.session, adapter: adapter, run: a.config.RunID, timeMS: time.Now().UnixMilli(), filter: a.filter,
		known: func(run string) bool {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.state.created[run]
		},
		measured: func(run, key string) (op, bool) {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.state.measured(run, key)
		},
		modelID: func(run, name string) string {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.state.modelID(run, name)
		},
	}
	if n >= 0 {
		a.mu.Lock()
		position := p.progress().positions[n]
		a.mu.Unlock()
		o, err := a.observation(position)
		if err != nil {
			return err
		}
		t.fit, t.run, t.sequence, t.timeMS = o.Fit, o.Run, o.Sequence, o.TimeMS
	}
	t.translate(set.GetRecords())
	a.blobBytes.Add(t.bytes)

	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.recordLocked(entry{Ops: &opsEntry{
		Session: p.session, Adapter: adapter, Sequence: t.sequence, Answered: n >= 0, Closed: n < 0, Ops: t.ops}})
	if errors.Is(err, errSpoolFull) {
		// The answer is lost, the mark that it came must not be: else the adapter would be asked again.
		for _, o := range t.ops {
			a.blobBytes.Add(-a.uploader.deliverer.forget(o))
		}
		mark := entry{Ops: &opsEntry{Session: p.session, Adapter: adapter, Sequence: t.sequence, Answered: n >= 0, Closed: n < 0}}
		if err = a.recordLocked(mark); errors.Is(err, errSpoolFull) {
			// Kept in memory alone. Where the next agent misses it, it asks once more.
			a.state.apply(mark, 0)
			err = nil
		}
	}
	if err != nil {
		return err
	}
	for _, warning := range t.warnings {
		a.warnLocked(warning.run, warning.text)
	}
	if n < 0 {
		a.settleLateLocked(adapter, caughtUp(adapter))
	}
	return nil
}

// startPump begins to hand a session's observations to an adapter, once. The caller holds the lock.
func (a *agent) startPumpLocked(session string, host *adapterHost, distribution, version string) *pump {
	if p := a.pumps[session][host.file.name]; p != nil {
		return p
	}
	p := &pump{
		agent: a, session: session, host: host, stall: a.options.stall, distribution: distribution, version: version,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if a.pumps[session] == nil {
		a.pumps[session] = map[string]*pump{}
	}
	a.pumps[session][host.file.name] = p
	a.pumping.Add(1)
	go func() {
		defer a.pumping.Done()
		p.run(a.pumpCtx)
	}()
	return p
}

// resumePumps goes on with the sessions that an agent before this one left.
func (a *agent) resumePumps() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, known := range a.state.sessions {
		for name, p := range known.adapters {
			if p.closed || len(p.positions) == 0 {
				continue
			}
			if host := a.host(name); host != nil {
				a.startPumpLocked(id, host, "", "")
			} else {
				a.warnLocked(a.config.RunID, fmt.Sprintf("the adapter %s is not installed any more: %d observations were not recorded",
					name, len(p.positions)-p.answered))
			}
		}
	}
}

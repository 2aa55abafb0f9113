package autolog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
	autologv1 "github.com/cairnml/cairn/plugins/sdk/proto/autolog/v1"
)

const (
	// spoolReserve is kept free for what ends a run when observations and output have filled the spool.
	spoolReserve = 32 << 20
	// keepJournal is how much of a delivered journal is kept for replaying sessions to an adapter that died.
	keepJournal = 256 << 20
	// maxLog bounds the console output that is recorded of a run.
	maxLog = 64 << 20
	// lingerTimeout is how long processes that outlive their command are still listened to.
	lingerTimeout = 2 * time.Second
	// adaptersTimeout bounds the wait for adapters at the end.
	adaptersTimeout = 5 * time.Minute
)

// agent records one command. Its journal and state are guarded by mu: they change together, in one order.
type agent struct {
	config  Config
	dir     string
	home    string
	log     *slog.Logger
	mask    *masker
	options agentSettings

	mu        sync.Mutex
	journal   *journal
	state     *state
	pumps     map[string]map[string]*pump // by session and adapter
	finishing bool
	// unrecorded says why a framework is not recorded at all, for exec to say; empty when all are.
	unrecorded string
	// left are sessions that an agent before this one left open and that were not resumed.
	left map[string]bool

	hosts    []*adapterHost
	spawner  *spawner
	uploader *uploader
	delivery *delivery

	// root is the top of the command's work tree, once it was asked for.
	rootMu sync.Mutex
	root   string

	blobBytes atomic.Int64
	dropped   atomic.Int64

	pumpCtx context.Context //nolint:containedctx // the lifetime of all pumps, which begin at different times
	pumping sync.WaitGroup
	closing sync.WaitGroup // sessions that wait for their pumps
}

// agentSettings are what tests and callers choose.
type agentSettings struct {
	server   client.Config
	maxSpool int64
	dirs     []string
	trusted  map[string]string
	stall    time.Duration
	tempDir  string
}

// newAgent opens a spool, which the caller has locked, and goes on where its journal ends.
func newAgent(dir, home string, config Config, settings agentSettings, log *slog.Logger) (*agent, error) {
	a := &agent{
		config: config, dir: dir, home: home, log: log, mask: newMasker(os.Environ(), nil), options: settings,
		state: newState(config), pumps: map[string]map[string]*pump{}, left: map[string]bool{},
	}
	api, err := newAPI(config, settings.server)
	if err != nil {
		return nil, err
	}
	if a.journal, a.delivery, err = openSpool(dir, settings.maxSpool); err != nil {
		return nil, err
	}
	if err := a.replay(); err != nil {
		return nil, errors.Join(err, a.journal.close(), a.delivery.close())
	}
	a.uploader = newUploader(a.journal, a.delivery, &deliverer{
		client: api, blobs: filepath.Join(dir, blobsDir), sender: "agent:" + config.ExecID, output: "output:" + config.ExecID,
		experiments: map[string]string{},
	}, log)
	a.uploader.refused = func(o op, err error) {
		if o.Key != tagWarnings {
			a.warn(o.Run, fmt.Sprintf("the server refused a record (%s %s): %v", o.Kind, o.Key+o.Path, err))
		}
	}
	a.uploader.freed = func(n int64) { a.blobBytes.Add(-n) }
	a.spawner = newSpawner()
	for _, file := range findAdapters(settings.dirs, settings.trusted) {
		a.hosts = append(a.hosts, &adapterHost{file: file, home: home, tempDir: settings.tempDir, spawner: a.spawner, log: log})
	}
	return a, nil
}

// newAPI makes the client for the spool's server, with the credentials of the environment: those in the server's URL only
// where it is the same server.
func newAPI(config Config, environment client.Config) (*client.Client, error) {
	if api, err := client.New(environment); err == nil && api.Server() == config.Server {
		return api, nil
	}
	return client.New(client.Config{Server: config.Server, Token: environment.Token})
}

// replay folds the journal into the state.
func (a *agent) replay() error {
	blobs, err := os.ReadDir(filepath.Join(a.dir, blobsDir))
	if err != nil {
		return fmt.Errorf("list blobs: %w", err)
	}
	for _, blob := range blobs {
		if info, err := blob.Info(); err == nil {
			a.blobBytes.Add(info.Size())
		}
	}
	for at := int64(0); ; {
		payload, next, err := a.journal.read(at)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		e, err := decodeEntry(payload)
		if err != nil {
			return err
		}
		a.state.apply(e, next-frameHeader-int64(len(payload)))
		at = next
	}
	for id, known := range a.state.sessions {
		if known.bye == nil && id != execSession {
			a.left[id] = true
		}
	}
	if a.journal.damaged > 0 {
		a.log.Warn("the end of the journal was damaged and cut off", "bytes", a.journal.damaged)
	}
	return nil
}

// record journals an entry and folds it into the state. The caller holds the lock.
func (a *agent) recordLocked(e entry) error {
	payload, err := e.encode()
	if err != nil {
		return err
	}
	reserve := a.blobBytes.Load()
	if e.Observation != nil || e.Ops != nil && len(e.Ops.Ops) > 0 && !a.finishing {
		reserve += spoolReserve
	}
	position, err := a.journal.append(payload, min(reserve, a.journal.limit))
	if err != nil {
		if errors.Is(err, errSpoolFull) {
			a.dropped.Add(1)
		}
		return err
	}
	a.state.apply(e, position)
	return nil
}

func (a *agent) record(e entry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.recordLocked(e)
}

// begin opens the command's run, once.
func (a *agent) begin() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.beginLocked()
}

func (a *agent) beginLocked() error {
	if a.state.began {
		return nil
	}
	return a.recordLocked(entry{Ops: &opsEntry{Ops: []op{{
		Kind: opCreateRun, Run: a.config.RunID, Name: a.config.RunName, Experiment: a.config.Experiment,
		User: a.config.User, TimeMS: a.config.StartMS, Tags: a.state.commandTags(),
	}}}})
}

// warn shows a warning on a run.
func (a *agent) warn(run, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.warnLocked(run, text)
}

// warnUnrecorded shows on the command's run why a framework is not recorded at all, and lets exec say it.
func (a *agent) warnUnrecorded(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.warnUnrecordedLocked(text)
}

func (a *agent) warnUnrecordedLocked(text string) {
	a.unrecorded = cmp.Or(a.unrecorded, a.mask.text(text))
	a.warnLocked(a.config.RunID, text)
}

func (a *agent) warnLocked(run, text string) {
	a.log.Warn("warning on the run", "run", run, "text", text)
	o, ok := a.state.warning(run, a.mask.text(text))
	if !ok {
		return
	}
	if run == a.config.RunID {
		if err := a.beginLocked(); err != nil {
			a.log.Error("warning was lost", "error", err)
			return
		}
	}
	if err := a.recordLocked(entry{Ops: &opsEntry{Ops: []op{o}}}); err != nil {
		a.log.Error("warning was lost", "error", err)
	}
}

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
	a.warnLocked(a.config.RunID, fmt.Sprintf("the adapter %s ended twice at the same observation, which was left out", adapter))
}

func (a *agent) closeAdapter(session, adapter string) {
	if err := a.record(entry{Ops: &opsEntry{Session: session, Adapter: adapter, Closed: true}}); err != nil {
		a.log.Error("could not close a session", "error", err)
	}
}

// answer journals what an adapter made of its n-th observation; n is -1 for what it had kept to the end.
func (a *agent) answer(p *pump, n int, set *autologv1.RecordSet) error {
	adapter := p.host.file.name
	t := &translator{
		state: a.state, mask: a.mask, blobs: filepath.Join(a.dir, blobsDir), files: a.filesDir(p.session),
		session: p.session, adapter: adapter, run: a.config.RunID, timeMS: time.Now().UnixMilli(),
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
		err = a.recordLocked(entry{Ops: &opsEntry{
			Session: p.session, Adapter: adapter, Sequence: t.sequence, Answered: n >= 0, Closed: n < 0}})
	}
	if err != nil {
		return err
	}
	for _, warning := range t.warnings {
		a.warnLocked(warning.run, warning.text)
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

func (a *agent) host(adapter string) *adapterHost {
	for _, host := range a.hosts {
		if host.file.name == adapter {
			return host
		}
	}
	return nil
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
		status := open.status
		if status == "" {
			status = statusKilled
			if clean {
				status = statusFinished
			}
		}
		ops = append(ops, op{Kind: opFinishRun, Run: run, Status: status, TimeMS: open.lastMS})
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
	if !waitFor(ctx, adaptersTimeout, &a.closing) || !waitFor(ctx, adaptersTimeout, &a.pumping) {
		a.warn(a.config.RunID, "adapters did not come to an end in time; what they had not answered was not recorded")
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
	if a.dropped.Load() > 0 {
		a.warnLocked(a.config.RunID, fmt.Sprintf("%d records were dropped: the spool was at its limit of %d MiB", a.dropped.Load(), a.journal.limit>>20))
	}
	if a.state.open[a.config.RunID] == nil {
		return
	}
	ops := a.codeOpsLocked()
	for _, sibling := range a.state.siblings {
		ops = append(ops, a.closingOps(sibling)...)
	}
	ops = append(ops, a.closingOps(a.config.RunID)...)
	ops = append(ops, op{Kind: opFinishRun, Run: a.config.RunID, Status: end.Status, Reason: end.Reason, TimeMS: end.EndMS})
	if err := a.recordLocked(entry{Ops: &opsEntry{Ops: ops}}); err != nil {
		a.log.Error("end of the run was lost", "error", err)
	}
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

// closeHosts ends every adapter; closeSpool the journals. Nothing is recorded after it.
func (a *agent) closeHosts() {
	var hosts sync.WaitGroup
	for _, host := range a.hosts {
		hosts.Go(host.close)
	}
	hosts.Wait()
	a.spawner.close()
}

func (a *agent) closeSpool() error {
	return errors.Join(a.journal.close(), a.delivery.close())
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

// trim removes what was delivered and answered from the front of the journal once there is much of it.
func (a *agent) trim() error {
	if a.journal.bytes() <= keepJournal {
		return nil
	}
	state, _ := a.uploader.status()
	below := state.at.Position
	a.mu.Lock()
	for _, known := range a.state.sessions {
		for _, p := range known.adapters {
			if !p.closed && p.answered < len(p.positions) {
				below = min(below, p.positions[p.answered])
			}
		}
	}
	a.mu.Unlock()
	return a.journal.trim(below, keepJournal)
}

// heartbeat keeps the leases of the agent's open runs and the journal short, until the context ends.
func (a *agent) heartbeat(ctx context.Context) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := a.trim(); err != nil {
			a.log.Warn("trim", "error", err)
		}
		if state, _ := a.uploader.status(); state.failure != nil {
			continue
		}
		a.mu.Lock()
		open := make([]string, 0, len(a.state.open))
		for run := range a.state.open {
			open = append(open, run)
		}
		a.mu.Unlock()
		for _, run := range open {
			if err := a.uploader.deliverer.heartbeat(ctx, run); err != nil {
				a.log.Debug("heartbeat", "run", run, "error", err)
				break
			}
		}
	}
}

// blobFile writes a blob of the agent's own.
func (a *agent) blobFile(name string, data []byte) error {
	n, err := writeBlob(filepath.Join(a.dir, blobsDir, name), bytes.NewReader(data))
	a.blobBytes.Add(n)
	return err
}

// result tells how the agent ended, and how much is left in the spool.
func (a *agent) result(failure error) outcome {
	out := outcome{Rejected: a.delivery.rejected, Dropped: a.dropped.Load()}
	a.mu.Lock()
	out.Unrecorded = a.unrecorded
	a.mu.Unlock()
	if failure == nil {
		return out
	}
	pending, err := a.uploader.pending(a.delivery.at, 1<<62, 1<<30)
	if err != nil {
		a.log.Error("count what is left", "error", err)
		pending = max(pending, 1)
	}
	out.Pending, out.Why = pending, failure.Error()
	if errs.KindOf(failure) == errs.Internal && !errors.As(failure, new(*errs.Error)) {
		out.Why = "the spool cannot be used: " + failure.Error()
	}
	return out
}

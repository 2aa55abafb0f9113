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
)

const (
	// spoolReserve is kept free for what ends a run when observations and output have filled the spool.
	spoolReserve = 32 << 20
	// maxLog bounds the console output that is recorded of a run.
	maxLog = 64 << 20
)

// agent records one command. Its journal and state are guarded by mu: they change together, in one order.
type agent struct {
	config  Config
	dir     string
	home    string
	log     *slog.Logger
	mask    *masker
	options agentSettings
	filter  filter

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
	// patience bounds the wait for adapters at the end.
	patience time.Duration
	tempDir  string
}

// newAgent opens a spool, which the caller has locked, and goes on where its journal ends.
func newAgent(dir, home string, config Config, settings agentSettings, log *slog.Logger) (*agent, error) {
	a := &agent{
		config: config, dir: dir, home: home, log: log, mask: newMasker(os.Environ(), nil), options: settings,
		filter: newFilter(config.Options), state: newState(config), pumps: map[string]map[string]*pump{}, left: map[string]bool{},
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
	reserve, write := a.blobBytes.Load(), a.journal.append
	if e.Observation != nil || e.Ops != nil && len(e.Ops.Ops) > 0 && !a.finishing {
		reserve += spoolReserve
	}
	if e.indispensable(a.finishing) {
		write = a.journal.appendLast
	}
	position, err := write(payload, min(reserve, a.journal.limit))
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
	ops := []op{{
		Kind: opCreateRun, Run: a.config.RunID, Name: a.config.RunName, Experiment: a.config.Experiment, Parent: a.config.Parent,
		User: a.config.User, TimeMS: a.config.StartMS, Tags: a.state.commandTags(),
	}}
	return a.recordLocked(entry{Ops: &opsEntry{Ops: append(ops, a.projectOps()...)}})
}

// projectOps are what a project's run has from its start: its params and the lock of its environment.
func (a *agent) projectOps() []op {
	var ops []op
	for _, key := range sortedKeys(a.config.Params) {
		ops = append(ops, op{Kind: opParam, Run: a.config.RunID, Key: key, Value: a.config.Params[key]})
	}
	if a.config.LockSHA256 == "" {
		return ops
	}
	lock, err := os.ReadFile(filepath.Join(a.dir, environmentLock))
	if err == nil {
		err = a.blobFile(environmentLock, lock)
	}
	if err != nil {
		a.log.Error("keep the lock of the environment", "error", err)
		return ops
	}
	return append(ops, op{Kind: opArtifact, Run: a.config.RunID, Path: "cairn/environment.lock", Blob: environmentLock})
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

func (a *agent) host(adapter string) *adapterHost {
	for _, host := range a.hosts {
		if host.file.name == adapter {
			return host
		}
	}
	return nil
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

// blobFile writes a blob of the agent's own.
func (a *agent) blobFile(name string, data []byte) error {
	n, err := writeBlob(filepath.Join(a.dir, blobsDir, name), bytes.NewReader(data))
	a.blobBytes.Add(n)
	return err
}

// result tells how the agent ended, and how much is left in the spool.
func (a *agent) result(failure error) outcome {
	failure = cmp.Or(failure, a.lateFailure())
	out := outcome{Rejected: a.delivery.rejected, Dropped: a.dropped.Load()}
	if out.Dropped > 0 {
		out.DroppedText = a.droppedText()
	}
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
	out.Pending, out.Why = pending+a.unanswered(), failure.Error()
	if errs.KindOf(failure) == errs.Internal && !errors.As(failure, new(*errs.Error)) {
		out.Why = "the spool cannot be used: " + failure.Error()
	}
	return out
}

package autolog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

// SyncOptions say what is delivered.
type SyncOptions struct {
	// Server replaces the server of every spool; empty for the one that each was recorded for.
	Server string
	// Progress is told of each spool when it is begun and done; nil for nobody. It is called from one goroutine.
	Progress func(SyncedSpool)
	// Log gets the agent's own log; nil for none.
	Log *slog.Logger

	settings *agentSettings // of tests
}

// Outcomes of a spool.
const (
	SyncDelivering = "delivering"
	SyncDelivered  = "delivered"
	SyncKept       = "kept"
	SyncInUse      = "in use"
)

// SyncedSpool is what became of one command's spool.
type SyncedSpool struct {
	ExecID string `json:"execId"`
	RunID  string `json:"runId,omitempty"`
	Server string `json:"server,omitempty"`
	Path   string `json:"path"`
	// Outcome is one of the constants above.
	Outcome string `json:"outcome"`
	// Pending is how many records are left, and Why.
	Pending  int    `json:"pending"`
	Rejected int    `json:"rejected"`
	Why      string `json:"why,omitempty"`
}

// SyncReport is what Sync did, spool by spool, oldest first.
type SyncReport struct {
	Spools []SyncedSpool `json:"spools"`
	// Delivered, Kept and InUse count them.
	Delivered int `json:"delivered"`
	Kept      int `json:"kept"`
	InUse     int `json:"inUse"`
}

// Sync delivers every spool in the home directory and removes what was delivered. Spools of commands that are still
// running are left to their agents. What was observed but not handed to an adapter is handed to it now; a command whose
// agent was killed is recorded as KILLED unless its end is known. An error is given when the spools cannot be listed; what
// could not be delivered stands in the report.
func Sync(ctx context.Context, options SyncOptions) (SyncReport, error) {
	report := SyncReport{Spools: []SyncedSpool{}}
	home, err := Home()
	if err != nil {
		return report, err
	}
	entries, err := os.ReadDir(spoolRoot(home))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return report, errs.Wrap(errs.Unavailable, err, "the spool %s cannot be read: %v", spoolRoot(home), err)
	}
	var spools []SyncedSpool
	started := map[string]int64{}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		spool := SyncedSpool{ExecID: e.Name(), Path: filepath.Join(spoolRoot(home), e.Name())}
		if config, err := readConfig(spool.Path); err == nil {
			spool.RunID, spool.Server = config.RunID, cmp.Or(options.Server, config.Server)
			started[spool.ExecID] = config.StartMS
		}
		spools = append(spools, spool)
	}
	slices.SortFunc(spools, func(a, b SyncedSpool) int {
		return int(max(-1, min(1, started[a.ExecID]-started[b.ExecID])))
	})
	for _, spool := range spools {
		if ctx.Err() != nil {
			return report, fmt.Errorf("sync: %w", ctx.Err())
		}
		spool.Outcome = SyncDelivering
		options.progress(spool)
		syncSpool(ctx, home, &spool, options)
		options.progress(spool)
		report.Spools = append(report.Spools, spool)
		switch spool.Outcome {
		case SyncDelivered:
			report.Delivered++
		case SyncInUse:
			report.InUse++
		default:
			report.Kept++
		}
	}
	return report, nil
}

func (o SyncOptions) progress(spool SyncedSpool) {
	if o.Progress != nil {
		o.Progress(spool)
	}
}

// syncSpool delivers one spool and says what became of it.
func syncSpool(ctx context.Context, home string, spool *SyncedSpool, options SyncOptions) {
	keep := func(err error) {
		spool.Outcome, spool.Why = SyncKept, err.Error()
		if errs.Is(err, errs.Conflict) {
			spool.Outcome = SyncInUse
		}
	}
	unlock, err := lockSpool(spool.Path)
	if err != nil {
		keep(err)
		return
	}
	defer unlock()
	config, err := readConfig(spool.Path)
	if errors.Is(err, fs.ErrNotExist) {
		// An exec that was killed at its very beginning, or an agent that removed it this moment: nothing was recorded.
		if err := os.RemoveAll(spool.Path); err != nil {
			keep(fmt.Errorf("remove empty spool: %w", err))
			return
		}
		spool.Outcome = SyncDelivered
		return
	}
	if err != nil {
		keep(err)
		return
	}
	config.Server = cmp.Or(options.Server, config.Server)
	out, err := deliverSpool(ctx, home, spool.Path, config, options)
	if err != nil {
		keep(err)
		return
	}
	spool.Pending, spool.Rejected, spool.Why = out.Pending, out.Rejected, out.Why
	spool.Outcome = SyncDelivered
	if out.Pending > 0 {
		spool.Outcome = SyncKept
	}
}

// deliverSpool is an agent without trainings: it goes on where the last one ended.
func deliverSpool(ctx context.Context, home, dir string, config Config, options SyncOptions) (outcome, error) {
	log := options.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	settings := options.settings
	if settings == nil {
		settings = defaultSettings()
	}
	temp, err := os.MkdirTemp("", "cairn-")
	if err != nil {
		return outcome{}, fmt.Errorf("make temporary directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	settings.tempDir = temp
	a, err := newAgent(dir, home, config, *settings, log)
	if err != nil {
		return outcome{}, err
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	a.pumpCtx = work
	var uploading sync.WaitGroup
	uploading.Go(func() {
		if err := a.uploader.run(work); err != nil {
			a.log.Error("the uploader ended", "error", err)
		}
	})
	uploading.Go(func() { a.uploader.keepAlive(work, heartbeatEvery, a.opened) })
	err = a.begun()
	var failure error
	if err == nil {
		a.resumePumps()
		a.conclude(ctx, a.knownEnd())
		failure = a.uploader.drain(ctx, triesAtEnd)
	}
	stop()
	uploading.Wait()
	a.pumping.Wait()
	out := a.result(failure)
	a.closeHosts()
	err = errors.Join(err, a.closeSpool())
	if err == nil && out.Pending == 0 && failure == nil {
		err = a.removeSpool()
	}
	return out, err
}

// begun opens the command's run where its agent did not come to that.
func (a *agent) begun() error {
	if a.config.Lazy {
		return nil
	}
	return a.begin()
}

// endFile is where exec leaves how its command ended, when no agent could be told.
const endFile = "end.json"

func writeEnd(dir string, end endEntry) error {
	data, err := json.Marshal(end)
	if err != nil {
		return fmt.Errorf("encode %s: %w", endFile, err)
	}
	if err := os.WriteFile(filepath.Join(dir, endFile), data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", endFile, err)
	}
	return nil
}

// writtenEnd is how the command ended as exec left it in the spool.
func (a *agent) writtenEnd() (end endEntry, ok bool) {
	data, err := os.ReadFile(filepath.Join(a.dir, endFile))
	ok = err == nil && json.Unmarshal(data, &end) == nil && end.Status != ""
	return end, ok
}

// knownEnd is how the command ended as far as the spool knows.
func (a *agent) knownEnd() endEntry {
	if a.state.end != nil {
		return *a.state.end
	}
	if known, ok := a.writtenEnd(); ok {
		return known
	}
	end := endEntry{Status: statusKilled, Reason: "the agent was killed before the command ended", EndMS: time.Now().UnixMilli()}
	// The journal was last written while the command ran.
	if info, err := os.Stat(a.journal.path(a.journal.segments[len(a.journal.segments)-1].begin)); err == nil {
		end.EndMS = info.ModTime().UnixMilli()
	}
	return end
}

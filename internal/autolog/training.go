package autolog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/cairnml/cairn/internal/errs"
)

func (c *connection) serveTraining(hello message) {
	a := c.intake.agent
	var accepted uint64
	c.session, accepted = a.beginSession(hello)
	if err := os.MkdirAll(a.filesDir(c.session), 0o700); err != nil {
		a.log.Error("files of a session", "error", err)
		c.reply(reply{T: "refused", Why: "the agent cannot write its spool"})
		a.endSession(c.session, false, 0)
		return
	}
	c.reply(reply{
		T: "welcome", Proto: protocolVersion, RunID: a.config.RunID, ExecID: a.config.ExecID, Session: c.session,
		FilesDir: a.filesDir(c.session), Modules: a.modules(), Options: a.config.Options, Code: a.wantsCode(), Seq: accepted,
	})
	var hooks sync.WaitGroup
	defer hooks.Wait()
	clean, dropped := false, int64(0)
	for {
		var m message
		err := readMessage(c.reader, &m)
		var bad *misreadError
		if errors.As(err, &bad) {
			// Broken off, the training would send it again to the next connection, and to the one after that.
			a.leaveOut(err)
			if bad.seq > 0 {
				c.ack(bad.seq)
			}
			continue
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				a.log.Warn("connection broke off", "session", c.session, "error", err)
			}
			break
		}
		switch m.T {
		case "import":
			hooks.Go(func() { c.sendHooks(m) })
		case "code":
			a.takeCode(a.pumpCtx, m.Imported)
		case "bye":
			clean, dropped = true, m.Dropped
		default:
			a.take(c.session, m)
		}
		if m.Seq > 0 {
			c.ack(m.Seq)
		}
	}
	a.endSession(c.session, clean, dropped)
}

// sendHooks answers the import of a module: the hook of each adapter that watches for it.
func (c *connection) sendHooks(m message) {
	a := c.intake.agent
	why := "no adapter watches for it"
	hooked := false
	for _, host := range a.hosts {
		if of, err := a.modulesOf(host); err != nil || !slices.Contains(of, m.Module) {
			continue // what is wrong with it was said when the training was welcomed
		}
		process, err := host.get(a.pumpCtx)
		if err != nil {
			why = err.Error()
			if !errors.Is(err, errHostClosed) {
				a.warnUnrecorded(why)
			}
			continue
		}
		d := process.description
		distribution := m.Distribution
		if distribution == "" {
			distribution = d.Distribution
		}
		if m.Version != "" && !inRange(m.Version, d.FrameworkRange) {
			a.warn(a.config.RunID, fmt.Sprintf("%s %s is outside the range that the adapter %s was tested with (%s)", distribution, m.Version, d.Name, d.FrameworkRange))
		}
		a.mu.Lock()
		a.startPumpLocked(c.session, host, distribution, m.Version)
		a.mu.Unlock()
		c.reply(hookReply(process))
		hooked = true
	}
	if !hooked {
		c.reply(reply{T: "nohook", Module: m.Module, Why: why})
	}
}

// hookReply has the sources of a hook, and the SHA-256 of them all.
func hookReply(process *adapterProcess) reply {
	d := process.description
	r := reply{T: "hook", Adapter: d.Name, Modules: d.Modules, Source: string(d.Hook), Sources: map[string]string{}}
	sum := sha256.New()
	sum.Write(d.Hook)
	for _, name := range sortedKeys(process.hookModules) {
		source := process.hookModules[name]
		r.Sources[name] = string(source)
		fmt.Fprintf(sum, "\x00%s\x00%d\x00", name, len(source))
		sum.Write(source)
	}
	r.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return r
}

// modules are those that a training is to watch for.
func (a *agent) modules() []string {
	var modules, missing []string
	for _, host := range a.hosts {
		of, err := a.modulesOf(host)
		switch {
		case errs.Is(err, errs.NotFound):
			missing = append(missing, host.file.name)
		case err != nil:
			a.warnUnrecorded(err.Error())
		}
		modules = append(modules, of...)
	}
	if len(missing) > 0 { // what they watch for is not known, so the training may be one of theirs
		a.warnUnrecorded(notInstalled(missing...).Error())
	}
	slices.Sort(modules)
	return slices.Compact(modules)
}

// modulesOf gives what an adapter watches for, from memory, or by starting it the first time.
func (a *agent) modulesOf(host *adapterHost) ([]string, error) {
	if d, err := readDescription(a.home, host.file.digest); err == nil {
		return d.Modules, nil
	}
	process, err := host.get(a.pumpCtx)
	if err != nil {
		return []string{}, err
	}
	return process.description.Modules, nil
}

// beginSession journals a new training process, or finds the one that it resumes and the last sequence it is known to have
// sent.
func (a *agent) beginSession(hello message) (session string, accepted uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.state.sessions[hello.Resume]; known != nil && known.bye == nil && hello.Resume != execSession {
		delete(a.left, hello.Resume)
		return hello.Resume, known.accepted
	}
	id := fmt.Sprintf("s%d", len(a.state.sessions)+1)
	if err := a.recordLocked(entry{Session: &sessionEntry{
		ID: id, PID: hello.PID, Python: truncate(hello.Python, 50), Main: truncate(a.mask.text(hello.Main), 1000), Worker: hello.Worker}}); err != nil {
		a.log.Error("session", "error", err)
		a.state.apply(entry{Session: &sessionEntry{ID: id}}, 0)
	}
	return id, 0
}

// take journals what a training sent. What cannot be recorded is left out with a warning: the training never hears of it.
func (a *agent) take(session string, m message) {
	if err := a.takeMessage(session, m); err != nil {
		if errors.Is(err, errSpoolFull) {
			return // counted; the run says so at its end
		}
		a.leaveOut(err)
	}
}

func (a *agent) leaveOut(err error) {
	a.warn(a.config.RunID, fmt.Sprintf("a message of the training was left out: %v", err))
}

func (a *agent) takeMessage(session string, m message) error {
	if m.Run != "" && !runIDPattern.MatchString(m.Run) {
		return fmt.Errorf("%.60q is not the id of a run", m.Run)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.state.sessions[session]
	if m.Seq > 0 && m.Seq <= known.accepted {
		return nil // sent again after an interruption
	}
	switch m.T {
	case "obs":
		return a.takeObservation(known, m)
	case "env":
		packages := m.Packages
		if len(packages) > 20_000 {
			packages = packages[:20_000]
		}
		masked := make([]string, len(packages))
		for i, line := range packages {
			masked[i] = a.mask.text(truncate(line, 1000))
		}
		return a.recordLocked(entry{Facts: &factsEntry{Session: session, Packages: masked}})
	case "warn":
		if m.Unrecorded {
			a.warnUnrecordedLocked(m.Message)
			return nil
		}
		run := m.Run
		if at, ok := a.state.fits[fitKey{session, m.Fit}]; run == "" && ok {
			run = at
		}
		if run == "" {
			run = a.config.RunID
		}
		a.warnLocked(run, m.Message)
		return nil
	case "run", "run.end", "log", "artifact":
		return a.takeUser(known, m)
	}
	a.log.Debug("message of an unknown kind", "kind", m.T)
	return nil
}

func (a *agent) takeObservation(known *session, m message) error {
	host := a.host(m.Adapter)
	if host == nil {
		return fmt.Errorf("there is no adapter %.60q", m.Adapter)
	}
	if m.Seq == 0 {
		return errors.New("an observation without a sequence")
	}
	for name, path := range m.Files {
		if !strings.HasPrefix(filepath.Clean(path), a.filesDir(known.id)+string(filepath.Separator)) {
			return fmt.Errorf("the file %.60q is not in the session's directory", name)
		}
	}
	run, create := a.state.route(known, m)
	if run == a.config.RunID {
		if err := a.beginLocked(); err != nil {
			return err
		}
	}
	opening := a.state.join(run)
	if create != nil {
		opening = []op{*create}
	}
	if len(opening) > 0 {
		if err := a.recordLocked(entry{Ops: &opsEntry{Session: known.id, Ops: opening}}); err != nil {
			return err
		}
	}
	if err := a.recordLocked(entry{Observation: &observationEntry{
		Session: known.id, Adapter: m.Adapter, Sequence: m.Seq, Kind: truncate(m.Kind, 200), TimeMS: m.TimeMS, Fit: truncate(m.Fit, 200),
		Run: run, Payload: m.Payload, Files: m.Files,
	}}); err != nil {
		return err
	}
	if p := known.progressOf(m.Adapter); p.closed {
		a.warnPartial(run, p.gaveUp)
		return nil
	}
	a.startPumpLocked(known.id, host, "", "").notify()
	return nil
}

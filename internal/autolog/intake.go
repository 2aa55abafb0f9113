package autolog

import (
	"bufio"
	"context"
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
	"time"
)

// execSession is the session of `cairn exec` itself: output and the end of the command.
const execSession = "exec"

// helloTimeout bounds the time from a connection to its first message; writeTimeout one reply.
const (
	helloTimeout = 10 * time.Second
	writeTimeout = 10 * time.Second
)

// intake takes the connections of training processes and of `cairn exec`.
type intake struct {
	agent *agent

	mu    sync.Mutex
	open  map[*connection]bool
	conns sync.WaitGroup
	// trainings counts connections that are trainings; idle is closed and made anew when it falls to 0.
	trainings int
	quiet     chan struct{}
	// hungUp is true once the command ended: its processes would else come back, since they take it for a broken connection.
	hungUp bool

	// finished gives the end of the command that exec told.
	finished chan endEntry
}

func newIntake(a *agent) *intake {
	return &intake{agent: a, open: map[*connection]bool{}, quiet: make(chan struct{}), finished: make(chan endEntry, 1)}
}

// connection is one process at the other end.
type connection struct {
	intake *intake
	conn   net.Conn
	reader *bufio.Reader

	writeMu sync.Mutex
	// control is true for exec's own connection. It is the intake's.
	control bool

	session string
	// toAck is the sequence to acknowledge once everything appended is durable.
	ackMu  sync.Mutex
	toAck  uint64
	ackNow chan struct{}
}

// serve accepts connections until the listener is closed.
func (in *intake) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				in.agent.log.Error("accept", "error", err)
			}
			return
		}
		c := &connection{intake: in, conn: conn, reader: bufio.NewReaderSize(conn, 64<<10), ackNow: make(chan struct{}, 1)}
		in.mu.Lock()
		full := len(in.open) >= maxConnections
		if !full {
			in.open[c] = true
			in.conns.Add(1)
		}
		in.mu.Unlock()
		if full {
			c.reply(reply{T: "refused", Why: fmt.Sprintf("%d processes are recorded already", maxConnections)})
			_ = conn.Close()
			continue
		}
		go c.serve()
	}
}

// hangUp ends the connections of trainings, so that nothing more is recorded of them; closeAll those of exec too, and waits.
func (in *intake) hangUp() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.hungUp = true
	for c := range in.open {
		if !c.control {
			_ = c.conn.Close()
		}
	}
}

func (in *intake) closeAll() {
	in.mu.Lock()
	for c := range in.open {
		_ = c.conn.Close()
	}
	in.mu.Unlock()
	in.conns.Wait()
}

// linger waits until no training is connected, for at most a while.
func (in *intake) linger(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		in.mu.Lock()
		count, quiet := in.trainings, in.quiet
		in.mu.Unlock()
		if count == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-quiet:
		}
	}
}

// welcomes counts a training in, unless the command ended.
func (in *intake) welcomes() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.hungUp {
		in.trainings++
	}
	return !in.hungUp
}

func (in *intake) count(delta int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.trainings += delta
	if in.trainings == 0 {
		close(in.quiet)
		in.quiet = make(chan struct{})
	}
}

func (c *connection) serve() {
	in := c.intake
	defer in.conns.Done()
	defer func() {
		in.mu.Lock()
		delete(in.open, c)
		in.mu.Unlock()
		_ = c.conn.Close()
	}()
	_ = c.conn.SetReadDeadline(time.Now().Add(helloTimeout))
	var hello message
	if err := readMessage(c.reader, &hello); err != nil {
		in.agent.log.Debug("connection without hello", "error", err)
		return
	}
	_ = c.conn.SetReadDeadline(time.Time{})
	if hello.Proto != protocolVersion {
		c.reply(reply{T: "refused", Why: fmt.Sprintf("the agent speaks protocol %d", protocolVersion)})
		return
	}
	var acks sync.WaitGroup
	stop := make(chan struct{})
	defer acks.Wait()
	defer close(stop)
	acks.Go(func() { c.acknowledge(stop) })
	switch hello.T {
	case "control":
		c.serveControl()
	case "hello":
		if !in.welcomes() {
			c.reply(reply{T: "refused", Why: "the command has ended"})
			return
		}
		defer in.count(-1)
		c.serveTraining(hello)
	}
}

func (c *connection) reply(r reply) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err := writeMessage(c.conn, r); err != nil {
		c.intake.agent.log.Debug("reply", "error", err)
	}
}

// ack asks for an acknowledgement of everything up to a sequence.
func (c *connection) ack(sequence uint64) {
	c.ackMu.Lock()
	c.toAck = max(c.toAck, sequence)
	c.ackMu.Unlock()
	select {
	case c.ackNow <- struct{}{}:
	default:
	}
}

// acknowledge answers what came in while the disk was busy with one sync and one message.
func (c *connection) acknowledge(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-c.ackNow:
		}
		c.ackMu.Lock()
		sequence := c.toAck
		c.ackMu.Unlock()
		if err := c.intake.agent.journal.commit(); err != nil {
			c.intake.agent.log.Error("the spool cannot be written", "error", err)
			continue
		}
		c.reply(reply{T: "ack", Seq: sequence})
	}
}

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
		if !slices.Contains(a.modulesOf(host), m.Module) {
			continue
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
		sum := sha256.Sum256(d.Hook)
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
		c.reply(reply{T: "hook", Adapter: d.Name, Modules: d.Modules, Source: string(d.Hook), SHA256: hex.EncodeToString(sum[:])})
		hooked = true
	}
	if !hooked {
		c.reply(reply{T: "nohook", Module: m.Module, Why: why})
	}
}

// modules are those that a training is to watch for.
func (a *agent) modules() []string {
	var modules []string
	for _, host := range a.hosts {
		modules = append(modules, a.modulesOf(host)...)
	}
	slices.Sort(modules)
	return slices.Compact(modules)
}

// modulesOf gives what an adapter watches for, from memory, or by starting it the first time.
func (a *agent) modulesOf(host *adapterHost) []string {
	if d, err := readDescription(a.home, host.file.digest); err == nil {
		return d.Modules
	}
	process, err := host.get(a.pumpCtx)
	if err != nil {
		a.warnUnrecorded(err.Error())
		return nil
	}
	return process.description.Modules
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
	case "run", "run.end", "log":
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
	if create != nil {
		if err := a.recordLocked(entry{Ops: &opsEntry{Session: known.id, Ops: []op{*create}}}); err != nil {
			return err
		}
	}
	if err := a.recordLocked(entry{Observation: &observationEntry{
		Session: known.id, Adapter: m.Adapter, Sequence: m.Seq, Kind: truncate(m.Kind, 200), TimeMS: m.TimeMS, Fit: truncate(m.Fit, 200),
		Run: run, Payload: m.Payload, Files: m.Files,
	}}); err != nil {
		return err
	}
	a.startPumpLocked(known.id, host, "", "").notify()
	return nil
}

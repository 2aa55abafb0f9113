package autolog

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

const (
	// maxAgentStarts bounds how often in a row exec starts an agent that dies early.
	maxAgentStarts = 4
	// agentSettled is how long an agent lives that did not die of its start: a training of weeks may lose many of those.
	agentSettled = time.Minute
	// maxUnsent bounds the output that waits for the agent, in bytes.
	maxUnsent = 32 << 20
)

// link is exec's end of the agent: it starts the agent's process, starts it anew when it dies, and keeps what it was sent
// until it is acknowledged. Nothing here makes the command wait.
type link struct {
	dir  string
	argv []string
	// env has the server's credentials, which the spool does not.
	env      []string
	listener net.Listener
	silence  time.Duration // after which an agent is taken for one that hangs
	warning  string        // with which the next agent begins; a run shows each warning once

	mu      sync.Mutex
	watcher *watcher  // of the agent that runs
	queue   []message // not acknowledged yet
	bytes   int
	next    uint64
	dropped int64
	more    chan struct{}
	fewer   chan struct{} // closed and made anew when something is acknowledged

	// outcome is set before done is closed; nil when no agent could be kept running.
	outcome *outcome
	failure error
	done    chan struct{}
	quit    chan struct{}
}

func newLink(dir string, argv, env []string, listener net.Listener) *link {
	return &link{dir: dir, argv: argv, env: env, listener: listener, silence: silenceTimeout, more: make(chan struct{}, 1), fewer: make(chan struct{}), done: make(chan struct{}), quit: make(chan struct{})}
}

// send queues a message. Output over the bound is dropped and counted.
func (l *link) send(m message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.T == "output" && l.bytes+len(m.Text) > maxUnsent {
		l.dropped++
		return
	}
	if m.T == "finish" && l.dropped > 0 {
		l.enqueue(message{T: "warn", Message: fmt.Sprintf("%d pieces of the output were not recorded: they came faster than the spool could be written", l.dropped)})
	}
	l.enqueue(m)
	select {
	case l.more <- struct{}{}:
	default:
	}
}

func (l *link) enqueue(m message) {
	l.next++
	m.Seq = l.next
	l.bytes += len(m.Text)
	l.queue = append(l.queue, m)
}

func (l *link) acknowledged(sequence uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) > 0 && l.queue[0].Seq <= sequence {
		l.bytes -= len(l.queue[0].Text)
		l.queue = l.queue[1:]
	}
	close(l.fewer)
	l.fewer = make(chan struct{})
}

// settled waits until everything that was sent is acknowledged, for at most a while, and tells whether it is.
func (l *link) settled(limit time.Duration) bool {
	deadline := time.After(limit)
	for {
		l.mu.Lock()
		left, changed := len(l.queue), l.fewer
		l.mu.Unlock()
		if left == 0 {
			return true
		}
		select {
		case <-changed:
		case <-l.done:
			return false
		case <-deadline:
			return false
		}
	}
}

// after gives what is queued behind a sequence.
func (l *link) after(sequence uint64) []message {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, m := range l.queue {
		if m.Seq > sequence {
			return append([]message(nil), l.queue[i:]...)
		}
	}
	return nil
}

// run keeps an agent running until one says that it is done.
func (l *link) run() {
	defer close(l.done)
	var starts starts
	for starts.another() {
		began := time.Now()
		out, err := l.once()
		if out != nil {
			l.outcome = out
			return
		}
		l.failure = err
		starts.ended(time.Since(began))
		select {
		case <-l.quit:
			return
		default:
		}
	}
}

// starts counts starts of an agent since one last settled.
type starts int

func (s *starts) another() bool { return *s < maxAgentStarts }

func (s *starts) ended(lived time.Duration) {
	if *s++; lived >= agentSettled {
		*s = 0
	}
}

// once runs one agent to its end.
func (l *link) once() (*outcome, error) {
	process, alive, err := l.start()
	if err != nil {
		return nil, err
	}
	defer func() { _ = alive.Close() }()
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = process.Wait() // what it has to say is in its log
	}()
	conn, err := l.dial(exited)
	if err != nil {
		_ = process.Process.Kill()
		<-exited
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := make(chan struct{})
	watched := &watcher{process: process.Process, silence: l.silence}
	l.watch(watched)
	var running sync.WaitGroup
	running.Go(func() { l.write(conn, stop) })
	running.Go(func() { watched.run(stop) })
	out, err := l.read(conn, watched)
	close(stop)
	_ = conn.Close()
	running.Wait()
	l.watch(nil)
	if watched.hung.Load() {
		l.hungUp()
	}
	if out != nil {
		// It only has to end its adapters: nobody need wait for that.
		return out, nil
	}
	select {
	case <-exited:
	case <-time.After(agentEndTimeout):
		_ = process.Process.Kill()
		<-exited
	}
	return nil, errors.Join(errors.New("the agent ended unexpectedly"), err)
}

// start starts an agent. It ends by itself once `alive` is closed, which also our own end does.
func (l *link) start() (process *exec.Cmd, alive *os.File, err error) {
	log, err := os.OpenFile(filepath.Join(l.dir, agentLog), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open the agent's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	stdin, alive, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make the agent's input: %w", err)
	}
	defer func() { _ = stdin.Close() }()
	arguments := append(l.argv[1:len(l.argv):len(l.argv)], "--spool", l.dir)
	if l.warning != "" {
		arguments = append(arguments, "--warning", l.warning)
	}
	process = exec.Command(l.argv[0], arguments...) //nolint:gosec,noctx // this program; it outlives exec to deliver
	process.Stdin, process.Stdout, process.Stderr = stdin, log, log
	process.Env = append(os.Environ(), l.env...)
	process.Env = append(process.Env, "CAIRN_AGENT_SOCKET="+l.listener.Addr().String())
	detach(process)
	passed, err := passListener(process, l.listener)
	if err != nil {
		return nil, nil, errors.Join(err, alive.Close())
	}
	defer func() { _ = passed.Close() }()
	if err := process.Start(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("start the agent: %w", err), alive.Close())
	}
	return process, alive, nil
}

// agentLog is the agent's own log, in its spool.
const agentLog = "agent.log"

// dial connects to the agent's socket. It is there already where exec could pass it on.
func (l *link) dial(exited <-chan struct{}) (net.Conn, error) {
	for deadline := time.Now().Add(5 * time.Second); ; {
		conn, err := net.Dial("unix", l.listener.Addr().String()) //nolint:noctx // a local socket that is there
		if err == nil {
			// An agent that dies before it accepts leaves the connection waiting in the socket.
			go func() {
				<-exited
				_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			}()
			return conn, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("reach the agent: %w", err)
		}
		select {
		case <-exited:
			return nil, fmt.Errorf("reach the agent: it ended: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (l *link) write(conn net.Conn, stop <-chan struct{}) {
	if err := writeMessage(conn, message{T: "control", Proto: protocolVersion, PID: os.Getpid()}); err != nil {
		return
	}
	for sent := uint64(0); ; {
		for _, m := range l.after(sent) {
			if err := writeMessage(conn, m); err != nil {
				return
			}
			sent = m.Seq
		}
		select {
		case <-stop:
			return
		case <-l.more:
		}
	}
}

func (l *link) read(conn net.Conn, watched *watcher) (*outcome, error) {
	reader := bufio.NewReader(conn)
	for {
		var r reply
		if err := readMessage(reader, &r); err != nil {
			return nil, err
		}
		watched.heard.Store(true)
		switch r.T {
		case "ack":
			l.acknowledged(r.Seq)
		case "done":
			if r.Outcome != nil {
				return r.Outcome, nil
			}
		case "refused":
			return nil, fmt.Errorf("the agent refused: %s", r.Why)
		}
	}
}

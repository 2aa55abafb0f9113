package autolog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
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

// hangUp ends the connections of trainings, so that nothing more is taken from them. What they had sent before is still read:
// this process may have come to none of it yet, on a machine or a disk that is busy.
func (in *intake) hangUp() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.hungUp = true
	for c := range in.open {
		if c.control {
			continue
		}
		if half, ok := c.conn.(interface{ CloseRead() error }); !ok || half.CloseRead() != nil {
			_ = c.conn.Close()
		}
	}
}

// closeAll ends all connections, also exec's, and waits until nobody reads from them.

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

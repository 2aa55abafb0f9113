package autolog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"
	"time"

	autologv1 "github.com/cairnml/cairn/plugins/sdk/proto/autolog/v1"
)

// stallTimeout is how long an adapter may take for one observation before it counts as hanging and is started anew.
const stallTimeout = 60 * time.Second

// pump hands one session's observations to one adapter, in order, and journals what it answers. When the adapter dies,
// the whole session is replayed to the next one, and the answers that were journaled already are dropped: an adapter may
// keep what it saw in memory.
type pump struct {
	agent   *agent
	session string
	host    *adapterHost
	stall   time.Duration

	// framework is what the training said of the framework.
	distribution, version string

	// wake is signalled when there is more to hand over, or the session ended.
	wake chan struct{}
	done chan struct{}

	// reached is the observation that the adapter was at in the last stream, by what was received.
	reached int
	// careful is the number of observations that are sent one by one, each after the answer to the one before: answers that
	// are under way when an adapter dies are lost, and only so is it known of which observation it died.
	careful int
}

func (p *pump) notify() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run pumps until the session ended and all of it was answered, the adapter was given up, or the context ends.
func (p *pump) run(ctx context.Context) {
	defer close(p.done)
	stuckAt, stuck := -1, 0
	for {
		process, err := p.host.get(ctx)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, errHostClosed) {
				p.agent.giveUp(p.session, p.host.file.name, err)
			}
			return
		}
		err = p.stream(ctx, process)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.host.discard(process)
		p.agent.log.Warn("adapter failed", "adapter", p.host.file.name, "session", p.session, "at", p.reached, "error", err)
		if p.reached < p.careful {
			if p.reached != stuckAt {
				stuckAt, stuck = p.reached, 0
			}
			stuck++
		}
		p.careful = p.observations()
		if p.careful > 0 {
			p.agent.warn(p.agent.config.RunID, fmt.Sprintf("the adapter %s ended in the middle and was started again; what it had observed was replayed",
				p.host.file.name))
		}
		if stuck >= 2 {
			p.agent.skip(p.session, p.host.file.name, p.reached)
			stuck = 0
		}
	}
}

// answered is how many observations the adapter answered; observations how many there are.
func (p *pump) answered() int {
	p.agent.mu.Lock()
	defer p.agent.mu.Unlock()
	return p.progress().answered
}

func (p *pump) observations() int {
	p.agent.mu.Lock()
	defer p.agent.mu.Unlock()
	return len(p.progress().positions)
}

// progress is the adapter's in the session. The caller holds the agent's lock.
func (p *pump) progress() *progress {
	return p.agent.state.sessions[p.session].progressOf(p.host.file.name)
}

// next gives the position of the n-th observation; more is false when the session ended without one.
func (p *pump) next(n int) (position int64, ready, more bool) {
	p.agent.mu.Lock()
	defer p.agent.mu.Unlock()
	progress := p.progress()
	if n < len(progress.positions) {
		return progress.positions[n], true, true
	}
	return 0, false, p.agent.state.sessions[p.session].bye == nil
}

// stream runs the session against one process of the adapter. nil when the session was closed by both sides.
func (p *pump) stream(ctx context.Context, process *adapterProcess) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stream, err := process.rpc.Session(ctx)
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	if err := stream.Send(&autologv1.SessionRequest{What: &autologv1.SessionRequest_Start{Start: p.start()}}); err != nil {
		return fmt.Errorf("begin session: %w", err)
	}
	// sent and received tell a stalled adapter from one that has nothing to do.
	var sent, received atomic.Int64
	sender := make(chan error, 1)
	go func() { sender <- p.send(ctx, stream, &sent, &received) }()
	watch := make(chan struct{})
	go func() {
		defer close(watch)
		p.watch(ctx, &sent, &received, cancel)
	}()
	err = p.receive(stream, &received)
	cancelled := context.Cause(ctx)
	cancel(nil)
	<-watch
	sendErr := <-sender
	switch {
	case err == nil:
		return nil
	case cancelled != nil:
		return cancelled
	case sendErr != nil && !errors.Is(sendErr, context.Canceled) && !errors.Is(sendErr, io.EOF):
		return errors.Join(err, sendErr)
	}
	return err
}

func (p *pump) start() *autologv1.SessionStart {
	p.agent.mu.Lock()
	defer p.agent.mu.Unlock()
	return &autologv1.SessionStart{
		PythonVersion: p.agent.state.sessions[p.session].python, Distribution: p.distribution, FrameworkVersion: p.version,
		FilesDir: p.agent.filesDir(p.session), Options: p.agent.config.Options,
	}
}

type observationSender interface {
	Send(*autologv1.SessionRequest) error
	CloseSend() error
}

func (p *pump) send(ctx context.Context, stream observationSender, sent, received *atomic.Int64) error {
	for n := 0; ; {
		position, ready, more := p.next(n)
		if !ready && !more {
			sent.Add(1) // the answer to the close
			return stream.CloseSend()
		}
		if !ready || n < p.careful && received.Load() < sent.Load() {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-p.wake:
				continue
			}
		}
		o, err := p.agent.observation(position)
		if err != nil {
			return err
		}
		if !p.agent.skipped(p.session, p.host.file.name, n) {
			request := &autologv1.SessionRequest{What: &autologv1.SessionRequest_Observation{Observation: &autologv1.Observation{
				Sequence: o.Sequence, Kind: o.Kind, TimeMs: o.TimeMS, Fit: o.Fit, Payload: o.Payload, Files: o.Files}}}
			if err := stream.Send(request); err != nil {
				return fmt.Errorf("send observation: %w", err)
			}
			sent.Add(1)
		}
		n++
	}
}

// watch cancels the stream when the adapter owes an answer and gives none for a while.
func (p *pump) watch(ctx context.Context, sent, received *atomic.Int64, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(p.stall / 4)
	defer tick.Stop()
	last, since := int64(-1), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			got := received.Load()
			if got != last || sent.Load() == got {
				last, since = got, now
			} else if now.Sub(since) >= p.stall {
				cancel(fmt.Errorf("the adapter %s did not answer for %v", p.host.file.name, p.stall))
				return
			}
		}
	}
}

type recordReceiver interface {
	Recv() (*autologv1.RecordSet, error)
}

// receive journals the answers. nil when the adapter ended its side after its last.
func (p *pump) receive(stream recordReceiver, received *atomic.Int64) error {
	closed := false
	p.reached = 0
	for n := 0; ; {
		set, err := stream.Recv()
		if errors.Is(err, io.EOF) && closed {
			return nil
		}
		if err != nil {
			return fmt.Errorf("receive records: %w", err)
		}
		p.host.answered()
		if set.GetSequence() == 0 {
			closed = true
			received.Add(1)
			if err := p.agent.answer(p, -1, set); err != nil {
				return err
			}
			continue
		}
		for p.agent.skipped(p.session, p.host.file.name, n) {
			n++
		}
		if n >= p.answered() {
			if err := p.agent.answer(p, n, set); err != nil {
				return err
			}
		}
		n++
		p.reached = n
		received.Add(1)
		p.notify()
	}
}

func (a *agent) filesDir(session string) string { return filepath.Join(a.dir, filesDir, session) }

package live

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cairnml/cairn/internal/store"
)

// Times of a relay, in one place.
const (
	// sendTimeout bounds one message, and what is sent when the relay is closed.
	sendTimeout = 3 * time.Second
	closeTime   = time.Second
	// probeEvery is how often a message is sent when there is nothing to tell: a server hears its own. When it has not come
	// back within probeTimeout, messages do not arrive.
	probeEvery   = 5 * time.Second
	probeTimeout = 3 * time.Second
	// retryFirst and retryMost are between two attempts to listen, or to send.
	retryFirst = 100 * time.Millisecond
	retryMost  = 10 * time.Second
	// pollConnected is how often the database is looked into while messages arrive, which may be lost all the same, and
	// pollAlone while they do not.
	pollConnected = 2 * time.Second
	pollAlone     = 200 * time.Millisecond
	// headsConnected is how often it is looked whether followed runs have what no change tells of: points of a server that was killed
	// before it noted them, and console output, of which messages alone tell. headsAlone is for when they do not arrive.
	headsConnected = 5 * time.Second
	headsAlone     = time.Second
	pollTimeout    = 5 * time.Second
	// polledChanges bounds the changes that are read at once.
	polledChanges = 1000
)

// State is how hints travel between servers.
type State struct {
	// Bus is "postgres" or "nats".
	Bus string `json:"bus"`
	// Connected: messages arrive. Else the database is looked into several times a second.
	Connected bool `json:"connected"`
	// Problem says, while it is not connected, what is wrong, and what to do about it.
	Problem string `json:"problem,omitempty"`
}

// Relay tells other servers on the same database what was committed here, and the hub what was committed there. Messages are
// not relied on: the relay looks into the database too, seldom while messages arrive and often while they do not, and with one
// small query for all subscriptions.
type Relay struct {
	hub    *Hub
	bus    Bus
	db     *store.DB
	log    *slog.Logger
	out    *outbox
	from   string
	cancel context.CancelFunc
	done   sync.WaitGroup
	// look asks for a look into the database now, resume to send what could not be sent.
	look, resume chan struct{}

	mu        sync.Mutex
	state     State
	listening bool
	number    int64     // of the last message
	probe     int64     // the message that is waited for; 0: none
	probed    time.Time // when it was sent
	relisten  func()
}

// StartRelay begins. The caller closes it before the database, and after what publishes. The relay closes the bus.
func StartRelay(hub *Hub, db *store.DB, bus Bus, log *slog.Logger) *Relay {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Relay{
		hub: hub, bus: bus, db: db, log: log, out: newOutbox(), from: rand.Text(), cancel: cancel, look: make(chan struct{}, 1),
		resume: make(chan struct{}, 1), state: State{Bus: bus.Name(), Problem: "starting"}, relisten: func() {},
	}
	hub.out.Store(r.out)
	r.done.Go(func() { r.send(ctx) })
	r.done.Go(func() { r.listen(ctx) })
	r.done.Go(func() { r.poll(ctx) })
	return r
}

// Close tells others what they were not told yet, and ends the relay.
func (r *Relay) Close() {
	r.hub.out.Store(nil)
	r.cancel()
	r.done.Wait()
	r.bus.Close()
}

// State tells how hints travel now.
func (r *Relay) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

func (r *Relay) send(ctx context.Context) {
	probe := time.NewTicker(probeEvery)
	defer probe.Stop()
	check := time.NewTicker(probeTimeout / 3)
	defer check.Stop()
	retry := retryFirst
	for {
		select {
		case <-r.out.wake:
		case <-probe.C:
		case <-check.C:
			r.checkProbe()
			continue
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
			defer cancel()
			if events, all := r.out.take(); len(events) > 0 || all {
				if err := r.sendAll(last, events, all); err != nil {
					r.log.Debug("tell other servers", "error", err)
				}
			}
			return
		}
		events, all := r.out.take()
		rest := r.bus.Pace()
		if err := r.sendAll(ctx, events, all); err != nil {
			r.log.Debug("tell other servers; trying again", "error", err)
			r.out.giveBack(events, all)
			rest, retry = retry, min(2*retry, retryMost)
		} else {
			retry = retryFirst
		}
		timer := time.NewTimer(rest)
		select {
		case <-timer.C:
		case <-r.resume:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

func (r *Relay) sendAll(ctx context.Context, events []Event, all bool) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	messages, err := encode(r.from, &r.number, events, all, r.bus.MaxMessage())
	if err != nil {
		return err
	}
	r.expect(r.number)
	for _, m := range messages {
		if err := r.bus.Send(ctx, m); err != nil {
			return fmt.Errorf("send over %s: %w", r.bus.Name(), err)
		}
	}
	return nil
}

// expect notes that a message is about to be sent, which should come back.
func (r *Relay) expect(number int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listening && r.probe == 0 {
		r.probe, r.probed = number, time.Now()
	}
}

// checkProbe listens anew when messages do not come back.
func (r *Relay) checkProbe() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listening && r.probe != 0 && time.Since(r.probed) > probeTimeout {
		r.lost("messages that this server sends do not come back to it: a pooler in transaction mode brings none, so give --database-direct, the database without it")
		r.relisten()
	}
}

// lost notes that messages do not arrive. The caller holds the lock.
func (r *Relay) lost(problem string) {
	if r.state.Connected || r.state.Problem != problem {
		r.log.Warn("hints from other servers do not arrive: looking into the database instead", "bus", r.bus.Name(), "problem", problem)
	}
	r.listening, r.probe = false, 0
	r.state.Connected, r.state.Problem = false, problem
	r.lookNow()
}

func (r *Relay) lookNow() { signal(r.look) }

// listen hears what other servers tell, and what this one does.
func (r *Relay) listen(ctx context.Context) {
	retry := retryFirst
	for ctx.Err() == nil {
		bounded, cancel := context.WithCancel(ctx)
		r.mu.Lock()
		r.relisten = cancel
		r.mu.Unlock()
		err := r.bus.Listen(bounded, r.ready, r.missed, r.receive)
		gaveUp := bounded.Err() != nil // the problem is known
		cancel()
		r.mu.Lock()
		if r.state.Connected {
			retry = retryFirst
		}
		if !gaveUp {
			r.log.Debug("listen for hints", "bus", r.bus.Name(), "error", err)
			r.lost("no connection to " + r.bus.Name())
		}
		r.mu.Unlock()
		pause(ctx, retry)
		retry = min(2*retry, retryMost)
	}
}

// ready sends a message: when it comes back, messages arrive.
func (r *Relay) ready() {
	r.mu.Lock()
	r.listening, r.probe = true, 0
	r.mu.Unlock()
	r.out.add()
	signal(r.resume)
}

func (r *Relay) missed() { r.hub.wakeAll() }

func (r *Relay) receive(text []byte) {
	m, err := decode(text)
	if err != nil {
		r.log.Debug("a message that is none", "bus", r.bus.Name(), "error", err)
		return
	}
	if m.From == r.from {
		r.returned(m.Number)
		return
	}
	for _, e := range m.Events {
		r.hub.deliver(e)
	}
	if m.All {
		r.hub.wakeAll()
	}
}

// returned notes that a message of this server came back.
func (r *Relay) returned(number int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.listening || r.probe == 0 || number < r.probe {
		return
	}
	r.probe = 0
	if !r.state.Connected {
		r.log.Info("hints from other servers arrive", "bus", r.bus.Name())
		r.state.Connected, r.state.Problem = true, ""
		r.lookNow() // for what was not told
	}
}

// poll looks into the database for what was committed and not told.
func (r *Relay) poll(ctx context.Context) {
	p := poller{Relay: r}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.look:
			p.heads = time.Time{}
		case <-timer.C:
		}
		bounded, cancel := context.WithTimeout(ctx, pollTimeout)
		err := p.look(bounded)
		cancel()
		wait := pollAlone
		if r.State().Connected {
			wait = pollConnected
		}
		if err != nil {
			p.heads = time.Time{}
			if ctx.Err() == nil {
				r.log.Debug("look for what other servers committed", "error", err)
			}
		}
		timer.Reset(wait)
	}
}

// poller reads what was committed behind a position.
type poller struct {
	*Relay
	// at is the number of the newest change that is known, while following.
	at        int64
	following bool
	// heads is when the heads of the followed runs were read.
	heads time.Time
}

func (p *poller) look(ctx context.Context) error {
	if p.hub.Len() == 0 {
		p.following = false
		return nil
	}
	if !p.following {
		head, err := store.ChangeHead(ctx, p.db.Read())
		if err != nil {
			return err //nolint:wrapcheck // wrapped by the store
		}
		p.at, p.following = head, true
		p.hub.wakeAll() // somebody may have subscribed before the head was read
		return nil
	}
	for more := true; more; {
		changes, err := store.ChangesBehind(ctx, p.db.Read(), p.at, polledChanges)
		if err != nil {
			return err //nolint:wrapcheck // wrapped by the store
		}
		for _, c := range changes {
			p.hub.deliver(eventOf(c))
			p.at = c.Sequence
		}
		more = len(changes) == polledChanges
	}
	every := headsAlone
	if p.State().Connected {
		every = headsConnected
	}
	if time.Since(p.heads) < every {
		return nil
	}
	return p.lookAtHeads(ctx)
}

func (p *poller) lookAtHeads(ctx context.Context) error {
	seen := p.hub.followed()
	ids := make([]string, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	heads, err := store.RunHeads(ctx, p.db, ids)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the store
	}
	for id, head := range heads {
		if head.Metrics > seen[id].Metrics {
			p.hub.deliver(Event{RunID: id, Metrics: true, Sequence: head.Metrics})
		}
		if head.Log > seen[id].Log {
			p.hub.deliver(Event{RunID: id, Log: true, Sequence: head.Log})
		}
	}
	p.heads = time.Now()
	return nil
}

// eventOf makes an event of a change. A run's may be that it got points.
func eventOf(c store.Changed) Event {
	switch c.Entity {
	case "RUN":
		return Event{RunID: c.ID, ExperimentID: c.Scope, Metrics: true, Changed: true}
	case "EXPERIMENT":
		return Event{ExperimentID: c.Scope, Changed: true}
	}
	return Event{RegisteredModelID: c.Scope}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a signal waits already
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

package live

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cairnml/cairn/internal/errs"
)

// Bounds of what waits for this server in the client of NATS. What is beyond is dropped, and told.
const (
	natsPendingMessages = 16_384
	natsPendingBytes    = 16 << 20
	natsReconnectWait   = 500 * time.Millisecond
)

// NATS is a bus over NATS. Its servers pass messages on and keep none.
type NATS struct {
	conn    *nats.Conn
	subject string

	mu sync.Mutex
	// changed is closed, and made anew, at each change of the connection.
	changed chan struct{}
	err     error // of the last disconnection
}

// NewNATS makes a bus over the servers of one NATS, given as nats://… or tls://… with commas between them; it learns of others
// from them. It need not reach one yet. Servers on one database, which identity tells, hear each other and no others.
func NewNATS(urls, identity string) (*NATS, error) {
	if err := CheckNATS(urls); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(identity))
	n := &NATS{subject: "cairn.live." + hex.EncodeToString(sum[:8]), changed: make(chan struct{})}
	conn, err := nats.Connect(urls,
		nats.Name("cairn"),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(natsReconnectWait),
		nats.ReconnectBufSize(-1), // what cannot be sent waits in the outbox, where it is joined with what comes
		nats.Timeout(2*time.Second), nats.PingInterval(10*time.Second), nats.MaxPingsOutstanding(2),
		nats.ConnectHandler(func(*nats.Conn) { n.change(nil) }),
		nats.ReconnectHandler(func(*nats.Conn) { n.change(nil) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { n.change(err) }),
		nats.ClosedHandler(func(*nats.Conn) { n.change(nats.ErrConnectionClosed) }),
	)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "nats: the servers cannot be used: %s", natsReason(err))
	}
	n.conn = conn
	return n, nil
}

// CheckNATS tells whether the servers of a NATS are given as NewNATS takes them, without reaching for them.
func CheckNATS(urls string) error {
	for _, text := range strings.Split(urls, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			// The parser's own message would repeat a password.
			return errs.Field("nats", "is not one or more of nats://HOST:4222 and tls://HOST:4222 with commas between them; USER:PASSWORD@ or TOKEN@ may stand before the host")
		}
	}
	return nil
}

func natsReason(err error) string {
	if errors.Is(err, nats.ErrNoServers) {
		return "none answers"
	}
	return err.Error()
}

func (n *NATS) change(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.err = err
	close(n.changed)
	n.changed = make(chan struct{})
}

// Name is "nats".
func (n *NATS) Name() string { return "nats" }

// Send publishes, and waits until a server has the message.
func (n *NATS) Send(ctx context.Context, message []byte) error {
	if err := n.conn.Publish(n.subject, message); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := n.conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Listen subscribes once a server is reached.
func (n *NATS) Listen(ctx context.Context, ready, missed func(), receive func(message []byte)) error {
	for !n.conn.IsConnected() {
		if err := n.wait(ctx, n.conn.IsConnected); err != nil {
			return err
		}
	}
	n.conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrSlowConsumer) {
			missed()
		}
	})
	sub, err := n.conn.Subscribe(n.subject, func(m *nats.Msg) { receive(m.Data) })
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails when the connection is lost, and the subscription with it
	if err := sub.SetPendingLimits(natsPendingMessages, natsPendingBytes); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	bounded, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if err := n.conn.FlushWithContext(bounded); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	ready()
	for n.conn.IsConnected() {
		if err := n.wait(ctx, func() bool { return !n.conn.IsConnected() }); err != nil {
			return err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return fmt.Errorf("the connection to NATS was lost: %w", errors.Join(nats.ErrDisconnected, n.err))
}

// wait returns when the connection has changed, unless it is already as it should be.
func (n *NATS) wait(ctx context.Context, done func() bool) error {
	n.mu.Lock()
	changed := n.changed
	n.mu.Unlock()
	if done() {
		return nil
	}
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("listen: %w", ctx.Err())
	}
}

// Pace leaves time to gather what a busy server commits.
func (n *NATS) Pace() time.Duration { return 10 * time.Millisecond }

// MaxMessage stays well below the bound of NATS, 1 MiB.
func (n *NATS) MaxMessage() int { return 256 << 10 }

// Close ends the connection.
func (n *NATS) Close() { n.conn.Close() }

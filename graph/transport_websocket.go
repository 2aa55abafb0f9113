package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"

	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
)

// subprotocol is the one WebSocket protocol that is spoken: the older graphql-ws is not.
const subprotocol = "graphql-transport-ws"

// Close codes of graphql-transport-ws.
const (
	closeForbidden = 4403
)

// checkUpgrade refuses what is no request for a WebSocket of ours, before the connection is taken over: the answer can
// still say why.
func (h *Handler) checkUpgrade(r *http.Request) *errs.Error {
	switch {
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		return errs.New(errs.Invalid, "only an upgrade to websocket is served here, not to %.40q", r.Header.Get("Upgrade"))
	case r.Method != http.MethodGet:
		return errs.New(errs.Invalid, "a WebSocket begins with GET, not with %.20s", r.Method)
	case !h.options.AllowOrigin(r):
		return errs.New(errs.PermissionDenied, "the page at %.200q may not connect: its origin is not one that this server allows",
			r.Header.Get("Origin"))
	}
	for _, header := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offered := range strings.SplitSeq(header, ",") {
			if strings.TrimSpace(offered) == subprotocol {
				return nil
			}
		}
	}
	return errs.New(errs.Invalid, "the WebSocket must offer the protocol %s", subprotocol)
}

func (h *Handler) websocketTransport() transport.Websocket {
	limit := h.options.MaxBody
	return transport.Websocket{
		Implementation:   acceptor{timeout: h.options.WriteTimeout},
		InitFunc:         h.initConnection,
		InitTimeout:      h.options.InitTimeout,
		PingPongInterval: h.options.KeepAlive,
		PayloadReadLimit: &limit,
		ErrorFunc: func(ctx context.Context, err error) {
			h.options.Logger.DebugContext(ctx, "websocket", "error", err)
		},
	}
}

// initConnection answers connection_init: the credential is in its payload, as browsers cannot send headers. Without one,
// what the HTTP request was allowed as counts: a header, or loopback.
func (h *Handler) initConnection(ctx context.Context, payload transport.InitPayload) (context.Context, *transport.InitPayload, error) {
	ctx = context.WithValue(ctx, connectionKey{}, &connection{})
	refuse := func(err error) (context.Context, *transport.InitPayload, error) {
		ctx = transport.WithWebsocketCloseCode(ctx, closeForbidden)
		return transport.AppendCloseReason(ctx, closeReason(err)), nil, err
	}
	if header := payload.Authorization(); header != "" {
		scheme, secret, ok := strings.Cut(header, " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			return refuse(errs.New(errs.Unauthenticated, "authorization in connection_init must be \"Bearer TOKEN\""))
		}
		principal, err := h.deps.Auth.Authenticate(ctx, strings.TrimSpace(secret))
		if err != nil {
			return refuse(err)
		}
		ctx = auth.With(withSecret(ctx, strings.TrimSpace(secret)), principal)
	}
	if _, ok := auth.From(ctx); !ok {
		return refuse(errs.New(errs.Unauthenticated,
			"no credential: send {\"authorization\": \"Bearer TOKEN\"} in the payload of connection_init"))
	}
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(h.closing, cancel)
	return ctx, nil, nil
}

// closeReason is what of an error goes into a close frame, which takes 123 bytes.
func closeReason(err error) string {
	if errs.KindOf(err) == errs.Internal {
		return "internal error"
	}
	const most = 120
	reason := err.Error()
	if len(reason) > most {
		reason = strings.ToValidUTF8(reason[:most], "") + "…"
	}
	return reason
}

// acceptor makes WebSocket connections whose writes end in time: a client that does not read is dropped, not waited for.
type acceptor struct{ timeout time.Duration }

// Accept takes the HTTP connection over. Origin and protocol were checked by checkUpgrade.
func (a acceptor) Accept(w http.ResponseWriter, r *http.Request, _ transport.WebsocketAcceptOptions) (transport.WebsocketConn, error) {
	conn, err := websocket.Accept(upgrading{w}, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, // the origin was checked by the server's allow list
	})
	if err != nil {
		return nil, fmt.Errorf("accept websocket: %w", err)
	}
	return &socket{conn: conn, timeout: a.timeout}, nil
}

// upgrading spells the header of the agreed protocol as the standard does. The case of headers has no meaning, and Go
// changes it, but Python's gql looks for this one by its letters, and else speaks the older protocol.
type upgrading struct{ http.ResponseWriter }

const (
	headerAsGoSpellsIt = "Sec-Websocket-Protocol"
	headerAsStandard   = "Sec-WebSocket-Protocol"
)

// WriteHeader begins the answer.
func (u upgrading) WriteHeader(status int) {
	header := u.Header()
	if agreed, ok := header[headerAsGoSpellsIt]; ok {
		delete(header, headerAsGoSpellsIt)
		header[headerAsStandard] = agreed
	}
	u.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the connection be taken over.
func (u upgrading) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// socket is a WebSocket connection as gqlgen wants it.
type socket struct {
	conn    *websocket.Conn
	timeout time.Duration

	mu       sync.Mutex
	deadline *time.Timer
	closing  bool
}

var _ interface {
	transport.WebsocketConn
	transport.WebsocketReadLimiter
	transport.WebsocketReadDeadliner
} = (*socket)(nil)

// NextReader gives the next message, as a whole.
func (s *socket) NextReader() (int, io.Reader, error) {
	kind, data, err := s.conn.Read(context.Background())
	if err != nil {
		normal := []websocket.StatusCode{websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd}
		if errors.Is(err, io.EOF) || slices.Contains(normal, websocket.CloseStatus(err)) {
			return int(kind), nil, transport.ErrWebsocketClosed
		}
		return int(kind), nil, fmt.Errorf("read: %w", err)
	}
	return int(kind), bytes.NewReader(data), nil
}

// WriteJSON writes a message, or drops the connection when that takes too long.
func (s *socket) WriteJSON(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("marshal message: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, data); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// WriteClose says goodbye. The handshake waits for the peer for some seconds, so it goes on in the background; it ends by
// itself.
func (s *socket) WriteClose(code int, message string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopTimer()
	if s.closing {
		return nil
	}
	s.closing = true
	go func() { _ = s.conn.Close(websocket.StatusCode(code), message) }()
	return nil
}

// Close drops the connection, unless it is being closed in order.
func (s *socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopTimer()
	if s.closing {
		return nil
	}
	return s.conn.CloseNow() //nolint:wrapcheck // nobody reads it
}

// Subprotocol is the one that was agreed on: checkUpgrade takes no other.
func (s *socket) Subprotocol() string { return subprotocol }

// SetReadLimit bounds a message.
func (s *socket) SetReadLimit(limit int64) { s.conn.SetReadLimit(limit) }

// SetReadDeadline drops the connection at a time, unless it is set anew before; the zero time is never.
func (s *socket) SetReadDeadline(at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopTimer()
	if !at.IsZero() && !s.closing {
		s.deadline = time.AfterFunc(time.Until(at), func() { _ = s.conn.CloseNow() })
	}
	return nil
}

func (s *socket) stopTimer() {
	if s.deadline != nil {
		s.deadline.Stop()
		s.deadline = nil
	}
}

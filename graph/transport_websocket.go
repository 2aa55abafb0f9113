package graph

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
)

// subprotocol is the one WebSocket protocol that is spoken: the older graphql-ws is not.
const subprotocol = "graphql-transport-ws"

// websocketTransport serves graphql-transport-ws as its text asks for it. gqlgen's own sends `complete` behind `error`,
// takes two operations of one id and two greetings, and has other close codes.
type websocketTransport struct{ handler *Handler }

var _ graphql.Transport = websocketTransport{}

// Supports is gqlgen's question whose request it is.
func (websocketTransport) Supports(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// Do serves a connection to its end. Origin and protocol were checked by checkUpgrade.
func (t websocketTransport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	h := t.handler
	conn, err := websocket.Accept(upgrading{w}, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, // the origin was checked by the server's allow list
	})
	if err != nil { // which it has answered
		h.options.Logger.DebugContext(r.Context(), "websocket", "error", err)
		return
	}
	conn.SetReadLimit(h.options.MaxBody)
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), connectionKey{}, &connection{}))
	defer cancel()
	s := &socket{
		conn: conn, exec: exec, headers: r.Header, greet: h.greet, seats: h.connected, recovered: h.recovered, cancel: cancel,
		initTimeout: h.options.InitTimeout, keepAlive: h.options.KeepAlive, writeTimeout: h.options.WriteTimeout,
		active: map[string]*socketOperation{},
	}
	// Not 1000: clients take that for the end of what they asked for, and would not come back to the next server.
	defer context.AfterFunc(h.closing, func() { s.close(websocket.StatusGoingAway, "the server stops") })()
	// Cut without a goodbye, for which one would have to wait.
	s.greeted = h.handshakes.Enter(func() { time.AfterFunc(0, func() { _ = conn.CloseNow() }) })
	s.serve(ctx)
}

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

// greet answers connection_init: the credential is in its payload, as browsers cannot send headers. Without one, what the
// HTTP request was allowed as counts: a header, or loopback.
func (h *Handler) greet(ctx context.Context, payload map[string]json.RawMessage) (context.Context, error) {
	var header string
	for _, name := range []string{"Authorization", "authorization"} {
		if raw, ok := payload[name]; ok && json.Unmarshal(raw, &header) != nil {
			return nil, errs.New(errs.Unauthenticated, "authorization in connection_init must be text")
		}
	}
	if header != "" {
		scheme, secret, ok := strings.Cut(header, " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			return nil, errs.New(errs.Unauthenticated, "authorization in connection_init must be \"Bearer TOKEN\"")
		}
		principal, err := h.deps.Auth.Authenticate(ctx, strings.TrimSpace(secret))
		if err != nil {
			return nil, err //nolint:wrapcheck // designed, and said to the client
		}
		ctx = auth.With(withSecret(ctx, strings.TrimSpace(secret)), principal)
	}
	if _, ok := auth.From(ctx); !ok {
		return nil, errs.New(errs.Unauthenticated,
			"no credential: send {\"authorization\": \"Bearer TOKEN\"} in the payload of connection_init")
	}
	return ctx, nil
}

// closeReason is what of an error goes into a close frame.
func closeReason(err error) string {
	if errs.KindOf(err) == errs.Internal {
		return "internal error"
	}
	return err.Error()
}

// cutReason cuts a text to what a close frame takes, which is 123 bytes.
func cutReason(reason string) string {
	const most = 120
	if len(reason) > most {
		reason = strings.ToValidUTF8(reason[:most], "") + "…"
	}
	return reason
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

// Package graph is Cairn's GraphQL shell: it decodes requests, calls the core and shapes answers, and decides nothing.
//
// One file a noun has the resolvers; the files beside them have what the resolvers share: transports, limits, roles, errors
// (each one table), siblings (which keep the number of SQL statements apart from the size of lists), subscriptions.
package graph

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cairnml/cairn/graph/generated"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/gc"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/internal/waiting"
	"github.com/cairnml/cairn/internal/webhook"
)

// Deps is the core that the shell calls. All are needed.
type Deps struct {
	Tracking  *tracking.Service
	Metrics   *metric.Reader
	Search    *search.Searcher
	Artifacts *artifact.Service
	Auth      *auth.Service
	Garbage   *gc.Service
	Registry  *registry.Service
	Webhooks  *webhook.Service
	Hub       *live.Hub
}

// Options has what a server may choose. The zero value is sound: each zero field means its default.
type Options struct {
	// Version is the server's, shown by viewer.
	Version string
	Logger  *slog.Logger
	// RequestID names a request in the log and in internal errors; by default each such error gets an id of its own.
	RequestID func(context.Context) string
	// OnOperation is told what was answered; it must be quick.
	OnOperation func(context.Context, Operation)
	// AllowOrigin tells whether the page behind a WebSocket request may connect; by default only pages of the same host.
	AllowOrigin func(*http.Request) bool
	Limits      Limits
	// MaxBody bounds a request's body and a WebSocket message, in bytes; 16 MiB.
	MaxBody int64
	// Operations are all that is answered; nil answers every operation that is within the limits.
	Operations Operations
	// MaxArtifactBytes bounds one uploaded file; 50 GiB.
	MaxArtifactBytes int64
	// InitTimeout is how long a WebSocket may take until connection_init; 10 s.
	InitTimeout time.Duration
	// KeepAlive is the longest silence on a stream; 15 s. A WebSocket whose peer does not answer to a ping within twice
	// that time is dropped.
	KeepAlive time.Duration
	// WriteTimeout is how long a reader may take for one event; 30 s.
	WriteTimeout time.Duration
	// MaxOperations bounds what runs at once on one WebSocket connection; 100.
	MaxOperations int
	// MaxWebSockets bounds the WebSocket connections of the server that have said who they are; 10,000.
	MaxWebSockets int
	// MaxHandshakes bounds those that have not; 2,000. When one more comes, the one that waited longest is cut.
	MaxHandshakes int
	// MaxSubscriptions bounds the open subscriptions of the server; 10,000.
	MaxSubscriptions int
	// UserWebSockets and UserSubscriptions are how many of them one token may have; half of all.
	UserWebSockets, UserSubscriptions int
	// PollInterval is how often a subscription that waits asks whether its credential still holds; 2 s.
	PollInterval time.Duration
}

const (
	defaultMaxBody       = 16 << 20
	defaultMaxArtifact   = 50 << 30
	defaultMaxOperations = 100
	defaultSubscriptions = 10_000
	defaultWebSockets    = 10_000
	defaultHandshakes    = 2_000
)

func (o Options) withDefaults() Options {
	setDefault(&o.InitTimeout, 10*time.Second)
	setDefault(&o.KeepAlive, 15*time.Second)
	setDefault(&o.WriteTimeout, 30*time.Second)
	setDefault(&o.PollInterval, 2*time.Second)
	setDefault(&o.MaxBody, defaultMaxBody)
	setDefault(&o.MaxArtifactBytes, defaultMaxArtifact)
	setDefault(&o.MaxOperations, defaultMaxOperations)
	setDefault(&o.MaxSubscriptions, defaultSubscriptions)
	setDefault(&o.MaxWebSockets, defaultWebSockets)
	setDefault(&o.MaxHandshakes, defaultHandshakes)
	setDefault(&o.UserWebSockets, max(o.MaxWebSockets/2, 1))
	setDefault(&o.UserSubscriptions, max(o.MaxSubscriptions/2, 1))
	setDefault(&o.Limits.Depth, DefaultLimits.Depth)
	setDefault(&o.Limits.Aliases, DefaultLimits.Aliases)
	setDefault(&o.Limits.Fields, DefaultLimits.Fields)
	setDefault(&o.Limits.Breadth, DefaultLimits.Breadth)
	setDefault(&o.Limits.Cost, DefaultLimits.Cost)
	setDefault(&o.Limits.Tokens, DefaultLimits.Tokens)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.AllowOrigin == nil {
		o.AllowOrigin = sameHost
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// sameHost allows pages of the host that they connect to, and what is no page.
func sameHost(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// Handler serves GraphQL over POST, server-sent events and graphql-transport-ws. Who is asking is the context's
// auth.Principal, which the server's middleware sets; nobody may do nothing. Close it when the server stops.
type Handler struct {
	deps       Deps
	options    Options
	server     *handler.Server
	presenter  *presenter
	operations *operations
	connected  *seats          // WebSockets that have greeted
	handshakes *waiting.Room   // those that have not
	closing    context.Context //nolint:containedctx // ends every stream when the handler is closed
	end        context.CancelFunc
}

// NewHandler makes the handler.
func NewHandler(deps Deps, options Options) *Handler {
	options = options.withDefaults()
	h := &Handler{deps: deps, options: options, presenter: &presenter{log: options.Logger, requestID: options.RequestID}}
	h.connected = newSeats("WebSockets", options.MaxWebSockets, options.UserWebSockets)
	h.handshakes = waiting.NewRoom(options.MaxHandshakes)
	h.closing, h.end = context.WithCancel(context.Background())

	schema := generated.NewExecutableSchema(generated.Config{Resolvers: &Resolver{Deps: deps, options: options}})
	h.server = handler.New(schema)
	// The first transport that supports a request serves it.
	h.server.AddTransport(websocketTransport{h})
	h.server.AddTransport(sseTransport{keepAlive: options.KeepAlive, writeTimeout: options.WriteTimeout, recovered: h.recovered})
	h.server.AddTransport(postTransport{})
	known := newParsedQueries()
	h.server.SetQueryCache(known)
	h.server.SetParserTokenLimit(options.Limits.Tokens)
	h.server.SetErrorPresenter(h.presenter.present)
	h.server.SetRecoverFunc(h.presenter.recovered)
	if options.Operations != nil {
		h.server.Use(registeredOnly{options.Operations})
	} else {
		h.server.Use(extension.AutomaticPersistedQuery{Cache: newPersistedQueries()})
	}
	h.operations = &operations{
		limits: options.Limits, present: h.presenter.present, known: known, observe: options.OnOperation,
		perConnection: int64(options.MaxOperations), subscriptions: newSeats("subscriptions", options.MaxSubscriptions, options.UserSubscriptions),
	}
	h.server.Use(h.operations)
	return h
}

// Close ends all subscriptions and WebSocket connections. Requests that are being answered are not disturbed.
func (h *Handler) Close() { h.end() }

// ServeHTTP answers a request, or says how to ask.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.recoverRequest(w, r)
	r.Body = http.MaxBytesReader(w, r.Body, h.options.MaxBody)
	ctx := withSecret(r.Context(), bearer(r))
	switch {
	case r.Header.Get("Upgrade") != "":
		if err := h.checkUpgrade(r); err != nil {
			h.refuse(w, r, err)
			return
		}
		if h.connected.full() {
			h.refuse(w, r, errs.New(errs.Exhausted, "%d WebSockets are open on this server, which is all it takes: try again later", h.options.MaxWebSockets))
			return
		}
	case sseTransport{}.Supports(r):
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(h.closing, cancel)()
	case r.Method == http.MethodPost && !isJSON(r):
		h.refuseWith(w, r, http.StatusUnsupportedMediaType,
			errs.New(errs.Invalid, "the Content-Type is %.80q: send application/json", r.Header.Get("Content-Type")))
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		h.refuseWith(w, r, http.StatusMethodNotAllowed,
			errs.New(errs.Invalid, "send a POST with a JSON body; GET is for WebSocket and for Accept: text/event-stream"))
		return
	}
	h.server.ServeHTTP(w, r.WithContext(ctx))
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err *errs.Error) {
	h.refuseWith(w, r, statuses[string(err.Kind)], err)
}

func (h *Handler) refuseWith(w http.ResponseWriter, r *http.Request, status int, err *errs.Error) {
	writeResponse(w, r, status, &graphql.Response{Errors: gqlerror.List{h.presenter.present(r.Context(), err)}})
}

// recovered makes a response of a panic outside of a resolver.
func (h *Handler) recovered(ctx context.Context, cause any) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{h.presenter.present(ctx, h.presenter.recovered(ctx, cause))}}
}

// recoverRequest answers a request whose handling panicked, so that the connection's other requests go on.
func (h *Handler) recoverRequest(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause) //nolint:forbidigo // net/http's own way to cut a connection
	}
	response := h.recovered(r.Context(), cause)
	if r.Header.Get("Upgrade") == "" {
		writeResponse(w, r, http.StatusInternalServerError, response)
	}
}

type secretKey struct{}

// withSecret keeps the credential of a connection, so that a subscription can tell when it stops being valid.
func withSecret(ctx context.Context, secret string) context.Context {
	if secret == "" {
		return ctx
	}
	return context.WithValue(ctx, secretKey{}, secret)
}

// bearer is the credential of a request, as Bearer or as Basic password.
func bearer(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(secret)
	}
	return ""
}

// stillAllowed fails when the credential of a subscription is not valid any more.
func (r *Resolver) stillAllowed(ctx context.Context) error {
	secret, ok := ctx.Value(secretKey{}).(string)
	if !ok {
		// Who came without one was let in as long as there were no tokens.
		required, err := r.Auth.HasTokens(ctx)
		if err == nil && required {
			err = errs.New(errs.Unauthenticated, "this server has tokens now: connect again with one")
		}
		return err
	}
	if _, err := r.Auth.Authenticate(ctx, secret); err != nil {
		return fmt.Errorf("authenticate again: %w", err)
	}
	return nil
}

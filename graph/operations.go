package graph

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/cairnml/cairn/internal/errs"
)

// operations is the gqlgen extension that every operation passes, on whatever transport: it checks limits and roles before
// anything is run, and counts what is running, so that a client cannot start more than the server bears.
type operations struct {
	limits  Limits
	present graphql.ErrorPresenterFunc
	// known are queries that are valid, and within the limits of their shape.
	known parsedQueries

	// perConnection bounds what runs at once on one WebSocket connection: queries, mutations and subscriptions.
	perConnection int64
	// subscriptions are those of the server.
	subscriptions *seats
	// observe is told what was run; nil tells nobody.
	observe func(context.Context, Operation)
}

// connection counts what runs on a WebSocket connection.
type connection struct{ running atomic.Int64 }

type (
	connectionKey struct{}
	outcomeKey    struct{}
)

// slot is a counted operation; it is given back when the operation's context ends.
type slot struct {
	release func()
	once    sync.Once
}

func (s *slot) free() { s.once.Do(s.release) }

// outcome is how a subscription ended; its resolver says so before it closes its channel.
type outcome struct {
	err  error
	sent bool
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
	graphql.OperationInterceptor
	graphql.ResponseInterceptor
} = (*operations)(nil)

// ExtensionName is gqlgen's name for it.
func (o *operations) ExtensionName() string { return "Operations" }

// Validate is called when the extension is added.
func (o *operations) Validate(graphql.ExecutableSchema) error {
	if o.present == nil {
		return errors.New("operations need a presenter")
	}
	return nil
}

// MutateOperationParameters refuses a text whose shape is over a limit, before it is validated.
func (o *operations) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	if _, ok := o.known.Get(ctx, request.Query); ok {
		return nil
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: request.Query}, o.limits.Tokens)
	if err != nil {
		return nil //nolint:nilerr // the executor parses it again, and says what is wrong
	}
	if err := o.limits.checkShape(doc); err != nil {
		return refusal(err)
	}
	return nil
}

// MutateOperationContext refuses what is over a limit, not allowed, or too much at once. On a WebSocket it runs in the
// loop that reads, so a client that asks too fast is answered, and read, no faster than it takes the answers.
func (o *operations) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	op.DisableIntrospection = false
	if err := checkConstraints(op); err != nil {
		return err
	}
	if err := o.limits.checkCost(op); err != nil {
		return refusal(err)
	}
	if err := authorize(ctx, op); err != nil {
		return refusal(designed(err))
	}
	s, err := o.acquire(ctx, op.Operation.Operation == ast.Subscription)
	if err != nil {
		return refusal(err)
	}
	op.Stats.SetExtension(slotName, s)
	// The context is the operation's own: it ends also when the transport refuses what is allowed here.
	context.AfterFunc(ctx, s.free)
	return nil
}

const slotName = "cairnSlot"

func designed(err error) *errs.Error {
	var e *errs.Error
	if errors.As(err, &e) {
		return e
	}
	return errs.Wrap(errs.Internal, err, "cannot tell whether this is allowed")
}

// acquire counts an operation. Refused when there are too many.
func (o *operations) acquire(ctx context.Context, subscription bool) (*slot, *errs.Error) {
	var undo []func()
	free := func() {
		for _, fn := range undo {
			fn()
		}
	}
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok {
		undo = append(undo, func() { c.running.Add(-1) })
		if c.running.Add(1) > o.perConnection {
			free()
			return nil, errs.New(errs.Exhausted, "%d operations are running on this connection, which is all that one may have: "+
				"complete some, or open another", o.perConnection)
		}
	}
	if subscription {
		leave, refused := o.subscriptions.take(ctx)
		if refused != nil {
			free()
			return nil, refused
		}
		undo = append(undo, leave)
	}
	return &slot{release: free}, nil
}

// freeSlot gives an operation's slot back, if it has one.
func freeSlot(op *graphql.OperationContext) {
	if s, ok := op.Stats.GetExtension(slotName).(*slot); ok {
		s.free()
	}
}

// InterceptOperation makes a place for how a subscription ends.
func (o *operations) InterceptOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation == ast.Subscription {
		ctx = context.WithValue(ctx, outcomeKey{}, &outcome{})
	}
	return next(ctx)
}

// InterceptResponse resolves each response, and each event of a subscription, with siblings of its own. When a
// subscription ended with an error, the error is its last response.
func (o *operations) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	began := time.Now()
	response := next(withFamilies(ctx))
	o.observed(ctx, began, response)
	end, ok := ctx.Value(outcomeKey{}).(*outcome)
	if response != nil || !ok || end.err == nil || end.sent {
		return response
	}
	end.sent = true
	return &graphql.Response{Errors: gqlerror.List{o.present(ctx, end.err)}}
}

// endWith says why a subscription ends. Its resolver calls it before it closes its channel.
func endWith(ctx context.Context, err error) {
	if end, ok := ctx.Value(outcomeKey{}).(*outcome); ok {
		end.err = err
	}
}

package graph

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Operation is a query or a mutation that was answered. A subscription has no time of its own.
type Operation struct {
	// Kind is query or mutation.
	Kind string
	// Name is what the client calls it; empty when it says none.
	Name  string
	Began time.Time
	Took  time.Duration
	// Code is that of the first error of the answer; empty when there is none.
	Code string
}

// observed tells the server of what was run; what was refused before is no operation.
func (o *operations) observed(ctx context.Context, began time.Time, response *graphql.Response) {
	if o.observe == nil || response == nil || !graphql.HasOperationContext(ctx) {
		return
	}
	op := graphql.GetOperationContext(ctx)
	if op.Operation == nil || op.Operation.Operation == ast.Subscription {
		return
	}
	told := Operation{Kind: string(op.Operation.Operation), Name: op.Operation.Name, Began: began, Took: time.Since(began)}
	if len(response.Errors) > 0 {
		told.Code, _ = response.Errors[0].Extensions["code"].(string)
	}
	o.observe(ctx, told)
}

// Open tells how many WebSockets and subscriptions are open.
func (h *Handler) Open() (webSockets, subscriptions int64) {
	return h.connected.count(), h.operations.subscriptions.count()
}

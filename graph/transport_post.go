package graph

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cairnml/cairn/internal/errs"
)

// postTransport answers queries and mutations, one a request. What could not be run at all is answered with a 4xx
// status; what was run with 200, whatever came of it.
type postTransport struct{}

var _ graphql.Transport = postTransport{}

// Supports is gqlgen's question whose request it is.
func (postTransport) Supports(r *http.Request) bool {
	return r.Method == http.MethodPost && isJSON(r) && r.Header.Get("Upgrade") == ""
}

// Do answers the request.
func (postTransport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	ctx := r.Context()
	params, told := readBody(r)
	if told != nil {
		response := exec.DispatchError(ctx, gqlerror.List{refusal(told)})
		status := statusOf(response.Errors)
		if told.Kind == errs.Exhausted { // of a body: it is too large, not too many
			status = http.StatusRequestEntityTooLarge
		}
		writeResponse(w, r, status, response)
		return
	}
	op, refused := exec.CreateOperationContext(ctx, params)
	if refused != nil {
		response := exec.DispatchError(graphql.WithOperationContext(ctx, op), refused)
		writeResponse(w, r, statusOf(response.Errors), response)
		return
	}
	if isSubscription(op) {
		freeSlot(op) // before the answer: who has it may ask again at once
		response := exec.DispatchError(graphql.WithOperationContext(ctx, op), gqlerror.List{refusal(errNeedsStream)})
		writeResponse(w, r, http.StatusBadRequest, response)
		return
	}
	responses, ctx := exec.DispatchOperation(ctx, op)
	response := responses(ctx)
	if response == nil { // the client has gone
		return
	}
	writeResponse(w, r, executedStatus(response.Errors), response)
}

// executedStatus is 200 of what was run, whatever came of it; but 503 when all that failed did so since the database cannot be
// reached, so that whoever stands between, too, knows that it may be sent again.
func executedStatus(failed gqlerror.List) int {
	for _, e := range failed {
		if e.Extensions["code"] != string(errs.Unavailable) {
			return http.StatusOK
		}
	}
	if len(failed) == 0 {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

package graph

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cairnml/cairn/internal/errs"
)

var (
	errNeedsStream = errs.New(errs.Invalid,
		"a subscription needs a stream: use graphql-transport-ws, or send Accept: text/event-stream")
	errNoMutation = errs.New(errs.Invalid, "a GET does not change anything: send mutations with POST")
)

func isSubscription(op *graphql.OperationContext) bool {
	return op.Operation.Operation == ast.Subscription
}

// sseTransport answers with server-sent events: "next" for each response, "complete" at the end, a comment while there is
// nothing to say. It takes POST, and GET for EventSource, which can send nothing else. What has one answer is answered with JSON
// where the client takes that too.
type sseTransport struct {
	// keepAlive is the longest silence.
	keepAlive time.Duration
	// writeTimeout is how long a reader may take for an event, before the stream is cut.
	writeTimeout time.Duration
	// recovered makes a response of a panic.
	recovered func(ctx context.Context, cause any) *graphql.Response
}

var _ graphql.Transport = sseTransport{}

// Supports is gqlgen's question whose request it is.
func (sseTransport) Supports(r *http.Request) bool {
	return accepts(r, typeEvents) && r.Header.Get("Upgrade") == "" &&
		(r.Method == http.MethodGet || r.Method == http.MethodPost && isJSON(r))
}

// Do answers the request.
func (t sseTransport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	read := readBody
	if r.Method == http.MethodGet {
		read = readURL
	}
	params, told := read(r)
	if told != nil {
		response := exec.DispatchError(ctx, gqlerror.List{refusal(told)})
		writeResponse(w, r, statusOf(response.Errors), response)
		return
	}
	op, refused := exec.CreateOperationContext(ctx, params)
	if refused == nil && r.Method == http.MethodGet && op.Operation.Operation == ast.Mutation {
		refused = gqlerror.List{refusal(errNoMutation)}
	}
	if refused != nil {
		response := exec.DispatchError(graphql.WithOperationContext(ctx, op), refused)
		writeResponse(w, r, statusOf(response.Errors), response)
		return
	}
	responses, ctx := exec.DispatchOperation(ctx, op)
	if !isSubscription(op) && (accepts(r, typeJSON) || accepts(r, typeResult)) {
		// Some clients, urql among them, name all that they understand in every request: of one answer, JSON is the simpler.
		if response := responses(ctx); response != nil {
			writeResponse(w, r, executedStatus(response.Errors), response)
		}
		return
	}
	stream := newEventStream(w, t.writeTimeout)
	stream.begin()
	t.send(ctx, cancel, stream, responses)
}

// send writes the responses as they come. They are made by a goroutine that ends before send does, since a response is
// waited for while keep-alives are written. It hands over text, not responses: gqlgen makes each in the memory of the one
// before.
func (t sseTransport) send(ctx context.Context, cancel context.CancelFunc, stream *eventStream, responses graphql.ResponseHandler) {
	next := make(chan string)
	done := make(chan struct{})
	defer func() { cancel(); <-done }()
	go func() {
		defer close(done)
		defer close(next)
		for {
			response, last := t.resolve(ctx, responses)
			if response == nil {
				return
			}
			data, err := json.Marshal(response)
			if err != nil {
				return
			}
			select {
			case next <- string(data):
			case <-ctx.Done():
				return
			}
			if last {
				return
			}
		}
	}()
	silence := time.NewTicker(t.keepAlive)
	defer silence.Stop()
	for {
		select {
		case data, more := <-next:
			if !more {
				if ctx.Err() == nil {
					stream.write("event: complete\ndata:\n\n")
				}
				return
			}
			if !stream.write("event: next\ndata: " + data + "\n\n") {
				return
			}
			silence.Reset(t.keepAlive)
		case <-silence.C:
			if !stream.write(":\n\n") {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// resolve gives the next response, and whether it is the last. A panic outside of a resolver is as much as the stream can
// bear; the server goes on.
func (t sseTransport) resolve(ctx context.Context, responses graphql.ResponseHandler) (response *graphql.Response, last bool) {
	defer func() {
		if cause := recover(); cause != nil {
			response, last = t.recovered(ctx, cause), true
		}
	}()
	return responses(ctx), false
}

// eventStream writes events, each within a time.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

func newEventStream(w http.ResponseWriter, timeout time.Duration) *eventStream {
	return &eventStream{w: w, control: http.NewResponseController(w), timeout: timeout}
}

func (s *eventStream) begin() {
	header := s.w.Header()
	header.Set("Content-Type", typeEvents+"; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Accel-Buffering", "no") // proxies that buffer would hold the events back
	s.w.WriteHeader(http.StatusOK)
	s.write(":\n\n")
}

// write tells whether the text was written and flushed in time.
func (s *eventStream) write(text string) bool {
	if err := s.control.SetWriteDeadline(time.Now().Add(s.timeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.control.Flush() == nil
}

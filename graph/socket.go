package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Close codes of graphql-transport-ws.
const (
	closeBadMessage   websocket.StatusCode = 4400
	closeUnauthorized websocket.StatusCode = 4401 // asked before it greeted
	closeForbidden    websocket.StatusCode = 4403 // the greeting was refused
	closeInitTimeout  websocket.StatusCode = 4408
	closeDuplicate    websocket.StatusCode = 4409 // an id that is in use
	closeGreetedTwice websocket.StatusCode = 4429
	messageInit                            = "connection_init"
	messageAck                             = "connection_ack"
	messagePing                            = "ping"
	messagePong                            = "pong"
	messageSubscribe                       = "subscribe"
	messageNext                            = "next"
	messageError                           = "error"
	messageComplete                        = "complete"
	maxOperationID                         = 255
)

// socketMessage is what a client sends.
type socketMessage struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// encodeMessage writes a message around a payload that is JSON already, which may be long. Without an id it is one of the connection.
func encodeMessage(kind, id string, payload ...[]byte) []byte {
	parts := [][]byte{[]byte(`{"type":"` + kind + `"`)}
	if id != "" {
		name, err := json.Marshal(id)
		if err != nil { // which text cannot cause
			name = []byte(`""`)
		}
		parts = append(parts, []byte(`,"id":`), name)
	}
	if len(payload) > 0 && len(payload[0]) > 0 {
		parts = append(append(parts, []byte(`,"payload":`)), payload...)
	}
	return bytes.Join(append(parts, []byte(`}`)), nil)
}

// socket is a connection that speaks graphql-transport-ws
// (github.com/enisdenjo/graphql-ws, PROTOCOL.md). serve reads it; each operation has a goroutine, which serve waits for.
type socket struct {
	conn    *websocket.Conn
	exec    graphql.GraphExecutor
	headers http.Header
	greet   func(ctx context.Context, payload map[string]json.RawMessage) (context.Context, error)
	// seats are those of the server's connections; greeted is called when the handshake is over, whether it went well or not.
	seats     *seats
	greeted   func()
	recovered func(ctx context.Context, cause any) *graphql.Response
	cancel    context.CancelFunc

	initTimeout, keepAlive, writeTimeout time.Duration

	running sync.WaitGroup // operations, pings, and the closing handshake

	// mu orders what is written: nothing of an operation comes behind its end.
	mu     sync.Mutex
	active map[string]*socketOperation
	closed bool
}

// socketOperation is a query, mutation or subscription that runs.
type socketOperation struct {
	id     string
	cancel context.CancelFunc
}

// serve answers until the connection ends, and leaves nothing running.
func (s *socket) serve(ctx context.Context) {
	defer s.running.Wait()
	defer s.drop()
	ctx, free, ok := s.init(ctx)
	s.greeted()
	if !ok {
		return
	}
	defer free()
	if !s.write(encodeMessage(messageAck, "")) {
		return
	}
	alive := time.AfterFunc(2*s.keepAlive, s.drop)
	defer alive.Stop()
	s.running.Go(func() { s.ping(ctx) })
	for {
		m, ok := s.read()
		if !ok || !s.handle(ctx, m, alive) {
			return
		}
	}
}

// init waits for the greeting, and takes a seat, which the caller frees.
func (s *socket) init(ctx context.Context) (greeted context.Context, free func(), ok bool) {
	late := time.AfterFunc(s.initTimeout, func() { s.close(closeInitTimeout, "no connection_init came in time") })
	defer late.Stop()
	for {
		m, ok := s.read()
		if !ok {
			return nil, nil, false
		}
		switch m.Type {
		case messagePing:
			s.write(encodeMessage(messagePong, "", m.Payload))
			continue
		case messagePong:
			continue
		case messageInit:
		default:
			s.close(closeUnauthorized, "the first message must be connection_init")
			return nil, nil, false
		}
		var payload map[string]json.RawMessage
		if len(m.Payload) > 0 && json.Unmarshal(m.Payload, &payload) != nil {
			s.close(closeBadMessage, "the payload of connection_init must be an object")
			return nil, nil, false
		}
		greeted, err := s.greet(ctx, payload)
		if err != nil {
			s.close(closeForbidden, closeReason(err))
			return nil, nil, false
		}
		free, refused := s.seats.take(greeted)
		if refused != nil {
			s.close(websocket.StatusTryAgainLater, closeReason(refused)) // clients come back
			return nil, nil, false
		}
		return greeted, free, true
	}
}

// read gives the next message; false when there is none, and the connection ends. Its context never ends: that would cut
// the connection before the goodbye.
func (s *socket) read() (socketMessage, bool) {
	kind, data, err := s.conn.Read(context.Background())
	if err != nil {
		return socketMessage{}, false
	}
	var m socketMessage
	if kind != websocket.MessageText || json.Unmarshal(data, &m) != nil || m.Type == "" {
		s.close(closeBadMessage, "a message must be the text of a JSON object with a type")
		return socketMessage{}, false
	}
	return m, true
}

// handle takes a message after the greeting. False ends the connection.
func (s *socket) handle(ctx context.Context, m socketMessage, alive *time.Timer) bool {
	switch m.Type {
	case messageSubscribe:
		return s.subscribe(ctx, m)
	case messageComplete:
		s.mu.Lock()
		if op := s.active[m.ID]; op != nil {
			delete(s.active, m.ID)
			op.cancel()
		}
		s.mu.Unlock()
	case messagePing:
		s.write(encodeMessage(messagePong, "", m.Payload))
	case messagePong:
		alive.Reset(2 * s.keepAlive)
	case messageInit:
		s.close(closeGreetedTwice, "connection_init came twice")
		return false
	default:
		s.close(closeBadMessage, "a client does not send messages of this type")
		return false
	}
	return true
}

// subscribe begins an operation. It is checked in the loop that reads, so that who asks too fast is read no faster.
func (s *socket) subscribe(ctx context.Context, m socketMessage) bool {
	switch {
	case m.ID == "" || len(m.ID) > maxOperationID:
		s.close(closeBadMessage, "subscribe needs an id of at most 255 bytes")
		return false
	case !begins(m.Payload, '{'):
		s.close(closeBadMessage, "the payload of subscribe must be an object with a query")
		return false
	}
	ctx, cancel := context.WithCancel(graphql.StartOperationTrace(ctx))
	op := &socketOperation{id: m.ID, cancel: cancel}
	s.mu.Lock()
	_, taken := s.active[m.ID]
	if !taken {
		s.active[m.ID] = op
	}
	s.mu.Unlock()
	if taken {
		cancel()
		s.close(closeDuplicate, "Subscriber for "+m.ID+" already exists")
		return false
	}
	operation, refused := s.prepare(ctx, m.Payload)
	if refused != nil {
		s.refuse(op, refused)
		return true
	}
	s.running.Go(func() { s.run(ctx, op, operation) })
	return true
}

// prepare parses, validates and admits an operation.
func (s *socket) prepare(ctx context.Context, payload json.RawMessage) (*graphql.OperationContext, gqlerror.List) {
	began := graphql.Now()
	params, told := decodeParams(payload)
	if told != nil {
		return nil, s.exec.DispatchError(ctx, gqlerror.List{refusal(told)}).Errors
	}
	params.Headers, params.ReadTime = s.headers, graphql.TraceTiming{Start: began, End: graphql.Now()}
	operation, refused := s.exec.CreateOperationContext(ctx, params)
	if refused != nil {
		return nil, s.exec.DispatchError(graphql.WithOperationContext(ctx, operation), refused).Errors
	}
	return operation, nil
}

// run sends an operation's responses until there are no more.
func (s *socket) run(ctx context.Context, op *socketOperation, operation *graphql.OperationContext) {
	defer op.cancel()
	defer func() {
		if cause := recover(); cause != nil { // outside of a resolver; the server and the connection go on
			freeSlot(operation)
			s.refuse(op, s.recovered(ctx, cause).Errors)
		}
	}()
	responses, ctx := s.exec.DispatchOperation(graphql.WithOperationContext(ctx, operation), operation)
	for response := responses(ctx); response != nil; response = responses(ctx) {
		buffers, err := encodeResponse(response)
		if err != nil {
			freeSlot(operation)
			s.refuse(op, s.recovered(ctx, err).Errors)
			return
		}
		if !s.send(op, encodeMessage(messageNext, op.id, buffers...)) {
			return
		}
	}
	freeSlot(operation) // before the answer: who has it may ask again at once
	s.end(op, encodeMessage(messageComplete, op.id))
}

// refuse ends an operation with an error, behind which nothing more comes.
func (s *socket) refuse(op *socketOperation, refused gqlerror.List) {
	op.cancel()
	payload, err := json.Marshal(refused)
	if err != nil {
		payload = []byte(`[{"message":"internal error","extensions":{"code":"INTERNAL"}}]`)
	}
	s.end(op, encodeMessage(messageError, op.id, payload))
}

// send writes a message of an operation, if the client still wants it.
func (s *socket) send(op *socketOperation, message []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active[op.id] == op && s.writeLocked(message)
}

// end writes the last message of an operation, whose id is free from then on.
func (s *socket) end(op *socketOperation, message []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active[op.id] != op {
		return
	}
	delete(s.active, op.id)
	s.writeLocked(message)
}

func (s *socket) write(message []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writeLocked(message)
}

// writeLocked writes a message. A client that does not read is dropped, not waited for.
func (s *socket) writeLocked(message []byte) bool {
	if s.closed {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.writeTimeout)
	defer cancel()
	if s.conn.Write(ctx, websocket.MessageText, message) != nil {
		s.endLocked()
		_ = s.conn.CloseNow()
		return false
	}
	return true
}

// ping asks for a sign of life, which handle waits for.
func (s *socket) ping(ctx context.Context) {
	tick := time.NewTicker(s.keepAlive)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.write(encodeMessage(messagePing, ""))
		}
	}
}

// close says goodbye, and ends everything. The handshake waits for the peer for some seconds, so others go on meanwhile.
func (s *socket) close(code websocket.StatusCode, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.endLocked()
		s.running.Go(func() { _ = s.conn.Close(code, cutReason(reason)) })
	}
}

// drop cuts the connection, unless it is being closed in order.
func (s *socket) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.endLocked()
		_ = s.conn.CloseNow()
	}
}

func (s *socket) endLocked() {
	s.closed = true
	clear(s.active)
	s.cancel()
}

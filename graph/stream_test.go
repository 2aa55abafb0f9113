package graph_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"
)

// stream is a subscription of a client, whatever its transport.
type stream interface {
	// next gives the next response; done is true when the subscription was completed.
	next(t *testing.T) (r response, done bool)
	close()
}

// wsClient speaks graphql-transport-ws.
type wsClient struct {
	conn *websocket.Conn
	ctx  context.Context //nolint:containedctx // the test's
}

type wsMessage struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// dial opens a WebSocket without greeting.
func (s *server) dial(t *testing.T, options *websocket.DialOptions) *wsClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	t.Cleanup(cancel)
	if options == nil {
		options = &websocket.DialOptions{}
	}
	if options.Subprotocols == nil {
		options.Subprotocols = []string{"graphql-transport-ws"}
	}
	options.HTTPClient = client
	conn, res, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.url, "http"), options)
	if res != nil && res.Body != nil {
		defer func() { _ = res.Body.Close() }()
	}
	require.NoError(t, err)
	require.Contains(t, res.Header, "Sec-Websocket-Protocol", "as Go reads it")
	conn.SetReadLimit(-1)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &wsClient{conn: conn, ctx: ctx}
}

// connect opens a WebSocket and greets.
func (s *server) connect(t *testing.T) *wsClient {
	t.Helper()
	c := s.dial(t, nil)
	c.write(t, wsMessage{Type: "connection_init"})
	require.Equal(t, "connection_ack", c.read(t).Type)
	return c
}

func (c *wsClient) write(t *testing.T, m wsMessage) {
	t.Helper()
	require.NoError(t, wsjson.Write(c.ctx, c.conn, m))
}

// read gives the next message, pings answered.
func (c *wsClient) read(t *testing.T) wsMessage {
	t.Helper()
	for {
		var m wsMessage
		require.NoError(t, wsjson.Read(c.ctx, c.conn, &m))
		if m.Type != "ping" {
			return m
		}
		c.write(t, wsMessage{Type: "pong"})
	}
}

func (c *wsClient) subscribe(t *testing.T, id, query string, variables vars) *wsStream {
	t.Helper()
	c.write(t, wsMessage{ID: id, Type: "subscribe", Payload: json.RawMessage(request(query, variables))})
	return &wsStream{client: c, id: id}
}

type wsStream struct {
	client *wsClient
	id     string
	ended  bool // by an error, behind which nothing comes
}

func (s *wsStream) next(t *testing.T) (r response, done bool) {
	t.Helper()
	if s.ended {
		return r, true
	}
	m := s.client.read(t)
	require.Equal(t, s.id, m.ID, "%s", m.Payload)
	switch m.Type {
	case "next":
		require.NoError(t, json.Unmarshal(m.Payload, &r))
	case "error":
		require.NoError(t, json.Unmarshal(m.Payload, &r.Errors))
		s.ended = true
	default:
		require.Equal(t, "complete", m.Type)
		return r, true
	}
	return r, false
}

func (s *wsStream) close() { _ = s.client.conn.CloseNow() }

// sseStream reads server-sent events.
type sseStream struct {
	body   io.ReadCloser
	lines  *bufio.Reader
	cancel context.CancelFunc
}

// events asks for a stream; method is POST or GET.
func (s *server) events(t *testing.T, method, query string, variables vars) (*sseStream, *http.Response) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	t.Cleanup(cancel)
	target, body := s.url, io.Reader(strings.NewReader(request(query, variables)))
	if method == http.MethodGet {
		raw, err := json.Marshal(variables)
		require.NoError(t, err)
		target, body = target+"?"+url.Values{"query": {query}, "variables": {string(raw)}}.Encode(), http.NoBody
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	require.NoError(t, err)
	req.Header.Set("Accept", "text/event-stream")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := client.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return &sseStream{body: res.Body, lines: bufio.NewReader(res.Body), cancel: cancel}, res
}

func (s *sseStream) next(t *testing.T) (r response, done bool) {
	t.Helper()
	event, data := "", ""
	for {
		line, err := s.lines.ReadString('\n')
		require.NoError(t, err)
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && event == "complete":
			return r, true
		case line == "" && event == "next":
			require.NoError(t, json.Unmarshal([]byte(data), &r), "%s", data)
			return r, false
		case name == "event":
			event = value
		case name == "data":
			data += value
		}
	}
}

func (s *sseStream) close() { s.cancel() }

// transports opens a subscription in each of the ways there are.
func transports() map[string]func(t *testing.T, s *server, query string, variables vars) stream {
	sse := func(method string) func(t *testing.T, s *server, query string, variables vars) stream {
		return func(t *testing.T, s *server, query string, variables vars) stream {
			t.Helper()
			out, res := s.events(t, method, query, variables)
			require.Equal(t, http.StatusOK, res.StatusCode)
			require.Equal(t, "text/event-stream; charset=utf-8", res.Header.Get("Content-Type"))
			return out
		}
	}
	return map[string]func(t *testing.T, s *server, query string, variables vars) stream{
		"websocket": func(t *testing.T, s *server, query string, variables vars) stream {
			t.Helper()
			return s.connect(t).subscribe(t, "1", query, variables)
		},
		"sse post": sse(http.MethodPost),
		"sse get":  sse(http.MethodGet),
	}
}

// ints and floats unpack arrays.
func ints(t *testing.T, packed string) []int64 {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(packed)
	require.NoError(t, err)
	out := make([]int64, 0, len(raw)/8)
	for ; len(raw) > 0; raw = raw[8:] {
		out = append(out, int64(binary.LittleEndian.Uint64(raw)))
	}
	return out
}

func floats(t *testing.T, packed string) []float64 {
	t.Helper()
	bits := ints(t, packed)
	out := make([]float64, len(bits))
	for i, b := range bits {
		out[i] = math.Float64frombits(uint64(b))
	}
	return out
}

func pack(values ...float64) string {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func packInts(values ...int64) string {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// eventually waits for a condition.
func eventually(t *testing.T, condition func() bool, message string) {
	t.Helper()
	require.Eventually(t, condition, wait, 5*time.Millisecond, message)
}

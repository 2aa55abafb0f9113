package graph_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

func TestPersistedQueries(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	query := `{ viewer { principal role serverVersion } }`
	sum := sha256.Sum256([]byte(query))
	body := func(text string) string {
		raw, err := json.Marshal(map[string]any{"query": text, "extensions": map[string]any{
			"persistedQuery": map[string]any{"version": 1, "sha256Hash": hex.EncodeToString(sum[:])},
		}})
		require.NoError(t, err)
		return string(raw)
	}
	res := s.send(body(""))
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", res.Errors[0].Extensions.Code)
	require.Equal(t, "PersistedQueryNotFound", res.Errors[0].Message)
	require.Equal(t, http.StatusOK, res.status)
	for _, text := range []string{query, ""} {
		res = s.send(body(text))
		require.Empty(t, res.Errors)
		require.JSONEq(t, `{"viewer": {"principal": "local:tester", "role": "ADMIN", "serverVersion": "1.2.3"}}`, string(res.Data))
	}
	res = s.send(body(`{ viewer { role } }`))
	require.Equal(t, "INVALID_ARGUMENT", res.Errors[0].Extensions.Code, "a hash of something else")
}

func TestRequestsThatAreNotServed(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	mutation := "?" + url.Values{"query": {`mutation { createRun(input: {}) { runId } }`}}.Encode()
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	for name, c := range map[string]struct {
		method, query string
		headers       []string
		status        int
		code, says    string
	}{
		"GET":                {"GET", "?query={viewer{role}}", nil, 405, "INVALID_ARGUMENT", "send a POST with a JSON body"},
		"PUT":                {"PUT", "", nil, 405, "INVALID_ARGUMENT", "send a POST with a JSON body"},
		"a form":             {"POST", "", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "INVALID_ARGUMENT", "send application/json"},
		"text":               {"POST", "", []string{"Content-Type", "text/plain"}, 415, "INVALID_ARGUMENT", "send application/json"},
		"a mutation by GET":  {"GET", mutation, []string{"Accept", "text/event-stream"}, 400, "INVALID_ARGUMENT", "a GET does not change anything"},
		"no GraphQL by GET":  {"GET", "?query={", []string{"Accept", "text/event-stream"}, 400, "INVALID_ARGUMENT", "Expected Name"},
		"variables by GET":   {"GET", "?query={viewer{role}}&variables=[", []string{"Accept", "text/event-stream"}, 400, "INVALID_ARGUMENT", "variables: is not a JSON object"},
		"another upgrade":    {"GET", "", []string{"Connection", "Upgrade", "Upgrade", "h2c"}, 400, "INVALID_ARGUMENT", "only an upgrade to websocket"},
		"the older protocol": {"GET", "", append(upgrade, "Sec-WebSocket-Protocol", "graphql-ws"), 400, "INVALID_ARGUMENT", "must offer the protocol graphql-transport-ws"},
		"another page":       {"GET", "", append(upgrade, "Sec-WebSocket-Protocol", "graphql-transport-ws", "Origin", "http://evil.example"), 403, "PERMISSION_DENIED", "its origin is not one that this server allows"},
	} {
		req, err := http.NewRequestWithContext(context.Background(), c.method, s.url+"/"+c.query, strings.NewReader("{}"))
		require.NoError(t, err)
		if c.method == "GET" {
			req.Body = http.NoBody
		}
		for i := 0; i+1 < len(c.headers); i += 2 {
			req.Header.Set(c.headers[i], c.headers[i+1])
		}
		res := s.do(req)
		require.Equal(t, c.status, res.status, "%s: %s", name, res.body)
		require.Len(t, res.Errors, 1, name)
		require.Equal(t, c.code, res.Errors[0].Extensions.Code, name)
		require.Contains(t, res.Errors[0].Message, c.says, name)
	}
	require.Zero(t, must[struct{ Runs struct{ TotalCount int } }](s, `{ runs { totalCount } }`, nil).Runs.TotalCount)
}

func TestQueriesOverStreams(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	for name, open := range transports() {
		sub := open(t, s, `{ viewer { role } }`, nil)
		r, done := sub.next(t)
		require.False(t, done, name)
		require.JSONEq(t, `{"viewer": {"role": "ADMIN"}}`, string(r.Data), name)
		_, done = sub.next(t)
		require.True(t, done, name)
	}
	res := s.send(request(`{ viewer { role } }`, nil), "Accept", "application/graphql-response+json, application/json, text/event-stream, multipart/mixed")
	require.JSONEq(t, `{"viewer": {"role": "ADMIN"}}`, string(res.Data), "JSON for a client that takes it, as urql does")
	r, done := s.connect(t).subscribe(t, "1", `{ runz }`, nil).next(t)
	require.False(t, done)
	require.Equal(t, "INVALID_ARGUMENT", r.Errors[0].Extensions.Code)
	require.Len(t, r.Errors[0].Locations, 1)
}

func TestConnectionInit(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{InitTimeout: 100 * time.Millisecond})
	_, _, err := s.deps.Auth.CreateToken(admin(), "root", token.RoleADMIN, nil)
	require.NoError(t, err)
	_, secret, err := s.deps.Auth.CreateToken(admin(), "viewer", token.RoleVIEWER, nil)
	require.NoError(t, err)
	anonymous := &websocket.DialOptions{HTTPHeader: http.Header{"X-Anonymous": {"1"}}}

	c := s.dial(t, anonymous)
	c.write(t, wsMessage{Type: "connection_init", Payload: json.RawMessage(`{"authorization": "Bearer ` + secret + `"}`)})
	require.Equal(t, "connection_ack", c.read(t).Type)
	r, _ := c.subscribe(t, "1", `{ viewer { principal role } }`, nil).next(t)
	require.JSONEq(t, `{"viewer": {"principal": "token:viewer", "role": "VIEWER"}}`, string(r.Data))
	require.Equal(t, "complete", c.read(t).Type)
	r, _ = c.subscribe(t, "2", `mutation { createRun(input: {}) { runId } }`, nil).next(t)
	require.Equal(t, "PERMISSION_DENIED", r.Errors[0].Extensions.Code)

	for payload, says := range map[string]string{
		``: "no credential", `{}`: "no credential", `{"authorization": "Bearer cairn_0"}`: "", `{"authorization": "` + secret + `"}`: "must be",
	} {
		c := s.dial(t, anonymous)
		c.write(t, wsMessage{Type: "connection_init", Payload: json.RawMessage(payload)})
		_, _, err := c.conn.Read(c.ctx)
		require.Equal(t, websocket.StatusCode(4403), websocket.CloseStatus(err), "%s: %v", payload, err)
		require.Contains(t, err.Error(), says)
	}

	c = s.dial(t, anonymous)
	_, _, err = c.conn.Read(c.ctx)
	require.Equal(t, websocket.StatusCode(4408), websocket.CloseStatus(err), "who says nothing is sent away: %v", err)
}

// TestTransportWSCloseCodes sends what graphql-transport-ws forbids.
func TestTransportWSCloseCodes(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	run := s.newRun(tracking.CreateRun{})
	follow := request(metricsAppended, vars{"runs": []string{run}})
	greeting := `{"type":"connection_init"}`
	for name, c := range map[string]struct {
		sends []string
		code  websocket.StatusCode
		says  string
	}{
		"an operation before the greeting": {[]string{`{"id":"1","type":"subscribe","payload":{"query":"{ viewer { role } }"}}`}, 4401, "connection_init"},
		"two greetings":                    {[]string{greeting, greeting}, 4429, "twice"},
		"an id in use": {[]string{greeting, `{"id":"é` + strings.Repeat("x", 200) + `","type":"subscribe","payload":` + follow + `}`,
			`{"id":"é` + strings.Repeat("x", 200) + `","type":"subscribe","payload":{"query":"{ viewer { role } }"}}`}, 4409, "Subscriber for é"},
		"no JSON":             {[]string{greeting, `{`}, 4400, "JSON object"},
		"a list":              {[]string{greeting, `[]`}, 4400, "JSON object"},
		"no type":             {[]string{greeting, `{"id":"1"}`}, 4400, "with a type"},
		"a greeting of text":  {[]string{`{"type":"connection_init","payload":"x"}`}, 4400, "must be an object"},
		"a type of ours":      {[]string{greeting, `{"id":"1","type":"next","payload":{}}`}, 4400, "does not send"},
		"an unknown type":     {[]string{greeting, `{"id":"1","type":"start","payload":{}}`}, 4400, "does not send"},
		"subscribe for no id": {[]string{greeting, `{"type":"subscribe","payload":{"query":"{ viewer { role } }"}}`}, 4400, "an id"},
		"no payload":          {[]string{greeting, `{"id":"1","type":"subscribe"}`}, 4400, "payload of subscribe"},
	} {
		client := s.dial(t, nil)
		for _, text := range c.sends {
			require.NoError(t, client.conn.Write(client.ctx, websocket.MessageText, []byte(text)), name)
		}
		var err error
		for err == nil {
			_, _, err = client.conn.Read(client.ctx)
		}
		require.Equal(t, c.code, websocket.CloseStatus(err), "%s: %v", name, err)
		require.Contains(t, err.Error(), c.says, name)
	}
	eventually(t, func() bool { return s.deps.Hub.Len() == 0 }, "nothing goes on")
}

// TestTransportWSErrorIsTheEnd holds that nothing comes behind an error, and that its id is free then.
func TestTransportWSErrorIsTheEnd(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	c := s.connect(t)
	for _, bad := range []string{`{"query":"{ runz }"}`, `{"query":5}`, `{"query":"{"}`, `{}`, `{"query":"query($n: Int!) { viewer { role } }","variables":{}}`} {
		c.write(t, wsMessage{ID: "1", Type: "subscribe", Payload: json.RawMessage(bad)})
		m := c.read(t)
		require.Equal(t, "error", m.Type, "%s: %s", bad, m.Payload)
		require.Contains(t, string(m.Payload), "INVALID_ARGUMENT", bad)
	}
	c.write(t, wsMessage{Type: "ping", Payload: json.RawMessage(`{"n":1}`)})
	m := c.read(t)
	require.Equal(t, "pong", m.Type)
	require.JSONEq(t, `{"n":1}`, string(m.Payload))
	for range 3 { // one id, one after the other
		sub := c.subscribe(t, "1", `{ viewer { role } }`, nil)
		r, done := sub.next(t)
		require.False(t, done)
		require.JSONEq(t, `{"viewer": {"role": "ADMIN"}}`, string(r.Data))
		_, done = sub.next(t)
		require.True(t, done)
	}
}

func TestWebSocketMessagesAreBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{MaxBody: 1000})
	c := s.connect(t)
	c.subscribe(t, "1", `{ viewer { role } }`+strings.Repeat(" ", 2000), nil)
	_, _, err := c.conn.Read(c.ctx)
	require.Equal(t, websocket.StatusMessageTooBig, websocket.CloseStatus(err), "%v", err)
}

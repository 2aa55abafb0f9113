package server_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/server"
)

// TestHandshakesThatNeverEnd: 10,000 connections that say nothing, or half of a request, or upgrade and never greet, keep nobody out:
// neither a request on a new connection, nor a subscription.
func TestHandshakesThatNeverEnd(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	address := strings.TrimPrefix(r.url, "http://")
	upgrade := "GET /graphql HTTP/1.1\r\nHost: " + address + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
	begun := []string{"", "G", upgrade, upgrade + "\r\n", upgrade + "\r\n"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const crowd, between = 10_000, 1_000
	dialer := net.Dialer{}
	for i := range crowd {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		require.NoError(t, err, "the test needs 15,000 open files (ulimit -n)")
		t.Cleanup(func() { _ = conn.Close() })
		_, err = conn.Write([]byte(begun[i%len(begun)]))
		require.NoError(t, err)
		if i%between == between-1 {
			subscribes(ctx, t, r)
		}
	}
	subscribes(ctx, t, r)
}

// subscribes makes a run on a connection of its own, and follows it on another.
func subscribes(ctx context.Context, t *testing.T, r *running) {
	t.Helper()
	made := r.graphql(`mutation { createRun(input: {}) { runId } }`, "Connection", "close")
	run := made["data"].(map[string]any)["createRun"].(map[string]any)["runId"]
	conn, res, err := websocket.Dial(ctx, r.url+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPClient: &http.Client{Transport: &http.Transport{}}})
	require.NoError(t, err)
	if res.Body != nil {
		defer func() { _ = res.Body.Close() }()
	}
	defer func() { _ = conn.CloseNow() }()
	read := func(kind string) {
		var m struct{ Type string }
		require.NoError(t, wsjson.Read(ctx, conn, &m))
		require.Equal(t, kind, m.Type)
	}
	require.NoError(t, wsjson.Write(ctx, conn, map[string]any{"type": "connection_init"}))
	read("connection_ack")
	require.NoError(t, wsjson.Write(ctx, conn, map[string]any{"type": "subscribe", "id": "1", "payload": map[string]any{
		"query": fmt.Sprintf(`subscription { metricsAppended(runs: ["%s"]) { cursor } }`, run),
	}}))
	r.graphql(fmt.Sprintf(`mutation { logBatch(input: {runId: "%s", metrics: [{key: "loss", value: 1, step: 0}]}) { stored } }`, run), "Connection", "close")
	read("next")
}

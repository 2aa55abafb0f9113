package autolog

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a training sent before its end is recorded, also where the agent comes to read it only after it hung up.
func TestWhatWasSentBeforeTheHangUpIsRead(t *testing.T) {
	t.Parallel()
	a := codeAgent(t, t.TempDir(), t.TempDir(), nil)
	listener, err := listenSocket()
	require.NoError(t, err)
	in := newIntake(a)
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		in.serve(listener)
	}()
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		<-accepting
		in.closeAll()
	})

	conn, err := net.Dial("unix", listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, writeMessage(conn, map[string]any{"t": "hello", "proto": protocolVersion, "pid": 1}))
	var welcome reply
	require.NoError(t, readMessage(bufio.NewReader(conn), &welcome))
	require.Equal(t, "welcome", welcome.T)

	a.mu.Lock() // as if the disk were busy: nothing is journaled
	for i, text := range []string{"first", "second " + strings.Repeat("x", 100<<10), "third"} {
		require.NoError(t, writeMessage(conn, map[string]any{"t": "warn", "seq": i + 1, "message": text}))
	}
	require.NoError(t, writeMessage(conn, map[string]any{"t": "bye", "dropped": 0}))
	require.NoError(t, conn.Close())
	in.hangUp()
	a.mu.Unlock()
	in.linger(t.Context(), time.Minute)

	a.mu.Lock()
	defer a.mu.Unlock()
	warnings := a.state.warnings[a.config.RunID]
	require.Len(t, warnings, 3)
	require.Equal(t, "third", warnings[2])
	require.True(t, a.state.sessions[welcome.Session].bye.Clean)
}

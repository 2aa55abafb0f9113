package autolog

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRunIsKeptAliveUntilItsEndIsDelivered(t *testing.T) {
	t.Parallel()
	f := newUploadFixture(t)
	require.NoError(t, f.drain(1))
	beats := func() int {
		f.server.mu.Lock()
		defer f.server.mu.Unlock()
		return f.server.heartbeats
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	asked := make(chan string, 1)
	go func() {
		defer close(ended)
		f.uploader.keepAlive(ctx, time.Millisecond, func(run string) bool {
			select {
			case asked <- run:
				return false // the first time it is another's run
			default:
				return true
			}
		})
	}()
	require.Eventually(t, func() bool { return beats() >= 2 }, time.Minute, time.Millisecond)
	require.Equal(t, testRun, <-asked)
	cancel()
	<-ended

	f.append(op{Kind: opFinishRun, Run: testRun, Status: statusFinished})
	require.NoError(t, f.drain(1))
	require.Empty(t, f.uploader.arriving, "its end was delivered")
}

func TestForeignRunIsNotKeptAlive(t *testing.T) {
	t.Parallel()
	f := newUploadFixture(t)
	require.NoError(t, f.drain(1))
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	f.uploader.keepAlive(ctx, time.Millisecond, func(string) bool {
		if asked++; asked == 3 {
			cancel()
		}
		return false
	})
	f.server.mu.Lock()
	defer f.server.mu.Unlock()
	require.Zero(t, f.server.heartbeats)
}

// TestRunThatEndedElsewhereLeavesOthersAlive: its heartbeat is refused, and that says nothing of other runs.
func TestRunThatEndedElsewhereLeavesOthersAlive(t *testing.T) {
	t.Parallel()
	const endedElsewhere = "00000000000000000000000000000000" // the first to be given a sign of life
	f := newUploadFixture(t)
	require.NoError(t, f.drain(1))
	f.uploader.setArriving(endedElsewhere, true)
	f.server.mu.Lock()
	f.server.fail = func(operation string, variables json.RawMessage) *fakeFailure {
		if operation == "HeartbeatRun" && strings.Contains(string(variables), endedElsewhere) {
			return &fakeFailure{status: 200, code: "CONFLICT"}
		}
		return nil
	}
	f.server.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.uploader.keepAlive(ctx, time.Millisecond, func(string) bool { return true })
	}()
	require.Eventually(t, func() bool {
		f.server.mu.Lock()
		defer f.server.mu.Unlock()
		return f.server.heartbeats > 0
	}, time.Minute, time.Millisecond)
	cancel()
	<-ended
}

package live_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/live"
)

func TestEventsCoalesceAndNeverBlock(t *testing.T) {
	t.Parallel()
	hub := live.NewHub()
	mine := hub.Subscribe(func(e live.Event) bool { return e.RunID == "a" })
	other := hub.Subscribe(func(e live.Event) bool { return e.RunID == "b" })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				hub.Publish(live.Event{RunID: "a", Metrics: true})
			}
		})
	}
	wg.Wait()
	require.Len(t, mine.C(), 1, "any number of events is one signal")
	require.Empty(t, other.C())
	mine.Close()
	mine.Close()
	other.Close()
	require.Zero(t, hub.Len())
}

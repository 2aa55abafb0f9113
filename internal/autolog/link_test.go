package autolog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOnlyAgentsThatDieEarlyAreGivenUp(t *testing.T) {
	t.Parallel()
	var s starts
	for range 3 * maxAgentStarts {
		require.True(t, s.another())
		s.ended(agentSettled)
	}
	for range maxAgentStarts {
		require.True(t, s.another())
		s.ended(agentSettled - time.Second)
	}
	require.False(t, s.another())
}

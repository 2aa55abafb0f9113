package autolog

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// folded is a state to which entries of ops are applied.
type folded struct {
	*state
}

func (f folded) ops(adapter string, ops ...op) {
	f.apply(entry{Ops: &opsEntry{Session: "s", Adapter: adapter, Ops: ops}}, 0)
}

func (f folded) point(run, key string) {
	f.ops("sklearn", op{Kind: opMetric, Run: run, Key: key, KeepExisting: true})
}

func (f folded) knows(run, key string) bool {
	_, ok := f.measured(run, key)
	return ok
}

func TestPointsOfAFinishedRun(t *testing.T) {
	t.Parallel()
	f := folded{newState(Config{RunID: "command"})}
	f.ops("", op{Kind: opCreateRun, Run: "mine"})
	f.ops("sklearn", op{Kind: opCreateRun, Run: "candidate", Parent: "mine"})
	f.point("mine", "score")
	f.point("candidate", "score")
	f.ops("", op{Kind: opFinishRun, Run: "mine"})
	require.True(t, f.knows("mine", "score"), "its model may be answered later than the user's code ends the run")
	f.ops("sklearn", op{Kind: opFinishRun, Run: "candidate"})
	require.False(t, f.knows("candidate", "score"), "the adapter that finishes a run has nothing more to say of it")
	require.Equal(t, 1, f.points)
}

func TestPointsAreBounded(t *testing.T) {
	t.Parallel()
	f := folded{newState(Config{RunID: "command"})}
	for _, run := range []string{"open", "first", "second"} {
		f.ops("", op{Kind: opCreateRun, Run: run})
		f.point(run, "score")
	}
	for _, run := range []string{"second", "first"} {
		f.ops("", op{Kind: opFinishRun, Run: run})
	}
	for i := range maxRecorded - 3 {
		f.point("open", fmt.Sprint(i))
	}
	require.Equal(t, maxRecorded, f.points)
	f.point("open", "one more")
	require.True(t, f.knows("open", "one more"))
	require.False(t, f.knows("first", "score"), "the oldest of the finished runs makes room")
	require.True(t, f.knows("second", "score"))
	f.point("open", "and another")
	f.point("open", "too many")
	require.False(t, f.knows("open", "too many"), "runs that go on are kept")
	require.True(t, f.knows("open", "score"))
	require.Equal(t, maxRecorded, f.points)
}

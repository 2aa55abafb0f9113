package waiting_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/waiting"
)

func TestWhoWaitedLongestMakesPlace(t *testing.T) {
	t.Parallel()
	room := waiting.NewRoom(2)
	var out []string
	enter := func(name string) func() { return room.Enter(func() { out = append(out, name) }) }
	first, second := enter("first"), enter("second")
	require.Empty(t, out)
	enter("third")
	require.Equal(t, []string{"first"}, out)
	first() // it was sent out: nobody else leaves
	require.Equal(t, 2, room.Len())
	second()
	second()
	require.Equal(t, 1, room.Len())
	enter("fourth")
	require.Equal(t, []string{"first"}, out)
}

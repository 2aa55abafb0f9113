package graph

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
)

// TestWindowChangesMakeTheList: whatever the lists, the rule of the schema makes the one from the other, and what did not change
// is not told.
func TestWindowChangesMakeTheList(t *testing.T) {
	t.Parallel()
	ids := rapid.SliceOfNDistinct(rapid.IntRange(0, 15), 0, 12, rapid.ID[int])
	names := func(numbers []int) []string {
		out := make([]string, len(numbers))
		for i, n := range numbers {
			out[i] = fmt.Sprint("run ", n)
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		before, after := names(ids.Draw(t, "before")), names(ids.Draw(t, "after"))
		changed := map[string]bool{}
		for _, id := range names(ids.Draw(t, "changed")) {
			changed[id] = true
		}
		runs := make([]*ent.Run, len(after))
		for i, id := range after {
			runs[i] = &ent.Run{RunID: id}
		}
		changes := windowChanges(before, runs, changed)
		require.Equal(t, after, applied(t, before, changes))

		told := map[string]bool{}
		for _, c := range changes {
			told[c.RunID] = true
			require.Equal(t, c.Kind == model.RunChangeKindEntered, !slices.Contains(before, c.RunID))
			require.Equal(t, c.Kind == model.RunChangeKindLeft, !slices.Contains(after, c.RunID))
		}
		for id := range changed {
			require.True(t, told[id] || !slices.Contains(before, id) && !slices.Contains(after, id), "%s changed", id)
		}
		if slices.Equal(before, after) {
			for id := range told {
				require.True(t, changed[id], "%s did not change, and nothing moved", id)
			}
		}
	})
}

// applied keeps a list by the rule that the schema gives to clients.
func applied(t require.TestingT, list []string, changes []*model.RunChange) []string {
	list = slices.Clone(list)
	for _, c := range changes {
		if c.Kind != model.RunChangeKindEntered {
			at := slices.Index(list, c.RunID)
			require.GreaterOrEqual(t, at, 0, "the client has what it is to take out")
			list = slices.Delete(list, at, at+1)
		}
	}
	for _, c := range changes {
		if c.Kind != model.RunChangeKindLeft {
			require.LessOrEqual(t, *c.Index, len(list))
			list = slices.Insert(list, *c.Index, c.RunID)
		}
	}
	if list == nil {
		list = []string{}
	}
	return list
}

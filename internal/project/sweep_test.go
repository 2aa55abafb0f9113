package project

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSweepOfAllCombinations(t *testing.T) {
	t.Parallel()
	all, varied, err := Sweep{}.Combinations(map[string]string{"b": "1,2", "a": "x,y", "c": "same"})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, varied)
	require.Equal(t, []map[string]string{
		{"a": "x", "b": "1", "c": "same"}, {"a": "x", "b": "2", "c": "same"}, {"a": "y", "b": "1", "c": "same"}, {"a": "y", "b": "2", "c": "same"},
	}, all)
}

func TestSweepAtRandomIsTheSameForASeed(t *testing.T) {
	t.Parallel()
	given := map[string]string{"lr": "0.001..0.1", "layers": "1..3", "kind": "a,b"}
	first, varied, err := Sweep{Random: 20, Seed: 7}.Combinations(given)
	require.NoError(t, err)
	require.Equal(t, []string{"kind", "layers", "lr"}, varied)
	require.Len(t, first, 20)
	for _, combination := range first {
		lr, err := strconv.ParseFloat(combination["lr"], 64)
		require.NoError(t, err)
		require.True(t, lr >= 0.001 && lr <= 0.1)
		require.Contains(t, []string{"1", "2", "3"}, combination["layers"])
	}
	again, _, err := Sweep{Random: 20, Seed: 7}.Combinations(given)
	require.NoError(t, err)
	require.Equal(t, first, again)
	other, _, err := Sweep{Random: 20, Seed: 8}.Combinations(given)
	require.NoError(t, err)
	require.NotEqual(t, first, other)
	few, _, err := Sweep{Random: 20}.Combinations(map[string]string{"kind": "a,b"})
	require.NoError(t, err)
	require.Len(t, few, 2)
}

func TestSweepThatCannotBe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1": "needs a parameter with several values", "1..2": "is drawn from at random", "1,1": "has a value twice",
	} {
		_, _, err := Sweep{}.Combinations(map[string]string{"a": text})
		require.ErrorContains(t, err, want)
	}
	_, _, err := Sweep{Random: 2}.Combinations(map[string]string{"a": "2..1"})
	require.ErrorContains(t, err, "is no range")
	many := "0"
	for i := range 200 {
		many += "," + strconv.Itoa(i+1)
	}
	_, _, err = Sweep{}.Combinations(map[string]string{"a": many, "b": many})
	require.ErrorContains(t, err, "more than 10000 runs")
}

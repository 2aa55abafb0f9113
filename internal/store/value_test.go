package store_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"0": 0, "-0": 0, "3": 3, " 3.0\n": 3, "1e-3": 0.001, "-1E5": -1e5, "+.5": 0.5, "inf": math.Inf(1), "-Infinity": math.Inf(-1),
	} {
		got, ok := store.Number(text)
		require.True(t, ok, text)
		require.Equal(t, want, got+0, text)
	}
	for _, text := range []string{"", " ", "three", "3 4", "nan", "NaN", "0x10", "0x1p4", "1_000", "1e999", "3%", "３"} {
		_, ok := store.Number(text)
		require.False(t, ok, text)
	}
}

func TestValuePrefix(t *testing.T) {
	t.Parallel()
	require.Equal(t, []byte{}, store.ValuePrefix(""))
	require.Equal(t, []byte("学"), store.ValuePrefix("学"))
	long := strings.Repeat("学", store.MaxValuePrefix)
	require.Equal(t, []byte(long[:store.MaxValuePrefix]), store.ValuePrefix(long))
}

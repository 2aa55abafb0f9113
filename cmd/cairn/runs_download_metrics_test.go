package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgressOfMetrics(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"csv":     "metrics: [#####...............]  25 %, 1.2 KiB",
		"arrow":   "metrics: [#######.............]  39 %, 1.2 KiB", // 32 bytes a point
		"parquet": "metrics: 1.2 KiB of 100 points",
	} {
		m := &measured{Writer: io.Discard, line: newProgress(io.Discard), name: "metrics", format: format, points: 100}
		n, err := m.Write([]byte(strings.Repeat(strings.Repeat("x", 49)+"\n", 25)))
		require.NoError(t, err)
		require.Equal(t, 1250, n)
		require.Equal(t, want, m.state())
	}
	none := &measured{Writer: io.Discard, line: newProgress(io.Discard), name: "metrics", format: "csv"}
	_, err := none.Write([]byte("head\n"))
	require.NoError(t, err)
	require.Contains(t, none.state(), "  0 %")
	none.points, none.lines = 1, 2 // the head is a line too
	require.Contains(t, none.state(), "[####################] 100 %")
}

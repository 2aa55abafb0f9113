//go:build linux

package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	got, err := parseStat("42 (a) b (c) S 7 8 9 0 -1 4194304 1 2 3 4 100 20 3 4 20 0 1 0 5 6 7")
	require.NoError(t, err)
	require.Equal(t, procStat{pid: 42, parent: 7, session: 9, ticks: 127}, got)
	for _, bad := range []string{"", "42 a S 1", "x (a) S 1 2 3", "42 (a) S 1 2 3", "42 (a) S x 8 9 0 -1 4 1 2 3 4 1 2 3 4 20"} {
		_, err := parseStat(bad)
		require.Error(t, err, bad)
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	all := []procStat{
		{pid: 30, parent: 20, session: 99}, // a grandchild that left the session
		{pid: 10, parent: 1, session: 10},
		{pid: 20, parent: 10, session: 10},
		{pid: 40, parent: 1, session: 10}, // a daemon that left its parent
		{pid: 50, parent: 1, session: 50},
	}
	var pids []int
	for _, p := range tree(all, 10) {
		pids = append(pids, p.pid)
	}
	require.ElementsMatch(t, []int{10, 20, 30, 40}, pids)
}

func TestParsePSS(t *testing.T) {
	t.Parallel()
	got, err := parsePSS([]byte("5600-7fff ---p 00000000 [rollup]\nRss:   100 kB\nPss:     42 kB\nPss_Dirty: 7 kB\n"))
	require.NoError(t, err)
	require.EqualValues(t, 42<<10, got)
	_, err = parsePSS([]byte("Pss: lots kB\n"))
	require.Error(t, err)
	got, err = parsePSS(nil)
	require.NoError(t, err)
	require.Zero(t, got)
}

// TestUsageOfItself measures this very process, whose measuring uses CPU time.
func TestUsageOfItself(t *testing.T) {
	t.Parallel()
	for {
		used, err := cpuOf(os.Getpid())
		require.NoError(t, err)
		if used > 0 {
			break
		}
	}
	got, err := usageOf(os.Getpid())
	require.NoError(t, err)
	require.Positive(t, got.processes)
	require.Positive(t, got.cpu)
	require.Greater(t, got.pss, int64(1<<20))
}

//go:build !windows

package storetest

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// CPUTime begins to measure the processor time of a benchmark's operation, and gives what reports it: on a busy machine, its
// duration says little.
func CPUTime(b *testing.B) (report func()) {
	b.Helper()
	now := func() int64 {
		var u syscall.Rusage
		require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return u.Utime.Nano() + u.Stime.Nano()
	}
	begun := now()
	return func() { b.ReportMetric(float64(now()-begun)/float64(b.N), "cpu-ns/op") }
}

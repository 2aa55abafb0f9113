//go:build linux

package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	values := []float64{9, 1, 5}
	require.InDelta(t, 5, median(values), 0)
	require.Equal(t, []float64{9, 1, 5}, values)
	require.InDelta(t, 3, median([]float64{1, 5}), 0)
	require.InDelta(t, 0, median(nil), 0)
}

// TestBodies checks that every body is JSON, is the same whenever it is made, and
// that no point is sent twice.
func TestBodies(t *testing.T) {
	t.Parallel()
	const runID = "0123456789abcdef0123456789abcdef"
	for _, w := range workloads() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			one, other := w.newBody(runID), w.newBody(runID)
			seen := map[point]bool{}
			for n := range 3 {
				body := one(n)
				require.JSONEq(t, string(body), string(other(n)))
				var decoded struct {
					point
					Metrics []point `json:"metrics"`
				}
				require.NoError(t, json.Unmarshal(body, &decoded))
				points := decoded.Metrics
				if w.points == 1 {
					points = []point{decoded.point}
				}
				require.Len(t, points, w.points)
				for _, p := range points {
					require.NotEmpty(t, p.Key)
					require.False(t, seen[p], "%+v twice", p)
					seen[p] = true
				}
			}
		})
	}
}

// madeUp are results in which Cairn is so many times as fast as the faster MLflow.
func madeUp(times float64, calibration time.Duration) *results {
	r := newResults(options{}, subjects("cairn", "python"))
	r.calibration = []time.Duration{calibration}
	for _, name := range r.names {
		r.starts[name] = []time.Duration{100 * time.Millisecond}
		r.idle[name] = usage{processes: 1, pss: 30 << 20}
	}
	for _, w := range workloads() {
		r.samples[w.name] = map[string][]sample{
			"Cairn":            {{operations: int(1000 * times), elapsed: time.Second, cpu: time.Second}},
			"MLflow":           {{operations: 500, elapsed: time.Second, cpu: time.Second}},
			"MLflow, 1 worker": {{operations: 1000, elapsed: time.Second, cpu: time.Second}},
		}
	}
	r.short = map[string][]trainingSample{"plain": {{wall: time.Second}}, "cairn exec": {{wall: 1400 * time.Millisecond}}}
	r.warm = map[string][]trainingSample{"plain": {{fit: 50 * time.Millisecond}}, "cairn exec": {{fit: 60 * time.Millisecond}}}
	return r
}

func TestLimits(t *testing.T) {
	t.Parallel()
	require.Empty(t, madeUp(31, referenceCalibration).missed())
	require.Len(t, madeUp(20, referenceCalibration).missed(), 2) // both of log-batch
	require.Len(t, madeUp(9, referenceCalibration).missed(), 4)
}

func TestAbsoluteLimitsCountOnAFastMachineOnly(t *testing.T) {
	t.Parallel()
	slow := madeUp(31, referenceCalibration)
	slow.starts["Cairn"] = []time.Duration{time.Second}
	require.Len(t, slow.missed(), 1)
	slow.calibration = []time.Duration{2 * referenceCalibration}
	require.Empty(t, slow.missed())
	require.Contains(t, slow.markdown(), "on too slow a machine to count")
}

func TestMarkdownNamesEveryMeasurement(t *testing.T) {
	t.Parallel()
	report := madeUp(31, referenceCalibration).markdown()
	for _, w := range workloads() {
		require.Contains(t, report, "| "+w.name+" |")
	}
	require.Contains(t, report, "| met |")
	require.Contains(t, report, "31.0×")
}

//go:build linux

package main

import (
	"fmt"
	"time"
)

// referenceCalibration is what the calibration loop took when the absolute limits
// were set, on an otherwise idle machine.
const referenceCalibration = 74 * time.Millisecond

// calibrationFactor is how much slower a machine may be for absolute limits to count.
const calibrationFactor = 1.5

// limit is something that must be reached.
type limit struct {
	name string
	// value is what was measured, bound what it may be at most, or at least.
	value, bound float64
	atLeast      bool
	unit         string
	// absolute limits are times and sizes, which a slow machine cannot reach; the
	// others are ratios.
	absolute bool
}

func (l limit) met() bool {
	if l.atLeast {
		return l.value >= l.bound
	}
	return l.value <= l.bound
}

func (l limit) want() string {
	sign := "≤"
	if l.atLeast {
		sign = "≥"
	}
	return fmt.Sprintf("%s %g%s", sign, l.bound, l.unit)
}

// fastEnough says whether the machine, as it was, is one that absolute limits count on.
func (r *results) fastEnough() bool {
	for _, c := range r.calibration {
		if c.Seconds() > referenceCalibration.Seconds()*calibrationFactor {
			return false
		}
	}
	return true
}

// limits judges all that was measured. The faster kind of MLflow counts, each time.
func (r *results) limits() []limit {
	if r.options.only != "" {
		return nil
	}
	const one, batch = "log-metric, 1 connection", "log-batch, 1,000 points"
	shortAdded := r.added(r.short, "cairn exec", func(s trainingSample) float64 { return s.wall.Seconds() })
	fitAdded := r.added(r.warm, "cairn exec", func(s trainingSample) float64 { return milliseconds(s.fit) })
	return []limit{
		{"start to first /health", medianOf(r.starts["Cairn"], milliseconds), 200, false, " ms", true},
		{"idle memory (PSS of the process tree)", float64(r.idle["Cairn"].pss) / 1e6, 60, false, " MB", true},
		{one + ": operations/s, times MLflow's", r.speedUp(one), 10, true, "×", false},
		{one + ": MLflow's CPU seconds an operation, times Cairn's", r.cpuSaving(one), 15, true, "×", false},
		{batch + ": operations/s, times MLflow's", r.speedUp(batch), 30, true, "×", false},
		{batch + ": MLflow's CPU seconds an operation, times Cairn's", r.cpuSaving(batch), 30, true, "×", false},
		{"cairn exec: added to a short script", shortAdded, 0.5, false, " s", true},
		{"cairn exec: added to a RandomForest fit, model saved, once loaded", fitAdded, 100, false, " ms", true},
	}
}

// missed names the limits that count and were not reached.
func (r *results) missed() []string {
	var out []string
	for _, l := range r.limits() {
		if !l.met() && (!l.absolute || r.fastEnough()) {
			out = append(out, fmt.Sprintf("%s: %.4g%s, must be %s", l.name, l.value, l.unit, l.want()))
		}
	}
	return out
}

// rate is the median of operations per second.
func (r *results) rate(workload, server string) float64 {
	return medianOf(r.samples[workload][server], sample.perSecond)
}

// cost is the median of CPU seconds per 1,000 operations.
func (r *results) cost(workload, server string) float64 {
	return medianOf(r.samples[workload][server], sample.cpuPerThousand)
}

// speedUp is Cairn's rate over that of the faster MLflow.
func (r *results) speedUp(workload string) float64 {
	best := 0.0
	for _, name := range r.names {
		if name != "Cairn" {
			best = max(best, r.rate(workload, name))
		}
	}
	return ratio(r.rate(workload, "Cairn"), best)
}

// cpuSaving is the CPU time of the cheaper MLflow over Cairn's.
func (r *results) cpuSaving(workload string) float64 {
	best := 0.0
	for _, name := range r.names {
		if cost := r.cost(workload, name); name != "Cairn" && (best == 0 || cost < best) {
			best = cost
		}
	}
	return ratio(best, r.cost(workload, "Cairn"))
}

// added is what a way of recording adds to the plain training: the median of the
// differences within a round, whose trainings ran one after the other, since what
// else the machine does changes from round to round.
func (r *results) added(samples map[string][]trainingSample, way string, figure func(trainingSample) float64) float64 {
	plain := samples["plain"]
	var differences []float64
	for i, s := range samples[way] {
		differences = append(differences, figure(s)-figure(plain[i]))
	}
	return median(differences)
}

// ratio is a over b, and 0 where there is nothing to compare with.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

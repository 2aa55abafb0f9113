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
	Name string `json:"name"`
	// Value is what was measured, Bound what it may be at most, or at least.
	Value   float64 `json:"value"`
	Bound   float64 `json:"bound"`
	AtLeast bool    `json:"at_least,omitempty"`
	Unit    string  `json:"unit,omitempty"`
	// Absolute limits are times and sizes, which a slow machine cannot reach; the
	// others are ratios.
	Absolute bool `json:"absolute,omitempty"`
	// Failed says why there is no value.
	Failed string `json:"failed,omitempty"`
}

// atMost and atLeast are limits of what is a ratio, or does not depend on the machine.
func atMost(name string, value, bound float64, unit string) limit {
	return limit{Name: name, Value: value, Bound: bound, Unit: unit}
}

func atLeast(name string, value, bound float64, unit string) limit {
	return limit{Name: name, Value: value, Bound: bound, Unit: unit, AtLeast: true}
}

// onFastMachines makes a limit absolute.
func (l limit) onFastMachines() limit {
	l.Absolute = true
	return l
}

// met says whether the limit was reached. What could not be measured was not.
func (l limit) met() bool {
	switch {
	case l.Failed != "":
		return false
	case l.AtLeast:
		return l.Value >= l.Bound
	}
	return l.Value <= l.Bound
}

func (l limit) want() string {
	if l.Failed != "" && l.Bound == 0 {
		return "measured"
	}
	sign := "≤"
	if l.AtLeast {
		sign = "≥"
	}
	return fmt.Sprintf("%s %.7g%s", sign, l.Bound, l.Unit)
}

func (l limit) measured() string {
	if l.Failed != "" {
		return "none: " + l.Failed
	}
	return fmt.Sprintf("%.4g%s", l.Value, l.Unit)
}

func (l limit) failure() string {
	return fmt.Sprintf("%s: %s, must be %s", l.Name, l.measured(), l.want())
}

// ratio is a over b, and 0 where there is nothing to compare with.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Package repro compares what two runs came to: a run, and its reproduction.
package repro

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// Outcome is how a reproduction compares.
type Outcome string

// The outcomes.
const (
	Identical       Outcome = "identical"        // every point has the same bits
	WithinTolerance Outcome = "within tolerance" // every point is near the recorded one
	Diverged        Outcome = "diverged"         // a point is another one, or there is none
	NotReproducible Outcome = "not reproducible" // it could not be run again
)

// DefaultTolerance is the relative difference that counts as none.
const DefaultTolerance = 1e-6

// Point is a value at a step; times are not compared.
type Point struct {
	Step  string
	Value float64
}

// Verdict is an outcome with its reason.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	// Key and Step are of the first point that differs, of those that diverged.
	Key  string `json:"key,omitempty"`
	Step string `json:"step,omitempty"`
	// Reason says it in words; empty for what is identical.
	Reason string `json:"reason,omitempty"`
	// Missing has what a run lacks to be run again.
	Missing []string `json:"missing,omitempty"`
}

// Compare holds the series of a reproduction against those of the run. The tolerance is relative to the larger of both values.
func Compare(recorded, again map[string][]Point, tolerance float64) Verdict {
	if len(recorded) == 0 {
		return Verdict{Outcome: NotReproducible, Missing: []string{"results: the run has no metric of the role result to compare"},
			Reason: "the run has no metric of the role result to compare"}
	}
	keys := make([]string, 0, len(recorded))
	for key := range recorded {
		keys = append(keys, key)
	}
	for key := range again {
		if _, known := recorded[key]; !known {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	verdict := Verdict{Outcome: Identical}
	first := math.Inf(1)
	diverge := func(key, step, reason string) {
		at, err := strconv.ParseFloat(step, 64)
		if err != nil {
			at = math.MaxFloat64
		}
		if verdict.Outcome != Diverged || at < first {
			first, verdict = at, Verdict{Outcome: Diverged, Key: key, Step: step, Reason: reason}
		}
	}
	for _, key := range keys {
		a, b := recorded[key], again[key]
		for i := range max(len(a), len(b)) {
			switch {
			case i >= len(b):
				diverge(key, a[i].Step, fmt.Sprintf("%s has no point at step %s any more", key, a[i].Step))
			case i >= len(a):
				diverge(key, b[i].Step, fmt.Sprintf("%s has a point at step %s that the run has not", key, b[i].Step))
			case a[i].Step != b[i].Step:
				diverge(key, a[i].Step, fmt.Sprintf("%s has step %s where the run has %s", key, b[i].Step, a[i].Step))
			case same(a[i].Value, b[i].Value):
				continue
			case near(a[i].Value, b[i].Value, tolerance):
				if verdict.Outcome == Identical {
					verdict = Verdict{Outcome: WithinTolerance, Key: key, Step: a[i].Step,
						Reason: fmt.Sprintf("%s is %v at step %s, and was %v", key, b[i].Value, a[i].Step, a[i].Value)}
				}
				continue
			default:
				diverge(key, a[i].Step, fmt.Sprintf("%s is %v at step %s, and was %v", key, b[i].Value, a[i].Step, a[i].Value))
			}
			break
		}
	}
	return verdict
}

// same tells equal bits; a NaN is a NaN.
func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

func near(a, b, tolerance float64) bool {
	return !math.IsInf(a, 0) && !math.IsInf(b, 0) && math.Abs(a-b) <= tolerance*max(math.Abs(a), math.Abs(b))
}

// ReadSeries reads series from the CSV of a run's metrics, those of the keys alone, in the order of their steps.
func ReadSeries(file io.Reader, keys map[string]bool) (map[string][]Point, error) {
	rows := csv.NewReader(file)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	key, step, value := slices.Index(head, "key"), slices.Index(head, "step"), slices.Index(head, "value")
	if key < 0 || step < 0 || value < 0 {
		return nil, errors.New("read metrics: the file has no columns key, step and value")
	}
	series := map[string][]Point{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read metrics: %w", err)
		}
		if !keys[row[key]] {
			continue
		}
		number, err := strconv.ParseFloat(row[value], 64)
		if err != nil {
			return nil, fmt.Errorf("read metrics: %w", err)
		}
		series[row[key]] = append(series[row[key]], Point{row[step], number})
	}
	// Points of one step keep the order in which they came.
	for _, points := range series {
		slices.SortStableFunc(points, func(a, b Point) int {
			x, _ := strconv.ParseFloat(a.Step, 64)
			y, _ := strconv.ParseFloat(b.Step, 64)
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
	}
	return series, nil
}

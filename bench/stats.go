//go:build linux

package main

import (
	"crypto/sha256"
	"slices"
	"time"
)

// calibrate times a fixed piece of work on one core: what absolute times mean
// depends on it. The median of five.
func calibrate() time.Duration {
	block := make([]byte, 1<<20)
	var times []float64
	for range 5 {
		began := time.Now()
		for range 64 {
			sum := sha256.Sum256(block)
			copy(block, sum[:])
		}
		words := make(map[uint32]int)
		for i := range uint32(1 << 20) {
			words[i*2654435761%65536]++
		}
		times = append(times, time.Since(began).Seconds())
	}
	return time.Duration(median(times) * float64(time.Second))
}

// median is the middle of values, which are left as they are. Of none it is 0.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// medianOf is the median of a figure of samples.
func medianOf[T any](samples []T, figure func(T) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	return median(values)
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

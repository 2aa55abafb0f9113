// Package curves makes training curves to measure with: the same for the same seed, on every machine.
//
// A curve is what a training logs: a decay, with noise that fills the whole mantissa, so that no encoding finds values
// short; steps that count; timestamps in milliseconds that keep a pace with a jitter, as a loop with a clock gives them.
package curves

import "math/rand/v2"

// started is the time of the first points, in Unix milliseconds.
const started = 1_700_000_000_000

// Curve is a curve of which some points were given.
type Curve struct {
	random *rand.Rand
	step   int64
	time   int64
	// The value is floor + height / (1 + step/pace), give or take noise of that.
	height, floor, pace, noise float64
	// interval is the time of a step in milliseconds, jitter how far it strays.
	interval, jitter int64
}

// New makes the curve of a series: runs that differ in seed or number, and keys of a run, have curves of their own.
func New(seed, run, key uint64) *Curve {
	random := rand.New(rand.NewPCG(seed<<32^run, key))
	c := &Curve{random: random}
	// Conversions keep compilers from fusing operations, whose result would differ by machine.
	c.height, c.floor = 1+float64(4*random.Float64()), random.Float64()
	c.pace, c.noise = 100+float64(900*random.Float64()), 0.01+float64(0.04*random.Float64())
	c.interval = 50 + random.Int64N(200)
	c.jitter = 1 + c.interval/20
	c.time = started + random.Int64N(86_400_000)
	return c
}

// Next gives the next point.
func (c *Curve) Next() (step, time int64, value float64) {
	step, time = c.step, c.time
	level := float64(c.floor + float64(c.height/float64(1+float64(float64(step)/c.pace))))
	noise := float64(c.random.Float64() + c.random.Float64() - 1)
	value = float64(level + float64(level*float64(noise*c.noise)))
	c.step++
	c.time += c.interval + c.random.Int64N(2*c.jitter+1) - c.jitter
	return step, time, value
}

// Fill gives the next points in columns, as many as they are long.
func (c *Curve) Fill(steps, times []int64, values []float64) {
	for i := range values {
		steps[i], times[i], values[i] = c.Next()
	}
}

package search

import "math"

// Moments summarizes the values of a metric over runs: one value a run.
//
// Mean and deviation are those of Welford's recurrence, which adds no large sums and so loses nothing to cancellation. NaN is
// counted apart and is in none of them. An infinity is a value: it makes the mean infinite, or NaN where both infinities are
// there, and the deviation NaN.
type Moments struct {
	// Count is how many runs have a number, NaNs how many have NaN.
	Count, NaNs int
	// least and greatest are of all numbers; mean and squares of the finite ones, times scale and its square.
	least, greatest float64
	mean, squares   float64
	finite          int
	scaled          bool
	up, down        bool
}

// Values beyond huge are kept smaller by shrink, so that neither their differences nor the squares of those overflow: 2^20
// runs and more of any finite doubles have a finite mean.
const (
	huge   = 0x1p500
	shrink = 0x1p-540
)

// add takes one more value.
func (m *Moments) add(v float64) {
	if math.IsNaN(v) {
		m.NaNs++
		return
	}
	if m.Count == 0 || v < m.least {
		m.least = v
	}
	if m.Count == 0 || v > m.greatest {
		m.greatest = v
	}
	m.Count++
	if math.IsInf(v, 0) {
		m.up, m.down = m.up || v > 0, m.down || v < 0
		return
	}
	if !m.scaled && math.Abs(v) > huge {
		m.scaled, m.mean, m.squares = true, m.mean*shrink, m.squares*shrink*shrink
	}
	if m.scaled {
		v *= shrink
	}
	m.finite++
	delta := v - m.mean
	m.mean += delta / float64(m.finite)
	m.squares += delta * (v - m.mean)
}

// Mean is the arithmetic mean; ok is false without a number.
func (m *Moments) Mean() (mean float64, ok bool) {
	switch {
	case m.Count == 0:
		return 0, false
	case m.up && m.down:
		return math.NaN(), true
	case m.up:
		return math.Inf(1), true
	case m.down:
		return math.Inf(-1), true
	}
	return m.unscaled(m.mean), true
}

// Std is the standard deviation of a sample: the squares are divided by one less than the number of values. ok is false
// below two numbers.
func (m *Moments) Std() (std float64, ok bool) {
	switch {
	case m.Count < 2:
		return 0, false
	case m.up || m.down:
		return math.NaN(), true
	}
	return m.unscaled(math.Sqrt(m.squares / float64(m.finite-1))), true
}

// Min is the least number; ok is false without one.
func (m *Moments) Min() (least float64, ok bool) { return m.least, m.Count > 0 }

// Max is the greatest number; ok is false without one.
func (m *Moments) Max() (greatest float64, ok bool) { return m.greatest, m.Count > 0 }

func (m *Moments) unscaled(v float64) float64 {
	if m.scaled {
		return v / shrink
	}
	return v
}

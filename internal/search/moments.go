package search

import "math"

// Moments summarizes the values of a metric over runs: one value a run.
//
// Mean and deviation are those of Welford's recurrence, which adds no large sums and so loses nothing to cancellation, on
// values that are scaled by a power of two, so that no square is too large or too small for a double. NaN is counted apart
// and is in none of them. An infinity is a value: it makes the mean infinite, or NaN where both infinities are there, and the
// deviation NaN.
type Moments struct {
	// Count is how many runs have a number, NaNs how many have NaN.
	Count, NaNs int
	// least and greatest are of all numbers; mean and squares of the finite ones, times scale and its square.
	least, greatest float64
	mean, squares   float64
	// scale brings the largest of the finite values to about 1; 0 while all are 0.
	scale    float64
	finite   int
	up, down bool
}

// maxExponent bounds the exponent of a scale: it and its inverse are doubles of full precision. The largest of all doubles is
// then 2^24, the least of them 2^-74, of which the squares are far from both ends.
const maxExponent = 1000

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
	if size := math.Abs(v); size*m.scale > 1 || m.scale == 0 && size > 0 {
		m.rescale(size)
	}
	v *= m.scale
	m.finite++
	delta := v - m.mean
	m.mean += delta / float64(m.finite)
	m.squares += delta * (v - m.mean)
}

// rescale takes the scale that suits a value, the largest so far. What becomes 0 by it is too small beside this value to count.
func (m *Moments) rescale(largest float64) {
	_, exponent := math.Frexp(largest)
	scale := math.Ldexp(1, -max(-maxExponent, min(exponent, maxExponent)))
	if m.scale > 0 {
		by := scale / m.scale
		m.mean *= by
		m.squares *= by * by
	}
	m.scale = scale
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

// Std is the standard deviation of a sample: the squares are divided by one less than the number of values. It is infinite
// where it is larger than any double. ok is false below two numbers.
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
	if m.scale == 0 {
		return 0
	}
	return v / m.scale
}

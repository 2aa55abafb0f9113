// Package metric is the metric engine: how points are packed, summarized, merged and read.
package metric

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// MaxStepScale is the number of decimal places that a step may have.
const MaxStepScale = 6

var pow10 = [MaxStepScale + 1]int64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000}

// Step is a metric's step, exactly: Units / 10^Scale, with Scale from 0 to MaxStepScale. The zero value is step 0.
type Step struct {
	Units int64
	Scale int8
}

// IntStep is a step without decimal places.
func IntStep(n int64) Step { return Step{Units: n} }

// Rescale gives the same step at another, not smaller scale. It fails when the units would not fit 64 bits.
func (s Step) Rescale(scale int8) (int64, error) {
	if scale < s.Scale || scale > MaxStepScale {
		return 0, fmt.Errorf("rescale step from %d to %d places", s.Scale, scale)
	}
	f := pow10[scale-s.Scale]
	if s.Units > math.MaxInt64/f || s.Units < math.MinInt64/f {
		return 0, errs.Field("step", "%s does not fit a series whose steps have %d decimal places", s, scale)
	}
	return s.Units * f, nil
}

// Normal gives the same step with the fewest decimal places.
func (s Step) Normal() Step {
	for s.Scale > 0 && s.Units%10 == 0 {
		s.Units /= 10
		s.Scale--
	}
	return s
}

// Int gives the integer part, as MLflow's REST shows steps.
func (s Step) Int() int64 { return s.Units / pow10[s.Scale] }

// String writes the step as a decimal without trailing zeros.
func (s Step) String() string {
	s = s.Normal()
	if s.Scale == 0 {
		return strconv.FormatInt(s.Units, 10)
	}
	sign := ""
	u := uint64(s.Units)
	if s.Units < 0 {
		sign, u = "-", -u
	}
	f := uint64(pow10[s.Scale])
	return fmt.Sprintf("%s%d.%0*d", sign, u/f, int(s.Scale), u%f)
}

// ParseStep reads an integer or a decimal with up to MaxStepScale places; an exponent is read where the result is one.
func ParseStep(text string) (Step, error) {
	bad := func() (Step, error) {
		return Step{}, errs.Field("step", "%.40q is not an integer or a decimal with up to %d places", text, MaxStepScale)
	}
	mantissa, exponent := text, 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(text[i+1:]); err != nil || exponent > 18 || exponent < -40 {
			return bad()
		}
		mantissa = text[:i]
	}
	whole, fraction, dot := strings.Cut(mantissa, ".")
	noDigit := func(r rune) bool { return r < '0' || r > '9' }
	if dot && fraction == "" || len(whole)+len(fraction) > 60 || strings.ContainsFunc(fraction, noDigit) ||
		!dot && strings.TrimLeft(whole, "+-") == "" {
		return bad()
	}
	digits, places := whole+fraction, len(fraction)-exponent
	for ; places < 0; places++ {
		digits += "0"
	}
	for places > 0 && len(digits) > 1 && digits[len(digits)-1] == '0' {
		digits, places = digits[:len(digits)-1], places-1
	}
	units, err := strconv.ParseInt(digits, 10, 64)
	if err == nil && units == 0 {
		return Step{}, nil
	}
	if err != nil || places > MaxStepScale {
		return bad()
	}
	return Step{Units: units, Scale: int8(places)}.Normal(), nil
}

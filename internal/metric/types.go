package metric

import (
	"slices"

	"github.com/cairnml/cairn/ent/metricseries"
)

// Role tells results, which a reproduction compares, from measurements such as times. Empty means: as it was, else RESULT.
type Role = metricseries.Role

// Point is one value of a metric.
type Point struct {
	Value float64
	Step  Step
	// Time is Unix milliseconds.
	Time int64
}

// Columns are points of one series in columns of equal length, in the order in which they came.
type Columns struct {
	Key  string
	Role Role
	// StepScale: the steps are Steps[i] / 10^StepScale.
	StepScale int8
	// KeepExisting: a series of the user's own stays as it is, and the first points without KeepExisting take the place of
	// these, unless they are among them. It is how autolog adapters write.
	KeepExisting bool
	Steps        []int64
	Times        []int64
	Values       []float64
}

// Len is the number of points.
func (c *Columns) Len() int { return len(c.Values) }

// At is the point i.
func (c *Columns) At(i int) Point {
	return Point{Value: c.Values[i], Step: Step{Units: c.Steps[i], Scale: c.StepScale}, Time: c.Times[i]}
}

// Append adds a point, at a larger step scale where the point needs one. It fails when a step would not fit then.
func (c *Columns) Append(p Point) error {
	if p.Step.Scale > c.StepScale {
		if err := c.rescale(p.Step.Scale); err != nil {
			return err
		}
	}
	units, err := p.Step.Rescale(c.StepScale)
	if err != nil {
		return err
	}
	c.Steps = append(c.Steps, units)
	c.Times = append(c.Times, p.Time)
	c.Values = append(c.Values, p.Value)
	return nil
}

// rescale gives the steps another, larger scale.
func (c *Columns) rescale(scale int8) error {
	steps := make([]int64, len(c.Steps))
	for i, units := range c.Steps {
		var err error
		if steps[i], err = (Step{Units: units, Scale: c.StepScale}).Rescale(scale); err != nil {
			return err
		}
	}
	c.Steps, c.StepScale = steps, scale
	return nil
}

// grow makes room for n points.
func (c *Columns) grow(n int) {
	c.Steps, c.Times, c.Values = slices.Grow(c.Steps, n), slices.Grow(c.Times, n), slices.Grow(c.Values, n)
}

// join appends the points of another piece of the same series.
func (c *Columns) join(more Columns) error {
	if more.StepScale > c.StepScale {
		if err := c.rescale(more.StepScale); err != nil {
			return err
		}
	}
	if more.StepScale < c.StepScale {
		if err := more.rescale(c.StepScale); err != nil {
			return err
		}
	}
	c.Steps = append(c.Steps, more.Steps...)
	c.Times = append(c.Times, more.Times...)
	c.Values = append(c.Values, more.Values...)
	return nil
}

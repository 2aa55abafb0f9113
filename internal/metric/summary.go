package metric

import (
	"cmp"
	"database/sql"
	"maps"
	"math"
	"slices"

	"github.com/cairnml/cairn/ent/metricseries"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// pointID tells a point from all others of its series: identical points are kept once.
type pointID struct {
	step int64 // at the series' scale
	time int64
	bits uint64
}

// series is the state of one series while points are added to it: its row, and what is known of its points beyond the row.
type series struct {
	row store.SeriesRow
	// tail has the values at the last (step, time), as far as they are known: all of them when tailKnown.
	tail      []uint64
	tailKnown bool
	// seen has every point of the series; nil until a point came that was not beyond the last. It is never changed once
	// shared: points accepted since are in fresh.
	seen, fresh map[pointID]struct{}
}

// newSeries begins a series, without points yet, for those of c.
func newSeries(runPK, experimentID int, c *Columns) *series {
	return &series{row: store.SeriesRow{
		RunID: runPK, ExperimentID: experimentID, Key: c.Key, Role: string(metricseries.RoleRESULT), Provisional: c.KeepExisting}, tailKnown: true}
}

// clone gives a copy whose changes the original does not see.
func (s *series) clone() *series {
	c := *s
	c.tail = s.tail[:len(s.tail):len(s.tail)]
	c.fresh = maps.Clone(s.fresh)
	return &c
}

// settle merges what was accepted since the last commit. Only the owner of all copies calls it.
func (s *series) settle() {
	maps.Copy(s.seen, s.fresh)
	s.fresh = nil
}

// cost estimates the memory that the series holds, in points of the cache's budget.
func (s *series) cost() int { return 8 + len(s.tail) + len(s.seen) + len(s.fresh) }

// rescale gives the series another, larger step scale.
func (s *series) rescale(scale int8) error {
	r := &s.row
	for _, step := range []*int64{&r.FirstStep, &r.LastStep, &r.MinStep, &r.MaxStep} {
		units, err := Step{Units: *step, Scale: r.StepScale}.Rescale(scale)
		if err != nil {
			return err
		}
		*step = units
	}
	r.StepScale = scale
	// Points are told apart by their steps at the old scale.
	s.seen, s.fresh = nil, nil
	return nil
}

// position says where a point lies relative to the last one.
func (s *series) position(step, time int64) int {
	if s.row.Count == 0 {
		return 1
	}
	return cmp.Or(cmp.Compare(step, s.row.LastStep), cmp.Compare(time, s.row.LastTime))
}

// known tells whether the series has the point, as far as can be told without reading its points: ok is false when they
// must be read.
func (s *series) known(id pointID) (known, ok bool) {
	if s.seen != nil {
		if _, known = s.seen[id]; known {
			return true, true
		}
		_, known = s.fresh[id]
		return known, true
	}
	switch s.position(id.step, id.time) {
	case 1:
		return false, true
	case 0:
		for _, bits := range s.tail {
			if bits == id.bits {
				return true, true
			}
		}
		return false, s.tailKnown
	}
	return false, false
}

// add accounts for a new point.
func (s *series) add(id pointID) {
	r := &s.row
	v := math.Float64frombits(id.bits)
	where := s.position(id.step, id.time)
	switch {
	case where > 0:
		s.tail, s.tailKnown = append(s.tail[:0:0], id.bits), true
	case where == 0:
		s.tail = append(s.tail, id.bits)
	}
	if s.seen != nil {
		if s.fresh == nil {
			s.fresh = map[pointID]struct{}{}
		}
		s.fresh[id] = struct{}{}
	}
	value := nullNaN(v)
	if where > 0 || where == 0 && less(r.LastValue, value) {
		r.LastStep, r.LastTime, r.LastValue = id.step, id.time, value
	}
	first := cmp.Or(cmp.Compare(id.step, r.FirstStep), cmp.Compare(id.time, r.FirstTime))
	if r.Count == 0 || first < 0 || first == 0 && less(value, r.FirstValue) {
		r.FirstStep, r.FirstTime, r.FirstValue = id.step, id.time, value
	}
	r.Count++
	if !value.Valid {
		r.NaNCount++
		return
	}
	if !r.MinValue.Valid || v < r.MinValue.Float64 || v == r.MinValue.Float64 && id.step < r.MinStep {
		r.MinValue, r.MinStep = value, id.step
	}
	if !r.MaxValue.Valid || v > r.MaxValue.Float64 || v == r.MaxValue.Float64 && id.step < r.MaxStep {
		r.MaxValue, r.MaxStep = value, id.step
	}
}

// less orders values for first and last: NaN before all numbers.
func less(a, b sql.NullFloat64) bool {
	if !a.Valid || !b.Valid {
		return !a.Valid && b.Valid
	}
	return a.Float64 < b.Float64
}

func nullNaN(v float64) sql.NullFloat64 {
	if math.IsNaN(v) {
		return sql.NullFloat64{}
	}
	return sql.NullFloat64{Float64: v, Valid: true}
}

// accept adds the columns' new points to the series and gives those that were new, in their order. load reads all points
// of the series that are stored; it is called at most once.
func (s *series) accept(c Columns, load func() (map[pointID]struct{}, error)) (Columns, error) {
	if s.row.Count == 0 {
		s.row.StepScale = c.StepScale
	}
	if c.StepScale > s.row.StepScale {
		if err := s.rescale(c.StepScale); err != nil {
			return Columns{}, err
		}
	}
	if c.StepScale < s.row.StepScale {
		if err := c.rescale(s.row.StepScale); err != nil {
			return Columns{}, err
		}
	}
	if c.Role != "" {
		s.row.Role = string(c.Role)
	}
	kept, fresh := 0, c // fresh shares c's columns until the first point is dropped
	for i, v := range c.Values {
		id := pointID{c.Steps[i], c.Times[i], math.Float64bits(v)}
		known, ok := s.known(id)
		if !ok {
			seen, err := load()
			if err != nil {
				return Columns{}, err
			}
			for j := range kept {
				seen[pointID{fresh.Steps[j], fresh.Times[j], math.Float64bits(fresh.Values[j])}] = struct{}{}
			}
			s.seen, s.fresh = seen, nil
			known, _ = s.known(id)
		}
		if known {
			if kept == i {
				fresh.Steps, fresh.Times, fresh.Values = slices.Clone(c.Steps[:i]), slices.Clone(c.Times[:i]), slices.Clone(c.Values[:i])
			}
			continue
		}
		s.add(id)
		if kept < i {
			fresh.Steps = append(fresh.Steps, id.step)
			fresh.Times = append(fresh.Times, id.time)
			fresh.Values = append(fresh.Values, v)
		}
		kept++
	}
	return fresh, nil
}

func validColumns(c *Columns) error {
	if len(c.Steps) != c.Len() || len(c.Times) != c.Len() {
		return errs.Field("columns", "metric %q has %d steps, %d times and %d values: they must be as many", c.Key,
			len(c.Steps), len(c.Times), c.Len())
	}
	if c.StepScale < 0 || c.StepScale > MaxStepScale {
		return errs.Field("columns", "metric %q has the step scale %d: it must be 0 to %d", c.Key, c.StepScale, MaxStepScale)
	}
	return nil
}

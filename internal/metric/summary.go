package metric

import (
	"cmp"
	"database/sql"
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

// place orders points: by step, then by time.
type place struct{ step, time int64 }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.step, q.step), cmp.Compare(p.time, q.time))
}

func (id pointID) place() place { return place{id.step, id.time} }

// maxTail bounds the values that are remembered of the last place: all of them are gone through for each point there. Of more
// none but the first is known, as if the series had just been read.
const maxTail = 64

// series is the state of one series while points are added to it: its row, and what is known of its points beyond the row.
type series struct {
	row store.SeriesRow
	// change is what of the row is not in the database yet.
	change store.SeriesChange
	// tail has the values at the last place, as far as they are known: all of them when tailKnown. The first is apart, since
	// there is seldom another.
	tail      uint64
	moreTail  []uint64
	hasTail   bool
	tailKnown bool
	recent    recent
}

// newSeries begins a series, without points yet, for those of c.
func newSeries(runPK, experimentID int, c *Columns) *series {
	return &series{tailKnown: true, row: store.SeriesRow{
		RunID: runPK, ExperimentID: experimentID, Key: c.Key, Role: string(metricseries.RoleRESULT), Provisional: c.KeepExisting}}
}

// knownSeries is what is known of a series whose row was read.
func knownSeries(row store.SeriesRow) *series {
	s := &series{row: row}
	// The bits of a NaN are not in the row, and SQLite does not keep the sign of a zero.
	if v := row.LastValue; v.Valid && v.Float64 != 0 {
		s.tail, s.hasTail = math.Float64bits(v.Float64), true
	}
	return s
}

// last is the place of the last point.
func (s *series) last() place { return place{s.row.LastStep, s.row.LastTime} }

// compare orders series by run and key.
func (s *series) compare(t *series) int {
	return cmp.Or(cmp.Compare(s.row.RunID, t.row.RunID), cmp.Compare(s.row.Key, t.row.Key))
}

// clone gives a copy whose changes the original does not see, made when the original is settled.
func (s *series) clone() series {
	c := *s
	c.moreTail = s.moreTail[:len(s.moreTail):len(s.moreTail)]
	return c
}

// settle is called when the row is in the database and committed.
func (s *series) settle() {
	s.change = 0
	s.recent.settle()
}

// cost estimates the memory that the series holds, in points of the cache's budget.
func (s *series) cost() int { return 8 + len(s.moreTail) + s.recent.len() }

// yields tells whether the points of the series give way to these: an adapter's to the user's own.
func (s *series) yields(c *Columns) bool {
	return s.row.Count > 0 && s.row.Provisional && !c.KeepExisting && c.Len() > 0
}

// ignores tells whether these points change nothing: an adapter's beside the user's own, or none of a series that is not.
func (s *series) ignores(c *Columns) bool {
	if s.row.Count == 0 {
		return c.Len() == 0
	}
	return c.KeepExisting && !s.row.Provisional || c.Len() == 0 && c.Role == ""
}

func (s *series) changed(c store.SeriesChange) { s.change = max(s.change, c) }

// fits fails when the series and the columns cannot have the larger of their step scales.
func (s *series) fits(c *Columns) error {
	scale := max(s.row.StepScale, c.StepScale)
	if s.row.Count == 0 || s.row.StepScale == c.StepScale {
		return nil
	}
	steps, from := c.Steps, c.StepScale
	if scale > s.row.StepScale {
		steps, from = []int64{s.row.FirstStep, s.row.LastStep, s.row.MinStep, s.row.MaxStep}, s.row.StepScale
	}
	for _, units := range steps {
		if _, err := (Step{Units: units, Scale: from}).Rescale(scale); err != nil {
			return err
		}
	}
	return nil
}

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
	s.recent = recent{}
	s.changed(store.SeriesAll)
	return nil
}

// inTail tells whether a point at the last place is there; ok is false when it cannot be told.
func (s *series) inTail(bits uint64) (there, ok bool) {
	if s.hasTail && s.tail == bits || slices.Contains(s.moreTail, bits) {
		return true, true
	}
	return false, s.tailKnown
}

// add accounts for a new point.
func (s *series) add(id pointID) {
	r := &s.row
	at, value := id.place(), nullNaN(math.Float64frombits(id.bits))
	where := at.compare(s.last())
	if r.Count == 0 {
		where = 1
	}
	switch {
	case where > 0:
		s.tail, s.moreTail, s.hasTail, s.tailKnown = id.bits, nil, true, true
	case where == 0 && !s.hasTail:
		s.tail, s.hasTail = id.bits, true
	case where == 0 && len(s.moreTail) == maxTail:
		s.moreTail, s.tailKnown = nil, false
	case where == 0:
		s.moreTail = append(s.moreTail, id.bits)
	}
	if s.recent.covers(at) {
		s.recent.add(id)
	}
	s.changed(store.SeriesLast)
	if where > 0 || where == 0 && less(r.LastValue, value) {
		r.LastStep, r.LastTime, r.LastValue = id.step, id.time, value
	}
	first := at.compare(place{r.FirstStep, r.FirstTime})
	if r.Count == 0 || first < 0 || first == 0 && less(value, r.FirstValue) {
		r.FirstStep, r.FirstTime, r.FirstValue = id.step, id.time, value
		s.changed(store.SeriesAll)
	}
	r.Count++
	s.extremes(id.step, value)
}

// extremes accounts for a point's value.
func (s *series) extremes(step int64, value sql.NullFloat64) {
	r, v := &s.row, value.Float64
	if !value.Valid {
		r.NaNCount++
		s.changed(store.SeriesExtremes)
		return
	}
	if !r.MinValue.Valid || v < r.MinValue.Float64 || v == r.MinValue.Float64 && step < r.MinStep {
		r.MinValue, r.MinStep = value, step
		s.changed(store.SeriesExtremes)
	}
	if !r.MaxValue.Valid || v > r.MaxValue.Float64 || v == r.MaxValue.Float64 && step < r.MaxStep {
		r.MaxValue, r.MaxStep = value, step
		s.changed(store.SeriesExtremes)
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

// accept adds the columns' new points to the series and gives those that were new, in their order. stored reads points of
// the series from the database.
func (s *series) accept(c Columns, stored readPoints) (Columns, error) {
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
	s.give(c.Role)
	if s.follows(&c) {
		s.extend(&c)
		return c, nil
	}
	return s.acceptAny(c, stored)
}

// give gives the series a role, unless it is "".
func (s *series) give(role Role) {
	if role != "" {
		s.row.Role = string(role)
		s.changed(store.SeriesAll)
	}
}

// follows tells whether the points lie, each beyond the one before, beyond all that the series has: so all are new.
func (s *series) follows(c *Columns) bool {
	i, last := 0, s.last()
	if s.row.Count == 0 {
		if c.Len() == 0 {
			return true
		}
		i, last = 1, place{c.Steps[0], c.Times[0]}
	}
	for ; i < len(c.Steps); i++ {
		at := place{c.Steps[i], c.Times[i]}
		if at.step < last.step || at.step == last.step && at.time <= last.time {
			return false
		}
		last = at
	}
	return true
}

// extend adds points that follow.
func (s *series) extend(c *Columns) {
	n := c.Len()
	if n == 0 {
		return
	}
	if s.row.Count == 0 || s.recent.active() {
		for i, v := range c.Values {
			s.add(pointID{c.Steps[i], c.Times[i], math.Float64bits(v)})
		}
		return
	}
	r := &s.row
	for i, v := range c.Values {
		s.extremes(c.Steps[i], nullNaN(v))
	}
	r.Count += int64(n)
	r.LastStep, r.LastTime, r.LastValue = c.Steps[n-1], c.Times[n-1], nullNaN(c.Values[n-1])
	s.tail, s.moreTail, s.hasTail, s.tailKnown = math.Float64bits(c.Values[n-1]), nil, true, true
	s.changed(store.SeriesLast)
}

// acceptAny is accept for points that lie anywhere.
func (s *series) acceptAny(c Columns, stored readPoints) (Columns, error) {
	there, err := s.look(&c, stored)
	if err != nil {
		return Columns{}, err
	}
	kept, fresh := 0, c // fresh shares c's columns until the first point is dropped
	seen := make(map[pointID]struct{}, c.Len())
	for i, v := range c.Values {
		id := pointID{c.Steps[i], c.Times[i], math.Float64bits(v)}
		_, twice := seen[id]
		if twice || there(id) {
			if kept == i {
				fresh.Steps, fresh.Times, fresh.Values = slices.Clone(c.Steps[:i]), slices.Clone(c.Times[:i]), slices.Clone(c.Values[:i])
			}
			continue
		}
		seen[id] = struct{}{}
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

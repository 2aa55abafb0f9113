package metric

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// RunPoints are points of one metric of one run.
type RunPoints struct {
	Run *ent.Run
	Columns
	// Incomplete: points are missing, since what holds them is damaged.
	Incomplete bool
}

// FirstPoints gives the points of one metric in some runs, run by run as they are named, each ordered by time, step and
// value, until there are limit.
func (r *Reader) FirstPoints(ctx context.Context, runs []*ent.Run, key string, limit int) ([]RunPoints, error) {
	if limit < 1 || limit > MaxReadPoints {
		return nil, errs.Field("max_results", "must be 1 to %d, not %d", MaxReadPoints, limit)
	}
	var out []RunPoints
	err := r.ofRuns(ctx, runs, key, func(s *source, series []*storedSeries, runs []*ent.Run) error {
		var stretches []stretch
		var most []int // of each
		for left := limit; len(stretches) < len(series) && left > 0; {
			one := series[len(stretches)]
			stretches = append(stretches, stretch{storedSeries: one, to: one.Count})
			most = append(most, left)
			left -= int(min(one.Count, int64(left)))
		}
		out = make([]RunPoints, len(stretches))
		for i, one := range stretches {
			out[i] = RunPoints{Run: runs[i], Columns: Columns{Key: key, StepScale: one.StepScale}}
		}
		err := s.eachStretch(ctx, stretches, stepRange{}, func(i int, c Columns) error {
			kept := &out[i].Columns
			// Of a series that is longer than what is wanted, no more than twice that is held.
			if kept.Len() > most[i] && kept.Len()+c.Len() > 2*most[i] {
				kept.sortBy(byTime)
				*kept = kept.slice(0, most[i])
			}
			return kept.join(c)
		})
		for i := range out {
			out[i].sortBy(byTime)
			out[i].Columns = out[i].slice(0, min(most[i], out[i].Len()))
			out[i].Incomplete = stretches[i].damaged
		}
		return err
	})
	return out, err
}

// ofRuns calls fn in one snapshot with the series of one key in some runs, in the order in which the runs are named, and the
// run of each.
func (r *Reader) ofRuns(ctx context.Context, runs []*ent.Run, key string, fn func(s *source, series []*storedSeries, runs []*ent.Run) error) error {
	if len(runs) > MaxSeriesRuns {
		return errs.Field("runs", "name at most %d runs, not %d", MaxSeriesRuns, len(runs))
	}
	byPK := make(map[int]*ent.Run, len(runs))
	var pks []int
	for _, run := range runs {
		if byPK[run.ID] == nil {
			byPK[run.ID] = run
			pks = append(pks, run.ID)
		}
	}
	return r.db.Read().Snapshot(ctx, func(q store.Querier) error {
		series, err := readSeriesHeads(ctx, q, pks, &SeriesQuery{Keys: []string{key}})
		if err != nil {
			return err
		}
		found, their := make([]int, len(series)), make([]*ent.Run, len(series))
		for i, one := range series {
			found[i], their[i] = one.RunPK, byPK[one.RunPK]
		}
		s, err := r.source(ctx, q, found)
		if err != nil {
			return err
		}
		defer s.tellFaults(ctx)
		return fn(s, series, their)
	})
}

// SampleQuery asks for a sample of one metric in some runs.
type SampleQuery struct {
	Runs []*ent.Run
	Key  string
	// From and To bound the steps, both included; nil is no bound.
	From, To *Step
	// MaxPoints bounds the points of each run.
	MaxPoints int
}

// Samples gives up to MaxPoints points of each run, as MLflow 3 chooses them: all points, ordered by step, time and value,
// are cut into MaxPoints parts of one size, of which the first ones have one more; it takes the first of each part, but of
// the last part the last.
func (r *Reader) Samples(ctx context.Context, q SampleQuery) ([]RunPoints, error) {
	switch {
	case q.MaxPoints < 1 || q.MaxPoints > MaxBuckets:
		return nil, errs.Field("max_results", "must be 1 to %d, not %d", MaxBuckets, q.MaxPoints)
	case q.From != nil && q.To != nil && compareSteps(*q.From, *q.To) > 0:
		return nil, errs.Field("start_step", "is %s, behind end_step, which is %s", q.From, q.To)
	}
	var out []RunPoints
	err := r.ofRuns(ctx, q.Runs, q.Key, func(s *source, series []*storedSeries, runs []*ent.Run) error {
		samplers := make([]*sampler, len(series))
		for i, one := range series {
			samplers[i] = q.sampler(one)
		}
		if err := s.sample(ctx, samplers, stepRange{q.From, q.To}); err != nil {
			return err
		}
		var again []*sampler // those whose points turned out not to be in order
		for _, one := range samplers {
			if one.restart() {
				again = append(again, one)
			}
		}
		if err := s.sample(ctx, again, stepRange{}); err != nil {
			return err
		}
		out = make([]RunPoints, len(series))
		for i, one := range samplers {
			out[i] = RunPoints{Run: runs[i], Columns: one.kept, Incomplete: one.series.damaged}
		}
		return nil
	})
	return out, err
}

// sample fills samplers, one after the other.
func (s *source) sample(ctx context.Context, samplers []*sampler, within stepRange) error {
	stretches := make([]stretch, len(samplers))
	for i, one := range samplers {
		stretches[i] = stretch{storedSeries: one.series, to: one.series.Count}
	}
	var last *sampler
	err := s.eachStretch(ctx, stretches, within, func(i int, c Columns) error {
		if last != samplers[i] {
			last.choose()
			last = samplers[i]
		}
		return last.add(c)
	})
	last.choose()
	return err
}

// holdPoints is the length up to which a series is sampled from all its points. Of longer ones only the points that are
// chosen are kept, as long as they come in order.
var holdPoints = int64(1 << 17)

// sampler chooses points of one series.
type sampler struct {
	*SampleQuery
	series *storedSeries
	// streams: the points are chosen as they come, which is right while they come in order, and all of them do.
	streams bool
	wrong   bool
	seen    int64
	chosen  int     // the choices that were passed
	newest  Columns // the last point
	kept    Columns
}

func (q *SampleQuery) sampler(series *storedSeries) *sampler {
	s := &sampler{SampleQuery: q, series: series}
	s.streams = q.From == nil && q.To == nil && series.Count > max(holdPoints, int64(q.MaxPoints))
	s.kept = Columns{Key: q.Key, StepScale: series.StepScale}
	return s
}

// choice gives the number of the choice n of total points, which are more than MaxPoints.
func (q *SampleQuery) choice(n int, total int64) int64 {
	if n == q.MaxPoints-1 {
		return total - 1
	}
	size, more := total/int64(q.MaxPoints), total%int64(q.MaxPoints)
	return int64(n)*size + min(int64(n), more)
}

func (s *sampler) add(c Columns) error {
	if err := c.rescaleUp(s.series.StepScale); err != nil {
		return err
	}
	if s.wrong {
		return nil
	}
	if !s.streams {
		c = s.inRange(c)
		if s.kept.Len()+c.Len() > MaxReadPoints {
			return errs.New(errs.Invalid, "metric %q has more than %d points to put in order in one run: ask for a smaller range of steps", s.Key, MaxReadPoints)
		}
		return s.kept.join(c)
	}
	if err := s.newest.join(c.slice(0, 1)); err != nil {
		return err
	}
	if s.wrong = !s.newest.isSorted(byStep) || !c.isSorted(byStep); s.wrong {
		return nil
	}
	for ; s.chosen < s.MaxPoints; s.chosen++ {
		at := s.choice(s.chosen, s.series.Count) - s.seen
		if at >= int64(c.Len()) {
			break
		}
		if err := s.kept.join(c.slice(int(at), int(at)+1)); err != nil {
			return err
		}
	}
	s.seen += int64(c.Len())
	s.newest = c.slice(c.Len()-1, c.Len())
	return nil
}

// inRange gives the points whose steps lie in the range that was asked for.
func (s *sampler) inRange(c Columns) Columns {
	if s.From == nil && s.To == nil {
		return c
	}
	in := Columns{StepScale: c.StepScale}
	for i, units := range c.Steps {
		step := Step{Units: units, Scale: c.StepScale}
		if (s.From == nil || compareSteps(step, *s.From) >= 0) && (s.To == nil || compareSteps(step, *s.To) <= 0) {
			in.Steps, in.Times, in.Values = append(in.Steps, units), append(in.Times, c.Times[i]), append(in.Values, c.Values[i])
		}
	}
	return in
}

// choose ends a series whose points were gathered.
func (s *sampler) choose() {
	if s == nil || s.streams {
		return
	}
	s.kept.sortBy(byStep)
	total := s.kept.Len()
	if total <= s.MaxPoints {
		return
	}
	places := make([]int, s.MaxPoints)
	for n := range places {
		places[n] = int(s.choice(n, int64(total)))
	}
	s.kept = s.kept.pick(places)
}

// restart prepares a sampler whose points could not be chosen as they came for having them all; false when it is done.
func (s *sampler) restart() bool {
	if !s.streams || !s.wrong && s.seen == s.series.Count {
		return false
	}
	s.streams, s.wrong = false, false
	s.kept, s.newest = Columns{Key: s.Key, StepScale: s.series.StepScale}, Columns{}
	return true
}

// rescaleUp gives the steps a scale, unless theirs is larger.
func (c *Columns) rescaleUp(scale int8) error {
	if c.StepScale >= scale {
		return nil
	}
	return c.rescale(scale)
}

// byStep and byTime order points as MLflow does, in whose database NaN is 0 with a flag.
func byStep(c *Columns, a, b int) int {
	return cmp.Or(cmp.Compare(c.Steps[a], c.Steps[b]), cmp.Compare(c.Times[a], c.Times[b]), compareStored(c.Values[a], c.Values[b]))
}

func byTime(c *Columns, a, b int) int {
	return cmp.Or(cmp.Compare(c.Times[a], c.Times[b]), cmp.Compare(c.Steps[a], c.Steps[b]), compareStored(c.Values[a], c.Values[b]))
}

func compareStored(a, b float64) int {
	stored := func(v float64) (value float64, nan int) {
		if math.IsNaN(v) {
			return 0, 1
		}
		return v, 0
	}
	valueA, nanA := stored(a)
	valueB, nanB := stored(b)
	return cmp.Or(cmp.Compare(valueA, valueB), cmp.Compare(nanA, nanB))
}

func (c *Columns) isSorted(by func(c *Columns, a, b int) int) bool {
	for i := 1; i < c.Len(); i++ {
		if by(c, i-1, i) > 0 {
			return false
		}
	}
	return true
}

func (c *Columns) sortBy(by func(c *Columns, a, b int) int) {
	if c.isSorted(by) {
		return
	}
	order := make([]int, c.Len())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return by(c, a, b) })
	*c = c.pick(order)
}

// pick gives some points by their places.
func (c *Columns) pick(places []int) Columns {
	out := Columns{Key: c.Key, Role: c.Role, StepScale: c.StepScale,
		Steps: make([]int64, len(places)), Times: make([]int64, len(places)), Values: make([]float64, len(places))}
	for to, from := range places {
		out.Steps[to], out.Times[to], out.Values[to] = c.Steps[from], c.Times[from], c.Values[from]
	}
	return out
}

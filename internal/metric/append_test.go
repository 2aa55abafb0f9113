package metric

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMemoryAccountsForWhatItHolds: points of a series that once went back are remembered, and must all be paid for.
func TestMemoryAccountsForWhatItHolds(t *testing.T) {
	t.Parallel()
	a := NewAppender()
	const calls, points = 50, 20
	for call := range calls {
		g := &Group{appender: a, runs: map[int]*runGroup{}}
		run := Run{PK: 1, ExperimentID: 1, Sequence: int64(call)}
		r := g.run(run)
		if call == 0 {
			s := newSeries(1, 1, &Columns{Key: "loss"})
			s.recent = recent{on: true, from: place{math.MinInt64, 0}}
			r.series["loss"] = &remembered{committed: s}
		}
		c := Columns{Key: "loss"}
		for i := range points {
			c.Steps, c.Times, c.Values = append(c.Steps, int64(call*points+i)), append(c.Times, 1), append(c.Values, 1)
		}
		found, err := g.Plan(t.Context(), run, []Columns{c})
		require.NoError(t, err)
		require.Equal(t, int64(call+1), g.Add(run, 1, &found))
		g.committed()
	}
	require.GreaterOrEqual(t, a.cost, calls*points)
	require.Less(t, a.cost, calls*points+2*points)
	a.runs.RemoveOldest()
	require.Zero(t, a.cost)
}

// TestMemoryEndsWithTheSequence: what is remembered of a run's series holds only as long as the run has no batch of others.
func TestMemoryEndsWithTheSequence(t *testing.T) {
	t.Parallel()
	a := NewAppender()
	g := &Group{appender: a, runs: map[int]*runGroup{}}
	g.run(Run{PK: 1, Sequence: 7}).series["loss"] = &remembered{committed: newSeries(1, 1, &Columns{Key: "loss"})}
	g.committed()
	again := func(sequence int64) int {
		g := &Group{appender: a, runs: map[int]*runGroup{}}
		return len(g.run(Run{PK: 1, Sequence: sequence}).series)
	}
	require.Equal(t, 1, again(7))
	require.Equal(t, 0, again(8))
	require.Equal(t, 0, again(7), "it was forgotten")
	require.Zero(t, a.cost)
}

// disk is a series as it is stored.
type disk []pointID

// read notes how many points were asked for.
func (d disk) read(asked *int) readPoints {
	return func(from, to int64, fn func(pointID) error) error {
		for _, id := range d {
			if id.step < from || id.step > to {
				continue
			}
			*asked++
			if err := fn(id); err != nil {
				return err
			}
		}
		return nil
	}
}

// add accepts one batch of points with the given steps and gives the steps that were new.
func (d *disk) add(t *testing.T, s *series, asked *int, steps ...int64) []int64 {
	t.Helper()
	c := Columns{Key: "loss", Steps: steps, Times: make([]int64, len(steps)), Values: make([]float64, len(steps))}
	fresh, err := s.accept(c, d.read(asked))
	require.NoError(t, err)
	for i, step := range fresh.Steps {
		*d = append(*d, pointID{step, fresh.Times[i], math.Float64bits(fresh.Values[i])})
	}
	s.settle()
	return fresh.Steps
}

// TestInterleavedWritersReadLittle: two that write the same series, one somewhat behind the other, make it read what lies
// between them once, however long the series is.
func TestInterleavedWritersReadLittle(t *testing.T) {
	t.Parallel()
	const length, lag = 200_000, 100
	var d disk
	for step := range int64(length) {
		d = append(d, pointID{step, 0, 0})
	}
	s := newSeries(1, 1, &Columns{Key: "loss"})
	s.row.Count, s.row.LastStep, s.tail, s.hasTail = length, length-1, 0, true
	asked := 0
	for i := range int64(20_000) {
		require.Equal(t, []int64{length + i}, d.add(t, s, &asked, length+i))
		// The other writes the same points, with a lag: they are there already.
		require.Empty(t, d.add(t, s, &asked, length+i-lag))
		require.LessOrEqual(t, s.recent.len(), maxRecent)
	}
	require.LessOrEqual(t, asked, 2*lag)
}

// TestPointsFarBackAreOnlyLookedFor: points before more than can be remembered are found by their steps.
func TestPointsFarBackAreOnlyLookedFor(t *testing.T) {
	t.Parallel()
	var d disk
	for step := range int64(10 * maxRecent) {
		d = append(d, pointID{2 * step, 0, 0}) // even steps
	}
	s := newSeries(1, 1, &Columns{Key: "loss"})
	s.row.Count, s.row.LastStep, s.tail, s.hasTail = int64(len(d)), 2*int64(len(d)-1), 0, true
	asked := 0
	require.Equal(t, []int64{7, 9}, d.add(t, s, &asked, 6, 7, 8, 9, 8, 7))
	require.Greater(t, asked, maxRecent, "it tried to remember")
	asked = 0
	require.Equal(t, []int64{3, 5}, d.add(t, s, &asked, 3, 4, 5))
	require.LessOrEqual(t, asked, 3, "it does not try again")
	require.Zero(t, s.recent.len())
	require.Equal(t, int64(10*maxRecent+4), s.row.Count)
}

// TestMemoryIsGivenUpWhereItIsNotAsked: one point out of order, such as of a request that is sent again, does not make a
// series costly for good.
func TestMemoryIsGivenUpWhereItIsNotAsked(t *testing.T) {
	t.Parallel()
	var d disk
	s := newSeries(1, 1, &Columns{Key: "loss"})
	asked := 0
	d.add(t, s, &asked, 1, 2, 3)
	require.Empty(t, d.add(t, s, &asked, 2))
	require.Equal(t, 2, s.recent.len())
	for step := int64(4); s.recent.active(); step++ {
		require.Less(t, step, int64(3*maxRecent))
		d.add(t, s, &asked, step)
	}
	require.True(t, slices.IsSortedFunc(d, func(a, b pointID) int { return a.place().compare(b.place()) }))
	require.Equal(t, 2, asked)
}

// TestSignOfZero: a row that was read does not tell -0 from 0, which are different points.
func TestSignOfZero(t *testing.T) {
	t.Parallel()
	d := disk{{1, 0, math.Float64bits(math.Copysign(0, -1))}}
	s := newSeries(1, 1, &Columns{Key: "loss"})
	s.row.Count, s.row.LastStep, s.row.LastValue = 1, 1, nullNaN(0)
	s = knownSeries(s.row)
	asked := 0
	require.Equal(t, []int64{1}, d.add(t, s, &asked, 1))
	require.Equal(t, 1, asked)
	require.Empty(t, d.add(t, s, &asked, 1))
}

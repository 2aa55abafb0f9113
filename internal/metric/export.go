package metric

import (
	"cmp"
	"context"
	"slices"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Sizes of what an export reads at once, which bound its memory: a variable for tests alone.
var exportPoints = int64(1 << 17)

const exportSeries = 1000

// Export reads whole series of a run, as long as they were when it began. It holds a piece of them at a time and nothing of
// the database between two pieces: a slow reader costs no one anything. That is sound because a point keeps its number.
type Export struct {
	// Keys are the series' keys in order; Points is how many they have together.
	Keys   []string
	Points int64
	// StepScale is the largest scale of their steps.
	StepScale int8
	// Incomplete are the keys of series that lacked points, since what holds them is damaged.
	Incomplete []string

	reader *Reader
	run    *ent.Run
	series []store.SeriesHead
}

// Export begins to read series of a run, all when no keys are given. NotFound names the first key that the run has not.
func (r *Reader) Export(ctx context.Context, run *ent.Run, keys []string) (*Export, error) {
	if len(keys) > MaxSeriesKeys {
		return nil, errs.Field("key", "names %d metrics: name at most %d, or none for all", len(keys), MaxSeriesKeys)
	}
	if len(keys) == 0 {
		keys = nil
	}
	e := &Export{reader: r, run: run}
	err := store.EachSeriesHead(ctx, r.db.Read(), []int{run.ID}, keys, func(h store.SeriesHead) error {
		e.series = append(e.series, h)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(e.series, func(a, b store.SeriesHead) int { return cmp.Compare(a.Key, b.Key) })
	for _, h := range e.series {
		e.Keys = append(e.Keys, h.Key)
		e.Points += h.Count
		e.StepScale = max(e.StepScale, h.StepScale)
	}
	for _, key := range keys {
		if _, found := slices.BinarySearch(e.Keys, key); !found {
			return nil, errs.New(errs.NotFound, "run %s has no metric %.250q", run.RunID, key)
		}
	}
	return e, nil
}

// Each calls fn for pieces of the series: one series after the other in the order of their keys, and of each the points in
// the order in which they came. The steps of a series have one scale.
func (e *Export) Each(ctx context.Context, fn func(Columns) error) error {
	at, from := 0, int64(0)
	var read mark // of e.series[at]
	for at < len(e.series) {
		var page []stretch
		room := exportPoints
		for at < len(e.series) && room > 0 && len(page) < exportSeries {
			h := e.series[at]
			one := stretch{storedSeries: &storedSeries{SeriesHead: h}, from: from, to: min(h.Count, from+room)}
			room -= one.to - one.from
			if one.to < h.Count {
				from = one.to
			} else {
				at, from = at+1, 0
			}
			page = append(page, one)
		}
		// A series that goes on from the page before is the first of this one; one that is not finished is the last.
		if page[0].from == 0 {
			read = mark{}
		}
		page[0].mark = &read
		if from > 0 && len(page) > 1 {
			read = mark{}
			page[0].mark, page[len(page)-1].mark = nil, &read
		}
		columns, err := e.read(ctx, page)
		if err != nil {
			return err
		}
		for _, c := range columns {
			if c.Len() > 0 {
				if err := fn(c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// read reads a page in a snapshot of its own.
func (e *Export) read(ctx context.Context, page []stretch) ([]Columns, error) {
	out := make([]Columns, len(page))
	for i := range page {
		out[i] = Columns{Key: page[i].Key, StepScale: page[i].StepScale}
	}
	err := e.reader.db.Read().Snapshot(ctx, func(q store.Querier) error {
		if err := e.renew(ctx, q, page); err != nil {
			return err
		}
		s, err := e.reader.source(ctx, q, []int{e.run.ID})
		if err != nil {
			return err
		}
		defer s.tellFaults(ctx)
		return s.eachStretch(ctx, page, stepRange{}, func(i int, c Columns) error { return out[i].join(c) })
	})
	if err != nil {
		return nil, err
	}
	for i := range page {
		one := &page[i]
		if n := len(e.Incomplete); one.damaged && (n == 0 || e.Incomplete[n-1] != one.Key) {
			e.Incomplete = append(e.Incomplete, one.Key)
		}
		began, _ := slices.BinarySearch(e.Keys, one.Key)
		if err := out[i].lower(e.series[began].StepScale); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// renew gives the series of a page as they are now. It fails when one is no longer the one that it was: its run was deleted,
// or its points gave way to the user's own.
func (e *Export) renew(ctx context.Context, q store.Querier, page []stretch) error {
	keys := make([]string, len(page))
	for i := range page {
		keys[i] = page[i].Key
	}
	same := 0
	err := store.EachSeriesHead(ctx, q, []int{e.run.ID}, keys, func(h store.SeriesHead) error {
		i, found := slices.BinarySearch(keys, h.Key)
		if found && h.ID == page[i].ID && h.Provisional == page[i].Provisional && h.Count >= page[i].Count {
			page[i].SeriesHead = h
			same++
		}
		return nil
	})
	if err == nil && same < len(page) {
		err = errs.New(errs.Conflict, "series of run %s were replaced or deleted while they were read: try again", e.run.RunID)
	}
	return err
}

// lower gives the steps a scale that is not larger than theirs, where that changes none of them.
func (c *Columns) lower(scale int8) error {
	if c.StepScale <= scale {
		return nil
	}
	f := pow10[c.StepScale-scale]
	for i, units := range c.Steps {
		if units%f != 0 {
			return errs.New(errs.Internal, "metric %q has the step %s where steps had %d decimal places", c.Key,
				Step{Units: units, Scale: c.StepScale}, scale)
		}
		c.Steps[i] = units / f
	}
	c.StepScale = scale
	return nil
}

package metric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"

	"github.com/cairnml/cairn/internal/store"
)

// A point is in one of three places: a chunk, its key's tail, or the batch that it came in. source reads them together, in
// the order in which they came. It works in one snapshot, or in a transaction that holds the runs' locks, so that a point
// that is moved meanwhile is neither missed nor read twice.
type source struct {
	q     store.Querier
	log   *slog.Logger
	tails map[int][]store.Tail // of each run
	// damaged are the sequences of the batches of each run that could not be read.
	damaged map[int][]int64
	faults  faults
	// atOnce bounds the points outside of chunks that are held together where they need not be.
	atOnce int
	// held is told how many are.
	held func(points int)
}

// looseAtOnce is atOnce, but in tests: how many points are in no chunk yet depends on how far the compactor is.
const looseAtOnce = 1 << 20

// seriesID names a series.
type seriesID struct {
	runPK int
	key   string
}

// storedSeries is a series as it is stored.
type storedSeries struct {
	store.SeriesHead
	// pending are the points that are in batches alone.
	pending Columns
	// damaged: a part of its points could not be read.
	damaged bool
}

// oneSeries gives a series by its key; nil when the run has none.
func oneSeries(ctx context.Context, q store.Querier, runPK int, key string) (one *storedSeries, err error) {
	err = store.EachSeriesHead(ctx, q, []int{runPK}, []string{key}, func(h store.SeriesHead) error {
		one = &storedSeries{SeriesHead: h}
		return nil
	})
	return one, err
}

func newSource(ctx context.Context, q store.Querier, log *slog.Logger, runPKs []int) (*source, error) {
	s := &source{q: q, log: log, tails: make(map[int][]store.Tail, len(runPKs)), damaged: map[int][]int64{}, atOnce: looseAtOnce, held: func(int) {}}
	rows, err := store.TailHeads(ctx, q, runPKs)
	if err != nil {
		return nil, err
	}
	for start := 0; start < len(rows); {
		end := start
		for end < len(rows) && rows[end].RunPK == rows[start].RunPK {
			end++
		}
		s.tails[rows[start].RunPK] = rows[start:end]
		start = end
	}
	return s, nil
}

// tail gives the row of tails whose range of keys a key lies in; ok is false when the run has none.
func (s *source) tail(runPK int, key string) (store.Tail, bool) {
	rows := s.tails[runPK]
	if len(rows) == 0 {
		return store.Tail{}, false
	}
	return rows[tailOf(rows, key)], true
}

// folded tells whether a batch's points of a key are in its tail or chunks already.
func (s *source) folded(runPK int, key string, sequence int64) bool {
	row, ok := s.tail(runPK, key)
	return ok && sequence <= row.Sequence
}

// pending calls fn for the points of some runs' wanted keys that are in batches alone, and whose sequence is beyond after.
func (s *source) pending(ctx context.Context, runPKs []int, after int64, want func(string) bool, fn func(runPK int, sequence int64, c Columns) error) error {
	return store.EachBatch(ctx, s.q, runPKs, after, func(b store.Batch) error {
		err := decodeBatch(b.Payload, want, func(c Columns) error {
			if s.folded(b.RunPK, c.Key, b.Sequence) {
				return nil
			}
			return fn(b.RunPK, b.Sequence, c)
		})
		if errors.Is(err, errCorrupt) {
			s.damaged[b.RunPK] = append(s.damaged[b.RunPK], b.Sequence)
		}
		return s.tolerate(err, b.RunPK, "batch %d", b.Sequence)
	})
}

// tolerate notes damaged points, and lets the rest be read.
func (s *source) tolerate(err error, runPK int, format string, args ...any) error {
	if !errors.Is(err, errCorrupt) {
		return err
	}
	s.faults.add(runPK, fmt.Sprintf(format, args...), err)
	return nil
}

// tellFaults logs which points were left out. It is called when all is read.
func (s *source) tellFaults(ctx context.Context) {
	s.faults.tell(ctx, s.q, s.log, "metric points are damaged and left out: `cairn db check` tells more")
}

// addPending reads the points of some series that are in batches alone: into the roll-ups of those that have one here, a part of
// them at a time, into the pending points of the others.
func (s *source) addPending(ctx context.Context, series []*storedSeries, rolled map[int]*rollup) error {
	index, keys := make(map[seriesID]*storedSeries, len(series)), map[string]bool{}
	var runs []int
	for _, one := range series {
		index[seriesID{one.RunPK, one.Key}] = one
		keys[one.Key] = true
		runs = append(runs, one.RunPK)
	}
	slices.Sort(runs)
	var waiting []*storedSeries // whose pending points go into roll-ups
	kept, passing := 0, 0
	roll := func() error {
		failures := make([]error, len(waiting))
		inParallel(len(waiting), func(i int) {
			failures[i] = rolled[waiting[i].ID].addColumns(waiting[i].pending)
			waiting[i].pending = Columns{}
		})
		waiting, passing = waiting[:0], 0
		return errors.Join(failures...)
	}
	err := s.pending(ctx, slices.Compact(runs), 0, func(key string) bool { return keys[key] }, func(runPK int, _ int64, c Columns) error {
		one := index[seriesID{runPK, c.Key}]
		switch {
		case one == nil:
			return nil
		case rolled[one.ID] == nil:
			kept += c.Len()
		default:
			passing += c.Len()
			if one.pending.Len() == 0 {
				waiting = append(waiting, one)
			}
		}
		s.held(kept + passing)
		if kept > MaxReadPoints { // the series' rows, which are counted before, have fewer: they are damaged
			return tooMany(int64(kept))
		}
		var err error
		if one.pending.Len() == 0 {
			one.pending = c
		} else {
			err = one.pending.join(c)
		}
		if err == nil && passing >= s.atOnce {
			err = roll()
		}
		return err
	})
	if err != nil {
		return err
	}
	return roll()
}

// stepRange bounds steps, both included; nil is no bound.
type stepRange struct{ from, to *Step }

func (r stepRange) open() bool { return r.from == nil && r.to == nil }

// touches tells whether a chunk may have points in the range.
func (r stepRange) touches(c *store.Chunk) bool {
	return (r.from == nil || compareSteps(Step{Units: c.MaxStep, Scale: c.StepScale}, *r.from) >= 0) &&
		(r.to == nil || compareSteps(Step{Units: c.MinStep, Scale: c.StepScale}, *r.to) <= 0)
}

// points reads the points of some series, those of chunks that have none in the range left out, and marks the series that lack
// some. The series are in any order; what each has is in the order in which it came.
func (s *source) points(ctx context.Context, series []*storedSeries, within stepRange) (map[int]*Columns, error) {
	var ids []int64
	for _, one := range series {
		for n := range one.chunks() {
			ids = append(ids, store.ChunkID(one.ID, n))
		}
	}
	ids, outside, err := s.within(ctx, ids, within)
	if err != nil {
		return nil, err
	}
	out, err := s.read(ctx, series, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int]int64, len(series))
	for _, id := range outside {
		found[store.ChunkSeries(id)] += int64(chunkPoints)
	}
	for _, one := range series {
		one.damaged = one.damaged || found[one.ID]+int64(out[one.ID].Len()) < one.Count
	}
	return out, nil
}

// chunks is the number of chunks of a series: what is folded is cut into chunks as soon as one is full.
func (one *storedSeries) chunks() int {
	return int((one.Count - int64(one.pending.Len())) / int64(chunkPoints))
}

// read reads some chunks of some series, and all of their tails and pending points.
func (s *source) read(ctx context.Context, series []*storedSeries, ids []int64) (map[int]*Columns, error) {
	out := make(map[int]*Columns, len(series))
	byID := make(map[int]*storedSeries, len(series))
	for _, one := range series {
		out[one.ID] = &Columns{Key: one.Key, StepScale: one.StepScale}
		byID[one.ID] = one
	}
	chunks := make(map[int]int, len(series))
	for _, id := range ids {
		chunks[store.ChunkSeries(id)]++
	}
	for id, n := range chunks { // and the tail, which is shorter than a chunk
		out[id].grow((n+1)*chunkPoints + byID[id].pending.Len())
	}
	err := store.EachChunk(ctx, s.q, ids, func(c store.Chunk) error {
		p, err := decodeChunk(c.Payload)
		if err == nil {
			return out[c.SeriesID].join(p.Columns)
		}
		one := byID[c.SeriesID]
		return s.tolerate(err, one.RunPK, "chunk %d of %q", c.Number, one.Key)
	})
	if err != nil {
		return nil, err
	}
	if err := s.addTails(ctx, series, out); err != nil {
		return nil, err
	}
	for _, one := range series {
		if err := out[one.ID].join(one.pending); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// within tells the chunks that may have points in the range from those that have none there. One that is gone is neither.
func (s *source) within(ctx context.Context, ids []int64, within stepRange) (kept, outside []int64, err error) {
	if within.open() || len(ids) == 0 {
		return ids, nil, nil
	}
	err = store.EachChunkHead(ctx, s.q, ids, func(c store.Chunk) error {
		id := store.ChunkID(c.SeriesID, c.Number)
		if within.touches(&c) {
			kept = append(kept, id)
		} else {
			outside = append(outside, id)
		}
		return nil
	})
	return kept, outside, err
}

// addTails appends what the series have in their tails.
func (s *source) addTails(ctx context.Context, series []*storedSeries, out map[int]*Columns) error {
	inRow := map[int]map[string]*storedSeries{}
	var ids []int
	for _, one := range series {
		row, ok := s.tail(one.RunPK, one.Key)
		if !ok {
			continue
		}
		if inRow[row.ID] == nil {
			inRow[row.ID] = map[string]*storedSeries{}
			ids = append(ids, row.ID)
		}
		inRow[row.ID][one.Key] = one
	}
	return store.EachTail(ctx, s.q, ids, func(id int, payload []byte) error {
		wanted := inRow[id]
		err := decodePack(payload, func(key string) bool { return wanted[key] != nil }, func(p piece) error {
			return out[wanted[p.Key].ID].join(p.Columns)
		})
		if errors.Is(err, errCorrupt) {
			for _, one := range wanted {
				if err := s.tolerate(err, one.RunPK, "tail of %q", one.Key); err != nil {
					return err
				}
			}
			return nil
		}
		return err
	})
}

// storedPoints calls fn with the points of a series whose steps lie in a range, both ends included, at the scale of its row:
// the newest places first, a chunk at a time, so that fn may end it early. q is a transaction that holds the run's lock, or
// nobody else writes.
func storedPoints(ctx context.Context, q store.Querier, log *slog.Logger, row *store.SeriesRow, from, to int64, fn func(pointID) error) error {
	s, err := newSource(ctx, q, log, []int{row.RunID})
	if err != nil {
		return err
	}
	defer s.tellFaults(ctx)
	one, err := oneSeries(ctx, q, row.RunID, row.Key)
	if err != nil {
		return err
	}
	if one == nil { // a load writes the row last: all points are in batches
		one = &storedSeries{SeriesHead: store.SeriesHead{RunPK: row.RunID, Key: row.Key}}
	}
	pass := func(c Columns) error {
		if err := c.rescale(max(row.StepScale, c.StepScale)); err != nil {
			return err
		}
		for i, v := range c.Values {
			if c.Steps[i] < from || c.Steps[i] > to {
				continue
			}
			if err := fn(pointID{c.Steps[i], c.Times[i], math.Float64bits(v)}); err != nil {
				return err
			}
		}
		return nil
	}
	folded := one.Count
	tail, hasTail := s.tail(row.RunID, row.Key)
	isKey := func(key string) bool { return key == row.Key }
	err = s.pending(ctx, []int{row.RunID}, tail.Sequence, isKey, func(_ int, _ int64, c Columns) error {
		folded -= int64(c.Len())
		return pass(c)
	})
	if err == nil && hasTail {
		err = store.EachTail(ctx, q, []int{tail.ID}, func(_ int, payload []byte) error {
			return s.tolerate(decodePack(payload, isKey, func(p piece) error { return pass(p.Columns) }), row.RunID, "tail of %q", row.Key)
		})
	}
	if err != nil {
		return fmt.Errorf("read the points of a series: %w", err)
	}
	var ids []int64
	for n := range int(folded / int64(chunkPoints)) {
		ids = append(ids, store.ChunkID(one.ID, n))
	}
	least, most := Step{Units: from, Scale: row.StepScale}, Step{Units: to, Scale: row.StepScale}
	if ids, _, err = s.within(ctx, ids, stepRange{&least, &most}); err != nil {
		return err
	}
	slices.Reverse(ids)
	for part := range slices.Chunk(ids, chunksAtOnce) {
		err := store.EachChunk(ctx, q, part, func(c store.Chunk) error {
			p, err := decodeChunk(c.Payload)
			if err != nil {
				return s.tolerate(err, row.RunID, "chunk %d of %q", c.Number, row.Key)
			}
			return pass(p.Columns)
		})
		if err != nil {
			return fmt.Errorf("read the points of a series: %w", err)
		}
	}
	return nil
}

// chunksAtOnce are read by one statement where fewer may do.
const chunksAtOnce = 16

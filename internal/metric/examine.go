package metric

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/cairnml/cairn/internal/store"
)

// examination reads all that is stored of the points of some runs and gathers what is wrong, and what would put it right. It
// works in one snapshot, or in a transaction that holds the runs' locks.
type examination struct {
	q      store.Querier
	runs   []*examinedRun
	faults []Fault
	// read is told how many points were read.
	read func(points int)
}

// examinedRun is a run that is examined. The points of its series are gone through key by key, a row of tails at a time.
type examinedRun struct {
	store.CheckedRun
	// head is the newest sequence as the run has it, newest as its points have it.
	head, newest int64
	tails        []store.Tail
	series       map[string]*examinedSeries
	keys         []string // of the series, in order
	// unreadable: a batch could not be read, and so no series' row can be told to be right.
	unreadable bool
	repairable bool
	fixes      fixes
}

// examinedSeries is what is known of a series, and what its points make.
type examinedSeries struct {
	key string
	row store.CheckedSeries // its ID is 0 when there is none
	// chunks are the ids of its chunks, in the order of their numbers.
	chunks []int64
	// made is the row that the points make that could be read.
	made *series
	// pending and folded count the points in batches alone, and in chunks and tails; lost are chunks that could not be read.
	pending, folded int64
	lost            int
	// unread: points that could not be read are not even counted.
	unread bool
	// owed counts the points of batches that are said to be folded, by their sequence, which ones that are folded pay.
	owed map[int64]int
}

// fixes are what puts a run right.
type fixes struct {
	series      []store.SeriesRow // those without an id are new
	noSeries    []int
	rollups     []store.Rollup
	noRollups   []int
	heads       []store.Chunk
	tails       []store.Tail
	batchPoints []store.Batch
	sequence    bool // the run's row has too low a one
	// lossy: as above, where not all points could be read.
	lossy *fixes
}

func examine(ctx context.Context, q store.Querier, runs []store.CheckedRun, read func(points int)) (*examination, error) {
	e := &examination{q: q, read: read}
	byPK := make(map[int]*examinedRun, len(runs))
	pks := make([]int, 0, len(runs))
	for _, r := range runs {
		run := &examinedRun{CheckedRun: r, series: make(map[string]*examinedSeries, r.Series)}
		run.fixes.lossy = &fixes{}
		byPK[r.PK] = run
		e.runs = append(e.runs, run)
		pks = append(pks, r.PK)
	}
	if err := e.load(ctx, byPK, pks); err != nil {
		return nil, err
	}
	if err := e.readBatches(ctx, byPK, pks); err != nil {
		return nil, err
	}
	for _, run := range e.runs {
		run.keys = slices.Sorted(maps.Keys(run.series))
		if err := e.readRun(ctx, run); err != nil {
			return nil, err
		}
	}
	for _, f := range e.faults {
		for _, run := range e.runs {
			run.repairable = run.repairable || f.Run == run.RunID && f.Repair != RepairNone
		}
	}
	return e, nil
}

// load reads the heads of all that the runs have.
func (e *examination) load(ctx context.Context, byPK map[int]*examinedRun, pks []int) error {
	heads, err := store.Heads(ctx, e.q, pks)
	if err != nil {
		return err
	}
	for pk, head := range heads {
		byPK[pk].head = head
	}
	err = store.EachSeriesRow(ctx, e.q, pks, func(row store.CheckedSeries) error {
		byPK[row.RunID].series[row.Key] = &examinedSeries{key: row.Key, row: row}
		return nil
	})
	if err != nil {
		return err
	}
	tails, err := store.TailHeads(ctx, e.q, pks)
	if err != nil {
		return err
	}
	for _, t := range tails {
		byPK[t.RunPK].tails = append(byPK[t.RunPK].tails, t)
	}
	chunks, err := store.ChunkIDs(ctx, e.q, pks)
	if err != nil {
		return err
	}
	for _, run := range e.runs {
		for _, s := range run.series {
			s.chunks = chunks[s.row.ID]
		}
	}
	return nil
}

// one gives a series of a run, also one that has points and no row.
func (r *examinedRun) one(key string) *examinedSeries {
	s := r.series[key]
	if s == nil {
		s = &examinedSeries{key: key}
		r.series[key] = s
	}
	return s
}

// take accounts for points.
func (s *examinedSeries) take(r *examinedRun, c *Columns) error {
	if s.made == nil {
		s.made = newSeries(r.PK, r.ExperimentID, &Columns{Key: s.key})
		s.made.row.StepScale = c.StepScale
	}
	columns := *c
	if scale := max(c.StepScale, s.made.row.StepScale); scale > s.made.row.StepScale {
		if err := s.made.rescale(scale); err != nil {
			return err
		}
	} else if scale > c.StepScale {
		if err := columns.rescale(scale); err != nil {
			return err
		}
	}
	for i, v := range columns.Values {
		s.made.add(pointID{columns.Steps[i], columns.Times[i], math.Float64bits(v)})
	}
	return nil
}

// readBatches accounts for the points of batches: as pending where they are in batches alone, else as owed by what is folded.
func (e *examination) readBatches(ctx context.Context, byPK map[int]*examinedRun, pks []int) error {
	return store.EachBatch(ctx, e.q, pks, 0, func(b store.Batch) error {
		run := byPK[b.RunPK]
		run.newest = max(run.newest, b.Sequence)
		points := 0
		err := decodeBatch(b.Payload, nil, func(c Columns) error {
			s := run.one(c.Key)
			points += c.Len()
			if len(run.tails) > 0 && b.Sequence <= run.tails[tailOf(run.tails, c.Key)].Sequence {
				if s.owed == nil {
					s.owed = map[int64]int{}
				}
				s.owed[b.Sequence] += c.Len()
				return nil
			}
			s.pending += int64(c.Len())
			e.read(c.Len())
			return s.take(run, &c)
		})
		switch {
		case errors.Is(err, errCorrupt):
			run.unreadable = true
			e.fault(run, Fault{Message: fmt.Sprintf("batch %d, of %d points: %v", b.Sequence, b.Points, err)})
			return nil
		case err == nil && points != b.Points:
			run.fixes.batchPoints = append(run.fixes.batchPoints, store.Batch{RunPK: b.RunPK, Sequence: b.Sequence, Points: points})
			e.fault(run, Fault{Message: fmt.Sprintf("batch %d has %d points, and says %d", b.Sequence, points, b.Points), Repair: RepairDerived})
		}
		return err
	})
}

// fault notes a fault of a run.
func (e *examination) fault(run *examinedRun, f Fault) {
	f.Run = run.RunID
	if f.Repair == "" {
		f.Repair = RepairNone
	}
	e.faults = append(e.faults, f)
}

// seriesAtOnce bounds the roll-ups that are held at once.
const seriesAtOnce = 64

// readRun reads what is folded of a run and compares all of it.
func (e *examination) readRun(ctx context.Context, run *examinedRun) error {
	if len(run.tails) > 0 && run.tails[0].FirstKey != "" {
		e.fault(run, Fault{Message: fmt.Sprintf("its first tail begins at the key %q, and keys before it have none", run.tails[0].FirstKey)})
	}
	ranges := run.tails
	if len(ranges) == 0 {
		ranges = []store.Tail{{RunPK: run.PK}}
	}
	for i, row := range ranges {
		end := ""
		if i+1 < len(ranges) {
			end = ranges[i+1].FirstKey
		}
		if i == 0 {
			row.FirstKey = ""
		}
		if err := e.readRange(ctx, run, row, end); err != nil {
			return err
		}
	}
	if run.newest > run.head {
		run.fixes.sequence = true
		e.fault(run, Fault{Message: fmt.Sprintf("its newest batch is %d, and its row says %d", run.newest, run.head), Repair: RepairDerived})
	}
	return nil
}

// readRange reads a row of tails and the chunks of all keys of its range, which ends before end ("": at the last key).
func (e *examination) readRange(ctx context.Context, run *examinedRun, row store.Tail, end string) error {
	from, _ := slices.BinarySearch(run.keys, row.FirstKey)
	to := len(run.keys)
	if end != "" {
		to, _ = slices.BinarySearch(run.keys, end)
	}
	var series []*examinedSeries
	for _, key := range run.keys[from:to] {
		series = append(series, run.series[key])
	}
	tail, readable, err := e.readTail(ctx, run, row, end)
	if err != nil {
		return err
	}
	for key := range tail {
		if run.series[key] == nil {
			series = append(series, run.one(key))
		}
	}
	// By their ids, so that chunks are read as they lie.
	slices.SortFunc(series, func(a, b *examinedSeries) int {
		return cmp.Or(cmp.Compare(a.row.ID, b.row.ID), cmp.Compare(a.key, b.key))
	})
	faults, fixes, lossy := len(e.faults), run.fixes, *run.fixes.lossy
	folded := int64(0) // the newest sequence
	for part := range slices.Chunk(series, seriesAtOnce) {
		for _, s := range part {
			s.unread = !readable || run.unreadable
		}
		last, err := e.readSeries(ctx, run, part, tail)
		if err != nil {
			return err
		}
		folded = max(folded, last)
	}
	run.newest = max(run.newest, folded)
	if row.ID == 0 || !readable {
		return nil
	}
	if f, right, misplaced := tailFault(run, row, series, tail, folded); f.Message != "" {
		if misplaced {
			// Which points are in batches alone was not known, and so what was found with it is not true.
			e.faults, run.fixes = e.faults[:faults], fixes
			*run.fixes.lossy = lossy
		}
		e.fault(run, f)
		if f.Repair == RepairDerived {
			run.fixes.tails = append(run.fixes.tails, right)
		}
	}
	return nil
}

// readTail reads the points of a row of tails.
func (e *examination) readTail(ctx context.Context, run *examinedRun, row store.Tail, end string) (pieces map[string]piece, readable bool, err error) {
	pieces, readable = map[string]piece{}, true
	if row.ID == 0 {
		return pieces, true, nil
	}
	last := ""
	err = store.EachTail(ctx, e.q, []int{row.ID}, func(_ int, payload []byte) error {
		return decodePack(payload, nil, func(p piece) error {
			if p.Key < row.FirstKey || end != "" && p.Key >= end || p.Key <= last || p.Len() == 0 {
				return fmt.Errorf("%w: the key %q is out of place", errCorrupt, p.Key)
			}
			last = p.Key
			pieces[p.Key] = p
			return nil
		})
	})
	if errors.Is(err, errCorrupt) {
		e.fault(run, Fault{Key: row.FirstKey, Message: fmt.Sprintf("the tail of the keys from here on, of %d points: %v", row.Points, err)})
		return map[string]piece{}, false, nil
	}
	return pieces, readable, err
}

// tailFault holds what a row of tails says of itself against its points, and gives the row as it should be. What it says it
// has folded must be there. misplaced tells that it names the wrong sequence.
func tailFault(run *examinedRun, row store.Tail, series []*examinedSeries, tail map[string]piece, folded int64) (f Fault, right store.Tail, misplaced bool) {
	right, f.Key = row, row.FirstKey
	right.Points = 0
	for _, p := range tail {
		right.Points += p.Len()
	}
	missing, complete := int64(0), true
	for _, s := range series {
		complete = complete && !s.unread && s.lost == 0
		for sequence, n := range s.owed {
			if n != 0 {
				missing = max(missing, sequence)
			}
		}
	}
	if !complete { // what cannot be read may have what is missing
		missing = 0
	}
	switch {
	case missing > 0 && missing <= folded: // a part of the batch is there: no sequence would be right
		f.Message = fmt.Sprintf("the tail of the keys from here on says that it has batch %d, and does not have just that", missing)
		return f, right, true
	case missing > 0 || row.Sequence < folded || row.Sequence > max(run.head, run.newest):
		right.Sequence, f.Repair = folded, RepairDerived
		f.Message = fmt.Sprintf("the tail of the keys from here on has the batches up to %d, and says up to %d", folded, row.Sequence)
		return f, right, true
	case right.Points != row.Points:
		f.Repair = RepairDerived
		f.Message = fmt.Sprintf("the tail of the keys from here on has %d points, and says %d", right.Points, row.Points)
	}
	return f, right, false
}

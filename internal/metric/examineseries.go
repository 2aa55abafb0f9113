package metric

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cairnml/cairn/internal/store"
)

// foldedSeries is a series while its chunks and its tail are gone through.
type foldedSeries struct {
	*examinedSeries
	// rollup is what its folded points make.
	rollup *rollup
	// slots counts its chunks, also those that are lost.
	slots int
	tail  int
	// sequence is the newest of its folded points.
	sequence int64
	// stored is the roll-up that is there, if any; unreadable says why it cannot be read.
	stored       *rollup
	storedChunks int
	unreadable   error
}

// readSeries reads the chunks of some series, in the order of their ids, and compares them. It gives the newest sequence of
// what is folded of them.
func (e *examination) readSeries(ctx context.Context, run *examinedRun, part []*examinedSeries, tail map[string]piece) (int64, error) {
	byID := make(map[int]*foldedSeries, len(part))
	folded := make([]*foldedSeries, len(part))
	var ids []int
	var chunks []int64
	for i, s := range part {
		folded[i] = &foldedSeries{examinedSeries: s}
		if s.row.ID != 0 {
			byID[s.row.ID] = folded[i]
			ids = append(ids, s.row.ID)
		}
		chunks = append(chunks, s.chunks...)
	}
	err := store.EachRollup(ctx, e.q, ids, func(r store.Rollup) error {
		f := byID[r.SeriesID]
		f.storedChunks = r.Chunks
		f.stored, f.unreadable = decodeRollup(r.Payload)
		return nil
	})
	if err != nil {
		return 0, err
	}
	err = store.EachWholeChunk(ctx, e.q, chunks, func(c store.Chunk) error { return e.readChunk(run, byID[c.SeriesID], &c) })
	if err != nil {
		return 0, err
	}
	newest := int64(0)
	for _, f := range folded {
		if p, ok := tail[f.key]; ok {
			f.tail = p.Len()
			if err := e.takeFolded(run, f, &p); err != nil {
				return 0, err
			}
		}
		newest = max(newest, f.sequence)
		e.compareRollup(run, f)
		if err := e.compareRow(ctx, run, f); err != nil {
			return 0, err
		}
	}
	return newest, nil
}

// takeFolded accounts for the points of a chunk or a tail.
func (e *examination) takeFolded(run *examinedRun, f *foldedSeries, p *piece) error {
	if p.Sequences[0] < f.sequence || !slices.IsSorted(p.Sequences) {
		e.fault(run, Fault{Key: f.key, Message: fmt.Sprintf("its points behind batch %d are not in the order of their batches", f.sequence)})
	}
	f.sequence = p.Sequences[p.Len()-1]
	if f.owed != nil {
		for _, sequence := range p.Sequences {
			if _, ok := f.owed[sequence]; ok {
				f.owed[sequence]--
			}
		}
	}
	f.folded += int64(p.Len())
	e.read(p.Len())
	p.Columns.Key = f.key
	if f.rollup == nil {
		f.rollup = newRollup(rollupSize)
		f.rollup.scale = p.StepScale
	}
	if err := f.rollup.addColumns(p.Columns); err != nil {
		return err
	}
	return f.take(run, &p.Columns)
}

// readChunk reads a chunk and compares what its row says of it.
func (e *examination) readChunk(run *examinedRun, f *foldedSeries, c *store.Chunk) error {
	if c.Number > f.slots {
		e.missingChunks(run, f, c.Number)
	}
	f.slots = c.Number + 1
	fault := Fault{Key: f.key, Chunk: &c.Number}
	p, err := decodeChunk(c.Payload)
	if err == nil && p.Len() != chunkPoints {
		err = fmt.Errorf("%w: it has %d points, and chunks have %d", errCorrupt, p.Len(), chunkPoints)
	}
	if err != nil {
		f.lost++
		fault.Message = err.Error()
		e.fault(run, fault)
		return nil //nolint:nilerr // it is reported as a fault
	}
	sealed := sealedChunk{piece: p, number: c.Number}
	made, summary := sealed.head(f.row.ID, run.PK)
	var wrong []string
	for name, differs := range map[string]bool{
		"run": c.RunPK != made.RunPK, "first batch": c.FirstSequence != made.FirstSequence, "last batch": c.LastSequence != made.LastSequence,
		"step scale": c.StepScale != made.StepScale, "least step": c.MinStep != made.MinStep, "greatest step": c.MaxStep != made.MaxStep,
	} {
		if differs {
			wrong = append(wrong, name)
		}
	}
	if stored, err := decodeRollup(c.Summary); err != nil || !stored.equal(summary) {
		wrong = append(wrong, "summary")
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		fault.Message, fault.Repair = "its row is not what its points make: "+strings.Join(wrong, ", "), RepairDerived
		e.fault(run, fault)
		made.Summary = summary.encode(nil)
		run.fixes.heads = append(run.fixes.heads, made)
	}
	return e.takeFolded(run, f, &p)
}

// missingChunks notes that the chunks before a number are not there.
func (e *examination) missingChunks(run *examinedRun, f *foldedSeries, before int) {
	number := f.slots
	message := "it is not there"
	if before > number+1 {
		message = fmt.Sprintf("it is not there, nor are those up to %d", before-1)
	}
	f.lost += before - number
	e.fault(run, Fault{Key: f.key, Chunk: &number, Message: message})
}

// total is the number of the points that are folded, those that are lost too.
func (f *foldedSeries) total() int64 { return int64(f.slots)*int64(chunkPoints) + int64(f.tail) }

// compareRollup holds the roll-up that is stored against the one that the points make. Where points are lost, one of all of
// them is kept: it knows more than could be read.
func (e *examination) compareRollup(run *examinedRun, f *foldedSeries) {
	known := f.stored != nil || f.unreadable != nil
	if f.row.ID == 0 || f.unread && f.unreadable == nil {
		return
	}
	if f.stored != nil && f.storedChunks > f.slots && f.storedChunks < store.MaxChunks && f.row.Count > f.total()+f.pending {
		e.missingChunks(run, f, f.storedChunks) // two say so
		f.slots = f.storedChunks
	}
	needed := f.total() >= int64(rollupFrom)
	complete := f.lost == 0 && !f.unread
	fault := Fault{Key: f.key, Repair: RepairDerived}
	switch {
	case !needed && known:
		fault.Message = "it has a roll-up, and too few points for one"
	case !needed:
		return
	case !known:
		fault.Message = "it has no roll-up"
	case f.unreadable != nil:
		fault.Message = "its roll-up: " + f.unreadable.Error()
	case f.storedChunks != f.slots:
		fault.Message = fmt.Sprintf("its roll-up counts %d chunks, and there are %d", f.storedChunks, f.slots)
	case f.stored.equal(f.rollup), !complete && f.stored.count == f.total():
		return
	default:
		fault.Message = "its roll-up is not what its points make"
	}
	fixes := &run.fixes
	if !complete {
		fixes, fault.Repair = fixes.lossy, RepairLossy
	}
	switch {
	case !needed:
		fixes.noRollups = append(fixes.noRollups, f.row.ID)
	case f.rollup == nil: // nothing of it can be read
		fault.Repair = RepairNone
	default:
		fixes.rollups = append(fixes.rollups, store.Rollup{SeriesID: f.row.ID, Chunks: f.slots, Payload: f.rollup.encode(nil)})
	}
	e.fault(run, fault)
}

// compareRow holds a series' row against the one that the points make. Where points are lost, it is kept as long as it may be
// true: it knows more than could be read.
func (e *examination) compareRow(ctx context.Context, run *examinedRun, f *foldedSeries) error {
	fault := Fault{Key: f.key, Repair: RepairDerived}
	count := f.total() + f.pending
	fixes := &run.fixes
	complete := f.lost == 0 && !f.unread
	if f.row.ID == 0 {
		strays, err := store.HasStrayChunks(ctx, e.q, run.PK)
		if err != nil {
			return err
		}
		complete = complete && !strays // one of them may be this series'
	}
	if !complete {
		fixes, fault.Repair = fixes.lossy, RepairLossy
	}
	switch {
	case f.made == nil && (!complete || count > 0), f.unread && f.row.ID != 0:
		return nil // nothing to compare with
	case f.made == nil:
		fault.Message = "it has a row and no points"
		fixes.noSeries = append(fixes.noSeries, f.row.ID)
		e.fault(run, fault)
		return nil
	}
	made := f.made.row
	made.ID, made.Count = f.row.ID, count
	if f.row.ID == 0 {
		fault.Message = fmt.Sprintf("it has %d points and no row", count)
	} else {
		made.Role, made.Provisional = f.row.Role, f.row.Provisional
		wrong := differences(&f.row, &made, complete)
		if len(wrong) == 0 {
			return nil
		}
		fault.Message = "its row is not what its points make: " + strings.Join(wrong, ", ")
	}
	fixes.series = append(fixes.series, made)
	e.fault(run, fault)
	return nil
}

// differences names the columns of a row that are not what the points make, or, where not all of them could be read, cannot
// be true.
func differences(row *store.CheckedSeries, made *store.SeriesRow, complete bool) []string {
	var out []string
	wrong := func(name string, differs bool) {
		if differs {
			out = append(out, name)
		}
	}
	wrong("experiment", row.ExperimentID != made.ExperimentID)
	wrong("NaN flags", !row.NaNsAgree)
	wrong(fmt.Sprintf("count %d instead of %d", row.Count, made.Count), row.Count != made.Count)
	if row.StepScale < made.StepScale || row.StepScale > MaxStepScale {
		return append(out, fmt.Sprintf("step scale %d", row.StepScale))
	}
	steps := func(a, b int64) int {
		return compareSteps(Step{Units: a, Scale: row.StepScale}, Step{Units: b, Scale: made.StepScale})
	}
	// What is not read may only make the least less and the greatest greater.
	order := func(step int, time, madeTime int64, value, madeValue sql.NullFloat64) int {
		switch {
		case step != 0:
			return step
		case time != madeTime:
			return compare(time < madeTime)
		case value == madeValue:
			return 0
		}
		return compare(less(value, madeValue))
	}
	first := order(steps(row.FirstStep, made.FirstStep), row.FirstTime, made.FirstTime, row.FirstValue, made.FirstValue)
	last := order(steps(row.LastStep, made.LastStep), row.LastTime, made.LastTime, row.LastValue, made.LastValue)
	least := extreme(row.MinValue, made.MinValue, -1, steps(row.MinStep, made.MinStep))
	greatest := extreme(row.MaxValue, made.MaxValue, 1, steps(row.MaxStep, made.MaxStep))
	if complete {
		wrong("count of NaN", row.NaNCount != made.NaNCount)
		wrong("first", first != 0)
		wrong("last", last != 0)
		wrong("minimum", least != 0)
		wrong("maximum", greatest != 0)
		return out
	}
	wrong("count of NaN", row.NaNCount < made.NaNCount || row.NaNCount > row.Count)
	wrong("first", first > 0)
	wrong("last", last < 0)
	wrong("minimum", least > 0)
	wrong("maximum", greatest > 0)
	return out
}

func compare(less bool) int {
	if less {
		return -1
	}
	return 1
}

// extreme tells whether a row's extreme is that of the points (0), lies beyond it (-1), or does not reach it (1). Of equal ones
// the first step counts. sign is that of the direction.
func extreme(row, made sql.NullFloat64, sign float64, step int) int {
	switch {
	case row.Valid != made.Valid:
		return compare(row.Valid)
	case !row.Valid, row.Float64 == made.Float64:
		return step
	}
	return compare(sign*(row.Float64-made.Float64) > 0)
}

// equal tells whether two roll-ups are the same to the bit.
func (r *rollup) equal(o *rollup) bool {
	if r == nil || o == nil {
		return r == o
	}
	return r.scale == o.scale && r.size == o.size && r.inOrder == o.inOrder && r.byTime == o.byTime && r.count == o.count &&
		slices.EqualFunc(r.buckets, o.buckets, func(a, b bucket) bool {
			for _, of := range bucketValues {
				if math.Float64bits(*of(&a)) != math.Float64bits(*of(&b)) {
					return false
				}
			}
			return a.count == b.count && a.nanCount == b.nanCount && a.firstStep == b.firstStep && a.lastStep == b.lastStep &&
				a.firstTime == b.firstTime && a.lastTime == b.lastTime
		})
}

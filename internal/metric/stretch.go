package metric

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/cairnml/cairn/internal/store"
)

// stretch is a range of a series' points by their numbers, which count from 0 in the order in which they came: from up to
// to, itself not included. A point keeps its number wherever it moves.
type stretch struct {
	*storedSeries
	from, to int64
	// read counts the points that were found.
	read int64
	// mark, where there is one, tells how far batches were read before, and is moved on.
	mark *mark
}

// mark says that all points whose numbers are below number came in batches up to sequence.
type mark struct{ sequence, number int64 }

// eachStretch calls fn for the points of some stretches, each of another series: series by series in the order of their ids,
// and for each in the order in which they came, a chunk at a time. Chunks that have no points in the range of steps are left
// out. Columns may have a smaller step scale than their series.
func (s *source) eachStretch(ctx context.Context, stretches []stretch, within stepRange, fn func(i int, c Columns) error) error {
	counts, err := s.chunkCounts(ctx, stretches)
	if err != nil {
		return err
	}
	loose, err := s.loose(ctx, stretches, counts)
	if err != nil {
		return err
	}
	order := make([]int, len(stretches))
	var ids []int64
	for i := range stretches {
		order[i] = i
		one := &stretches[i]
		for n := one.from / int64(chunkPoints); n < int64(counts[one.ID]) && n*int64(chunkPoints) < one.to; n++ {
			ids = append(ids, store.ChunkID(one.ID, int(n)))
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(stretches[a].ID, stretches[b].ID) })
	slices.Sort(ids)
	if ids, err = s.within(ctx, ids, within); err != nil {
		return err
	}
	give := func(i int, c Columns) error {
		if c.Len() == 0 {
			return nil
		}
		stretches[i].read += int64(c.Len())
		return fn(i, c)
	}
	at := 0 // order[at] is the stretch whose chunks are read
	err = store.EachChunk(ctx, s.q, ids, func(c store.Chunk) error {
		for ; stretches[order[at]].ID != c.SeriesID; at++ {
			if err := give(order[at], loose[order[at]]); err != nil {
				return err
			}
		}
		one := &stretches[order[at]]
		p, err := decodeChunk(c.Payload)
		if err != nil {
			one.damaged = true
			return s.tolerate(err, one.RunPK, "chunk %d of %q", c.Number, one.Key)
		}
		return give(order[at], one.cut(p.Columns, int64(c.Number)*int64(chunkPoints)))
	})
	if err != nil {
		return err
	}
	for ; at < len(order); at++ {
		if err := give(order[at], loose[order[at]]); err != nil {
			return err
		}
	}
	for i := range stretches {
		one := &stretches[i]
		if within.open() {
			one.damaged = one.damaged || one.read < min(one.to, one.Count)-one.from
		} else { // how many there should be is not known, nor of which series a damaged batch was
			one.damaged = one.damaged || s.damaged[one.RunPK]
		}
	}
	return nil
}

// chunkCounts gives the number of chunks of each series that may have some.
func (s *source) chunkCounts(ctx context.Context, stretches []stretch) (map[int]int, error) {
	var long []int
	for i := range stretches {
		if stretches[i].Count >= int64(chunkPoints) {
			long = append(long, stretches[i].ID)
		}
	}
	return store.ChunkCounts(ctx, s.q, long)
}

// cut gives what of columns, whose first point has the number first, lies in the stretch.
func (one *stretch) cut(c Columns, first int64) Columns {
	n := int64(c.Len())
	from, to := min(max(one.from-first, 0), n), min(max(one.to-first, 0), n)
	cut := c.slice(int(from), int(max(from, to)))
	cut.Key = one.Key
	return cut
}

// loose gives what of each stretch is in no chunk: it is in the series' tail, or in batches alone.
func (s *source) loose(ctx context.Context, stretches []stretch, counts map[int]int) ([]Columns, error) {
	out := make([]Columns, len(stretches))
	folded := make([]int64, len(stretches)) // the points in chunks and tails
	inRow := map[int]map[string]int{}
	var rows []int
	for i := range stretches {
		one := &stretches[i]
		out[i] = Columns{Key: one.Key, StepScale: one.StepScale}
		folded[i] = int64(counts[one.ID]) * int64(chunkPoints)
		if row, ok := s.tail(one.RunPK, one.Key); ok && one.to > folded[i] {
			if inRow[row.ID] == nil {
				inRow[row.ID] = map[string]int{}
				rows = append(rows, row.ID)
			}
			inRow[row.ID][one.Key] = i
		}
	}
	err := store.EachTail(ctx, s.q, rows, func(id int, payload []byte) error {
		wanted := inRow[id]
		err := decodePack(payload, func(key string) bool { _, ok := wanted[key]; return ok }, func(p piece) error {
			i := wanted[p.Key]
			first := folded[i]
			folded[i] += int64(p.Len())
			return out[i].join(stretches[i].cut(p.Columns, first))
		})
		if !errors.Is(err, errCorrupt) {
			return err
		}
		for key, i := range wanted {
			stretches[i].damaged = true
			if err := s.tolerate(err, stretches[i].RunPK, "tail of %q", key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, s.addBatches(ctx, stretches, folded, out)
}

// addBatches appends what of some stretches is in batches alone, which begins behind the points that are folded.
func (s *source) addBatches(ctx context.Context, stretches []stretch, folded []int64, out []Columns) error {
	index := map[seriesID]int{}
	var runs []int
	after := int64(-1) // the least sequence behind which a stretch may have points
	for i := range stretches {
		one := &stretches[i]
		if one.to <= folded[i] || folded[i] >= one.Count {
			continue
		}
		row, _ := s.tail(one.RunPK, one.Key)
		begins := row.Sequence
		if m := one.mark; m != nil && m.number >= folded[i] {
			begins, folded[i] = m.sequence, m.number
		}
		if after < 0 || begins < after {
			after = begins
		}
		index[seriesID{one.RunPK, one.Key}] = i
		runs = append(runs, one.RunPK)
	}
	if len(index) == 0 {
		return nil
	}
	slices.Sort(runs)
	open := len(index)
	keys := make(map[string]bool, len(index))
	for of := range index {
		keys[of.key] = true
	}
	err := s.pending(ctx, slices.Compact(runs), after, func(key string) bool { return keys[key] }, func(runPK int, sequence int64, c Columns) error {
		if open == 0 {
			return errEnough
		}
		i, ok := index[seriesID{runPK, c.Key}]
		if !ok {
			return nil
		}
		one, first := &stretches[i], folded[i]
		if one.mark != nil && sequence <= one.mark.sequence {
			return nil
		}
		folded[i] += int64(c.Len())
		if folded[i] >= one.to && first < one.to {
			open--
		}
		if one.mark != nil && folded[i] <= one.to {
			*one.mark = mark{sequence, folded[i]}
		}
		return out[i].join(one.cut(c, first))
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

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
	// read counts the points that were found, and those of chunks that have none in the range of steps.
	read int64
	// lost: what may hold points of it could not be read.
	lost bool
	// place is the stretch's among those that were asked for.
	place int
	// mark, where there is one, tells how far batches were read before, and is moved on.
	mark *mark
}

// mark says that all points whose numbers are below number came in batches up to sequence.
type mark struct{ sequence, number int64 }

// eachStretch calls fn for the points of some stretches, each of another series: series by series in the order of their ids,
// and for each in the order in which they came, some thousands at a time. Chunks that have no points in the range of steps are
// left out. Columns may have a smaller step scale than their series.
func (s *source) eachStretch(ctx context.Context, stretches []stretch, within stepRange, fn func(i int, c Columns) error) error {
	counts, err := s.chunkCounts(ctx, stretches)
	if err != nil {
		return err
	}
	rest := slices.Clone(stretches)
	for i := range rest {
		rest[i].place = i
	}
	slices.SortFunc(rest, func(a, b stretch) int { return cmp.Compare(a.ID, b.ID) })
	for len(rest) > 0 {
		n := together(rest, counts, s.atOnce)
		if err := s.eachTogether(ctx, rest[:n], counts, within, fn); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// loose is the number of points of a stretch that are in no chunk.
func (one *stretch) loose(counts map[int]int) int {
	return int(max(min(one.to, one.Count)-max(one.from, int64(counts[one.ID])*int64(chunkPoints)), 0))
}

// together gives how many of some stretches have no more loose points than there is room for, and at least 1.
func together(stretches []stretch, counts map[int]int, room int) int {
	for i := range stretches {
		if room -= stretches[i].loose(counts); room < 0 {
			return max(i, 1)
		}
	}
	return len(stretches)
}

// eachTogether is eachStretch for some stretches in the order of their series' ids. Their loose points, which come from rows that
// they may share, are read before their chunks and held; but not of one that has too many by itself.
func (s *source) eachTogether(ctx context.Context, stretches []stretch, counts map[int]int, within stepRange, fn func(i int, c Columns) error) error {
	give := func(i int, c Columns) error {
		if c.Len() == 0 {
			return nil
		}
		stretches[i].read += int64(c.Len())
		return fn(stretches[i].place, c)
	}
	loose, folded, err := s.inTails(ctx, stretches, counts)
	if err != nil {
		return err
	}
	held, tooMany := 0, stretches[0].loose(counts) > s.atOnce
	for i := range loose {
		held += loose[i].Len()
	}
	s.held(held)
	if !tooMany {
		err = s.addBatches(ctx, stretches, folded, func(i int, c Columns) error {
			held += c.Len()
			s.held(held)
			return loose[i].join(c)
		})
	}
	if err == nil {
		err = s.eachChunked(ctx, stretches, counts, within, loose, give)
	}
	if err == nil && tooMany {
		err = s.addBatches(ctx, stretches, folded, give)
	}
	for i := range stretches {
		stretches[i].tell()
	}
	return err
}

// tell marks the series when points of the stretch are missing.
func (one *stretch) tell() {
	whole := one.from == 0 && one.to >= one.Count
	// How many points were lost with what could not be read is known of a whole series alone.
	one.damaged = one.damaged || one.lost && !whole || one.read < min(one.to, one.Count)-one.from
}

// eachChunked gives the points of stretches that are in chunks, and behind those of each the loose ones that are held.
func (s *source) eachChunked(ctx context.Context, stretches []stretch, counts map[int]int, within stepRange, loose []Columns, give func(i int, c Columns) error) error {
	var ids []int64
	index := make(map[int]int, len(stretches))
	for i := range stretches {
		one := &stretches[i]
		index[one.ID] = i
		for n := one.from / int64(chunkPoints); n < int64(counts[one.ID]) && n*int64(chunkPoints) < one.to; n++ {
			ids = append(ids, store.ChunkID(one.ID, int(n)))
		}
	}
	ids, outside, err := s.within(ctx, ids, within)
	if err != nil {
		return err
	}
	for _, id := range outside {
		one := &stretches[index[store.ChunkSeries(id)]]
		first := store.ChunkNumber(id) * int64(chunkPoints)
		one.read += min(one.to, first+int64(chunkPoints)) - max(one.from, first)
	}
	at := 0 // the stretch whose chunks are read
	err = store.EachChunk(ctx, s.q, ids, func(c store.Chunk) error {
		for ; stretches[at].ID != c.SeriesID; at++ {
			if err := give(at, loose[at]); err != nil {
				return err
			}
		}
		one := &stretches[at]
		p, err := decodeChunk(c.Payload)
		if err != nil {
			one.lost = true
			return s.tolerate(err, one.RunPK, "chunk %d of %q", c.Number, one.Key)
		}
		return give(at, one.cut(p.Columns, int64(c.Number)*int64(chunkPoints)))
	})
	for ; err == nil && at < len(stretches); at++ {
		err = give(at, loose[at])
	}
	return err
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

// inTails gives what of each stretch is in its series' tail, and how many points are in chunks and the tail.
func (s *source) inTails(ctx context.Context, stretches []stretch, counts map[int]int) (out []Columns, folded []int64, err error) {
	out, folded = make([]Columns, len(stretches)), make([]int64, len(stretches))
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
	err = store.EachTail(ctx, s.q, rows, func(id int, payload []byte) error {
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
			stretches[i].lost = true
			if err := s.tolerate(err, stretches[i].RunPK, "tail of %q", key); err != nil {
				return err
			}
		}
		return nil
	})
	return out, folded, err
}

// addBatches calls add for what of some stretches is in batches alone, which begins behind the points that are folded.
func (s *source) addBatches(ctx context.Context, stretches []stretch, folded []int64, add func(i int, c Columns) error) error {
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
		return add(i, one.cut(c, first))
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

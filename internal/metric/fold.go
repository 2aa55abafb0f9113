package metric

import (
	"cmp"
	"slices"

	"github.com/cairnml/cairn/internal/store"
)

// Sizes are variables for tests alone, which make them small to meet every boundary often.
var (
	// chunkPoints is the number of points of a chunk: enough that a row's own cost does not count, few enough that what a
	// chart zooms to is not read in vain.
	chunkPoints = 4096
	// tailPoints is about how many points one row of tails has, and twice as many when it is cut in two: reading one key
	// reads them all.
	tailPoints = 4096
)

// sealedChunk is a chunk to be stored.
type sealedChunk struct {
	piece
	// number counts the series' chunks from 0.
	number int
}

// folded is what became of one range of keys of a run.
type folded struct {
	chunks  []sealedChunk
	rollups map[string]*rollup
	// counts has the number of chunks of the series that have a roll-up.
	counts map[string]int
	// tails are the rows to store in place of the one that was read; each has its keys in order.
	tails [][]piece
}

// seriesState is what is stored of a series besides its tail.
type seriesState struct {
	chunks int
	rollup *rollup // nil: none yet, and all folded points are in the tail
}

// fold adds what came to a range of keys. tail and news are in the order of their keys; the states are of the keys of news.
// Chunks are cut off as soon as they are full; what is left goes to the tails.
func fold(tail, news []piece, states map[string]seriesState) (*folded, error) {
	out := &folded{rollups: map[string]*rollup{}, counts: map[string]int{}}
	merged := make([]piece, 0, len(tail)+len(news))
	for len(tail) > 0 || len(news) > 0 {
		switch order := compareHeads(tail, news); {
		case order < 0:
			merged = append(merged, tail[0])
			tail = tail[1:]
		default:
			p := piece{Columns: Columns{Key: news[0].Key, StepScale: news[0].StepScale}}
			if order == 0 {
				p, tail = tail[0], tail[1:]
			}
			rest, err := out.addTo(p, news[0], states[news[0].Key])
			if err != nil {
				return nil, err
			}
			if rest.Len() > 0 {
				merged = append(merged, rest)
			}
			news = news[1:]
		}
	}
	out.tails = partition(merged)
	return out, nil
}

// compareHeads orders the first pieces of two lists; an empty list comes last.
func compareHeads(a, b []piece) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return cmp.Compare(a[0].Key, b[0].Key)
}

// addTo adds what came to one series, and gives its new tail.
func (f *folded) addTo(tail, news piece, state seriesState) (piece, error) {
	all := tail
	if err := all.follow(news); err != nil {
		return piece{}, err
	}
	switch {
	case state.rollup != nil:
		r := state.rollup.clone()
		if err := r.addColumns(news.Columns); err != nil {
			return piece{}, err
		}
		f.rollups[news.Key] = r
	case all.Len() >= rollupFrom:
		f.rollups[news.Key] = rollUp(&all.Columns, rollupSize)
	}
	number := state.chunks
	for ; all.Len() >= chunkPoints; number++ {
		f.chunks = append(f.chunks, sealedChunk{piece: all.cut(0, chunkPoints), number: number})
		all = all.cut(chunkPoints, all.Len())
	}
	f.counts[news.Key] = number
	return all, nil
}

// partition spreads pieces over rows of tails.
func partition(pieces []piece) [][]piece {
	total := 0
	for i := range pieces {
		total += weight(&pieces[i])
	}
	if total <= 2*tailPoints {
		return [][]piece{pieces}
	}
	var rows [][]piece
	start, points := 0, 0
	for i := range pieces {
		if points > 0 && points+weight(&pieces[i]) > tailPoints {
			rows = append(rows, pieces[start:i])
			start, points = i, 0
		}
		points += weight(&pieces[i])
	}
	return append(rows, pieces[start:])
}

// weight is a piece's share of a row: its points, and its key, which weighs as much as some.
func weight(p *piece) int { return p.Len() + 4 }

// row gives a chunk's row.
func (c *sealedChunk) row(seriesID, runPK int) store.Chunk {
	row, summary := c.head(seriesID, runPK)
	row.Summary = summary.encode(nil)
	unnamed := c.piece
	unnamed.Key = "" // the row's id says it
	row.Payload = encodePack(nil, []piece{unnamed})
	return row
}

// head gives a chunk's row, but for its payload and its summary, which is given beside it.
func (c *sealedChunk) head(seriesID, runPK int) (store.Chunk, *rollup) {
	summary, least, greatest := c.summary()
	return store.Chunk{
		SeriesID: seriesID, Number: c.number, RunPK: runPK, FirstSequence: c.Sequences[0], LastSequence: c.Sequences[c.Len()-1],
		StepScale: c.StepScale, MinStep: least, MaxStep: greatest,
	}, summary
}

// summary gives the bucket that all points of a chunk make, and the range of its steps.
func (c *sealedChunk) summary() (r *rollup, minStep, maxStep int64) {
	r = newRollup(int64(chunkPoints))
	r.scale = c.StepScale
	r.addAll(&c.Columns)
	// Points that came before the first bucket may have made one of their own.
	r.atMost(1)
	return r, slices.Min(c.Steps), slices.Max(c.Steps)
}

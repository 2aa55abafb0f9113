package metric

import (
	"context"
	"fmt"
	"sort"

	"github.com/cairnml/cairn/internal/store"
)

// What a fold of one range of keys reads, and the rows that it writes.

// loadTail reads the points of a row of tails. It is lost when the row is no longer as it was read.
func loadTail(ctx context.Context, q store.Querier, read store.Tail) (tail []piece, err error) {
	if read.ID == 0 {
		return nil, nil
	}
	found := false
	err = store.EachTail(ctx, q, []int{read.ID}, func(_ int, payload []byte) error {
		found = true
		return decodePack(payload, nil, func(p piece) error {
			tail = append(tail, p)
			return nil
		})
	})
	if err == nil && !found {
		err = errLost
	}
	return tail, err
}

// loadStates reads what is stored of some series besides their tails, and their ids.
func loadStates(ctx context.Context, q store.Querier, runPK int, keys []string) (map[string]int, map[string]seriesState, error) {
	ids, long, keyOf := map[string]int{}, []int{}, map[int]string{}
	err := store.EachSeriesHead(ctx, q, []int{runPK}, keys, func(s store.SeriesHead) error {
		ids[s.Key] = s.ID
		if s.Count >= int64(rollupFrom) {
			long, keyOf[s.ID] = append(long, s.ID), s.Key
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	states := map[string]seriesState{}
	err = store.EachRollup(ctx, q, long, func(r store.Rollup) error {
		decoded, err := decodeRollup(r.Payload)
		states[keyOf[r.SeriesID]] = seriesState{chunks: r.Chunks, rollup: decoded}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	// A roll-up that is gone, or wrong, would have the points of the next chunk in the place of others.
	next := make([]int64, len(long))
	for i, id := range long {
		next[i] = store.ChunkID(id, states[keyOf[id]].chunks)
	}
	err = store.EachChunkID(ctx, q, next, func(id int64) error {
		key := keyOf[store.ChunkSeries(id)]
		return fmt.Errorf("%w: %q has more chunks than the %d that its roll-up counts", errCorrupt, key, states[key].chunks)
	})
	return ids, states, err
}

func noSeries(key string) error {
	return fmt.Errorf("%w: %q has points and no series", errCorrupt, key)
}

// rows encodes what was folded.
func (f *folded) rows(read store.Tail, ids map[string]int, upTo int64) ([]store.Chunk, []store.Rollup, []store.Tail, error) {
	chunks := make([]store.Chunk, len(f.chunks))
	for i := range f.chunks {
		c := &f.chunks[i]
		id, ok := ids[c.Key]
		if !ok {
			return nil, nil, nil, noSeries(c.Key)
		}
		chunks[i] = c.row(id, read.RunPK)
	}
	rollups := make([]store.Rollup, 0, len(f.rollups))
	for key, r := range f.rollups {
		id, ok := ids[key]
		if !ok {
			return nil, nil, nil, noSeries(key)
		}
		rollups = append(rollups, store.Rollup{SeriesID: id, Chunks: f.counts[key], Payload: r.encode(nil)})
	}
	sort.Slice(rollups, func(i, j int) bool { return rollups[i].SeriesID < rollups[j].SeriesID })
	tails := make([]store.Tail, len(f.tails))
	for i, pieces := range f.tails {
		tails[i] = store.Tail{RunPK: read.RunPK, Sequence: upTo, Payload: encodePack(nil, pieces)}
		for j := range pieces {
			tails[i].Points += pieces[j].Len()
		}
		if i == 0 {
			tails[i].FirstKey = read.FirstKey
		} else {
			tails[i].FirstKey = pieces[0].Key
		}
	}
	return chunks, rollups, tails, nil
}

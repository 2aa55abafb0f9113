package metric

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/internal/store"
)

// replaceBatches bounds the batches that are in memory at once while points are dropped.
const replaceBatches = 16

// dropPoints removes all stored points of some series of a run: batches that hold others too are written anew without them.
// It costs a read of the run's batches, once in the life of a series that a user takes from an adapter. The transaction
// holds the run's lock.
//
// What is damaged stays as it is, for `cairn db check` to name: nobody reads points from it, and it may have had others than
// those to be dropped. A user's own points are not refused for what was recorded beside them.
func dropPoints(ctx context.Context, tx *store.Tx, runPK int, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	drop := wanted(keys)
	var left faults
	defer func() { tellLeft(ctx, tx, &left) }()
	for after, more := int64(0), true; more; {
		read := 0
		var changed []store.Batch
		err := store.EachBatch(ctx, tx, []int{runPK}, after, func(b store.Batch) error {
			if read++; read > replaceBatches {
				return errEnough
			}
			after = b.Sequence
			found, err := without(&b, drop)
			if errors.Is(err, errCorrupt) {
				left.add(runPK, fmt.Sprintf("batch %d", b.Sequence), err)
				return nil
			}
			if found {
				changed = append(changed, b)
			}
			return err
		})
		if more = errors.Is(err, errEnough); err != nil && !more {
			return fmt.Errorf("look for points of an adapter: %w", err)
		}
		for _, b := range changed {
			if err := store.ReplaceBatch(ctx, tx, b); err != nil {
				return err
			}
		}
	}
	return dropFolded(ctx, tx, runPK, keys)
}

// dropFolded removes what is folded of some series. The rows of tails that they lie in are written anew under other ids, so
// that a fold that read the points before finds out.
func dropFolded(ctx context.Context, tx *store.Tx, runPK int, keys []string) error {
	var ids []int
	err := store.EachSeriesHead(ctx, tx, []int{runPK}, keys, func(h store.SeriesHead) error {
		ids = append(ids, h.ID)
		return nil
	})
	if err != nil {
		return err
	}
	if err := store.DeleteChunks(ctx, tx, ids); err != nil {
		return err
	}
	tails, err := store.TailHeads(ctx, tx, []int{runPK})
	if err != nil {
		return err
	}
	if len(tails) == 0 {
		return store.RenewTail(ctx, tx, store.Tail{RunPK: runPK, Payload: encodePack(nil, nil)})
	}
	drop := wanted(keys)
	var left faults
	defer func() { tellLeft(ctx, tx, &left) }()
	renewed := map[int]bool{}
	for _, key := range keys {
		at := tailOf(tails, key)
		if renewed[at] {
			continue
		}
		renewed[at] = true
		row := tails[at]
		err := store.EachTail(ctx, tx, []int{row.ID}, func(_ int, payload []byte) error {
			err := trim(&row, payload, drop)
			if errors.Is(err, errCorrupt) {
				left.add(runPK, fmt.Sprintf("tail of %q", key), err)
				row.Payload = slices.Clone(payload)
				return nil
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("drop points of an adapter: %w", err)
		}
		if err := store.RenewTail(ctx, tx, row); err != nil {
			return err
		}
	}
	return nil
}

// trim gives a row of tails the payload that it had, without the series that drop names.
func trim(row *store.Tail, payload []byte, drop func(key string) bool) error {
	var kept []piece
	points := 0
	err := decodePack(payload, func(key string) bool { return !drop(key) }, func(p piece) error {
		kept = append(kept, p)
		points += p.Len()
		return nil
	})
	if err != nil {
		return err
	}
	row.Payload, row.Points = encodePack(nil, kept), points
	return nil
}

func tellLeft(ctx context.Context, tx *store.Tx, left *faults) {
	left.tell(ctx, tx, tx.DB().Logger(),
		"metric points of an adapter are damaged, and were not dropped for the user's own: `cairn db check` tells more")
}

// without takes the series that drop names out of a batch; found tells whether it had any of them.
func without(b *store.Batch, drop func(key string) bool) (found bool, err error) {
	err = decodeBatch(b.Payload, drop, func(Columns) error { found = true; return nil })
	if err != nil || !found {
		return false, err
	}
	var kept []Columns
	b.Points = 0
	err = decodeBatch(b.Payload, func(key string) bool { return !drop(key) }, func(c Columns) error {
		kept = append(kept, c)
		b.Points += c.Len()
		return nil
	})
	b.Payload = encodeBatch(nil, kept)
	return err == nil, err
}

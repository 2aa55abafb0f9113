package metric

import (
	"context"
	"errors"
	"fmt"

	"github.com/cairnml/cairn/internal/store"
)

// replaceBatches bounds the batches that are in memory at once while points are dropped.
const replaceBatches = 16

// dropPoints removes all stored points of some series of a run: batches that hold others too are written anew without them.
// It costs a read of the run's batches, once in the life of a series that a user takes from an adapter. The transaction
// holds the run's lock.
func dropPoints(ctx context.Context, tx *store.Tx, runPK int, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	drop := wanted(keys)
	for after, more := int64(0), true; more; {
		read := 0
		var changed []store.Batch
		err := store.EachBatch(ctx, tx, []int{runPK}, after, func(b store.Batch) error {
			if read++; read > replaceBatches {
				return errEnough
			}
			after = b.Sequence
			found, err := without(&b, drop)
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
	return nil
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

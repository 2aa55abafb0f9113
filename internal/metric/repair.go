package metric

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/internal/store"
)

// repairRounds bounds how often a run is examined while it is repaired: what is wrong with tails is put right first, since it
// decides what the rest is held against.
const repairRounds = 5

// Repairable is the number of runs in which a check found something that can be put right, at whatever price.
func (r *Report) Repairable() int { return len(r.repairable) }

// Repair puts right what a check found, run by run, each in a transaction that holds its lock: others may write meanwhile,
// but on SQLite nobody else has the database. What is derived is computed anew; with lossy also where some points cannot be
// read. progress, if any, is called after each run.
func (r *Report) Repair(ctx context.Context, db *store.DB, lossy bool, progress func(runs int)) error {
	err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return store.DeleteRollups(ctx, tx, r.strays) })
	if err != nil {
		return fmt.Errorf("remove roll-ups of no series: %w", err)
	}
	for i, run := range r.repairable {
		err := db.WriteFor(ctx, run.RunID, func(ctx context.Context, tx *store.Tx) error {
			found, err := tx.Scan(ctx, "SELECT id FROM runs WHERE id = ? AND NOT purging"+tx.LockRow(), []any{run.PK}, new(int))
			if err != nil || !found {
				return err
			}
			return repairRun(ctx, tx, run, lossy)
		})
		if err != nil {
			return fmt.Errorf("repair run %s: %w", run.RunID, err)
		}
		if progress != nil {
			progress(i + 1)
		}
	}
	return nil
}

// repairRun repairs until nothing is left to do.
func repairRun(ctx context.Context, tx *store.Tx, run store.CheckedRun, lossy bool) error {
	for range repairRounds {
		e, err := examine(ctx, tx, []store.CheckedRun{run}, func(int) {})
		if err != nil {
			return err
		}
		found := &e.runs[0].fixes
		steps := []*fixes{found}
		if lossy {
			steps = append(steps, found.lossy)
		}
		steps = slices.DeleteFunc(steps, func(f *fixes) bool { return f.empty() })
		if len(steps) == 0 {
			return nil
		}
		for _, f := range steps {
			if err := f.apply(ctx, tx); err != nil {
				return err
			}
		}
		if err := renewTails(ctx, tx, e.runs[0].tails, found.tails); err != nil {
			return err
		}
		// A sequence that no batch has: servers forget what they knew of the run's series.
		if err := store.RaiseSequence(ctx, tx, run.PK, max(e.runs[0].head, e.runs[0].newest)+1); err != nil {
			return err
		}
		tx.RunChanged(run.RunID, run.ExperimentID)
	}
	return fmt.Errorf("it is still not right after %d tries, and was left as it was", repairRounds)
}

func (f *fixes) empty() bool {
	return len(f.series)+len(f.noSeries)+len(f.rollups)+len(f.noRollups)+len(f.heads)+len(f.tails)+len(f.batchPoints) == 0 && !f.sequence
}

// apply stores all but tails and the run's sequence.
func (f *fixes) apply(ctx context.Context, tx *store.Tx) error {
	for i := range f.series {
		if err := store.PutSeries(ctx, tx, &f.series[i]); err != nil {
			return err
		}
	}
	if err := store.DeleteSeries(ctx, tx, f.noSeries); err != nil {
		return err
	}
	if err := store.DeleteRollups(ctx, tx, slices.Concat(f.noSeries, f.noRollups)); err != nil {
		return err
	}
	if err := store.UpsertRollups(ctx, tx, f.rollups); err != nil {
		return err
	}
	for i := range f.heads {
		if err := store.UpdateChunkHead(ctx, tx, &f.heads[i]); err != nil {
			return err
		}
	}
	for i := range f.batchPoints {
		if err := store.UpdateBatchPoints(ctx, tx, &f.batchPoints[i]); err != nil {
			return err
		}
	}
	return nil
}

// renewTails gives all rows of tails of a run other ids, so that a fold that read them, or what belongs to them, before the
// repair finds out. Some get other heads.
func renewTails(ctx context.Context, tx *store.Tx, tails, changed []store.Tail) error {
	for _, row := range tails {
		for _, c := range changed {
			if c.ID == row.ID {
				row.Sequence, row.Points = c.Sequence, c.Points
			}
		}
		err := store.EachTail(ctx, tx, []int{row.ID}, func(_ int, payload []byte) error {
			row.Payload = bytes.Clone(payload)
			return nil
		})
		if err != nil {
			return err
		}
		if err := store.RenewTail(ctx, tx, row); err != nil {
			return err
		}
	}
	return nil
}

package metric

import (
	"context"
	"errors"
	"log/slog"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/store"
)

// ShrinkForTests makes all sizes small.
func ShrinkForTests() {
	chunkPoints, tailPoints = 16, 24
	rollupBuckets, rollupSize, rollupFrom = 8, 2, 6
	slicePoints, deletedAtOnce = 60, 3
	holdPoints, exportPoints = 8, 7
}

// CompactUntil folds all batches, but ends before the transaction at which stop fails, as if it were killed there and its
// leases had run out.
func CompactUntil(ctx context.Context, db *store.DB, stop func() error) error {
	c := newCompactor(db, slog.New(slog.DiscardHandler))
	c.beforeWrite = stop
	defer c.release()
	c.all = true
	return c.pass(ctx, nil)
}

// CheckRun checks one run, and gives the faults and how to repair them.
func CheckRun(ctx context.Context, q *store.Reader, run *ent.Run) (*Report, error) {
	report := &Report{}
	e, err := examineSnapshot(ctx, q, []store.CheckedRun{{PK: run.ID, ExperimentID: run.ExperimentID, RunID: run.RunID}}, func(int) {})
	if err == nil {
		report.take(e)
	}
	return report, err
}

// StoredSteps gives the steps of a series' stored points within a range, as an append finds them; at most some.
func StoredSteps(ctx context.Context, q store.Querier, log *slog.Logger, row *store.SeriesRow, from, to int64, most int) ([]int64, error) {
	var steps []int64
	err := storedPoints(ctx, q, log, row, from, to, func(id pointID) error {
		if len(steps) == most {
			return errEnough
		}
		steps = append(steps, id.step)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return steps, err
}

// Remembered counts the series that an appender remembers.
func (a *Appender) Remembered() (series int) {
	for _, r := range a.runs.Values() {
		series += len(r.series)
	}
	return series
}

// LogTo has the reader tell another logger of damage.
func (r *Reader) LogTo(log *slog.Logger) { r.log = log }

// HoldAtOnce has the reader hold so many points outside of chunks together, and gives the most that it held.
func (r *Reader) HoldAtOnce(points int) (most func() int) {
	held := 0
	r.atOnce = points
	r.held = func(points int) { held = max(held, points) }
	return func() int { return held }
}

// HeldSince gives how many points of a run were held together for the first of them that are enough.
func HeldSince(ctx context.Context, r *Reader, run *ent.Run, enough int) (held int, err error) {
	f := follower{limit: enough, series: map[string]*piece{}, late: map[string]*piece{}}
	err = r.db.Read().Snapshot(ctx, func(q store.Querier) error { return f.read(ctx, q, r, run.ID) })
	return f.points, err
}

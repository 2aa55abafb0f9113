package metric

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cairnml/cairn/internal/store"
)

// Fault is something that is damaged, or does not agree with the points.
type Fault struct {
	Run string `json:"run,omitempty"`
	Key string `json:"key,omitempty"`
	// Chunk is the number of the chunk of the series, from 0.
	Chunk   *int   `json:"chunk,omitempty"`
	Message string `json:"message"`
	// Repair says whether, and at which price, it can be put right.
	Repair Repair `json:"repair"`
}

// Repair says what is needed to put a fault right.
type Repair string

// What is derived is computed anew from the points: from all of them, or, where some cannot be read, from the others, which
// loses what it knew of those. Points themselves are never made up.
const (
	RepairNone    Repair = "none"
	RepairDerived Repair = "derived"
	RepairLossy   Repair = "lossy"
)

func (f *Fault) String() string {
	where := ""
	switch {
	case f.Chunk != nil:
		where = fmt.Sprintf("run %s, metric %q, chunk %d: ", f.Run, f.Key, *f.Chunk)
	case f.Key != "":
		where = fmt.Sprintf("run %s, metric %q: ", f.Run, f.Key)
	case f.Run != "":
		where = fmt.Sprintf("run %s: ", f.Run)
	}
	return where + f.Message
}

// Checked counts what was read.
type Checked struct {
	Runs   int   `json:"runs"`
	Series int64 `json:"series"`
	Points int64 `json:"points"`
}

// MaxFaults bounds the faults that a report names.
const MaxFaults = 1000

// Report is what a check found.
type Report struct {
	Checked
	Faults []Fault
	// More is how many faults there are beyond MaxFaults.
	More int
	// repairable are the runs that have something to put right, at whatever price; strays roll-ups of no series.
	repairable []store.CheckedRun
	strays     []int
}

// Count is the number of faults.
func (r *Report) Count() int { return len(r.Faults) + r.More }

func (r *Report) add(faults ...Fault) {
	n := min(len(faults), MaxFaults-len(r.Faults))
	r.Faults = append(r.Faults, faults[:n]...)
	r.More += len(faults) - n
}

const (
	// checkWorkers bounds how many units are checked at once, and unitRuns and unitSeries what a unit has: some small runs share
	// what is asked of the database.
	checkWorkers = 4
	unitRuns     = 64
	unitSeries   = 2048
	// checkTells is the least time between two reports of progress.
	checkTells = 200 * time.Millisecond
)

// Check reads all points of a database and holds what is derived against them: series' rows, roll-ups, the heads of chunks and
// of tails. It reads run by run, each in a snapshot, so that others may write meanwhile, and never holds more than a few
// thousand points of each of its workers. progress, if any, is called now and then, from one goroutine at a time.
func Check(ctx context.Context, q *store.Reader, progress func(Checked)) (*Report, error) {
	report := &Report{}
	if err := checkStrays(ctx, q, report); err != nil {
		return nil, err
	}
	meter := &checkMeter{tell: progress}
	var mu sync.Mutex
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(checkWorkers)
	err := eachUnit(ctx, q, func(runs []store.CheckedRun) {
		workers.Go(func() error {
			e, err := examineSnapshot(ctx, q, runs, meter.points)
			if err != nil {
				return err
			}
			meter.runs(runs)
			mu.Lock()
			defer mu.Unlock()
			report.take(e)
			return nil
		})
	})
	if failed := workers.Wait(); failed != nil { // it ended the listing too
		err = failed
	}
	report.Checked = meter.Checked
	return report, err
}

// checkMeter counts what is read, and tells of it a few times a second.
type checkMeter struct {
	mu sync.Mutex
	Checked
	told time.Time
	tell func(Checked)
}

func (m *checkMeter) points(n int) { m.count(Checked{Points: int64(n)}) }

func (m *checkMeter) runs(runs []store.CheckedRun) {
	more := Checked{Runs: len(runs)}
	for _, r := range runs {
		more.Series += int64(r.Series)
	}
	m.count(more)
}

func (m *checkMeter) count(more Checked) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Runs, m.Series, m.Points = m.Runs+more.Runs, m.Series+more.Series, m.Points+more.Points
	if now := time.Now(); m.tell != nil && now.Sub(m.told) > checkTells {
		m.told = now
		m.tell(m.Checked)
	}
}

// eachUnit calls fn for all runs, some at a time.
func eachUnit(ctx context.Context, q store.Querier, fn func([]store.CheckedRun)) error {
	for after := 0; ; {
		page, err := store.RunsToCheck(ctx, q, after, runsAtOnce)
		if err != nil {
			return err
		}
		start, series := 0, 0
		for i, r := range page {
			after = r.PK
			if i > start && (i-start == unitRuns || series+r.Series > unitSeries) {
				fn(page[start:i])
				start, series = i, 0
			}
			series += r.Series
		}
		if start < len(page) {
			fn(page[start:])
		}
		if len(page) < runsAtOnce || ctx.Err() != nil {
			return ctx.Err() //nolint:wrapcheck // the caller's own
		}
	}
}

func examineSnapshot(ctx context.Context, q *store.Reader, runs []store.CheckedRun, read func(points int)) (e *examination, err error) {
	err = q.Snapshot(ctx, func(q store.Querier) error {
		e, err = examine(ctx, q, runs, read)
		return err
	})
	return e, err
}

func (r *Report) take(e *examination) {
	for _, run := range e.runs {
		if run.repairable {
			r.repairable = append(r.repairable, run.CheckedRun)
		}
	}
	r.add(e.faults...)
}

// checkStrays looks for what no run and no series leads to.
func checkStrays(ctx context.Context, q *store.Reader, report *Report) error {
	err := q.Snapshot(ctx, func(q store.Querier) error {
		chunks, err := store.StrayChunks(ctx, q, MaxFaults)
		if err != nil {
			return err
		}
		for _, c := range chunks {
			report.add(Fault{Message: fmt.Sprintf("chunk %d of series %d, steps %s to %s: the series is not there, and with it its key", c.Number,
				c.SeriesID, Step{Units: c.MinStep, Scale: c.StepScale}, Step{Units: c.MaxStep, Scale: c.StepScale}), Repair: RepairNone})
		}
		if report.strays, err = store.StrayRollups(ctx, q, MaxFaults); err != nil {
			return err
		}
		for _, id := range report.strays {
			report.add(Fault{Message: fmt.Sprintf("roll-up of series %d, which is not there", id), Repair: RepairDerived})
		}
		tails, err := store.StrayTails(ctx, q, MaxFaults)
		if err != nil {
			return err
		}
		for _, run := range tails {
			report.add(Fault{Message: fmt.Sprintf("tails of run number %d, which is not there", run), Repair: RepairNone})
		}
		batches, err := store.StrayBatches(ctx, q, MaxFaults)
		for _, run := range batches {
			report.add(Fault{Message: fmt.Sprintf("batches of run number %d, which is not there", run), Repair: RepairNone})
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("look for what belongs to nothing: %w", err)
	}
	return nil
}

//go:build linux

package main

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"github.com/cairnml/cairn/bench/curves"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/tracking"
)

const (
	// writerHold is for how long background work may keep a writer waiting, in milliseconds.
	writerHold = 50
	// besideTime bounds how long all of a profile's points take to be folded, or removed.
	besideTime = 20 * time.Minute
	workPoll   = 100 * time.Millisecond
)

// The runs whose points wait to be folded.
const (
	besideLong       = 4_000_000 // points of one series, 10,000 a batch
	besideBatchRuns  = 8         // of 10 keys, 100 steps of each a batch
	besideBatchSteps = 50_000
	besideStepKeys   = 1500 // of one run, a step of all of them a batch
	besideSteps      = 2000
	besideWide       = 100_000 // series of one run, of three points each
)

var besideProfile = section{
	name: "beside", title: "Profile beside: one who writes while the compactor folds, and while the collector removes", sized: true, disk: 4e9, everywhere: true,
	about: "Seeded through the bulk path, and not compacted: a series of 4 M points, 10,000 a batch; 8 runs of 10 keys × 50,000\n" +
		"steps, 1,000 points a batch; a run of 1,500 keys × 2,000 steps, a step of all keys a batch; a run of 100,000 series of 3\n" +
		"points. A server folds them all, and later removes them all for good, while one connection logs a metric of another run,\n" +
		"one call after the other. How long a transaction of the compactor or the collector has the writer to itself, its commit\n" +
		"included, the server measures and logs; what that costs others, the connection sees. The slowest call may be slow for\n" +
		"other reasons too: so it stands beside the slowest when the server has nothing else to do.",
	run: func(ctx context.Context, b *bench) error {
		done, err := b.seed(ctx, "points", func(s seeded) int { return s.Points })
		if err != nil {
			return err
		}
		b.take.Scale = fmt.Sprintf("%s points of %s series", thousands(int64(done.Points)), thousands(int64(done.Series)))
		s, err := cairnOn(b.cairn, b.database.url(), "--log-level", "debug").start(ctx, filepath.Join(b.database.directory, "server"))
		if err != nil {
			return err
		}
		defer stopAll([]*server{s})
		l, err := openWorkLog(s.log)
		if err != nil {
			return err
		}
		defer l.close()
		writer, err := newBesideWriter(s)
		if err != nil {
			return err
		}
		began := time.Now()
		err = b.beside(ctx, s, writer, l, foldedLine, "compactor", func(ctx context.Context) ([]work, error) {
			return awaitFolded(ctx, l, done.Runs)
		})
		if err != nil {
			return err
		}
		b.figure("folded: points a second", float64(done.Points)/time.Since(began).Seconds(), "", "")
		ids, err := someRunIDs(s.addr, seedExperiment, done.Runs)
		if err != nil {
			return err
		}
		if err := deleteRuns(s.addr, ids); err != nil {
			return err
		}
		began = time.Now()
		err = b.beside(ctx, s, writer, l, collectedLine, "collector", func(context.Context) ([]work, error) {
			return nil, collectRuns(s.addr, len(ids))
		})
		if err != nil {
			return err
		}
		b.figure("removed: points a second", float64(done.Points)/time.Since(began).Seconds(), "", "")
		alone, err := drive(ctx, s.addr, b.roots(s), load{requests: []request{writer}, duration: time.Duration(b.rounds) * b.duration})
		if err != nil {
			return err
		}
		b.figure("log-metric with nothing beside it, p99", alone.percentile(99), "ms", "")
		b.figure("log-metric with nothing beside it, slowest", alone.percentile(100), "ms", "")
		return b.memory(s)
	},
}

// newBesideWriter makes a run, and gives what logs a metric of it.
func newBesideWriter(s *server) (request, error) {
	c, err := dial(s.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	id, err := createRun(c, "0", "beside", started, nil)
	body, sent := logMetric(id), 0
	return posts(api+"runs/log-metric", func(int) []byte { sent++; return body(sent) }, nil), err
}

// beside has one connection write until fn has ended, and notes how long who did the work had the writer, and what the
// connection saw. What fn has not read of the log yet, of the kind of work, is read behind it.
func (b *bench) beside(ctx context.Context, s *server, writer request, l *workLog, kind, who string, fn func(context.Context) ([]work, error)) error {
	ctx, cancel := context.WithTimeout(ctx, besideTime)
	defer cancel()
	writing, stop := context.WithCancel(ctx)
	defer stop()
	type written struct {
		sample
		err error
	}
	wrote := make(chan written, 1)
	go func() {
		got, err := drive(writing, s.addr, b.roots(s), load{requests: []request{writer}, duration: besideTime})
		if err != nil {
			cancel() // fn has nothing to measure any more
		}
		wrote <- written{got, err}
	}()
	said, err := fn(ctx)
	stop()
	got := <-wrote
	if got.err != nil {
		return fmt.Errorf("write beside the %s: %w", who, got.err)
	}
	if err != nil {
		return err
	}
	rest, err := l.news(kind)
	if err != nil {
		return err
	}
	var held time.Duration
	for _, w := range append(said, rest...) {
		held = max(held, w.held)
	}
	if held == 0 {
		return fmt.Errorf("the log of the server says nothing of the %s", who)
	}
	b.figure("the "+who+" had the writer, at most", milliseconds(held), "ms", "")
	b.figure("log-metric beside the "+who+", calls a second", got.perSecond(), "", "")
	b.figure("log-metric beside the "+who+", p99", got.percentile(99), "ms", "")
	b.figure("log-metric beside the "+who+", slowest", got.percentile(100), "ms", "")
	b.judgeAnySize(atMost("the "+who+" had the writer, at most", milliseconds(held), writerHold, " ms").onFastMachines())
	return nil
}

// awaitFolded waits until so many runs were folded.
func awaitFolded(ctx context.Context, l *workLog, runs int) (said []work, err error) {
	ticker := time.NewTicker(workPoll)
	defer ticker.Stop()
	for folded := 0; folded < runs; {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d runs were folded: %w", folded, runs, ctx.Err())
		case <-ticker.C:
		}
		news, err := l.news(foldedLine)
		if err != nil {
			return nil, err
		}
		for _, w := range news {
			folded += w.runs
		}
		said = append(said, news...)
	}
	return said, nil
}

// deleteRuns deletes runs as a user does.
func deleteRuns(addr string, ids []string) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	for _, id := range ids {
		if err := call(c, "runs/delete", map[string]any{"run_id": id}, nil); err != nil {
			return err
		}
	}
	return nil
}

// collectRuns removes what was deleted for good, and checks that those were so many runs.
func collectRuns(addr string, runs int) error {
	removed := 0
	for more := true; more; {
		var answer struct {
			CollectGarbage struct {
				Runs int  `json:"runs"`
				More bool `json:"more"`
			} `json:"collectGarbage"`
		}
		err := ask(addr, `mutation Collect($before: Time!) { collectGarbage(deletedBefore: $before) { runs more } }`,
			map[string]any{"before": time.Now().Add(time.Minute).UnixMilli()}, &answer)
		if err != nil {
			return err
		}
		removed, more = removed+answer.CollectGarbage.Runs, answer.CollectGarbage.More
	}
	if removed != runs {
		return fmt.Errorf("%d of %d deleted runs were removed", removed, runs)
	}
	return nil
}

// seedBeside makes runs of several shapes, whose batches are not folded.
func seedBeside(ctx context.Context, l *tracking.Loader, s size) (seeded, error) {
	experiment, err := seedExperimentOf(ctx, l, "beside")
	if err != nil {
		return seeded{}, err
	}
	var out seeded
	next := runIDs(5)
	add := func(keys []string, steps, keysAtOnce, stepsAtOnce int) error {
		r := finishedRun(experiment, next(), out.Runs)
		r.Metrics = curveRows(uint64(out.Runs), keys, steps, keysAtOnce, stepsAtOnce)
		if out.RunID, err = l.Run(ctx, r); err != nil {
			return err
		}
		out.Runs++
		out.Series += len(keys)
		out.Points += len(keys) * steps
		return nil
	}
	if err := add([]string{"loss"}, s.of(besideLong), 1, 10_000); err != nil {
		return seeded{}, err
	}
	for range besideBatchRuns {
		if err := add(keysOf("metric_", 10), s.of(besideBatchSteps), 10, 100); err != nil {
			return seeded{}, err
		}
	}
	if err := add(keysOf("layer/weight_", besideStepKeys), s.of(besideSteps), besideStepKeys, 1); err != nil {
		return seeded{}, err
	}
	return out, add(keysOf("layer/weight_", s.of(besideWide)), 3, 1000, 3)
}

// curveRows gives the points of curves in batches of some keys and some steps of each.
func curveRows(run uint64, keys []string, steps, keysAtOnce, stepsAtOnce int) iter.Seq2[[]metric.Columns, error] {
	return func(yield func([]metric.Columns, error) bool) {
		all := make([]*curves.Curve, len(keys))
		for i := range all {
			all[i] = curves.New(curveSeed, run, uint64(i))
		}
		for left := steps; left > 0; left -= stepsAtOnce {
			for from := 0; from < len(keys); from += keysAtOnce {
				columns := newColumns(keys[from:min(from+keysAtOnce, len(keys))], min(stepsAtOnce, left))
				for i := range columns {
					c := &columns[i]
					all[from+i].Fill(c.Steps, c.Times, c.Values)
				}
				if !yield(columns, nil) {
					return
				}
			}
		}
	}
}

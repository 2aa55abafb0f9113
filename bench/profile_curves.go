//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cairnml/cairn/bench/curves"
)

const (
	curveRuns  = 1000
	curveSteps = 10_000
	// curveFlush is how many points of a run come in a request.
	curveFlush       = 1000
	curveConnections = 4
)

// diskBounds are the bytes that a point may take, by database.
var diskBounds = map[string]float64{onSQLite: 12, onPostgres: 14}

var curvesProfile = section{
	name: "curves", title: "Profile curves: 1,000 runs × 10,000 steps, disk and charts", sized: true, disk: 4e9,
	about: "Curves of `bench/curves`: a decay with noise that fills the mantissa, timestamps in milliseconds with a jitter. They are\n" +
		"logged through the server, 1,000 points of a run in a GraphQL call, the runs in turns, as trainings log them. The chart is\n" +
		"of one key of all runs, 300 buckets each. Disk is that of the whole database with its indexes.",
	run: func(ctx context.Context, b *bench) error {
		runs := b.size.of(curveRuns)
		points := runs * curveSteps
		b.take.Scale = fmt.Sprintf("%s runs × %s steps", thousands(int64(runs)), thousands(curveSteps))
		if _, err := output(ctx, b.cairn, "db", "migrate", "--database", b.database.url()); err != nil {
			return err
		}
		empty, err := b.database.measureFootprint(ctx, true)
		if err != nil {
			return err
		}
		s, err := b.serve(ctx)
		if err != nil {
			return err
		}
		defer func() { stopAll([]*server{s}) }()
		ids, err := b.logCurves(ctx, s, runs)
		if err != nil {
			return err
		}
		if err := s.stop(); err != nil {
			return err
		}
		if err := b.compact(ctx, points); err != nil {
			return err
		}
		if s, err = b.serve(ctx); err != nil {
			return err
		}
		chart := map[string]any{"runs": ids, "keys": []string{"loss"}, "maxPoints": 300}
		if err := checkSeries(s.addr, chartQuery, chart, runs, curveSteps, 300); err != nil {
			b.failed("chart of all runs, 300 buckets each", 100, err)
		} else {
			b.latency(ctx, s, "chart of all runs, 300 buckets each", []request{asks(chartQuery, chart, nil)}, 100)
		}
		if err := b.memory(s); err != nil {
			return err
		}
		if err := s.stop(); err != nil {
			return err
		}
		disk, err := b.database.measureFootprint(ctx, true)
		if err != nil {
			return err
		}
		perPoint := func(bytes int64) float64 { return float64(bytes) / float64(points) }
		b.figure("disk for a point, checkpointed", perPoint(disk.settled), "bytes", "")
		b.figure("disk for a point, vacuumed", perPoint(disk.packed), "bytes", "")
		b.figure("disk for a point, vacuumed, beyond the empty database", perPoint(disk.packed-empty.packed), "bytes", perUnit)
		bound := diskBounds[b.database.kind]
		b.judgeAnySize(atMost("disk for a point, vacuumed, beyond the empty database", perPoint(disk.packed-empty.packed), bound, " bytes"))
		b.judgeEverywhere(atMost("disk for a point, vacuumed", perPoint(disk.packed), bound, " bytes"))
		return nil
	},
}

// logCurves logs the curves of some runs, and gives the ids of the runs.
func (b *bench) logCurves(ctx context.Context, s *server, runs int) ([]string, error) {
	c, err := dial(s.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	ids := make([]string, runs)
	for i := range ids {
		if ids[i], err = createRun(c, "0", fmt.Sprintf("curve-%04d", i), started+int64(i), nil); err != nil {
			return nil, err
		}
	}
	before, err := cpuOfAll(b.roots(s))
	if err != nil {
		return nil, err
	}
	began := time.Now()
	failures := make([]error, curveConnections)
	var group sync.WaitGroup
	for w := range failures {
		group.Go(func() { failures[w] = logCurvesOf(ctx, s.addr, ids, w) })
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	elapsed := time.Since(began)
	after, err := cpuOfAll(b.roots(s))
	if err != nil {
		return nil, err
	}
	points := float64(runs * curveSteps)
	b.figure("logged: points a second", points/elapsed.Seconds(), "", "")
	b.figure("logged: CPU for a million points", (after-before).Seconds()/points*1e6, "s", perUnit)
	return ids, nil
}

// logCurvesOf logs the curves of every curveConnections'th run from the one numbered first, a flush of each in turn.
func logCurvesOf(ctx context.Context, addr string, ids []string, first int) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	all := make([]*curves.Curve, len(ids))
	for i := first; i < len(ids); i += curveConnections {
		all[i] = curves.New(curveSeed, uint64(i), 0)
	}
	steps, times, values := make([]int64, curveFlush), make([]int64, curveFlush), make([]float64, curveFlush)
	for range curveSteps / curveFlush {
		for i := first; i < len(ids); i += curveConnections {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			all[i].Fill(steps, times, values)
			body, err := json.Marshal(map[string]any{"query": logColumns, "variables": map[string]any{"input": map[string]any{
				"runId":   ids[i],
				"columns": []any{map[string]any{"key": "loss", "steps": pack(steps), "times": pack(times), "values": pack(values)}},
			}}})
			if err != nil {
				return err
			}
			if err := posts("/graphql", always(body), stored)(c, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

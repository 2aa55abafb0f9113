//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cairnml/cairn/bench/curves"
)

// writeTime is how long the profiles of writing write, at their largest.
const writeTime = 48 * time.Second

var stepProfile = section{
	name: "step", title: "Profile step: 16 runs × 20 keys, as fast as it goes", sized: true, disk: 4e9,
	about: "16 connections, each on a run of its own, log a step of 20 keys a call over MLflow's REST API, one call after the\n" +
		"other, for 48 s at size 1.",
	run: func(ctx context.Context, b *bench) error {
		return b.write(ctx, workload{name: "step of 20 keys", connections: 16, path: api + "runs/log-batch", points: 20, newBody: curveBatches(20, 1, 512)})
	},
}

var batchProfile = section{
	name: "batch", title: "Profile batch: 1,000 points a call", sized: true, disk: 10e9,
	about: "8 connections, each on a run of its own, log 100 steps of 10 keys a call over MLflow's REST API, one call after the\n" +
		"other, for 48 s at size 1.",
	run: func(ctx context.Context, b *bench) error {
		return b.write(ctx, workload{name: "log-batch of 1,000 points", connections: 8, path: api + "runs/log-batch", points: 1000, newBody: curveBatches(10, 100, 64)})
	},
}

// write measures a profile that writes as fast as it goes.
func (b *bench) write(ctx context.Context, w workload) error {
	duration := time.Duration(float64(writeTime) * b.size.share)
	b.take.Scale = fmt.Sprintf("%.3g s", duration.Seconds())
	s, err := b.serve(ctx)
	if err != nil {
		return err
	}
	defer stopAll([]*server{s})
	got, err := w.measure(ctx, s, duration, b.database.pids()...)
	if err != nil {
		return err
	}
	// The first call of each connection is not counted among the operations, and is stored.
	points := (got.operations + w.connections) * w.points
	b.figure("calls a second", got.perSecond(), "", "")
	b.figure("points a second", got.perSecond()*float64(w.points), "", "")
	b.figure("p50", got.percentile(50), "ms", "")
	b.figure("p99", got.percentile(99), "ms", "")
	b.figure("CPU for 1,000 calls", got.cpuPerThousand()*1000, "ms", perUnit)
	if err := errors.Join(b.memory(s), s.stop()); err != nil {
		return err
	}
	if err := b.compact(ctx, points); err != nil {
		return err
	}
	return b.disk(ctx, points, true)
}

// finish notes what a profile that was read and has so many points leaves behind.
func (b *bench) finish(ctx context.Context, s *server, points int) error {
	if err := errors.Join(b.memory(s), s.stop()); err != nil {
		return err
	}
	return b.disk(ctx, points, false)
}

// disk notes what so many points take on the disk, as the database stands and, if it is packed, with its free pages given back.
func (b *bench) disk(ctx context.Context, points int, pack bool) error {
	found, err := b.database.measureFootprint(ctx, pack)
	if err != nil {
		return err
	}
	b.figure("disk", float64(found.settled)/1e9, "GB", total)
	b.figure("disk for a point", float64(found.settled)/float64(points), "bytes", perUnit)
	if pack {
		b.figure("disk for a point, vacuumed", float64(found.packed)/float64(points), "bytes", "")
	}
	return nil
}

// curveBatches returns the bodies of log-batch requests as batches does, with the values and times of curves: so many
// requests' worth, which then come again at later times. A chunk that is compressed holds none of them twice.
func curveBatches(keys, steps, variants int) func(string) func(int) []byte {
	return func(runID string) func(int) []byte {
		type point struct {
			at   int // of its time and step in the body
			time int64
		}
		bodies, points := make([][]byte, variants), make([][]point, variants)
		all := make([]*curves.Curve, keys)
		for key := range all {
			all[key] = curves.New(curveSeed, 0, uint64(key))
		}
		var span int64
		for v := range bodies {
			body := fmt.Appendf(nil, `{"run_id":"%s","metrics":[`, runID)
			for step := range steps {
				for key := range keys {
					if step+key > 0 {
						body = append(body, ',')
					}
					_, time, value := all[key].Next()
					span = max(span, time-started)
					body = fmt.Appendf(body, `{"key":"metric_%02d","value":%v,"timestamp":`, key, value)
					points[v] = append(points[v], point{len(body), time})
					body = append(body, `1700000000000,"step":1000000}`...)
				}
			}
			bodies[v] = append(body, `],"params":[],"tags":[]}`...)
		}
		return func(n int) []byte {
			body, later := bodies[n%variants], int64(n/variants)*(span+1)
			for i, p := range points[n%variants] {
				overwrite(body[p.at:p.at+13], int(p.time+later))
				overwrite(body[p.at+21:p.at+28], 1_000_000+n*steps+i/keys)
			}
			return body
		}
	}
}

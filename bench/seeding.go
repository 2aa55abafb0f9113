//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"os"

	"github.com/cairnml/cairn/bench/curves"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// seedCommand begins the arguments of a process that fills a database for a profile.
const seedCommand = "seed-profile"

// compactCommand begins the arguments of a process that compacts a database.
const compactCommand = "compact-database"

// curveSeed is that of all curves.
const curveSeed = 7

// seeds are how profiles of runs fill an empty database.
var seeds = map[string]func(ctx context.Context, l *tracking.Loader, s size) (seeded, error){
	"wide": seedWide, "long": seedLong, "beside": seedBeside, "fleet": seedFleet, "million": seedMillion,
}

// seedDatabase fills a database as a profile's name, its size and the database's URL say.
func seedDatabase(ctx context.Context, args []string) (done seeded, err error) {
	if len(args) != 3 || seeds[args[0]] == nil && args[0] != registryProfile.name {
		return seeded{}, fmt.Errorf("%s needs a profile's name, a size and a database", seedCommand)
	}
	at, err := parseSize(args[1])
	if err != nil {
		return seeded{}, err
	}
	if args[0] == registryProfile.name {
		return seedRegistry(ctx, args[2], at)
	}
	l, err := tracking.OpenLoader(ctx, store.Config{URL: args[2]})
	if err != nil {
		return seeded{}, err
	}
	defer func() { err = errors.Join(err, l.Close(context.WithoutCancel(ctx))) }()
	if done, err = seeds[args[0]](ctx, l, at); err != nil {
		return seeded{}, err
	}
	return done, l.Finish(ctx)
}

// compactDatabase folds all batches of a database into chunks.
func compactDatabase(ctx context.Context, args []string) (err error) {
	if len(args) != 1 {
		return fmt.Errorf("%s needs a database", compactCommand)
	}
	db, err := store.Open(ctx, store.Config{URL: args[0]})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return metric.CompactAll(ctx, db, slog.New(slog.NewTextHandler(os.Stderr, nil)), nil)
}

// runIDs gives run ids in an order that is the same each time.
func runIDs(seed uint64) func() string {
	random := rand.New(rand.NewPCG(curveSeed, seed))
	return func() string { return fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64()) }
}

// finishedRun is a run that has ended.
func finishedRun(experiment int, id string, n int) tracking.LoadRun {
	end := int64(started + n + 60_000)
	return tracking.LoadRun{
		RunID: id, ExperimentID: experiment, Name: fmt.Sprintf("run-%07d", n), UserID: "bench", Status: run.StatusFINISHED,
		StartTime: int64(started + n), EndTime: &end,
	}
}

// once is points that come in one batch.
func once(columns []metric.Columns) iter.Seq2[[]metric.Columns, error] {
	return func(yield func([]metric.Columns, error) bool) { yield(columns, nil) }
}

// newColumns are columns of some keys, of so many points each, to be filled again and again.
func newColumns(keys []string, points int) []metric.Columns {
	out := make([]metric.Columns, len(keys))
	for i, key := range keys {
		out[i] = metric.Columns{
			Key: key, Steps: make([]int64, points), Times: make([]int64, points), Values: make([]float64, points),
		}
	}
	return out
}

func keysOf(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%06d", prefix, i)
	}
	return out
}

func seedExperimentOf(ctx context.Context, l *tracking.Loader, name string) (int, error) {
	e, err := l.CreateExperiment(ctx, tracking.CreateExperiment{Name: name})
	if err != nil {
		return 0, err
	}
	return e.ID, nil
}

const (
	wideSeries = 100_000
	widePoints = 3
	wideParams = 60
	wideTags   = 15
)

// seedWide makes one run with many series of a few points, and with what the page of a large model's run shows beside.
func seedWide(ctx context.Context, l *tracking.Loader, s size) (seeded, error) {
	experiment, err := seedExperimentOf(ctx, l, "wide")
	if err != nil {
		return seeded{}, err
	}
	keys := keysOf("layer/weight_", s.of(wideSeries))
	r := finishedRun(experiment, runIDs(1)(), 0)
	r.Status, r.EndTime = run.StatusRUNNING, nil
	for i := range wideParams {
		r.Params = append(r.Params, tracking.Param{Key: fmt.Sprintf("model/layer_%02d/width", i), Value: fmt.Sprint(64 * (i + 1))})
	}
	for i := range wideTags {
		r.Tags = append(r.Tags, tracking.Tag{Key: fmt.Sprintf("cluster.host_%02d", i), Value: fmt.Sprintf("node-%d.rack-%d", i, i/4)})
	}
	r.Metrics = func(yield func([]metric.Columns, error) bool) {
		const perBatch = 1000
		for from := 0; from < len(keys); from += perBatch {
			columns := newColumns(keys[from:min(from+perBatch, len(keys))], widePoints)
			for i := range columns {
				c := &columns[i]
				curves.New(curveSeed, 0, uint64(from+i)).Fill(c.Steps, c.Times, c.Values)
			}
			if !yield(columns, nil) {
				return
			}
		}
	}
	id, err := l.Run(ctx, r)
	return seeded{Runs: 1, Series: len(keys), Params: wideParams, Tags: wideTags, Points: len(keys) * widePoints, RunID: id}, err
}

const longPoints = 10_000_000

// seedLong makes one series of very many points.
func seedLong(ctx context.Context, l *tracking.Loader, s size) (seeded, error) {
	experiment, err := seedExperimentOf(ctx, l, "long")
	if err != nil {
		return seeded{}, err
	}
	r, points := finishedRun(experiment, runIDs(2)(), 0), s.of(longPoints)
	r.Status, r.EndTime = run.StatusRUNNING, nil
	r.Metrics = func(yield func([]metric.Columns, error) bool) {
		curve, perBatch := curves.New(curveSeed, 0, 0), 10_000
		for left := points; left > 0; left -= perBatch {
			columns := newColumns([]string{"loss"}, min(perBatch, left))
			curve.Fill(columns[0].Steps, columns[0].Times, columns[0].Values)
			if !yield(columns, nil) {
				return
			}
		}
	}
	id, err := l.Run(ctx, r)
	return seeded{Runs: 1, Series: 1, Points: points, RunID: id}, err
}

const (
	fleetRuns        = 7500
	fleetExperiments = 5
	fleetMetrics     = 1500
	fleetPoints      = 4
	fleetParams      = 50
)

// seedFleet makes many runs with many metrics of a few points each.
func seedFleet(ctx context.Context, l *tracking.Loader, s size) (seeded, error) {
	out := seeded{Runs: s.of(fleetRuns)}
	var experiments []int
	for i := range fleetExperiments {
		id, err := seedExperimentOf(ctx, l, fmt.Sprintf("fleet-%d", i))
		if err != nil {
			return seeded{}, err
		}
		experiments = append(experiments, id)
	}
	next, random := runIDs(3), rand.New(rand.NewPCG(3, 3))
	columns := newColumns(keysOf("metric_", fleetMetrics), fleetPoints)
	params := keysOf("param_", fleetParams)
	for n := range out.Runs {
		r := finishedRun(experiments[n%fleetExperiments], next(), n)
		for i := range columns {
			c := &columns[i]
			curves.New(curveSeed, uint64(n), uint64(i)).Fill(c.Steps, c.Times, c.Values)
		}
		for _, key := range params {
			r.Params = append(r.Params, tracking.Param{Key: key, Value: fmt.Sprint(random.IntN(1000))})
		}
		r.Metrics = once(columns)
		id, err := l.Run(ctx, r)
		if err != nil {
			return seeded{}, err
		}
		out.RunID = id
	}
	out.Series, out.Params = out.Runs*fleetMetrics, out.Runs*fleetParams
	out.Points = out.Series * fleetPoints
	return out, nil
}

const (
	millionRuns    = 1_000_000
	millionParams  = 20
	millionMetrics = 30
)

// The search over a million runs, a hundredth of which it finds.
const (
	millionFilter = "metrics.acc > 0.9 and params.p1 = '3'"
	millionOrder  = "metrics.acc DESC"
)

// seedMillion makes very many runs of an ordinary size in one experiment.
func seedMillion(ctx context.Context, l *tracking.Loader, s size) (seeded, error) {
	experiment, err := seedExperimentOf(ctx, l, "million")
	if err != nil {
		return seeded{}, err
	}
	out := seeded{Runs: s.of(millionRuns)}
	next, random := runIDs(4), rand.New(rand.NewPCG(4, 4))
	keys := append([]string{"acc", "loss"}, keysOf("m", millionMetrics-2)...)
	columns := newColumns(keys, 1)
	small := make([]string, 1000)
	for i := range small {
		small[i] = fmt.Sprint(i)
	}
	optimizers, teams := []string{"adam", "sgd", "lion"}, []string{"red", "green", "blue"}
	tags := []tracking.Tag{{Key: "team"}, {Key: "mlflow.user", Value: "bench"}}
	params := make([]tracking.Param, millionParams)
	for i := range params {
		params[i].Key = fmt.Sprintf("p%d", i)
	}
	for n := range out.Runs {
		r := finishedRun(experiment, next(), n)
		for i := range columns {
			c := &columns[i]
			c.Steps[0], c.Times[0], c.Values[0] = 100, r.StartTime+int64(i), random.Float64()
		}
		for i := range params {
			switch i {
			case 0:
				params[i].Value = optimizers[random.IntN(3)]
			case 1:
				params[i].Value = small[random.IntN(10)]
			default:
				params[i].Value = small[random.IntN(len(small))]
			}
		}
		r.Params = params
		tags[0].Value = teams[random.IntN(3)]
		r.Tags = tags
		r.Metrics = once(columns)
		if columns[0].Values[0] > 0.9 && params[1].Value == "3" {
			out.Matches++
		}
		if out.RunID, err = l.Run(ctx, r); err != nil {
			return seeded{}, err
		}
	}
	out.Series, out.Params, out.Points = out.Runs*millionMetrics, out.Runs*millionParams, out.Runs*millionMetrics
	out.Tags = out.Runs * len(tags)
	return out, nil
}

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cairnml/cairn/bench/curves"
)

const (
	historyPoints  = 100_000
	intervalRuns   = 100
	intervalPoints = 1000
	intervalSample = 320
)

var readsSection = section{
	name: "reads", title: "Reading points, beside MLflow",
	about: "A run with 100,000 points of one metric, and 100 runs with 1,000 points each, logged through MLflow's REST API on every\n" +
		"server. All points of the first are read page by page as they are; of the others, 320 a run, as MLflow's charts do.",
	run: func(ctx context.Context, b *bench) error {
		servers, err := b.sideBySide(ctx)
		defer stopAll(servers)
		if err != nil {
			return err
		}
		g := grid{Title: "Milliseconds a request, p50", Rows: [][]string{{"", "Cairn", "MLflow", "MLflow ÷ Cairn"}}}
		var p50 [2][2]float64
		for i, s := range servers {
			long, short, err := logHistories(s)
			if err != nil {
				return err
			}
			if i == 0 {
				if err := s.stop(); err != nil {
					return err
				}
				if err := b.compact(ctx, historyPoints+intervalRuns*intervalPoints); err != nil {
					return err
				}
				if s, err = b.serve(ctx); err != nil {
					return err
				}
				servers[0] = s
				exact := map[string]any{"runs": []string{long}, "keys": []string{"loss"}, "maxPoints": historyPoints}
				if err := checkSeries(s.addr, exactQuery, exact, 1, historyPoints, historyPoints); err != nil {
					b.failed("100,000 points in packed columns", 20, err)
				} else {
					b.latency(ctx, s, "100,000 points in packed columns", []request{asks(exactQuery, exact, nil)}, 20)
				}
			}
			bounds := [2]float64{80, 60}
			if i > 0 {
				bounds = [2]float64{}
			}
			prefix := ""
			if i > 0 {
				prefix = s.name + ": "
			}
			p50[i][0] = b.latency(ctx, s, prefix+"history of 100,000 points", []request{history(long, "loss", historyPoints)}, bounds[0]).percentile(50)
			p50[i][1] = b.latency(ctx, s, prefix+"bulk-interval of 100 runs × 320 points", []request{
				bulkInterval(short, "loss", intervalSample, intervalRuns*intervalSample)}, bounds[1]).percentile(50)
		}
		for i, name := range []string{"history of 100,000 points", "bulk-interval of 100 runs × 320 points"} {
			row := []string{name, digits(p50[0][i]), digits(p50[1][i]), digits(ratio(p50[1][i], p50[0][i])) + "×"}
			for cell, value := range []float64{p50[0][i], p50[1][i], ratio(p50[1][i], p50[0][i])} {
				if value == 0 { // not measured
					row[cell+1] = ""
				}
			}
			g.Rows = append(g.Rows, row)
		}
		b.take.Grids = append(b.take.Grids, g)
		return b.compareDisk(ctx, servers)
	},
}

// sideBySide starts Cairn and MLflow, each on an empty database of the same kind.
func (b *bench) sideBySide(ctx context.Context) ([]*server, error) {
	cairn, err := b.serve(ctx)
	if err != nil {
		return nil, err
	}
	mlflow, err := b.mlflow().start(ctx, filepath.Join(b.database.directory, "mlflow"))
	if err != nil {
		return []*server{cairn}, err
	}
	servers := []*server{cairn, mlflow}
	return servers, awaitIdle(ctx, mlflow)
}

// mlflow is MLflow on a database of the measurement's kind.
func (b *bench) mlflow() subject {
	uri := ""
	if b.database.cluster != nil {
		uri = "postgresql+psycopg2" + strings.TrimPrefix(b.database.cluster.URL("mlflow"), "postgres")
	}
	return mlflowOn(b.python, "MLflow", uri)
}

// logHistories logs the points that are read, and gives the id of the run with many and those of the runs with few.
func logHistories(s *server) (long string, short []string, err error) {
	c, err := dial(s.addr)
	if err != nil {
		return "", nil, err
	}
	defer c.close()
	if long, err = logHistory(c, 0, historyPoints); err != nil {
		return "", nil, err
	}
	for i := range intervalRuns {
		id, err := logHistory(c, i+1, intervalPoints)
		if err != nil {
			return "", nil, err
		}
		short = append(short, id)
	}
	return long, short, nil
}

// logHistory makes a run with points of one curve.
func logHistory(c *conn, n, points int) (string, error) {
	id, err := createRun(c, "0", fmt.Sprintf("history-%d", n), started, nil)
	if err != nil {
		return "", err
	}
	curve := curves.New(curveSeed, uint64(n), 1)
	for left := points; left > 0; {
		batch := make([]point, min(left, 1000))
		for i := range batch {
			step, time, value := curve.Next()
			batch[i] = point{"loss", value, time, step}
		}
		if err := call(c, "runs/log-batch", map[string]any{"run_id": id, "metrics": batch}, nil); err != nil {
			return "", err
		}
		left -= len(batch)
	}
	return id, nil
}

// compareDisk notes what the points take on each server's disk.
func (b *bench) compareDisk(ctx context.Context, servers []*server) error {
	const points = historyPoints + intervalRuns*intervalPoints
	for _, s := range servers {
		if err := s.stop(); err != nil {
			return err
		}
	}
	cairn, err := b.database.measureFootprint(ctx, true)
	if err != nil {
		return err
	}
	var mlflow footprint
	if b.database.kind == onPostgres {
		mlflow, err = b.database.postgresFootprint(ctx, "mlflow", true)
	} else {
		var file string
		if file, err = mlflowFile(filepath.Join(b.database.directory, "mlflow")); err == nil {
			mlflow, err = sqliteFootprint(ctx, file, true)
		}
	}
	if err != nil {
		return err
	}
	b.take.Grids = append(b.take.Grids, grid{
		Title: "Bytes a point, whole database, vacuumed",
		Note:  "Of so few points (200,000), the empty database is a part that counts; profile curves has the size at scale.",
		Rows: [][]string{{"", "Cairn", "MLflow"}, {
			"disk", digits(float64(cairn.packed) / points), digits(float64(mlflow.packed) / points)}},
	})
	return nil
}

// mlflowFile finds the database that MLflow made in its working directory.
func mlflowFile(directory string) (string, error) {
	found, err := filepath.Glob(filepath.Join(directory, "*.db"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", errors.New("MLflow's database is not where it was expected: in " + directory)
	}
	return found[0], nil
}

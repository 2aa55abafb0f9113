//go:build linux

package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path/filepath"
)

// The workloads of writing that limits are about.
const (
	steps16       = "step of 20 keys, 16 connections"
	batches8      = "log-batch of 1,000 points, 8 connections"
	packed8       = "GraphQL, 1,000 packed points, 8 connections"
	packedLarge8  = "GraphQL, 10,000 packed points, 8 connections"
	packedPerCall = 1000
)

// writes are the workloads of recording, which are held against limits of the same run.
func writes() []workload {
	return []workload{
		{name: oneMetric, connections: 1, path: api + "runs/log-metric", points: 1, newBody: logMetric},
		{name: manyMetrics, connections: 16, path: api + "runs/log-metric", points: 1, newBody: logMetric},
		{name: steps16, connections: 16, path: api + "runs/log-batch", points: 20, newBody: batches(20, 1)},
		{name: batches8, connections: 8, path: api + "runs/log-batch", points: 1000, newBody: batches(10, 100)},
		{name: packed8, connections: 8, path: "/graphql", points: packedPerCall, newBody: packedBatches(10, packedPerCall/10)},
		{name: packedLarge8, connections: 8, path: "/graphql", points: 10 * packedPerCall, newBody: packedBatches(10, packedPerCall)},
	}
}

var writesSection = section{
	name: "writes", title: "Recording, against what is possible, and beside MLflow",
	about: "The limit is `bench/limits`: an HTTP server in Go that decodes the same bodies with encoding/json and throws them away, at\n" +
		"the same GOMAXPROCS; and the raw rate at which the database commits one row durably. Servers in turns; ratios are medians\n" +
		"of those of each round. CPU is that of a server and its database. The requests to MLflow are the same, the packed ones left out.",
	run: compareWrites,
}

// rates is what a database does a second, as bench/limits prints it.
type rates struct {
	Commits float64 `json:"commits"`
	Inserts float64 `json:"inserts"`
}

// measured are the samples of one server, by workload, a round each.
type measured map[string][]sample

func compareWrites(ctx context.Context, b *bench) error {
	limits := filepath.Join(b.database.directory, "limits-program")
	if _, err := output(ctx, "go", "build", "-o", limits, "./bench/limits"); err != nil {
		return err
	}
	servers, err := b.sideBySide(ctx)
	defer func() { stopAll(servers) }()
	if err != nil {
		return err
	}
	discard := subject{name: "limit", throwsAway: true, command: func(addr, _ string) []string { return []string{limits, "http", "-listen", addr} }}
	s, err := discard.start(ctx, filepath.Join(b.database.directory, "limit"))
	if err != nil {
		return err
	}
	servers = append(servers, s)
	got := map[string]measured{}
	for _, s := range servers {
		got[s.name] = measured{}
	}
	var raw []rates
	for round := range b.rounds {
		r, err := b.rawRates(ctx, limits)
		if err != nil {
			return err
		}
		raw = append(raw, r)
		for _, w := range writes() {
			for i := range servers {
				s := servers[(i+round)%len(servers)]
				var roots []int
				switch {
				case s.name == "Cairn":
					roots = b.database.pids()
				case s.name == "MLflow" && w.path == "/graphql":
					continue
				case s.name == "MLflow":
					roots = b.database.pids()
				}
				one, err := w.measure(ctx, s, b.duration, roots...)
				switch {
				case err != nil && s.name == "MLflow" && ctx.Err() == nil: // its failure is no reason to judge Cairn less
					progress("%v", err)
					continue
				case err != nil:
					return err
				}
				progress("round %d, %s, %s: %.1f/s, %.3f CPU s per 1,000", round+1, w.name, s.name, one.perSecond(), one.cpuPerThousand())
				got[s.name][w.name] = append(got[s.name][w.name], one)
			}
		}
	}
	b.judgeWrites(got["Cairn"], got["limit"], raw)
	b.take.Grids = append(b.take.Grids, writeGrids(got, raw)...)
	return nil
}

// rawRates measures the database alone.
func (b *bench) rawRates(ctx context.Context, program string) (rates, error) {
	command := []string{program, onSQLite, "-directory", b.database.directory}
	if b.database.kind == onPostgres {
		command = []string{program, onPostgres, "-url", b.database.cluster.URL("postgres")}
	}
	text, err := output(ctx, append(command, "-duration", b.duration.String())...)
	if err != nil {
		return rates{}, err
	}
	var r rates
	err = json.Unmarshal([]byte(text), &r)
	progress("raw: %.0f commits/s, %.0f inserts/s", r.Commits, r.Inserts)
	return r, err
}

// judgeWrites holds Cairn against the limits.
func (b *bench) judgeWrites(cairn, limit measured, raw []rates) {
	// share is the median, over the rounds, of Cairn's rate over the least that was possible.
	share := func(name string, bounded bool) float64 {
		var out []float64
		for i := range cairn[name] {
			possible := limit[name][i].perSecond()
			if bounded {
				possible = min(possible, raw[i].Commits)
			}
			out = append(out, 100*cairn[name][i].perSecond()/possible)
		}
		return median(out)
	}
	part := 1.0
	if b.database.kind == onPostgres {
		part = 0.5
	}
	b.judgeEverywhere(atLeast(oneMetric+": of the lower of the HTTP limit and the database's durable commits", share(oneMetric, true), 80*part, " %"))
	b.judgeEverywhere(atLeast(manyMetrics+": of the HTTP limit", share(manyMetrics, false), 25*part, " %"))
	b.judge(atLeast(steps16+": of the HTTP limit", share(steps16, false), 20, " %"))
	b.judge(atLeast(batches8+": of the HTTP limit's points", share(batches8, false), 50, " %"))
	var cpu []float64
	for i := range cairn[batches8] {
		cpu = append(cpu, cairn[batches8][i].cpuPerThousand()/limit[batches8][i].cpuPerThousand())
	}
	b.judge(atMost(batches8+": CPU a call, times the HTTP limit's", median(cpu), 2, "×"))
	packed := medianOf(cairn[packed8], sample.perSecond) * packedPerCall
	b.judge(atLeast(packed8+": points a second", packed, 1_000_000, "").onFastMachines())
}

// writeGrids are the tables of rates and of costs.
func writeGrids(got map[string]measured, raw []rates) []grid {
	names := []string{"Cairn", "limit", "MLflow"}
	table := func(title, note string, value func(sample) float64, ratio func(cairn, limit float64) string) grid {
		g := grid{Title: title, Note: note, Rows: [][]string{{"", "Cairn", "limit", "MLflow", "Cairn, of the limit"}}}
		for _, w := range writes() {
			row := []string{w.name}
			for _, name := range names {
				cell := ""
				if samples := got[name][w.name]; len(samples) > 0 {
					cell = digits(medianOf(samples, value))
				} else if w.path != "/graphql" {
					cell = "fails"
				}
				row = append(row, cell)
			}
			row = append(row, ratio(medianOf(got["Cairn"][w.name], value), medianOf(got["limit"][w.name], value)))
			g.Rows = append(g.Rows, row)
		}
		return g
	}
	note := fmt.Sprintf("The database alone: %s durable commits of a row, and %s inserts in transactions of 10,000, a second on one connection.",
		digits(medianOf(raw, func(r rates) float64 { return r.Commits })), digits(medianOf(raw, func(r rates) float64 { return r.Inserts })))
	percent := func(a, b float64) string { return digits(100*ratio(a, b)) + " %" }
	times := func(a, b float64) string { return digits(ratio(a, b)) + "×" }
	p99 := func(s sample) float64 { return s.percentile(99) }
	return []grid{
		table("Calls a second", note, sample.perSecond, percent),
		table("CPU milliseconds a call", "", sample.cpuPerThousand, times),
		table("Milliseconds a call, p99", "", p99, times),
	}
}

// packedBatches returns the bodies of GraphQL's logBatch, of so many steps of so many keys, with packed columns.
func packedBatches(keys, steps int) func(string) func(int) []byte {
	return func(runID string) func(int) []byte {
		column := make([]byte, 8*steps)
		encoded := base64.StdEncoding.EncodedLen(len(column))
		body := fmt.Appendf(nil, `{"query":%q,"operationName":"LogBatch","variables":{"input":{"runId":"%s","columns":[`, logColumns, runID)
		var stepsAt, timesAt []int
		for key := range keys {
			if key > 0 {
				body = append(body, ',')
			}
			values := make([]float64, steps)
			for i := range values {
				values[i] = float64((i*keys+key)*7919%10007) / 10007
			}
			body = fmt.Appendf(body, `{"key":"metric_%02d","values":"%s","steps":"`, key, pack(values))
			stepsAt = append(stepsAt, len(body))
			body = append(body, make([]byte, encoded)...)
			body = append(body, `","times":"`...)
			timesAt = append(timesAt, len(body))
			body = append(body, make([]byte, encoded)...)
			body = append(body, `"}`...)
		}
		body = append(body, `]}}}`...)
		return func(n int) []byte {
			for _, part := range []struct {
				at    []int
				first int
			}{{stepsAt, n * steps}, {timesAt, started + n*steps}} {
				for i := range steps {
					binary.LittleEndian.PutUint64(column[8*i:], uint64(part.first+i))
				}
				for _, at := range part.at {
					base64.StdEncoding.Encode(body[at:at+encoded], column)
				}
			}
			return body
		}
	}
}

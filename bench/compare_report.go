//go:build linux

package main

import (
	"fmt"
	"slices"
)

// limits judges all that was measured. The faster kind of MLflow counts, each time.
func (r *results) limits() []limit {
	shortAdded := r.added(r.short, "cairn exec", func(s trainingSample) float64 { return s.wall.Seconds() })
	fitAdded := r.added(r.warm, "cairn exec", func(s trainingSample) float64 { return milliseconds(s.fit) })
	return []limit{
		atMost("start to first /health", medianOf(r.starts["Cairn"], milliseconds), 200, " ms").onFastMachines(),
		atMost("idle memory (PSS of the process tree)", float64(r.idle["Cairn"].pss)/1e6, 60, " MB").onFastMachines(),
		atLeast(oneMetric+": operations/s, times MLflow's", r.speedUp(oneMetric), 10, "×"),
		atLeast(oneMetric+": MLflow's CPU seconds an operation, times Cairn's", r.cpuSaving(oneMetric), 15, "×"),
		atLeast(oneBatch+": operations/s, times MLflow's", r.speedUp(oneBatch), 30, "×"),
		atLeast(oneBatch+": MLflow's CPU seconds an operation, times Cairn's", r.cpuSaving(oneBatch), 30, "×"),
		atMost("cairn exec: added to a short script", shortAdded, 0.5, " s").onFastMachines(),
		atMost("cairn exec: added to a RandomForest fit, model saved, once loaded", fitAdded, 100, " ms").onFastMachines(),
	}
}

// rate is the median of operations per second.
func (r *results) rate(workload, server string) float64 {
	return medianOf(r.samples[workload][server], sample.perSecond)
}

// cost is the median of CPU seconds per 1,000 operations.
func (r *results) cost(workload, server string) float64 {
	return medianOf(r.samples[workload][server], sample.cpuPerThousand)
}

// speedUp is Cairn's rate over that of the faster MLflow.
func (r *results) speedUp(workload string) float64 {
	best := 0.0
	for _, name := range r.names {
		if name != "Cairn" {
			best = max(best, r.rate(workload, name))
		}
	}
	return ratio(r.rate(workload, "Cairn"), best)
}

// cpuSaving is the CPU time of the cheaper MLflow over Cairn's.
func (r *results) cpuSaving(workload string) float64 {
	best := 0.0
	for _, name := range r.names {
		if cost := r.cost(workload, name); name != "Cairn" && (best == 0 || cost < best) {
			best = cost
		}
	}
	return ratio(best, r.cost(workload, "Cairn"))
}

// added is what a way of recording adds to the plain training: the median of the
// differences within a round, whose trainings ran one after the other, since what
// else the machine does changes from round to round.
func (r *results) added(samples map[string][]trainingSample, way string, figure func(trainingSample) float64) float64 {
	plain := samples["plain"]
	var differences []float64
	for i, s := range samples[way] {
		differences = append(differences, figure(s)-figure(plain[i]))
	}
	return median(differences)
}

// grids are the tables of the report.
func (r *results) grids() []grid {
	return append([]grid{r.servers()}, append(r.requests(), r.trainings())...)
}

func (r *results) servers() grid {
	g := grid{Title: "Servers", Rows: [][]string{append([]string{""}, r.names...)}}
	line := func(title string, cell func(string) string) {
		cells := []string{title}
		for _, name := range r.names {
			cells = append(cells, cell(name))
		}
		g.Rows = append(g.Rows, cells)
	}
	line("start to first /health, empty data directory", func(name string) string {
		return fmt.Sprintf("%.0f ms", medianOf(r.starts[name], milliseconds))
	})
	line("idle: processes", func(name string) string { return fmt.Sprint(r.idle[name].processes) })
	line("idle: memory (PSS)", func(name string) string { return mebibytes(r.idle[name].pss) })
	line("after the requests below: memory (PSS)", func(name string) string { return mebibytes(r.loaded[name].pss) })
	return g
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }

func (r *results) requests() []grid {
	compared := slices.Contains(r.names, "Cairn") && len(r.names) > 1
	table := func(title, ratioTitle string, value func(workload, server string) float64, ratio func(string) float64) grid {
		head := append([]string{"request"}, r.names...)
		if compared {
			head = append(head, ratioTitle)
		}
		g := grid{Title: title, Rows: [][]string{head}}
		for _, w := range workloads() {
			cells := []string{w.name}
			for _, name := range r.names {
				cells = append(cells, digits(value(w.name, name)))
			}
			if compared {
				cells = append(cells, fmt.Sprintf("%.1f×", ratio(w.name)))
			}
			g.Rows = append(g.Rows, cells)
		}
		return g
	}
	return []grid{
		table("Requests per second", "Cairn ÷ faster MLflow", r.rate, r.speedUp),
		table("CPU seconds per 1,000 requests", "cheaper MLflow ÷ Cairn", r.cost, r.cpuSaving),
	}
}

func (r *results) trainings() grid {
	g := grid{Title: "Training", Rows: [][]string{{
		"", "script of one fit, wall", "added", "until delivered", "CPU s, training side", "CPU s, server",
		"a later fit in the same process", "added",
	}}}
	for _, name := range []string{"plain", "mlflow.sklearn.autolog()", "cairn exec"} {
		short, warm := r.short[name], r.warm[name]
		if len(short) == 0 {
			continue
		}
		wall := func(s trainingSample) float64 { return s.wall.Seconds() }
		fit := func(s trainingSample) float64 { return milliseconds(s.fit) }
		added := func(text string) string {
			if name == "plain" {
				return ""
			}
			return text
		}
		g.Rows = append(g.Rows, []string{
			name,
			fmt.Sprintf("%.2f s", medianOf(short, wall)),
			added(fmt.Sprintf("%.2f s", r.added(r.short, name, wall))),
			added(fmt.Sprintf("%.2f s", medianOf(short, func(s trainingSample) float64 { return s.delivered.Seconds() }))),
			fmt.Sprintf("%.2f", medianOf(short, func(s trainingSample) float64 { return s.clientCPU.Seconds() })),
			added(fmt.Sprintf("%.2f", medianOf(short, func(s trainingSample) float64 { return s.serverCPU.Seconds() }))),
			fmt.Sprintf("%.0f ms", medianOf(warm, fit)),
			added(fmt.Sprintf("%.0f ms", r.added(r.warm, name, fit))),
		})
	}
	return g
}

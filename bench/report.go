//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// machine describes what was measured on.
type machine struct {
	processor, kernel, goVersion, versions string
	// revision is the commit that was measured, empty outside a git checkout.
	revision string
	cores    int
	memory   int64
	// sync is the median time to write 4 KiB and make them durable.
	sync time.Duration
}

// describe looks at the machine.
func (m *machine) describe(ctx context.Context, python string) error {
	m.cores, m.goVersion = runtime.NumCPU(), runtime.Version()
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(info) {
		if name, value, _ := strings.Cut(string(line), ":"); strings.TrimSpace(name) == "model name" {
			m.processor = strings.TrimSpace(value)
			break
		}
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	// Without git the report lacks the commit, and nothing else.
	if m.revision, err = output(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12"); err != nil {
		m.revision = ""
	}
	m.kernel = strings.TrimSpace(string(release))
	var system syscall.Sysinfo_t
	if err := syscall.Sysinfo(&system); err != nil {
		return err
	}
	m.memory = int64(system.Totalram) * int64(system.Unit)
	m.versions, err = output(ctx, python, "-c",
		"import platform, importlib.metadata as m; print(f'Python {platform.python_version()}, "+
			"mlflow {m.version(\"mlflow\")}, scikit-learn {m.version(\"scikit-learn\")}')")
	if err != nil {
		return err
	}
	m.sync, err = syncTime()
	return err
}

// syncTime times durable writes, which bound what one connection can reach.
func syncTime() (time.Duration, error) {
	file, err := os.CreateTemp("", "cairn-bench-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	block := make([]byte, 4<<10)
	var times []float64
	for range 200 {
		began := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began).Seconds())
	}
	return time.Duration(median(times) * float64(time.Second)), nil
}

// table is a Markdown table.
type table struct {
	out  *strings.Builder
	rows int
}

// row writes a row; the first is the head.
func (t *table) row(cells ...string) {
	fmt.Fprintf(t.out, "| %s |\n", strings.Join(cells, " | "))
	if t.rows == 0 {
		fmt.Fprintf(t.out, "|%s\n", " --- |"+strings.Repeat(" ---: |", len(cells)-1))
	}
	t.rows++
}

// markdown writes the report.
func (r *results) markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Benchmark results\n\nWritten by `make bench`")
	if r.machine.revision != "" {
		fmt.Fprintf(&out, " at %s", r.machine.revision)
	}
	fmt.Fprintf(&out, " on %s. Medians of %d rounds, servers in turns; CPU seconds and\nmemory are of the whole process tree. "+
		"Both servers store on this machine's disk, in the SQLite of their defaults.\n\n",
		time.Now().UTC().Format(time.DateOnly), r.options.rounds)
	m := r.machine
	fmt.Fprintf(&out, "- Machine: %d cores of %s, %d GiB, Linux %s, a durable write of 4 KiB in %.2f ms\n",
		m.cores, m.processor, (m.memory+1<<29)>>30, m.kernel, milliseconds(m.sync))
	fmt.Fprintf(&out, "- Software: %s, %s\n", m.goVersion, m.versions)
	var loops []string
	for _, c := range r.calibration {
		loops = append(loops, fmt.Sprintf("%.0f ms", milliseconds(c)))
	}
	counts := "so absolute limits count"
	if !r.fastEnough() {
		counts = "so absolute limits do not count"
	}
	fmt.Fprintf(&out, "- Calibration loop: %s (reference %.0f ms, up to %g times as long: %s)\n",
		strings.Join(loops, " before and ")+" after", milliseconds(referenceCalibration), calibrationFactor, counts)
	r.writeLimits(&out)
	r.writeServers(&out)
	r.writeRequests(&out)
	r.writeTrainings(&out)
	return out.String()
}

func (r *results) writeLimits(out *strings.Builder) {
	if r.options.only != "" {
		return
	}
	out.WriteString("\n## Limits\n\n")
	t := table{out: out}
	t.row("limit", "must be", "measured", "verdict")
	for _, l := range r.limits() {
		verdict := "met"
		switch {
		case !l.met() && l.absolute && !r.fastEnough():
			verdict = "missed, on too slow a machine to count"
		case !l.met():
			verdict = "**missed**"
		}
		t.row(l.name, l.want(), fmt.Sprintf("%.4g%s", l.value, l.unit), verdict)
	}
}

func (r *results) writeServers(out *strings.Builder) {
	out.WriteString("\n## Servers\n\n")
	t := table{out: out}
	t.row(append([]string{""}, r.names...)...)
	line := func(title string, cell func(string) string) {
		cells := []string{title}
		for _, name := range r.names {
			cells = append(cells, cell(name))
		}
		t.row(cells...)
	}
	line("start to first /health, empty data directory", func(name string) string {
		return fmt.Sprintf("%.0f ms", medianOf(r.starts[name], milliseconds))
	})
	line("idle: processes", func(name string) string { return fmt.Sprint(r.idle[name].processes) })
	line("idle: memory (PSS)", func(name string) string { return mebibytes(r.idle[name].pss) })
	line("after the requests below: memory (PSS)", func(name string) string { return mebibytes(r.loaded[name].pss) })
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%.0f MiB", float64(bytes)/(1<<20)) }

func (r *results) writeRequests(out *strings.Builder) {
	compared := slices.Contains(r.names, "Cairn") && len(r.names) > 1
	write := func(title, ratioTitle string, value func(workload, server string) float64, ratio func(string) float64) {
		fmt.Fprintf(out, "\n## %s\n\n", title)
		t := table{out: out}
		head := append([]string{"request"}, r.names...)
		if compared {
			head = append(head, ratioTitle)
		}
		t.row(head...)
		for _, w := range workloads() {
			cells := []string{w.name}
			for _, name := range r.names {
				cells = append(cells, figure(value(w.name, name)))
			}
			if compared {
				cells = append(cells, fmt.Sprintf("%.1f×", ratio(w.name)))
			}
			t.row(cells...)
		}
	}
	write("Requests per second", "Cairn ÷ faster MLflow", r.rate, r.speedUp)
	write("CPU seconds per 1,000 requests", "cheaper MLflow ÷ Cairn", r.cost, r.cpuSaving)
}

// figure writes a number with three digits that mean something.
func figure(value float64) string {
	switch {
	case value >= 100:
		return fmt.Sprintf("%.0f", value)
	case value >= 1:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.3f", value)
}

func (r *results) writeTrainings(out *strings.Builder) {
	fmt.Fprintf(out, "\n## Training\n\n`bench/train.py`, RandomForests of 50 trees on iris, medians of %d runs.\n\n", r.options.trainings)
	t := table{out: out}
	t.row("", "script of one fit, wall", "added", "until delivered", "CPU s, training side", "CPU s, server", "a later fit in the same process", "added")
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
		t.row(name,
			fmt.Sprintf("%.2f s", medianOf(short, wall)),
			added(fmt.Sprintf("%.2f s", r.added(r.short, name, wall))),
			added(fmt.Sprintf("%.2f s", medianOf(short, func(s trainingSample) float64 { return s.delivered.Seconds() }))),
			fmt.Sprintf("%.2f", medianOf(short, func(s trainingSample) float64 { return s.clientCPU.Seconds() })),
			added(fmt.Sprintf("%.2f", medianOf(short, func(s trainingSample) float64 { return s.serverCPU.Seconds() }))),
			fmt.Sprintf("%.0f ms", medianOf(warm, fit)),
			added(fmt.Sprintf("%.0f ms", r.added(r.warm, name, fit))))
	}
}

//go:build linux

package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// writeReport makes the report beside the folder of results, of all that are there.
func writeReport(directory string) error {
	var records []record
	for _, s := range sections() {
		for _, kind := range databases {
			r, err := loadRecord(directory, s.name, kind)
			if err != nil {
				return err
			}
			if len(r.Takes) > 0 {
				records = append(records, r)
			}
		}
	}
	return os.WriteFile(filepath.Join(filepath.Dir(directory), "RESULTS.md"), []byte(reportOf(records)), 0o644)
}

// reportOf writes all results.
func reportOf(records []record) string {
	var out strings.Builder
	out.WriteString("# Benchmark results\n\nWritten by `make bench` from the files in `bench/results`. Each section was measured by itself, on the day\n" +
		"and the commit that it names. Absolute limits, which are times and sizes, count where the calibration loop took at most\n" +
		fmt.Sprintf("%g times its reference, %.0f ms; so does what is compared over sizes, which are not measured in turns. Other ratios count\n"+
			"on every machine. Profiles are run at 1/16, 1/4 and 1 of their named size.\n",
			calibrationFactor, milliseconds(referenceCalibration)))
	writeMachines(&out, records)
	writeLimits(&out, records)
	writeGrowth(&out, records)
	for _, s := range sections() {
		var of []record
		for _, r := range records {
			if r.Section == s.name {
				of = append(of, r)
			}
		}
		if len(of) > 0 {
			writeSection(&out, s, of)
		}
	}
	writePeers(&out)
	return out.String()
}

// markdown writes one record alone, as it is shown when it was measured.
func (r record) markdown() string {
	var out strings.Builder
	all := sections()
	writeSection(&out, all[slices.IndexFunc(all, func(s section) bool { return s.name == r.Section })], []record{r})
	writeLimits(&out, []record{r})
	writeGrowth(&out, []record{r})
	return out.String()
}

func writeMachines(out *strings.Builder, records []record) {
	out.WriteString("\n## Machines\n\n")
	seen := map[string]bool{}
	for _, r := range records {
		for _, t := range r.Takes {
			line := fmt.Sprintf("- %s; %s, %s\n", t.Machine, t.Machine.Go, t.Machine.Versions)
			if !seen[line] {
				seen[line] = true
				out.WriteString(line)
			}
		}
	}
}

// databaseNames are how databases are called in the report.
var databaseNames = map[string]string{onSQLite: "SQLite", onPostgres: "PostgreSQL"}

func writeLimits(out *strings.Builder, records []record) {
	table := [][]string{{"limit", "on", "must be", "measured", "verdict"}}
	for _, r := range records {
		for _, t := range r.Takes {
			for _, l := range t.Limits {
				on := databaseNames[r.Database]
				if t.Size != "" {
					on += ", " + t.Size
				}
				table = append(table, []string{l.Name, on, l.want(), l.measured(), t.verdict(l)})
			}
		}
	}
	if len(table) > 1 {
		out.WriteString("\n## Limits\n\n")
		writeTable(out, table)
	}
}

// writeGrowth writes what profiles cost at each of their sizes, in one table.
func writeGrowth(out *strings.Builder, records []record) {
	head := []string{"profile: cost", "on"}
	for _, z := range sizes {
		head = append(head, z.text)
	}
	table := [][]string{append(head, "grows by", "must be", "verdict")}
	for _, r := range records {
		whole := r.overSizes()
		for _, c := range r.costs() {
			row := []string{r.Section + ": " + c.name, databaseNames[r.Database]}
			for _, z := range sizes {
				cell := ""
				if value, ok := c.at[z.text]; ok {
					cell = strings.TrimSpace(digits(value) + " " + c.unit)
				}
				row = append(row, cell)
			}
			if c.growth == nil {
				row = append(row, "", "", "")
			} else {
				row = append(row, c.growth.measured(), c.growth.want(), whole.verdict(*c.growth))
			}
			table = append(table, row)
		}
	}
	if len(table) > 1 {
		fmt.Fprintf(out, "\n## Profiles at their sizes\n\nWhat a piece of work costs may be %g times as much at the largest size as at the smallest. What all of it "+
			"costs, or an answer\nabout all of it, may grow by so many times as the size does, and %[1]g times that.\n\n", growthNoise)
		writeTable(out, table)
	}
}

func (t *take) verdict(l limit) string {
	switch {
	case l.met():
		return "met"
	case l.Absolute && !t.fastEnough():
		return "missed, on too slow a machine to count"
	}
	return "**missed**"
}

func writeSection(out *strings.Builder, s section, records []record) {
	fmt.Fprintf(out, "\n## %s\n\n%s\n", s.title, s.about)
	for _, r := range records {
		for _, t := range r.Takes {
			fmt.Fprintf(out, "\n%s", databaseNames[r.Database])
			if t.Size != "" {
				fmt.Fprintf(out, ", size %s", t.Size)
			}
			if t.Scale != "" {
				fmt.Fprintf(out, " (%s)", t.Scale)
			}
			var loops []string
			for _, c := range t.Calibration {
				loops = append(loops, fmt.Sprintf("%.0f", c))
			}
			fmt.Fprintf(out, ": measured on %s at %s", t.Date, cmp.Or(t.Commit, "an unknown commit"))
			if t.Seconds > 0 {
				fmt.Fprintf(out, " in %.0f s", t.Seconds)
			}
			fmt.Fprintf(out, "; calibration loop %s ms, a durable write of 4 KiB %.2f ms.\n", strings.Join(loops, " and "), t.Machine.Sync)
		}
	}
	writeFigures(out, records)
	for _, r := range records {
		for _, t := range r.Takes {
			for _, g := range t.Grids {
				title := g.Title
				if len(s.databases) != 1 {
					title += " (" + databaseNames[r.Database] + ")"
				}
				fmt.Fprintf(out, "\n### %s\n\n", title)
				if g.Note != "" {
					fmt.Fprintf(out, "%s\n\n", g.Note)
				}
				writeTable(out, g.Rows)
			}
		}
	}
}

// writeFigures writes the figures of all takes side by side.
func writeFigures(out *strings.Builder, records []record) {
	head := []string{""}
	var names []string
	var columns []map[string]figure
	for _, r := range records {
		for _, t := range r.Takes {
			if len(t.Figures) == 0 {
				continue
			}
			title := databaseNames[r.Database]
			if t.Size != "" {
				title += ", " + t.Size
			}
			head = append(head, title)
			column := map[string]figure{}
			for _, f := range t.Figures {
				column[f.Name] = f
				if !slices.Contains(names, f.Name) {
					names = append(names, f.Name)
				}
			}
			columns = append(columns, column)
		}
	}
	if len(columns) == 0 {
		return
	}
	table := [][]string{head}
	for _, name := range names {
		row := []string{name}
		for _, column := range columns {
			cell := ""
			if f, ok := column[name]; ok {
				cell = strings.TrimSpace(digits(f.Value) + " " + f.Unit)
			}
			row = append(row, cell)
		}
		table = append(table, row)
	}
	out.WriteString("\n")
	writeTable(out, table)
}

// writeTable writes a Markdown table, whose first row is its head.
func writeTable(out *strings.Builder, rows [][]string) {
	for i, cells := range rows {
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
		if i == 0 {
			fmt.Fprintf(out, "|%s\n", " --- |"+strings.Repeat(" ---: |", len(cells)-1))
		}
	}
}

// digits writes a number with three digits that mean something, and thousands apart.
func digits(value float64) string {
	switch size := math.Abs(value); {
	case size >= 1000:
		return thousands(int64(math.Round(value)))
	case size >= 100:
		return fmt.Sprintf("%.0f", value)
	case size >= 1:
		return fmt.Sprintf("%.2f", value)
	}
	return fmt.Sprintf("%.3f", value)
}

func thousands(n int64) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

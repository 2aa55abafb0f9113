package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
)

type dbStatus struct {
	database
	listing
	Exact bool `env:"-" help:"Count and measure everything, however long that takes; without it, what takes seconds is estimated or left out."`
}

// Help is shown by --help, below the line of dbCommands.
func (d *dbStatus) Help() string {
	return "Beside the schema: how many runs, series and points there are, the bytes that a point takes in the whole database " +
		"and in the metric tables, the batches that are not folded into chunks yet, and, on PostgreSQL, which servers fold " +
		"them. A server may go on meanwhile."
}

func (d *dbStatus) Run(ctx context.Context, std streams) error {
	look, err := d.inspect(ctx)
	if err != nil {
		return err
	}
	status, usage, err := d.look(ctx, look)
	if err = errors.Join(err, look.Close()); err != nil {
		return err
	}
	if d.JSON {
		return putJSON(std.out, statusJSON(look.Dialect(), status, usage))
	}
	if err := printSchema(std, false, look.Dialect(), status); err != nil || usage == nil {
		return err
	}
	return put(std.out, usageText(usage, time.Now()))
}

// countTime is for how long things are counted, and for how long they are measured, before they are estimated.
const countTime = 2 * time.Second

// look gives no usage of a database whose schema the program does not know.
func (d *dbStatus) look(ctx context.Context, look *store.Inspection) (store.SchemaStatus, *metric.Usage, error) {
	status, err := look.Schema(ctx)
	if err != nil || !status.Fits() {
		return status, nil, err //nolint:wrapcheck // an error for users already
	}
	within := countTime
	if d.Exact {
		within = 0
	}
	usage, err := metric.ReadUsage(ctx, look, within)
	return status, usage, err //nolint:wrapcheck // wrapped by the core
}

// usageText shows a database's usage to a person.
func usageText(u *metric.Usage, now time.Time) string {
	about := ""
	if u.Estimated {
		about = "about "
	}
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-8s  %s\n", name, fmt.Sprintf(format, args...))
	}
	line("runs", "%s, of which %s deleted", grouped(u.Runs.All), grouped(u.Runs.Deleted))
	line("series", "%s%s", about, grouped(u.Series))
	line("points", "%s%s", about, grouped(u.Points))
	size := showSize(u.Size.Total) + perPoint(u.Size.Total, u)
	if u.Size.Free > 0 {
		size += ", " + showSize(u.Size.Free) + " of it free"
	}
	if u.Size.Log > 0 {
		size += "; " + showSize(u.Size.Log) + " of write-ahead log beside it"
	}
	line("size", "%s", size)
	if u.Tables == nil {
		line("metrics", "not measured, since it takes longer: --exact measures them")
	} else {
		line("metrics", "%s%s: %s", showSize(u.Metrics()), perPoint(u.Metrics(), u), tableSizes(u.Tables))
	}
	if u.Backlog.Oldest == nil {
		line("backlog", "none")
	} else {
		line("backlog", "%s batches with %s points, the oldest for %s", grouped(u.Backlog.Batches), grouped(u.Backlog.Points),
			now.Sub(time.UnixMilli(*u.Backlog.Oldest)).Round(time.Second))
	}
	for owner, leases := range byOwner(u.Leases) {
		line("folding", "%s has %d of the leases", printable(owner), len(leases))
	}
	return b.String()
}

// byOwner goes through the owners of leases in the order of their names.
func byOwner(leases []store.HeldLease) func(yield func(string, []store.HeldLease) bool) {
	owners := map[string][]store.HeldLease{}
	for _, l := range leases {
		owners[l.Owner] = append(owners[l.Owner], l)
	}
	return func(yield func(string, []store.HeldLease) bool) {
		for _, owner := range slices.Sorted(maps.Keys(owners)) {
			if !yield(owner, owners[owner]) {
				return
			}
		}
	}
}

func perPoint(bytes int64, u *metric.Usage) string {
	if u.Points == 0 {
		return ""
	}
	return fmt.Sprintf(", %.1f bytes a point", float64(bytes)/float64(u.Points))
}

// tableSizes lists tables, the largest first.
func tableSizes(tables map[string]int64) string {
	names := slices.SortedFunc(maps.Keys(tables), func(a, b string) int {
		return cmp.Or(cmp.Compare(tables[b], tables[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, "metric_") + " " + showSize(tables[name])
	}
	return strings.Join(names, ", ")
}

// grouped writes a number with its digits in groups of three.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

func statusJSON(dialect string, status store.SchemaStatus, u *metric.Usage) map[string]any {
	out := schemaJSON(dialect, status)
	if u == nil {
		return out
	}
	out["runs"] = map[string]int64{"all": u.Runs.All, "deleted": u.Runs.Deleted}
	out["series"], out["points"], out["estimated"] = u.Series, u.Points, u.Estimated
	out["bytes"] = u.Size
	if u.Tables != nil {
		out["metricBytes"], out["tableBytes"] = u.Metrics(), u.Tables
	}
	if u.Points > 0 {
		out["bytesPerPoint"] = float64(u.Size.Total) / float64(u.Points)
		if u.Tables != nil {
			out["metricBytesPerPoint"] = float64(u.Metrics()) / float64(u.Points)
		}
	}
	backlog := map[string]any{"batches": u.Backlog.Batches, "points": u.Backlog.Points}
	if u.Backlog.Oldest != nil {
		backlog["oldest"] = time.UnixMilli(*u.Backlog.Oldest).UTC()
	}
	out["backlog"] = backlog
	leases := make([]map[string]any, len(u.Leases))
	for i, l := range u.Leases {
		leases[i] = map[string]any{"name": l.Name, "owner": l.Owner, "expiresAt": time.UnixMilli(l.Expires).UTC()}
	}
	out["leases"] = leases
	return out
}

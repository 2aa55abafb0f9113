package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"

	"github.com/cairnml/cairn/internal/client"
)

type runsCommands struct {
	List     runsList     `cmd:"" help:"List runs, newest first or by any metric."`
	Show     runsShow     `cmd:"" help:"Show all that is known of a run."`
	Compare  runsCompare  `cmd:"" help:"Params and metrics of some runs, side by side."`
	Diff     runsDiff     `cmd:"" help:"What is not the same in two runs, down to code, data and dependencies."`
	Download runsDownload `cmd:"" help:"Fetch a run's artifacts."`
	Logs     runsLogs     `cmd:"" help:"Print a run's console output."`
	Stop     runsStop     `cmd:"" help:"End a run that cairn run started on this machine."`
}

type runsList struct {
	connection
	listing
	Experiment []string `sep:"none" short:"e" placeholder:"E" help:"Only runs of this experiment, by id or name; may be given more than once."`
	Filter     string   `short:"f" placeholder:"FILTER" help:"For example: metrics.accuracy > 0.9 AND params.max_depth = '3'."`
	OrderBy    []string `short:"o" sep:"none" placeholder:"TERM" help:"For example: metrics.accuracy DESC; may be given more than once."`
	Metric     []string `sep:"none" short:"m" placeholder:"KEY" help:"Show this metric; may be given more than once (default: those of the order, else the commonest)."`
	Param      []string `sep:"none" short:"p" placeholder:"KEY" help:"Show this param; may be given more than once."`
	Children   *bool    `negatable:"" help:"Show child runs too, such as the candidates of a search (default: only in JSON)."`
	Deleted    bool     `help:"Those that are deleted, instead."`
	Limit      int      `short:"n" default:"100" help:"At most so many."`
}

func (l *runsList) Run(ctx context.Context, std streams) error {
	if err := checkLimit(l.Limit); err != nil {
		return err
	}
	c, err := l.open()
	if err != nil {
		return err
	}
	defer c.Close()
	of, err := l.selection(ctx, c)
	if err != nil {
		return err
	}
	// JSON is for programs: it has what GraphQL and MLflow's search give, unless one asks for less.
	topLevel := !l.JSON
	if l.Children != nil {
		topLevel = !*l.Children
	}
	found, err := l.find(ctx, c, of, topLevel)
	if err != nil {
		return err
	}
	if l.JSON {
		return putJSON(std.out, found)
	}
	if err := l.show(std.out, found); err != nil || !topLevel {
		return err
	}
	return tellHidden(ctx, c, std.err, of)
}

// tellHidden says how many child runs match that are not shown.
func tellHidden(ctx context.Context, c *client.Client, out io.Writer, of selection) error {
	count, err := client.CountRuns(ctx, c, of.experiments, of.filter, of.view)
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	switch hidden := count.All.TotalCount - count.TopLevel.TotalCount; {
	case hidden > 1:
		return put(out, fmt.Sprintf("%d child runs match too; --children shows them.\n", hidden))
	case hidden == 1:
		return put(out, "1 child run matches too; --children shows it.\n")
	}
	return nil
}

// show prints runs as a table. Whose children they are and how many they have stands there only where any has.
func (l *runsList) show(out io.Writer, found []client.RunRow) error {
	metrics := l.Metric
	if len(metrics) == 0 {
		metrics = interesting(found, l.OrderBy)
	}
	head := []string{"RUN", "NAME", "EXPERIMENT", "STATUS", "STARTED", ">TOOK"}
	parents := slices.ContainsFunc(found, func(r client.RunRow) bool { return r.Parent != nil })
	children := slices.ContainsFunc(found, func(r client.RunRow) bool { return r.Children.TotalCount > 0 })
	if parents {
		head = append(head, "PARENT")
	}
	if children {
		head = append(head, ">CHILDREN")
	}
	for _, key := range metrics {
		head = append(head, ">"+key)
	}
	t := newTable(append(head, l.Param...)...)
	for i := range found {
		run := &found[i]
		cells := []string{run.RunId, run.Name, run.Experiment.Name, string(run.Status), showTime(run.StartTime), showTook(run.StartTime, run.EndTime)}
		if parents {
			cells = append(cells, parentOf(run))
		}
		if children {
			cells = append(cells, countOrNone(run.Children.TotalCount))
		}
		t.add(append(cells, values(run, metrics, l.Param)...)...)
	}
	return t.write(out)
}

func parentOf(run *client.RunRow) string {
	if run.Parent == nil {
		return ""
	}
	return run.Parent.RunId
}

func countOrNone(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// selection says which runs are meant.
type selection struct {
	experiments []string
	filter      *string
	view        client.View
}

func (l *runsList) selection(ctx context.Context, c *client.Client) (selection, error) {
	of := selection{view: view(l.Deleted)}
	experiments, err := experimentIDs(ctx, c, l.Experiment)
	if err != nil {
		return of, err
	}
	if len(experiments) > 0 {
		of.experiments = experiments
	}
	if l.Filter != "" {
		of.filter = &l.Filter
	}
	return of, nil
}

func (l *runsList) find(ctx context.Context, c *client.Client, of selection, topLevel bool) ([]client.RunRow, error) {
	var after *string
	found := []client.RunRow{}
	for len(found) < l.Limit {
		page, err := client.ListRuns(ctx, c, of.experiments, of.filter, l.OrderBy, of.view, topLevel, min(pageSize, l.Limit-len(found)), after)
		if err != nil {
			return nil, err //nolint:wrapcheck // an error for users already
		}
		for _, edge := range page.Runs.Edges {
			found = append(found, edge.Node)
		}
		if !page.Runs.PageInfo.HasNextPage {
			break
		}
		after = page.Runs.PageInfo.EndCursor
	}
	return found, nil
}

// values are the metrics and params of a run that are shown.
func values(run *client.RunRow, metrics, params []string) []string {
	cells := make([]string, 0, len(metrics)+len(params))
	for _, key := range metrics {
		cell := ""
		for _, m := range run.Metrics {
			if m.Key == key {
				cell = showValue(m.Last.Value)
			}
		}
		cells = append(cells, cell)
	}
	for _, key := range params {
		cell := ""
		for _, p := range run.Params {
			if p.Key == key {
				cell = p.Value
			}
		}
		cells = append(cells, cell)
	}
	return cells
}

var orderedMetric = regexp.MustCompile("(?i)^\\s*metrics?\\.(?:`([^`]+)`|\"([^\"]+)\"|(\\S+))")

// shownMetrics is how many metrics fit beside the rest when nobody says which.
const shownMetrics = 3

// interesting chooses the metrics to show when nobody says which: those that order the list, else the results that most
// of the runs have.
func interesting(runs []client.RunRow, order []string) []string {
	var keys []string
	for _, term := range order {
		if m := orderedMetric.FindStringSubmatch(term); m != nil {
			keys = append(keys, cmp.Or(m[1], m[2], m[3]))
		}
	}
	if len(keys) > 0 {
		return keys
	}
	count := map[string]int{}
	for i := range runs {
		for _, m := range runs[i].Metrics {
			if m.Role == client.MetricRoleResult {
				count[m.Key]++
			}
		}
	}
	for key := range count {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	return keys[:min(len(keys), shownMetrics)]
}

// showValue writes a metric as exactly as one reads.
func showValue(v client.MetricValue) string {
	f := float64(v)
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', 6, 64)
}

package main

import (
	"context"

	"github.com/cairnml/cairn/internal/client"
)

type runsCompare struct {
	connection
	listing
	Runs []string `arg:"" help:"Ids of 1 to 500 runs."`
	All  bool     `help:"Also what is the same in all of them."`
}

func (r *runsCompare) Run(ctx context.Context, std streams) error {
	comparison, err := compare(ctx, r.connection, r.Runs)
	if err != nil {
		return err
	}
	if r.JSON {
		return putJSON(std.out, comparison)
	}
	head := []string{""}
	ids := []string{"run"}
	for _, run := range comparison.Runs {
		head = append(head, ">"+run.Name)
		ids = append(ids, run.RunId)
	}
	t := newTable(head...)
	t.add(ids...)
	for _, p := range comparison.Params {
		if p.Differs || r.All {
			cells := []string{"params." + p.Key}
			for _, v := range p.Values {
				cells = append(cells, short(valueOr(v, "")))
			}
			t.add(cells...)
		}
	}
	for _, m := range comparison.Metrics {
		if m.Differs || r.All {
			t.add(append([]string{"metrics." + m.Key}, metricCells(m.Last)...)...)
		}
	}
	return t.write(std.out)
}

func compare(ctx context.Context, connection connection, runs []string) (*client.CompareRunsCompareRunsRunComparison, error) {
	c, err := connection.open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	answer, err := client.CompareRuns(ctx, c, runs)
	if err != nil {
		return nil, err //nolint:wrapcheck // an error for users already
	}
	return &answer.CompareRuns, nil
}

func valueOr(v *string, none string) string {
	if v == nil {
		return none
	}
	return *v
}

func metricCells(values []*client.MetricValue) []string {
	cells := make([]string, len(values))
	for i, v := range values {
		if v != nil {
			cells[i] = showValue(*v)
		}
	}
	return cells
}

type runsDiff struct {
	connection
	listing
	First  string `arg:"" help:"A run's id."`
	Second string `arg:"" help:"Another run's id."`
}

// difference is one thing that is not the same in two runs; null where a run does not have it.
type difference struct {
	What   string  `json:"what"`
	Key    string  `json:"key"`
	First  *string `json:"first"`
	Second *string `json:"second"`
}

func (r *runsDiff) Run(ctx context.Context, std streams) error {
	comparison, err := compare(ctx, r.connection, []string{r.First, r.Second})
	if err != nil {
		return err
	}
	all := []difference{}
	if len(comparison.Runs) == 2 { // else both ids name the same run
		all = differences(comparison)
	}
	if r.JSON {
		return putJSON(std.out, all)
	}
	if len(all) == 0 {
		return put(std.out, "The two runs have the same params, metrics, tags, inputs and fingerprint.\n")
	}
	t := newTable("WHAT", "KEY", comparison.Runs[0].Name, comparison.Runs[1].Name)
	for _, d := range all {
		t.add(d.What, d.Key, short(valueOr(d.First, "(none)")), short(valueOr(d.Second, "(none)")))
	}
	return t.write(std.out)
}

func differences(c *client.CompareRunsCompareRunsRunComparison) []difference {
	all := []difference{}
	first, second := c.Runs[0], c.Runs[1]
	partsOfSecond := hashParts(second.Fingerprint)
	for i, part := range hashParts(first.Fingerprint) {
		if part.hash != partsOfSecond[i].hash {
			all = append(all, difference{"fingerprint", part.name, some(part.hash), some(partsOfSecond[i].hash)})
		}
	}
	all = append(all, differing("input", inputDigests(first), inputDigests(second))...)
	for _, p := range c.Params {
		if p.Differs {
			all = append(all, difference{"param", p.Key, p.Values[0], p.Values[1]})
		}
	}
	for _, m := range c.Metrics {
		if m.Differs {
			cells := metricCells(m.Last)
			all = append(all, difference{"metric", m.Key, some(cells[0]), some(cells[1])})
		}
	}
	return append(all, differing("tag", userTags(first), userTags(second))...)
}

// some gives null for what is empty.
func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// ordered keeps the order in which its keys came.
type ordered struct {
	keys   []string
	values map[string]string
}

func (o *ordered) set(key, value string) {
	if o.values == nil {
		o.values = map[string]string{}
	}
	if _, there := o.values[key]; !there {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
}

func inputDigests(run client.ComparedRun) ordered {
	var o ordered
	for _, i := range run.Inputs {
		key := i.Dataset.Name
		if i.Context != "" {
			key += " (" + i.Context + ")"
		}
		o.set(key, i.Dataset.Digest)
	}
	return o
}

// perRun are tags that differ between any two runs and say nothing of what was done.
var perRun = map[string]bool{"mlflow.runName": true, "cairn.exec_id": true, "mlflow.log-model.history": true}

func userTags(run client.ComparedRun) ordered {
	var o ordered
	for _, t := range run.Tags {
		if !perRun[t.Key] {
			o.set(t.Key, t.Value)
		}
	}
	return o
}

func differing(what string, first, second ordered) []difference {
	var all []difference
	for _, key := range first.keys {
		a, b := first.values[key], second.values[key]
		_, there := second.values[key]
		if !there {
			all = append(all, difference{what, key, &a, nil})
		} else if a != b {
			all = append(all, difference{what, key, &a, &b})
		}
	}
	for _, key := range second.keys {
		if _, there := first.values[key]; !there {
			b := second.values[key]
			all = append(all, difference{what, key, nil, &b})
		}
	}
	return all
}

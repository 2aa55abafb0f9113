package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type runsShow struct {
	connection
	listing
	Run_ string `arg:"" name:"run" help:"The run's id."`
}

func (s *runsShow) Run(ctx context.Context, std streams) error {
	c, err := s.open()
	if err != nil {
		return err
	}
	defer c.Close()
	answer, err := client.ShowRun(ctx, c, s.Run_, true)
	elsewhere := errs.Is(err, errs.Unsupported)
	if elsewhere { // its artifacts are where the server does not go
		answer, err = client.ShowRun(ctx, c, s.Run_, false)
	}
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if answer.Run == nil {
		return noSuchRun(s.Run_)
	}
	if s.JSON {
		return putJSON(std.out, answer.Run)
	}
	return showRun(answer.Run, elsewhere, std)
}

func noSuchRun(id string) error {
	return errs.New(errs.NotFound, "there is no run %s; `cairn runs list` names those that are there", printable(id))
}

// facts prints names and values below each other.
type facts struct{ text strings.Builder }

func (f *facts) add(name, value string) {
	if value != "" {
		_, _ = fmt.Fprintf(&f.text, "%-12s %s\n", name, printable(value))
	}
}

func showRun(run *client.RunDetail, elsewhere bool, std streams) error {
	var f facts
	f.add("run", run.RunId)
	f.add("name", run.Name)
	f.add("experiment", run.Experiment.Name+" ("+run.Experiment.ExperimentId+")")
	status := string(run.Status)
	if run.StatusReason != "" {
		status += ": " + run.StatusReason
	}
	f.add("status", status)
	if run.LifecycleStage == client.LifecycleStageDeleted {
		f.add("stage", "deleted")
	}
	f.add("started", showTime(run.StartTime))
	f.add("ended", showTimeOr(run.EndTime, ""))
	if run.EndTime != nil {
		f.add("took", showTook(run.StartTime, run.EndTime))
	}
	f.add("user", run.UserId)
	f.add("created by", run.CreatedBy)
	if run.Parent != nil {
		f.add("parent", run.Parent.RunId+" ("+run.Parent.Name+")")
	}
	if run.Children.TotalCount > 0 {
		f.add("children", fmt.Sprint(run.Children.TotalCount))
	}
	if elsewhere {
		f.add("artifacts", run.ArtifactLocation+", outside of this server")
	}
	if err := put(std.out, f.text.String()); err != nil {
		return err
	}
	return writeSections(std.out, []section{
		{"Params", pairsTable(run.Params, func(p client.RunDetailParamsParam) (string, string) { return p.Key, p.Value })},
		{"Metrics", metricsTable(run.Metrics)},
		{"Tags", pairsTable(run.Tags, func(t client.RunDetailTagsTag) (string, string) { return t.Key, t.Value })},
		{"Inputs", inputsTable(run.Inputs)},
		{"Models", modelsTable(run.LoggedModels)},
		{"Fingerprint", hashesTable(run.Fingerprint)},
		{"Artifacts", artifactsTable(run.Artifacts)},
	})
}

// maxCell keeps a long value, such as a tag that holds JSON, from filling the screen.
const maxCell = 160

func short(text string) string {
	if runes := []rune(text); len(runes) > maxCell {
		return string(runes[:maxCell-1]) + "…"
	}
	return text
}

func pairsTable[T any](items []T, pair func(T) (string, string)) *table {
	t := newTable("  KEY", "VALUE")
	for _, item := range items {
		key, value := pair(item)
		t.add("  "+key, short(value))
	}
	return t
}

func metricsTable(metrics []client.RunDetailMetricsMetric) *table {
	t := newTable("  KEY", ">LAST", ">STEP", ">MIN", ">MAX", ">POINTS")
	for _, m := range metrics {
		lowest, highest := "", ""
		if m.Min != nil && m.Max != nil {
			lowest, highest = showValue(m.Min.Value), showValue(m.Max.Value)
		}
		t.add("  "+m.Key, showValue(m.Last.Value), m.Last.Step.String(), lowest, highest, fmt.Sprint(m.Count))
	}
	return t
}

func inputsTable(inputs []client.RunDetailInputsRunInput) *table {
	t := newTable("  DATASET", "DIGEST", "CONTEXT")
	for _, i := range inputs {
		t.add("  "+i.Dataset.Name, i.Dataset.Digest, i.Context)
	}
	return t
}

func modelsTable(models []client.RunDetailLoggedModelsLoggedModel) *table {
	t := newTable("  MODEL", "NAME", "TYPE", "STATUS")
	for _, m := range models {
		t.add("  "+m.ModelId, m.Name, m.ModelType, string(m.Status))
	}
	return t
}

func hashesTable(f *client.FingerprintHashes) *table {
	t := newTable("  PART", "HASH")
	for _, part := range hashParts(f) {
		if part.hash != "" {
			t.add("  "+part.name, part.hash)
		}
	}
	return t
}

type hashPart struct{ name, hash string }

// hashParts gives the parts of a fingerprint in one order; a run without one has all of them empty.
func hashParts(f *client.FingerprintHashes) []hashPart {
	if f == nil {
		f = &client.FingerprintHashes{}
	}
	return []hashPart{
		{"code", f.CodeHash},
		{"data", f.DataHash},
		{"dependencies", f.DependenciesHash},
		{"seeds", f.SeedsHash},
		{"command", f.CommandHash},
		{"hardware", f.HardwareHash},
	}
}

func artifactsTable(artifacts client.RunDetailArtifactsArtifactConnection) *table {
	t := newTable("  PATH", ">SIZE")
	for _, edge := range artifacts.Edges {
		if edge.Node.IsDir || edge.Node.Size == nil {
			t.add("  "+edge.Node.Path+"/", "")
		} else {
			t.add("  "+edge.Node.Path, showSize(*edge.Node.Size))
		}
	}
	if artifacts.PageInfo.HasNextPage {
		t.add("  … and more", "")
	}
	return t
}

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type experimentCommands struct {
	List    experimentsList    `cmd:"" help:"List experiments."`
	Show    experimentsShow    `cmd:"" help:"Show all that is known of an experiment."`
	Create  experimentsCreate  `cmd:"" help:"Make an experiment."`
	Rename  experimentsRename  `cmd:"" help:"Give an experiment another name."`
	Delete  experimentsDelete  `cmd:"" help:"Delete an experiment and its runs; restore brings both back."`
	Restore experimentsRestore `cmd:"" help:"Restore an experiment and the runs that its deletion deleted."`
}

// pageSize is how many objects are asked for at once; lists of any length are read page by page.
const pageSize = 500

type experimentsList struct {
	connection
	listing
	Filter  string `placeholder:"FILTER" help:"For example: name LIKE 'team/%'."`
	Deleted bool   `help:"Those that are deleted, instead."`
	Limit   int    `default:"1000" help:"At most so many."`
}

func (l *experimentsList) Run(ctx context.Context, std streams) error {
	if err := checkLimit(l.Limit); err != nil {
		return err
	}
	c, err := l.open()
	if err != nil {
		return err
	}
	defer c.Close()
	var filter, after *string
	if l.Filter != "" {
		filter = &l.Filter
	}
	found := []client.ExperimentRow{}
	for len(found) < l.Limit {
		page, err := client.ListExperiments(ctx, c, filter, view(l.Deleted), min(pageSize, l.Limit-len(found)), after)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		for _, edge := range page.Experiments.Edges {
			found = append(found, edge.Node)
		}
		if !page.Experiments.PageInfo.HasNextPage {
			break
		}
		after = page.Experiments.PageInfo.EndCursor
	}
	if l.JSON {
		return putJSON(std.out, found)
	}
	t := newTable(">ID", "NAME", "CREATED", "BY", "TAGS")
	for _, e := range found {
		tags := make([]string, len(e.Tags))
		for i, tag := range e.Tags {
			tags[i] = tag.Key + "=" + tag.Value
		}
		t.add(e.ExperimentId, e.Name, showTime(e.CreatedAt), e.CreatedBy, strings.Join(tags, " "))
	}
	return t.write(std.out)
}

func view(deleted bool) client.View {
	if deleted {
		return client.ViewDeleted
	}
	return client.ViewActive
}

type experimentsCreate struct {
	connection
	listing
	Name string            `arg:"" help:"Unique, at most 500 characters."`
	Tag  map[string]string `mapsep:"none" placeholder:"KEY=VALUE" help:"A tag; may be given more than once."`
}

func (e *experimentsCreate) Run(ctx context.Context, std streams) error {
	c, err := e.open()
	if err != nil {
		return err
	}
	defer c.Close()
	made, err := client.CreateExperiment(ctx, c, client.CreateExperimentInput{Name: e.Name, Tags: tagInputs(e.Tag)})
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if e.JSON {
		return putJSON(std.out, made.CreateExperiment)
	}
	return put(std.out, made.CreateExperiment.ExperimentId+"\n")
}

type experimentsShow struct {
	connection
	listing
	Experiment string `arg:"" help:"Id or name."`
}

func (e *experimentsShow) Run(ctx context.Context, std streams) error {
	return withExperiment(ctx, e.connection, e.Experiment, func(c *client.Client, id string) error {
		answer, err := client.ShowExperiment(ctx, c, id)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		x := answer.Experiment
		if x == nil {
			return noSuchExperiment(id)
		}
		if e.JSON {
			return putJSON(std.out, x)
		}
		var f facts
		f.add("experiment", x.ExperimentId)
		f.add("name", x.Name)
		if x.LifecycleStage == client.LifecycleStageDeleted {
			f.add("stage", "deleted")
		}
		f.add("created", showTime(x.CreatedAt)+" by "+x.CreatedBy)
		f.add("updated", showTime(x.UpdatedAt))
		f.add("artifacts", x.ArtifactLocation)
		f.add("runs", runCounts(x))
		if err := put(std.out, f.text.String()); err != nil {
			return err
		}
		return writeSections(std.out, []section{
			{"Tags", pairsTable(x.Tags, func(t client.ExperimentDetailTagsTag) (string, string) { return t.Key, t.Value })},
			{"Goals", pairsTable(x.MetricGoals, func(g client.ExperimentDetailMetricGoalsMetricGoal) (string, string) {
				return g.Key, strings.ToLower(string(g.Goal))
			})},
		})
	})
}

func runCounts(x *client.ExperimentDetail) string {
	text := fmt.Sprint(x.Active.TotalCount)
	for _, part := range []struct {
		count int
		what  string
	}{
		{x.Active.TotalCount - x.TopLevel.TotalCount, "of them below others"},
		{x.Running.TotalCount, "running"},
		{x.Deleted.TotalCount, "more deleted"},
	} {
		if part.count > 0 {
			text += fmt.Sprintf(", %d %s", part.count, part.what)
		}
	}
	return text
}

func noSuchExperiment(id string) error {
	return errs.New(errs.NotFound, "there is no experiment %s; `cairn experiments list` names those that are there", printable(id))
}

type experimentsRename struct {
	connection
	listing
	Experiment string `arg:"" help:"Id or name."`
	Name       string `arg:"" help:"The new name."`
}

func (e *experimentsRename) Run(ctx context.Context, std streams) error {
	return withExperiment(ctx, e.connection, e.Experiment, func(c *client.Client, id string) error {
		renamed, err := client.RenameExperiment(ctx, c, id, e.Name)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if e.JSON {
			return putJSON(std.out, renamed.UpdateExperiment)
		}
		return put(std.out, fmt.Sprintf("experiment %s is named %s\n", id, printable(renamed.UpdateExperiment.Name)))
	})
}

type experimentsDelete struct {
	connection
	listing
	destructive
	Experiment string `arg:"" help:"Id or name."`
}

func (e *experimentsDelete) Run(ctx context.Context, std streams) error {
	return withExperiment(ctx, e.connection, e.Experiment, func(c *client.Client, id string) error {
		about, err := client.ExperimentRunCount(ctx, c, id)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if about.Experiment == nil {
			return noSuchExperiment(id)
		}
		name, runs := printable(about.Experiment.Name), about.Experiment.Runs.TotalCount
		what := fmt.Sprintf("delete experiment %s (%s) with %d runs", id, name, runs)
		if ok, err := e.confirmed(std, what); err != nil || !ok {
			return err
		}
		gone, err := client.DeleteExperiment(ctx, c, id)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if e.JSON {
			return putJSON(std.out, gone.DeleteExperiment)
		}
		return put(std.out, fmt.Sprintf("deleted experiment %s (%s); `cairn experiments restore %s` brings it back\n", id, name, id))
	})
}

type experimentsRestore struct {
	connection
	listing
	Experiment string `arg:"" help:"Id or name."`
}

func (e *experimentsRestore) Run(ctx context.Context, std streams) error {
	return withExperiment(ctx, e.connection, e.Experiment, func(c *client.Client, id string) error {
		restored, err := client.RestoreExperiment(ctx, c, id)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if e.JSON {
			return putJSON(std.out, restored.RestoreExperiment)
		}
		return put(std.out, fmt.Sprintf("restored experiment %s (%s)\n", id, printable(restored.RestoreExperiment.Name)))
	})
}

// withExperiment connects, and finds an experiment by id or name.
func withExperiment(ctx context.Context, connection connection, text string, do func(c *client.Client, id string) error) error {
	c, err := connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	id, err := experimentID(ctx, c, text)
	if err != nil {
		return err
	}
	return do(c, id)
}

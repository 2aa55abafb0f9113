package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/client"
)

type modelsList struct {
	connection
	listing
	Filter  string   `short:"f" placeholder:"FILTER" help:"For example: name LIKE 'iris%' AND tags.team = 'vision'."`
	OrderBy []string `short:"o" sep:"none" placeholder:"TERM" help:"For example: last_updated_timestamp DESC; may be given more than once."`
	Limit   int      `short:"n" default:"100" help:"At most so many."`
}

func (l *modelsList) Run(ctx context.Context, std streams) error {
	if err := checkLimit(l.Limit); err != nil {
		return err
	}
	c, err := l.open()
	if err != nil {
		return err
	}
	defer c.Close()
	found := []client.ModelRow{}
	var after *string
	for len(found) < l.Limit {
		page, err := client.ListModels(ctx, c, some(l.Filter), l.OrderBy, min(pageSize, l.Limit-len(found)), after)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		for _, edge := range page.RegisteredModels.Edges {
			found = append(found, edge.Node)
		}
		if !page.RegisteredModels.PageInfo.HasNextPage {
			break
		}
		after = page.RegisteredModels.PageInfo.EndCursor
	}
	if l.JSON {
		return putJSON(std.out, found)
	}
	t := newTable("NAME", ">NEWEST", ">PRODUCTION", ">STAGING", "ALIASES", "UPDATED", "BY", "TAGS")
	for _, m := range found {
		newest := ""
		if n := newestOf(m); n > 0 {
			newest = strconv.Itoa(n)
		}
		t.add(m.Name, newest, inStage(m, "Production"), inStage(m, "Staging"), namedVersions(m.Aliases), showTime(m.UpdatedAt), m.UpdatedBy, tagList(m.Tags))
	}
	return t.write(std.out)
}

// namedVersions shows what the aliases of a model name.
func namedVersions(aliases []client.AliasRow) string {
	texts := make([]string, len(aliases))
	for i, a := range aliases {
		texts[i] = fmt.Sprintf("@%s=%d", a.Alias, a.Version)
	}
	return short(strings.Join(texts, " "))
}

type modelsVersions struct {
	connection
	listing
	Name    string   `arg:"" optional:"" help:"The model (default: versions of all)."`
	Stage   string   `short:"s" placeholder:"STAGE" help:"Only versions in this stage: None, Staging, Production or Archived."`
	Filter  string   `short:"f" placeholder:"FILTER" help:"For example: tags.git_sha = '6c2da07'."`
	OrderBy []string `short:"o" sep:"none" placeholder:"TERM" help:"For example: version_number DESC, which is the default for one model."`
	Limit   int      `short:"n" default:"100" help:"At most so many."`
}

func (l *modelsVersions) Run(ctx context.Context, std streams) error {
	if err := checkLimit(l.Limit); err != nil {
		return err
	}
	return withModels(ctx, l.connection, l.Name, func(c *client.Client) error {
		found, err := l.find(ctx, c)
		if err != nil {
			return err
		}
		if l.JSON {
			return putJSON(std.out, found)
		}
		return versionsTable(found, l.Name == "").write(std.out)
	})
}

func (l *modelsVersions) find(ctx context.Context, c *client.Client) ([]client.ModelVersionRow, error) {
	var conditions []string
	order := l.OrderBy
	if l.Name != "" {
		// Without it, an unknown model would look like one without versions.
		answer, err := client.ModelOutline(ctx, c, l.Name)
		if err != nil {
			return nil, err //nolint:wrapcheck // an error for users already
		}
		if answer.RegisteredModel == nil {
			return nil, noSuchModel(l.Name)
		}
		conditions = append(conditions, "name = "+filterText(l.Name))
		if len(order) == 0 {
			order = []string{"version_number DESC"}
		}
	}
	if l.Stage != "" {
		stage, err := parseStage(l.Stage)
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, "stage = "+filterText(stage))
	}
	if l.Filter != "" {
		conditions = append(conditions, "("+l.Filter+")")
	}
	return findVersions(ctx, c, strings.Join(conditions, " AND "), order, l.Limit)
}

func findVersions(ctx context.Context, c *client.Client, filter string, order []string, limit int) ([]client.ModelVersionRow, error) {
	found := []client.ModelVersionRow{}
	var after *string
	for len(found) < limit {
		page, err := client.ListModelVersions(ctx, c, some(filter), order, min(pageSize, limit-len(found)), after)
		if err != nil {
			return nil, err //nolint:wrapcheck // an error for users already
		}
		for _, edge := range page.ModelVersions.Edges {
			found = append(found, edge.Node)
		}
		if !page.ModelVersions.PageInfo.HasNextPage {
			break
		}
		after = page.ModelVersions.PageInfo.EndCursor
	}
	return found, nil
}

// versionsTable shows versions, with their models' names when they are of several.
func versionsTable(found []client.ModelVersionRow, named bool) *table {
	head := []string{">VERSION", "STAGE", "ALIASES", "RUN", "CREATED", "BY", "TAGS"}
	if named {
		head = append([]string{"NAME"}, head...)
	}
	t := newTable(head...)
	for _, v := range found {
		run := v.RunId
		if v.Run != nil {
			run += " (" + v.Run.Name + ")"
		}
		cells := []string{strconv.Itoa(v.Version), v.Stage, aliasList(v.Aliases), run, showTime(v.CreatedAt), v.CreatedBy, tagList(v.Tags)}
		if named {
			cells = append([]string{v.Name}, cells...)
		}
		t.add(cells...)
	}
	return t
}

package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/client"
)

type modelsShow struct {
	connection
	listing
	Model string `arg:"" help:"A model, NAME; or a version: NAME/3, NAME/Production, NAME@ALIAS or NAME/latest."`
}

func (s *modelsShow) Run(ctx context.Context, std streams) error {
	ref := parseModelRef(s.Model)
	return withModels(ctx, s.connection, ref.name, func(c *client.Client) error {
		if ref.which == "" {
			return s.model(ctx, c, ref.name, std)
		}
		answer, err := client.ShowModelVersion(ctx, c, ref.uri())
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if answer.ModelVersion == nil {
			return noSuchVersion(ref)
		}
		if s.JSON {
			return putJSON(std.out, answer.ModelVersion)
		}
		return showVersion(answer.ModelVersion, std)
	})
}

func (s *modelsShow) model(ctx context.Context, c *client.Client, name string, std streams) error {
	answer, err := client.ShowModel(ctx, c, name)
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	m := answer.RegisteredModel
	if m == nil {
		return noSuchModel(name)
	}
	if s.JSON {
		return putJSON(std.out, m)
	}
	var f facts
	f.add("model", m.Name)
	f.add("description", m.Description)
	f.add("created", showTime(m.CreatedAt)+" by "+m.CreatedBy)
	f.add("updated", showTime(m.UpdatedAt)+" by "+m.UpdatedBy)
	f.add("aliases", namedVersions(m.Aliases))
	f.add("history head", m.HistoryHead)
	if err := put(std.out, f.text.String()); err != nil {
		return err
	}
	rules := newTable("  STAGE", "RULE")
	for _, r := range m.Rules {
		rules.add("  "+r.Stage, r.Text)
	}
	versions := make([]client.ModelVersionRow, len(m.Versions.Edges))
	for i, edge := range m.Versions.Edges {
		versions[i] = edge.Node
	}
	if err := writeSections(std.out, []section{
		{"Tags", pairsTable(m.Tags, func(t client.ModelTag) (string, string) { return t.Key, t.Value })},
		{"Rules", rules},
		{"Versions", versionsTable(versions, false)},
	}); err != nil {
		return err
	}
	if m.Versions.PageInfo.HasNextPage {
		return put(std.out, fmt.Sprintf("… and more: cairn models versions %s\n", printable(m.Name)))
	}
	return nil
}

func showVersion(v *client.ModelVersionDetail, std streams) error {
	var f facts
	f.add("model", v.Name)
	f.add("version", strconv.Itoa(v.Version))
	f.add("stage", v.Stage)
	f.add("aliases", aliasList(v.Aliases))
	status := string(v.Status)
	if v.StatusMessage != "" {
		status += ": " + v.StatusMessage
	}
	f.add("status", status)
	f.add("description", v.Description)
	f.add("source", v.Source)
	f.add("files", v.ArtifactLocation)
	f.add("run", runOf(v))
	if v.LoggedModel != nil {
		f.add("logged model", v.LoggedModel.ModelId)
	}
	f.add("created", showTime(v.CreatedAt)+" by "+v.CreatedBy)
	f.add("updated", showTime(v.UpdatedAt)+" by "+v.UpdatedBy)
	f.add("not read", v.ManifestProblem)
	if v.Signature == nil {
		f.add("signature", "none")
	}
	if err := put(std.out, f.text.String()); err != nil {
		return err
	}
	requirements := newTable("  REQUIREMENT")
	for line := range strings.Lines(v.Requirements) {
		requirements.add("  " + strings.TrimSpace(line))
	}
	approvals := newTable("  STAGE", "BY", "WHEN", "WHY")
	for _, a := range v.Approvals {
		approvals.add("  "+a.Stage, a.Principal, showTime(a.Time), short(a.Reason))
	}
	sections := []section{{"Tags", pairsTable(v.Tags, func(t client.ModelTag) (string, string) { return t.Key, t.Value })}}
	if s := v.Signature; s != nil {
		params := newTable("  PARAM", "TYPE", "DEFAULT")
		for _, p := range s.Params {
			params.add("  "+p.Name, p.Type, short(p.Default))
		}
		sections = append(sections, section{"Takes", columnsTable(s.Inputs)}, section{"Gives", columnsTable(s.Outputs)}, section{"Params of inference", params})
	}
	return writeSections(std.out, append(sections, section{"Requirements", requirements}, section{"Approvals", approvals}))
}

func runOf(v *client.ModelVersionDetail) string {
	switch {
	case v.Run != nil:
		return fmt.Sprintf("%s (%s of %s)", v.RunId, v.Run.Name, v.Run.Experiment.Name)
	case v.RunId != "" && v.RunLink != "":
		return v.RunId + " at " + v.RunLink
	case v.RunId != "":
		return v.RunId + " (not on this server)"
	}
	return v.RunLink
}

func columnsTable(fields []client.SignatureColumn) *table {
	t := newTable("  COLUMN", "TYPE", "")
	for i, f := range fields {
		name, optional := f.Name, ""
		if name == "" {
			name = fmt.Sprintf("[%d]", i)
		}
		if !f.Required {
			optional = "optional"
		}
		t.add("  "+name, f.Type, optional)
	}
	return t
}

// section is a table below its title.
type section struct {
	title string
	table *table
}

// writeSections prints those that have rows.
func writeSections(out io.Writer, sections []section) error {
	for _, s := range sections {
		if len(s.table.rows) == 0 {
			continue
		}
		if err := put(out, "\n"+s.title+"\n"); err != nil {
			return err
		}
		if err := s.table.write(out); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type modelsAlias struct {
	Set    modelsAliasSet    `cmd:"" help:"Let an alias name a version, whatever it named before."`
	Delete modelsAliasDelete `cmd:"" help:"Delete an alias; the version stays."`
}

type modelsAliasSet struct {
	connection
	listing
	Version string `arg:"" help:"NAME/3, NAME/Production, NAME@ALIAS or NAME/latest."`
	Alias   string `arg:"" help:"The alias, with or without @."`
}

func (a *modelsAliasSet) Run(ctx context.Context, std streams) error {
	alias := strings.TrimPrefix(a.Alias, "@")
	return withVersion(ctx, a.connection, a.Version, func(c *client.Client, v client.ModelVersionRow) error {
		outline, err := client.ModelOutline(ctx, c, v.Name)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		done, err := client.SetModelAlias(ctx, c, v.Name, alias, v.Version)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if a.JSON {
			return putJSON(std.out, done.SetRegisteredModelAlias)
		}
		text := fmt.Sprintf("%s@%s is version %d", printable(v.Name), printable(alias), v.Version)
		if before := aliased(outline.RegisteredModel, alias); before != 0 && before != v.Version {
			text += fmt.Sprintf(" (before: %d)", before)
		}
		return put(std.out, text+"\n")
	})
}

// aliased gives the version that an alias names; 0 when it names none.
func aliased(m *client.ModelRow, alias string) int {
	if m == nil {
		return 0
	}
	if i := slices.IndexFunc(m.Aliases, func(a client.AliasRow) bool { return a.Alias == alias }); i >= 0 {
		return m.Aliases[i].Version
	}
	return 0
}

type modelsAliasDelete struct {
	connection
	listing
	destructive
	Alias string `arg:"" help:"NAME@ALIAS."`
}

func (a *modelsAliasDelete) Run(ctx context.Context, std streams) error {
	ref := parseModelRef(a.Alias)
	alias, ok := strings.CutPrefix(ref.which, "@")
	if !ok {
		return errs.New(errs.Invalid, "%q names no alias: write NAME@ALIAS", printable(a.Alias))
	}
	return withModels(ctx, a.connection, ref.name, func(c *client.Client) error {
		outline, err := client.ModelOutline(ctx, c, ref.name)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if outline.RegisteredModel == nil {
			return noSuchModel(ref.name)
		}
		version := aliased(outline.RegisteredModel, alias)
		if version == 0 {
			return errs.New(errs.NotFound, "there is no alias %s", printable(ref.name+ref.which))
		}
		what := printable(ref.name + ref.which)
		if ok, err := a.confirmed(std, fmt.Sprintf("delete the alias %s of version %d", what, version)); err != nil || !ok {
			return err
		}
		done, err := client.DeleteModelAlias(ctx, c, ref.name, alias)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if a.JSON {
			return putJSON(std.out, done.DeleteRegisteredModelAlias)
		}
		return put(std.out, fmt.Sprintf("deleted %s; `cairn models alias set %s/%d %s` brings it back\n", what, printable(ref.name), version, printable(alias)))
	})
}

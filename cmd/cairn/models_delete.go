package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type modelsDelete struct {
	connection
	listing
	destructive
	Model  string `arg:"" help:"A model, NAME, with all of its versions; or a version: NAME/3."`
	Reason string `placeholder:"WHY" help:"Kept in the history."`
}

// Help is shown by --help, below the line of modelCommands.
func (d *modelsDelete) Help() string {
	return "What is deleted does not come back; its history stays, and `cairn models history NAME` shows it. " +
		"The number of a version is not given again; the name of a model is free. Files of runs and logged models stay where they are."
}

// deleted is what --json tells.
type deleted struct {
	Name    string `json:"name"`
	Version *int   `json:"version"`
}

func (d *modelsDelete) Run(ctx context.Context, std streams) error {
	ref := parseModelRef(d.Model)
	if ref.which != "" {
		return d.version(ctx, ref, std)
	}
	return withModels(ctx, d.connection, ref.name, func(c *client.Client) error {
		outline, err := client.ModelOutline(ctx, c, ref.name)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if outline.RegisteredModel == nil {
			return noSuchModel(ref.name)
		}
		what := "delete the registered model " + printable(ref.name) + " for good, "
		if has := outline.RegisteredModel.LatestVersions; len(has) == 0 {
			what += "which has no version"
		} else {
			what += "with all of its versions: " + strings.TrimPrefix(whatModelHas(*outline.RegisteredModel), printable(ref.name)+" has versions: ")
		}
		if ok, err := d.confirmed(std, what); err != nil || !ok {
			return err
		}
		if _, err := client.DeleteModel(ctx, c, ref.name, d.Reason); err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if d.JSON {
			return putJSON(std.out, deleted{Name: ref.name})
		}
		return put(std.out, fmt.Sprintf("deleted the registered model %s; its history stays\n", printable(ref.name)))
	})
}

func (d *modelsDelete) version(ctx context.Context, ref modelRef, std streams) error {
	if strings.Trim(ref.which, "0123456789") != "/" {
		// What an alias or a stage names may be another version by the time that the question is answered.
		return errs.New(errs.Invalid, "%q may name another version at any time: name the one to delete by its number, as in %s/3", printable(d.Model), printable(ref.name))
	}
	return withVersion(ctx, d.connection, ref.uri(), func(c *client.Client, v client.ModelVersionRow) error {
		what := fmt.Sprintf("delete %s, which is in %s", versionName(v), v.Stage)
		if len(v.Aliases) > 0 {
			what += ", with its aliases " + aliasList(v.Aliases)
		}
		if ok, err := d.confirmed(std, what+", for good"); err != nil || !ok {
			return err
		}
		if _, err := client.DeleteModelVersion(ctx, c, v.Name, v.Version, d.Reason); err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if d.JSON {
			return putJSON(std.out, deleted{Name: v.Name, Version: &v.Version})
		}
		return put(std.out, fmt.Sprintf("deleted %s; its history stays\n", versionName(v)))
	})
}

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type modelsTag struct {
	Set    modelsTagSet    `cmd:"" help:"Set tags of a model or a version."`
	Delete modelsTagDelete `cmd:"" help:"Delete a tag of a model or a version."`
}

type modelsTagSet struct {
	connection
	listing
	Model string   `arg:"" help:"A model, NAME; or a version: NAME/3, NAME/Production, NAME@ALIAS or NAME/latest."`
	Tags  []string `arg:"" name:"tag" placeholder:"KEY=VALUE" help:"KEY=VALUE."`
}

func (t *modelsTagSet) Run(ctx context.Context, std streams) error {
	for _, pair := range t.Tags {
		if key, _, ok := strings.Cut(pair, "="); !ok || key == "" {
			return errs.New(errs.Invalid, "%q is no tag: write KEY=VALUE", printable(pair))
		}
	}
	return onTagged(ctx, t.connection, t.Model, func(c *client.Client, of tagged) error {
		for _, pair := range t.Tags {
			key, value, _ := strings.Cut(pair, "=")
			if err := of.set(ctx, c, key, value); err != nil {
				return err
			}
		}
		return of.tell(ctx, c, t.JSON, std, fmt.Sprintf("set %d tags of %s\n", len(t.Tags), of.shown()))
	})
}

type modelsTagDelete struct {
	connection
	listing
	destructive
	Model string `arg:"" help:"A model, NAME; or a version: NAME/3, NAME/Production, NAME@ALIAS or NAME/latest."`
	Key   string `arg:"" help:"The tag's key."`
}

func (t *modelsTagDelete) Run(ctx context.Context, std streams) error {
	return onTagged(ctx, t.connection, t.Model, func(c *client.Client, of tagged) error {
		i := slices.IndexFunc(of.tags, func(tag client.ModelTag) bool { return tag.Key == t.Key })
		if i < 0 {
			return errs.New(errs.NotFound, "%s has no tag %q", of.shown(), printable(t.Key))
		}
		what := printable(fmt.Sprintf("%s=%s of %s", t.Key, short(of.tags[i].Value), of.shown()))
		if ok, err := t.confirmed(std, "delete the tag "+what); err != nil || !ok {
			return err
		}
		if err := of.remove(ctx, c, t.Key); err != nil {
			return err
		}
		return of.tell(ctx, c, t.JSON, std, "deleted the tag "+what+"\n")
	})
}

// tagged is a model, or a version when that is not 0, with its tags.
type tagged struct {
	name    string
	version int
	tags    []client.ModelTag
}

func (t tagged) shown() string {
	if t.version == 0 {
		return printable(t.name)
	}
	return fmt.Sprintf("%s/%d", printable(t.name), t.version)
}

func onTagged(ctx context.Context, connection connection, text string, do func(c *client.Client, of tagged) error) error {
	ref := parseModelRef(text)
	if ref.which != "" {
		return withVersion(ctx, connection, text, func(c *client.Client, v client.ModelVersionRow) error {
			return do(c, tagged{v.Name, v.Version, v.Tags})
		})
	}
	return withModels(ctx, connection, ref.name, func(c *client.Client) error {
		outline, err := client.ModelOutline(ctx, c, ref.name)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if outline.RegisteredModel == nil {
			return noSuchModel(ref.name)
		}
		return do(c, tagged{ref.name, 0, outline.RegisteredModel.Tags})
	})
}

func (t tagged) set(ctx context.Context, c *client.Client, key, value string) error {
	var err error
	if t.version == 0 {
		_, err = client.SetModelTag(ctx, c, t.name, key, value)
	} else {
		_, err = client.SetModelVersionTag(ctx, c, t.name, t.version, key, value)
	}
	return err //nolint:wrapcheck // an error for users already
}

func (t tagged) remove(ctx context.Context, c *client.Client, key string) error {
	var err error
	if t.version == 0 {
		_, err = client.DeleteModelTag(ctx, c, t.name, key)
	} else {
		_, err = client.DeleteModelVersionTag(ctx, c, t.name, t.version, key)
	}
	return err //nolint:wrapcheck // an error for users already
}

// tell says what was done, or gives the model or version as it is now.
func (t tagged) tell(ctx context.Context, c *client.Client, asJSON bool, std streams, text string) error {
	if !asJSON {
		return put(std.out, text)
	}
	if t.version == 0 {
		outline, err := client.ModelOutline(ctx, c, t.name)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		return putJSON(std.out, outline.RegisteredModel)
	}
	found, err := client.FindModelVersion(ctx, c, fmt.Sprintf("%s%s/%d", modelScheme, t.name, t.version))
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	return putJSON(std.out, found.ModelVersion)
}

package main

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/internal/client"
)

type modelsRegister struct {
	connection
	listing
	Name        string            `arg:"" help:"The registered model."`
	Source      string            `arg:"" help:"runs:/RUN/PATH, models:/m-… (a logged model), models:/NAME/3 (another version), or the URI of files that lie elsewhere, such as s3://…"`
	ModelCreate bool              `name:"model-create" help:"Make the registered model when there is none of this name."`
	Tag         map[string]string `mapsep:"none" placeholder:"KEY=VALUE" help:"A tag of the version; may be given more than once."`
	Description string            `help:"What is to be known of the version."`
	RunID       string            `name:"run-id" placeholder:"RUN" help:"The run that made it, where the source does not say so."`
}

func (r *modelsRegister) Run(ctx context.Context, std streams) error {
	c, err := r.open()
	if err != nil {
		return err
	}
	defer c.Close()
	made, err := client.RegisterModelVersion(ctx, c, client.CreateModelVersionInput{
		Name: r.Name, Source: r.Source, RunId: some(r.RunID), Description: r.Description, Tags: tagInputs(r.Tag), CreateModel: r.ModelCreate,
	})
	if err != nil {
		return r.explain(ctx, c, err)
	}
	v := made.CreateModelVersion
	if r.JSON {
		return putJSON(std.out, v)
	}
	if v.ManifestProblem != "" {
		// Who registers can still upload what is right and register that.
		if err := put(std.err, "without a signature: "+printable(v.ManifestProblem)+"\n"); err != nil {
			return err
		}
	}
	return put(std.out, fmt.Sprintf("registered %s/%d\n", printable(v.Name), v.Version))
}

// explain adds to an error of a model that is not there how it is made. What else is not found, a run or a logged model, the
// server has said.
func (r *modelsRegister) explain(ctx context.Context, c *client.Client, err error) error {
	answer, outlineErr := client.ModelOutline(ctx, c, r.Name)
	if outlineErr != nil || answer.RegisteredModel != nil || r.ModelCreate {
		return err //nolint:wrapcheck // an error for users already
	}
	explained := explain(ctx, c, r.Name, err)
	if explained == err { //nolint:errorlint // the same one, not one of its kind
		return err //nolint:wrapcheck // an error for users already
	}
	return fmt.Errorf("%w; or add --model-create to make it", explained)
}

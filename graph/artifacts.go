package graph

import (
	"context"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
)

func uploadURL(*ent.Run, string) (string, error) { return "", nil }
func (r *Resolver) runArtifacts(context.Context, *ent.Run, *string, *int, *string) (*model.ArtifactConnection, error) {
	return nil, nil
}
func (r *Resolver) modelArtifacts(context.Context, *ent.LoggedModel, *string, *int, *string) (*model.ArtifactConnection, error) {
	return nil, nil
}

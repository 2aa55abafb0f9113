package graph

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
)

// uploadURL is where an artifact of a run is put.
func uploadURL(run *ent.Run, path string) (string, error) {
	path, err := artifact.CleanPath(path)
	if err != nil {
		return "", err
	}
	return artifactURL(run.RunID, path), nil
}

// artifactURL is where an artifact is got and put, relative to the server; owner is "RUN" or "models/MODEL".
func artifactURL(owner, path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "/artifacts/" + owner + "/" + strings.Join(parts, "/")
}

func (r *Resolver) runArtifacts(ctx context.Context, run *ent.Run, path *string, first *int, after *string) (*model.ArtifactConnection, error) {
	return listArtifacts(ctx, r, run, run.RunID, func(run *ent.Run) string { return run.ArtifactLocation }, path, first, after)
}

func (r *Resolver) modelArtifacts(ctx context.Context, m *ent.LoggedModel, path *string, first *int, after *string) (*model.ArtifactConnection, error) {
	return listArtifacts(ctx, r, m, "models/"+m.ModelID, func(m *ent.LoggedModel) string { return m.ArtifactLocation }, path, first, after)
}

// folder is a listing, and the folder that names in it are relative to.
type folder struct {
	artifact.Listing
	root string
}

// listArtifacts lists the folder of an object and of all its siblings.
func listArtifacts[T comparable](
	ctx context.Context, r *Resolver, object T, owner string, location func(T) string, path *string, first *int, after *string,
) (*model.ArtifactConnection, error) {
	size, err := pageSize(first, defaultArtifacts, maxArtifacts)
	if err != nil {
		return nil, err
	}
	below := valueOr(path, "")
	if below != "" {
		if below, err = artifact.CleanPath(below); err != nil {
			return nil, err
		}
	}
	behind := valueOr(after, "")
	what := fmt.Sprintf("artifacts %q %d %q", below, size, behind)
	found, err := forSiblings(ctx, object, what, func(ctx context.Context, objects []T) (map[T]folder, error) {
		return folders(ctx, r.Artifacts, objects, location, below, behind, size)
	})
	if err != nil {
		return nil, err
	}
	if found.root == "" {
		return nil, errs.New(errs.Unsupported, "the artifacts are at %.200q, which is not in this server's store", location(object))
	}
	return artifactConnection(found, owner, behind), nil
}

// folders lists the folder of each object whose artifacts are in this server's store.
func folders[T comparable](
	ctx context.Context, service *artifact.Service, objects []T, location func(T) string, below, after string, first int,
) (map[T]folder, error) {
	var here []T
	var roots, dirs []string
	for _, o := range objects {
		root, err := artifact.Root(location(o))
		if err != nil {
			continue // said of that object alone, when it is its turn
		}
		here, roots, dirs = append(here, o), append(roots, root), append(dirs, strings.TrimSuffix(root+"/"+below, "/"))
	}
	listings, err := service.ListEach(ctx, dirs, after, first)
	if err != nil {
		return nil, err
	}
	out := make(map[T]folder, len(here))
	for i, o := range here {
		out[o] = folder{listings[i], roots[i]}
	}
	return out, nil
}

func artifactConnection(found folder, owner, after string) *model.ArtifactConnection {
	out := &model.ArtifactConnection{Edges: make([]*model.ArtifactEdge, len(found.Infos))}
	cursors := make([]string, len(found.Infos))
	for i := range found.Infos {
		info := &found.Infos[i]
		path := strings.TrimPrefix(info.Path, found.root+"/")
		cursors[i] = info.Cursor()
		node := &model.Artifact{Path: path, IsDir: info.IsDir}
		if !info.IsDir {
			target := artifactURL(owner, path)
			node.Size, node.DownloadURL = &info.Size, &target
			if info.SHA256 != "" {
				node.Sha256 = &info.SHA256
			}
		}
		out.Edges[i] = &model.ArtifactEdge{Node: node, Cursor: cursors[i]}
	}
	out.PageInfo = pageInfo(cursors, found.More, &after)
	return out
}

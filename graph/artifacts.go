package graph

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/registry"
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
	return listArtifacts(ctx, r, run, ownedURL(run.RunID), func(run *ent.Run) string { return run.ArtifactLocation }, path, first, after)
}

func (r *Resolver) modelArtifacts(ctx context.Context, m *ent.LoggedModel, path *string, first *int, after *string) (*model.ArtifactConnection, error) {
	return listArtifacts(ctx, r, m, ownedURL("models/"+m.ModelID), func(m *ent.LoggedModel) string { return m.ArtifactLocation }, path, first, after)
}

// ownedURL gives the addresses of what an owner has.
func ownedURL(owner string) func(path string) string {
	return func(path string) string { return artifactURL(owner, path) }
}

// versionArtifacts lists files of a version, which may lie anywhere below its run or its logged model.
func (r *Resolver) versionArtifacts(ctx context.Context, v *ent.ModelVersion, path *string, first *int, after *string) (*model.ArtifactConnection, error) {
	address := func(path string) string {
		return "/model-versions/get-artifact?" + url.Values{"name": {registry.NameOf(v)}, "version": {strconv.Itoa(v.Version)}, "path": {path}}.Encode()
	}
	return listArtifacts(ctx, r, v, address, func(v *ent.ModelVersion) string { return v.ArtifactLocation }, path, first, after)
}

func shownArtifact(info *artifact.Info, path string, address func(path string) string) *model.Artifact {
	out := &model.Artifact{Path: path, IsDir: info.IsDir}
	if !info.IsDir {
		target := address(path)
		out.Size, out.DownloadURL = &info.Size, &target
		if info.SHA256 != "" {
			out.Sha256 = &info.SHA256
		}
	}
	return out
}

// place is an artifact of a run or a model: its name in the store, and the address of what its owner has.
type place struct {
	name, path string
	address    func(path string) string
}

// placeOf finds an artifact's owner.
func (r *Resolver) placeOf(ctx context.Context, ref model.ArtifactRef) (place, error) {
	path, err := artifact.CleanPath(ref.Path)
	if err != nil {
		return place{}, err
	}
	var location, owner string
	switch {
	case (ref.RunID == nil) == (ref.ModelID == nil):
		return place{}, errs.Field("artifact", "belongs to a run or to a model: give either runId or modelId")
	case ref.RunID != nil:
		run, err := r.findRun(ctx, *ref.RunID)
		if err != nil {
			return place{}, err
		}
		location, owner = run.ArtifactLocation, run.RunID
	default:
		m, err := r.findModel(ctx, *ref.ModelID)
		if err != nil {
			return place{}, err
		}
		location, owner = m.ArtifactLocation, "models/"+m.ModelID
	}
	root, err := artifact.Root(location)
	if err != nil {
		return place{}, errs.New(errs.Unsupported, "the artifacts are at %.200q, which is not in this server's store", location)
	}
	return place{name: root + "/" + path, path: path, address: ownedURL(owner)}, nil
}

func (r *Resolver) signedDownloadURL(ctx context.Context, ref model.ArtifactRef) (string, error) {
	at, err := r.placeOf(ctx, ref)
	if err != nil {
		return "", err
	}
	target, _, err := r.Artifacts.DownloadURL(ctx, at.name)
	return target, err
}

func (r *Resolver) deleteArtifact(ctx context.Context, ref model.ArtifactRef) (string, error) {
	at, err := r.placeOf(ctx, ref)
	if err != nil {
		return "", err
	}
	return at.path, r.Artifacts.Delete(ctx, at.name)
}

func (r *Resolver) beginUpload(ctx context.Context, ref model.ArtifactRef, parts int) (*model.ArtifactUpload, error) {
	at, err := r.placeOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	begun, err := r.Artifacts.BeginParts(ctx, at.name, parts)
	if err != nil {
		return nil, err
	}
	out := &model.ArtifactUpload{UploadID: begun.ID, Parts: make([]*model.UploadPart, parts)}
	for i := range out.Parts {
		target := "/api/2.0/mlflow-artifacts/parts/" + begun.ID + "/" + strconv.Itoa(i+1)
		if begun.URLs != nil {
			target = begun.URLs[i]
		}
		out.Parts[i] = &model.UploadPart{Number: i + 1, URL: &target}
	}
	return out, nil
}

func (r *Resolver) upload(ctx context.Context, id string) (*model.ArtifactUpload, error) {
	parts, err := r.Artifacts.PartsSoFar(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &model.ArtifactUpload{UploadID: id, Parts: make([]*model.UploadPart, len(parts))}
	for i := range parts {
		out.Parts[i] = &model.UploadPart{Number: parts[i].Number, Size: &parts[i].Size, Etag: &parts[i].ETag}
	}
	return out, nil
}

func (r *Resolver) completeUpload(ctx context.Context, ref model.ArtifactRef, id string, uploaded []*model.UploadedPart) (*model.Artifact, error) {
	at, err := r.placeOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	parts := make([]artifact.Part, len(uploaded))
	for i, p := range uploaded {
		parts[i] = artifact.Part{Number: p.Number, ETag: strings.Trim(p.Etag, `"`)}
	}
	info, err := r.Artifacts.FinishParts(ctx, at.name, id, parts, r.options.MaxArtifactBytes)
	if err != nil {
		return nil, err
	}
	return shownArtifact(&info, at.path, at.address), nil
}

func (r *Resolver) abortUpload(ctx context.Context, ref model.ArtifactRef, id string) (string, error) {
	at, err := r.placeOf(ctx, ref)
	if err != nil {
		return "", err
	}
	return id, r.Artifacts.AbortParts(ctx, at.name, id)
}

// folder is a listing, and the folder that names in it are relative to.
type folder struct {
	artifact.Listing
	root string
}

// listArtifacts lists the folder of an object and of all its siblings.
func listArtifacts[T comparable](
	ctx context.Context, r *Resolver, object T, address func(path string) string, location func(T) string, path *string, first *int, after *string,
) (*model.ArtifactConnection, error) {
	size := valueOr(first, defaultArtifacts)
	below := valueOr(path, "")
	if below != "" {
		var err error
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
	return artifactConnection(found, address, behind), nil
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

func artifactConnection(found folder, address func(path string) string, after string) *model.ArtifactConnection {
	out := &model.ArtifactConnection{Edges: make([]*model.ArtifactEdge, len(found.Infos))}
	cursors := make([]string, len(found.Infos))
	for i := range found.Infos {
		info := &found.Infos[i]
		cursors[i] = info.Cursor()
		out.Edges[i] = &model.ArtifactEdge{Node: shownArtifact(info, strings.TrimPrefix(info.Path, found.root+"/"), address), Cursor: cursors[i]}
	}
	out.PageInfo = pageInfo(cursors, found.More, &after)
	return out
}

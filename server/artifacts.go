package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/server/mlflow"
)

// serveArtifact stores and gives artifact bytes:
//
//	PUT, GET, HEAD /artifacts/{runId}/{path}
//	PUT, GET, HEAD /artifacts/models/{modelId}/{path}
func (s *Server) serveArtifact(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if err := s.getArtifact(w, r); err != nil {
			s.refuse(w, r, err)
		}
	case http.MethodPut:
		if err := s.putArtifact(w, r); err != nil {
			s.refuse(w, r, err)
		}
	default:
		s.methodNotAllowed(w, r, "GET, HEAD, PUT")
	}
}

func (s *Server) getArtifact(w http.ResponseWriter, r *http.Request) error {
	place, err := s.findArtifact(r.Context(), r.URL.Path)
	if err != nil {
		return err
	}
	file, info, err := s.artifacts.Open(r.Context(), place.path())
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	defer file.Close()
	mlflow.ServeFile(w, r, place.name, info, file)
	return nil
}

func (s *Server) putArtifact(w http.ResponseWriter, r *http.Request) error {
	place, err := s.findArtifact(r.Context(), r.URL.Path)
	if err != nil {
		return err
	}
	if r.Header.Get("Content-Range") != "" {
		return errs.Field("Content-Range", "a file is stored whole: send it in one PUT")
	}
	info, err := s.artifacts.Put(r.Context(), place.path(), r.Body, s.cfg.MaxArtifactBytes)
	if err != nil {
		return uploadError(err)
	}
	writeJSON(w, http.StatusCreated, map[string]any{"path": place.name, "size": info.Size, "sha256": info.SHA256})
	return nil
}

// artifactPlace is where an artifact lies: below the root of the run or the model whose it is.
type artifactPlace struct{ root, name string }

func (p artifactPlace) path() string { return p.root + "/" + p.name }

// findArtifact reads a path of this route, which net/http has decoded once; whatever is still encoded after that stands
// for itself.
func (s *Server) findArtifact(ctx context.Context, path string) (artifactPlace, error) {
	rest := strings.TrimPrefix(path, "/artifacts/")
	ofModel := strings.HasPrefix(rest, "models/")
	id, name, _ := strings.Cut(strings.TrimPrefix(rest, "models/"), "/")
	name, err := artifact.CleanPath(name)
	if err != nil {
		return artifactPlace{}, err //nolint:wrapcheck // an error for users already
	}
	var location string
	if ofModel {
		location, err = s.modelLocation(ctx, id)
	} else {
		location, err = s.runLocation(ctx, id)
	}
	if err != nil {
		return artifactPlace{}, err
	}
	root, err := artifact.Root(location)
	return artifactPlace{root: root, name: name}, err //nolint:wrapcheck // an error for users already
}

func (s *Server) runLocation(ctx context.Context, given string) (string, error) {
	id, err := tracking.ParseRunID(given)
	if err != nil {
		return "", err //nolint:wrapcheck // an error for users already
	}
	run, err := s.tracking.Run(ctx, id)
	if err != nil {
		return "", err //nolint:wrapcheck // an error for users already
	}
	return run.ArtifactLocation, nil
}

func (s *Server) modelLocation(ctx context.Context, id string) (string, error) {
	model, err := s.tracking.LoggedModel(ctx, id)
	if err != nil {
		return "", err //nolint:wrapcheck // an error for users already
	}
	return model.ArtifactLocation, nil
}

// uploadError gives the error to answer a failed upload with. A bound on bodies says itself what was wrong.
func uploadError(err error) error {
	var source *artifact.SourceError
	if !errors.As(err, &source) || errs.KindOf(source.Err) != errs.Internal {
		return err
	}
	return errs.Wrap(errs.Invalid, source.Err, "the file was cut off before its end: nothing was stored")
}

package mlflow

import (
	"errors"

	"github.com/cairnml/cairn/internal/artifact"
)

// The calls by which MLflow's own pages read and write one file: they name a run, a logged model or a version, and a path below
// its artifacts.

// maxUploadedFile bounds a file of upload-artifact: MLflow's own.
const maxUploadedFile = 10 << 20

// fileBelow reads a parameter of the query string that names a file below a location, and gives its place in the store.
func (c *call) fileBelow(location, parameter string) (string, error) {
	within := c.query(parameter)
	if within == "" {
		return "", missing(parameter)
	}
	within, err := artifact.CleanPath(within)
	if err != nil {
		return "", renamed(err, func(string) string { return parameter })
	}
	root, err := artifact.Root(location)
	return root + "/" + within, err
}

// serveBelow answers with a file below a location.
func (c *call) serveBelow(location, parameter string) error {
	name, err := c.fileBelow(location, parameter)
	if err != nil {
		return err
	}
	c.path = name
	return c.downloadArtifact()
}

func (c *call) getRunArtifact() error {
	id, err := c.queryRunID()
	if err != nil {
		return err
	}
	run, err := c.Tracking.Run(c, id)
	if err != nil {
		return err
	}
	return c.serveBelow(run.ArtifactLocation, "path")
}

func (c *call) getLoggedModelArtifact() error {
	id, err := modelID(c.path)
	if err != nil {
		return err
	}
	m, err := c.Tracking.LoggedModel(c, id)
	if err != nil {
		return err
	}
	return c.serveBelow(m.ArtifactLocation, "artifact_file_path")
}

func (c *call) getVersionArtifact() error {
	name, version, err := c.oneVersion()
	if err != nil {
		return err
	}
	v, err := c.Registry.Version(c, name, version)
	if err != nil {
		return err
	}
	return c.serveBelow(v.ArtifactLocation, "path")
}

// uploadRunArtifact stores the body as a file of a run.
func (c *call) uploadRunArtifact() error {
	id, err := c.queryRunID()
	if err != nil {
		return err
	}
	run, err := c.Tracking.Run(c, id)
	if err != nil {
		return err
	}
	name, err := c.fileBelow(run.ArtifactLocation, "path")
	if err != nil {
		return err
	}
	limit := min(maxUploadedFile, c.MaxArtifactBytes)
	if c.r.ContentLength > limit {
		return tooLong(limit)
	}
	_, err = c.Artifacts.Put(c, name, c.r.Body, limit)
	var source *artifact.SourceError
	if errors.As(err, &source) {
		return bodyError(source.Err)
	}
	return err
}

package gc

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// removeRunFiles removes the files of a run: its folder, or, where an experiment has its artifacts in that, those that are
// recorded for the run.
func (c *collection) removeRunFiles(ctx context.Context, run store.DoomedRun, recorded bool) error {
	root, err := artifact.Root(run.Location)
	if err != nil {
		return nil //nolint:nilerr // they lie outside of this store, and are somebody else's to remove
	}
	if c.files == nil {
		if recorded {
			return errNoStore("run " + run.RunID)
		}
		return nil
	}
	folder := own(root, run.RunID)
	if !c.shared(folder) {
		return c.remove(ctx, folder)
	}
	for after := ""; ; {
		files, err := store.RecordedFiles(ctx, c.db.Read(), run.PK, after, listed)
		if err != nil || len(files) == 0 {
			return err //nolint:wrapcheck // wrapped by the store
		}
		for _, file := range files {
			after = file
			if err := c.remove(ctx, file); err != nil {
				return err
			}
		}
	}
}

// removeModelFiles removes the files of a logged model, and gives their root; "" where they lie elsewhere, or others' lie there.
func (c *collection) removeModelFiles(ctx context.Context, m store.DoomedModel) (string, error) {
	root, err := artifact.Root(m.Location)
	if err != nil {
		return "", nil //nolint:nilerr // as above
	}
	if c.files == nil {
		recorded, err := store.FilesBelow(ctx, c.db.Read(), root)
		if err == nil && recorded {
			err = errNoStore("logged model " + m.ModelID)
		}
		return "", err //nolint:wrapcheck // wrapped by the store
	}
	folder := own(root, m.ModelID)
	if c.shared(folder) {
		return "", nil
	}
	return root, c.remove(ctx, folder)
}

// removeExperimentFolders removes what the runs and models of an experiment have left empty.
func (c *collection) removeExperimentFolders(location string) error {
	root, err := artifact.Root(location)
	if err != nil || c.files == nil {
		return nil //nolint:nilerr // as above
	}
	for _, folder := range []string{root + "/models", root} {
		if err := c.files.DeleteEmpty(folder); err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
	}
	return nil
}

// own is the folder of a run or a model, which is named by its id and has nothing but its artifacts.
func own(root, id string) string {
	if parent := path.Dir(root); path.Base(parent) == id {
		return parent
	}
	return root
}

// shared tells whether an experiment has its artifacts below a folder.
func (c *collection) shared(folder string) bool {
	return slices.ContainsFunc(c.chosen, func(location string) bool {
		root, err := artifact.Root(location)
		return err == nil && (root == folder || strings.HasPrefix(root, folder+"/"))
	})
}

func (c *collection) remove(ctx context.Context, name string) error {
	if err := c.files.Delete(ctx, name); err != nil && !errs.Is(err, errs.NotFound) {
		return err //nolint:wrapcheck // an error for users already
	}
	return nil
}

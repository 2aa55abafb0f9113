package mlflowimport

import (
	"context"
	"errors"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
)

// target is Cairn's database, for what is stored after the runs.
type target struct {
	report *Report
	// here reads what is there; nil in a dry run that finds nothing there.
	here store.Querier
	// db, models and files are nil in a dry run.
	db     *store.DB
	models *registry.Service
	files  *artifact.Service
}

func withTarget(ctx context.Context, o Options, do func(into *target) error) (err error) {
	into := &target{}
	if o.DryRun {
		look, err := inspect(ctx, o)
		if err != nil {
			return err
		}
		if look == nil {
			return do(into)
		}
		into.here = look.Read()
		return errors.Join(do(into), look.Close())
	}
	if into.db, err = store.Open(ctx, o.Into); err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	defer func() { err = errors.Join(err, into.db.Close()) }()
	files, err := artifact.Open(o.Artifacts)
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	into.here, into.files = into.db.Read(), artifact.NewService(files, into.db)
	into.models = registry.New(into.db, live.NewHub(), into.files)
	return do(into)
}

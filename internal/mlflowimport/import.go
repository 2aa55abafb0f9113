package mlflowimport

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// Options say into what to import, and how.
type Options struct {
	Into store.Config
	// Artifacts is where the server's artifacts lie.
	Artifacts string
	// CopyArtifacts are folders and buckets: what runs and logged models have in them is copied. All else stays where it is.
	CopyArtifacts []string
	// DryRun reads and compares, and writes nothing.
	DryRun   bool
	Progress func(Progress)
}

// Progress is how far an import is, and at what.
type Progress struct {
	Doing            string
	Runs, Of, Points int64
	// Copying: of runs and logged models, artifacts are copied. Files and Bytes are those that were.
	Copying      bool
	Files, Bytes int64
}

// Count compares how many there are of a thing in MLflow and, of these, in Cairn; New came by this import, or would.
type Count struct {
	MLflow int64 `json:"mlflow"`
	Cairn  int64 `json:"cairn"`
	New    int64 `json:"new"`
}

// Problem is a thing that was left out, or is there already as something else.
type Problem struct {
	What string `json:"what"`
	ID   string `json:"id"`
	Why  string `json:"why"`
}

// Report is what an import came to.
type Report struct {
	DryRun      bool  `json:"dryRun"`
	Experiments Count `json:"experiments"`
	Runs        Count `json:"runs"`
	Params      Count `json:"params"`
	Tags        Count `json:"tags"`
	Points      Count `json:"points"`
	// LoggedModels are those of MLflow 3; Inputs are the datasets and models that runs read, and the models that they wrote.
	LoggedModels Count `json:"loggedModels"`
	Inputs       Count `json:"inputs"`
	Models       Count `json:"registeredModels"`
	Versions     Count `json:"modelVersions"`
	// Artifacts are the files in the places that were to be copied, and Elsewhere how many runs and logged models have theirs in none of
	// these, nor in the store of MLflow's own server.
	Artifacts Count `json:"artifacts"`
	Elsewhere int64 `json:"artifactsElsewhere"`
	// Problems are the first of those that were found, ProblemCount is how many there are.
	Problems     []Problem `json:"problems"`
	ProblemCount int64     `json:"problemCount"`
}

// maxProblems bounds what a report names.
const maxProblems = 1000

func (r *Report) problem(what, id string, err error) {
	if r.ProblemCount++; len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, Problem{What: what, ID: id, Why: err.Error()})
	}
}

// Missing tells whether anything that MLflow has is not in Cairn.
func (r *Report) Missing() bool {
	for _, c := range []Count{r.Experiments, r.Runs, r.Params, r.Tags, r.Points, r.LoggedModels, r.Inputs, r.Models, r.Versions, r.Artifacts} {
		if c.Cairn < c.MLflow {
			return true
		}
	}
	return false
}

// portionRuns and portionPoints bound what is one transaction on PostgreSQL: an import that is cut short goes on there.
const (
	portionRuns   = 20_000
	portionPoints = 20_000_000
)

// importer is an import on its way.
type importer struct {
	*Source
	Options
	doing  string
	report Report
	// into loads; nil where nothing is written, and what is there is only read, if anything is.
	into *tracking.Loader
	here store.Querier
	// experiments are Cairn's ids by MLflow's.
	experiments map[int64]int
	// gone are the times at which experiments were deleted, by MLflow's ids.
	gone map[int64]int64
	// runs and points are those of the portion.
	runs, points int64
}

// Import imports a source, and then counts what is there. What is there already stays as it is, so that an import that was
// cut short goes on, and one that is repeated changes nothing. The report is valid, as far as it goes, with an error too.
func Import(ctx context.Context, source *Source, o Options) (report Report, err error) {
	report = newReport()
	origins, err := openOrigins(o.CopyArtifacts) // first of all: what is wrong with them is told before hours of work
	defer func() { err = errors.Join(err, closeOrigins(origins)) }()
	if err != nil {
		return report, err
	}
	if !o.DryRun {
		if report, err = load(ctx, source, o); err != nil {
			return report, err
		}
	}
	found, experiments, err := look(ctx, source, o)
	if err != nil {
		return report, err
	}
	if o.DryRun {
		report, report.DryRun = found, true
	}
	for _, p := range source.unread {
		report.problem(p.What, p.ID, errors.New(p.Why))
	}
	for _, c := range []struct{ into, from *Count }{
		{&report.Experiments, &found.Experiments}, {&report.Runs, &found.Runs}, {&report.Params, &found.Params},
		{&report.Tags, &found.Tags}, {&report.Points, &found.Points},
	} {
		c.into.MLflow, c.into.Cairn = c.from.MLflow, c.from.Cairn
	}
	err = withTarget(ctx, o, func(into *target) error {
		into.report = &report
		// Logged models first: runs read and wrote them, and versions are registered from them.
		if err := into.loggedModels(ctx, source, experiments); err != nil {
			return err
		}
		if err := into.inputs(ctx, source); err != nil {
			return err
		}
		// Before versions are registered, which read what is in their files.
		if err := into.artifacts(ctx, source, origins, o.Progress); err != nil {
			return err
		}
		if err := into.registeredModels(ctx, source); err != nil || len(origins) == 0 {
			return err
		}
		return into.relocateVersions(ctx, source)
	})
	return report, err
}

func newReport() Report { return Report{Problems: []Problem{}} }

func newImporter(source *Source, o Options, doing string) *importer {
	return &importer{Source: source, Options: o, doing: doing, report: newReport(), experiments: map[int64]int{}, gone: map[int64]int64{}}
}

// load stores what is not there.
func load(ctx context.Context, source *Source, o Options) (report Report, err error) {
	im := newImporter(source, o, "importing")
	if err := im.open(ctx); err != nil {
		return im.report, err
	}
	defer func() {
		if im.into != nil {
			err = errors.Join(err, im.into.Close(ctx))
		}
	}()
	err = im.all(ctx)
	return im.report, err
}

// look counts what is there, and what would be new, and gives Cairn's ids of experiments by MLflow's.
func look(ctx context.Context, source *Source, o Options) (report Report, experiments map[int64]int, err error) {
	im := newImporter(source, o, "counting")
	here, err := inspect(ctx, o)
	if err != nil {
		return im.report, nil, err
	}
	if here != nil {
		im.here = here.Read()
		defer func() { err = errors.Join(err, here.Close()) }()
	}
	err = im.all(ctx)
	return im.report, im.experiments, err
}

// inspect opens what is there to look at it; nil when a dry run finds nothing there.
func inspect(ctx context.Context, o Options) (*store.Inspection, error) {
	here, err := store.Inspect(ctx, o.Into.URL)
	if errs.Is(err, errs.NotFound) && o.DryRun {
		return nil, nil //nolint:nilnil // there is nothing yet
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // an error for users already
	}
	schema, err := here.Schema(ctx)
	switch {
	case err != nil:
		return nil, errors.Join(err, here.Close())
	case schema.Database == 0:
		return nil, here.Close() //nolint:wrapcheck // it was only opened
	case schema.Database != schema.Program:
		return nil, errors.Join(errs.New(errs.Conflict, "database: its schema is %d, and this program's is %d: without --dry-run, it is brought up to date",
			schema.Database, schema.Program), here.Close())
	}
	return here, nil
}

func (im *importer) open(ctx context.Context) (err error) {
	im.runs, im.points = 0, 0
	if im.into, err = tracking.OpenLoader(ctx, im.Into); err != nil {
		im.into = nil
	}
	return err //nolint:wrapcheck // an error for users already
}

// read is where to look for what is there; nil where there is nothing.
func (im *importer) read() store.Querier {
	if im.into != nil {
		return im.into.Read()
	}
	return im.here
}

func (im *importer) all(ctx context.Context) error {
	if err := im.loadExperiments(ctx); err != nil {
		return err
	}
	total, err := im.count(ctx, "SELECT COUNT(*) FROM runs")
	if err != nil {
		return err
	}
	last, done := "", Progress{Doing: im.doing, Of: total}
	for {
		page, err := im.Source.runs(ctx, last)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		last = page[len(page)-1].RunID
		if err := im.page(ctx, page); err != nil {
			return err
		}
		for _, r := range page {
			done.Runs++
			done.Points += r.counts.points
		}
		if im.Progress != nil {
			im.Progress(done)
		}
		if im.runs >= portionRuns || im.points >= portionPoints {
			if err := im.nextPortion(ctx); err != nil {
				return err
			}
		}
	}
	if im.into == nil {
		return nil
	}
	return im.into.Finish(ctx) //nolint:wrapcheck // said by the loader
}

// nextPortion makes what was loaded durable on PostgreSQL; SQLite does so by itself, and would have to build its indexes twice.
func (im *importer) nextPortion(ctx context.Context) error {
	if im.into == nil || !strings.HasPrefix(im.Into.URL, "postgres") {
		return nil
	}
	err := errors.Join(im.into.Finish(ctx), im.into.Close(ctx))
	im.into = nil
	if err != nil {
		return err
	}
	return im.open(ctx)
}

// loadExperiments finds experiments by their names, and makes those that are not there.
func (im *importer) loadExperiments(ctx context.Context) error {
	all, err := im.Source.experiments(ctx)
	if err != nil {
		return err
	}
	for _, e := range all {
		im.report.Experiments.MLflow++
		id := fmt.Sprint(e.id)
		if e.workspace != "" && e.workspace != "default" {
			im.report.problem("experiment", id, errs.New(errs.Unsupported, "lies in the workspace %q, and Cairn has none: it is left out with its runs", e.workspace))
			continue
		}
		if err := e.Check(); err != nil {
			im.report.problem("experiment", id, fmt.Errorf("is left out with its runs: %w", err))
			continue
		}
		if e.Deleted {
			im.gone[e.id] = e.UpdatedAt
		}
		if err := im.experiment(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) experiment(ctx context.Context, e *sourceExperiment) error {
	count := &im.report.Experiments
	if im.into == nil {
		im.experiments[e.id] = -1
		if im.here != nil {
			err := store.EachRow(ctx, im.here, "SELECT id FROM experiments WHERE name = ?", []any{e.Name}, func(rows *sql.Rows) error {
				var id int
				err := rows.Scan(&id)
				im.experiments[e.id] = id
				return err
			})
			if err != nil {
				return err
			}
		}
		if im.experiments[e.id] < 0 {
			count.New++
		} else {
			count.Cairn++
		}
		return nil
	}
	made, created, err := im.into.Experiment(ctx, e.LoadExperiment)
	if err != nil {
		return err //nolint:wrapcheck // said by the loader
	}
	im.experiments[e.id] = made.ID
	count.Cairn++
	if created {
		count.New++
	}
	return nil
}

// page imports those runs of a page that are not there.
func (im *importer) page(ctx context.Context, page []*sourceRun) error {
	there, err := stored(ctx, im.read(), page)
	if err != nil {
		return err
	}
	for _, r := range page {
		im.report.Runs.MLflow++
		im.report.Params.MLflow += r.counts.params
		im.report.Tags.MLflow += r.counts.tags
		im.report.Points.MLflow += r.counts.points
		experiment, known := im.experiments[r.experiment]
		if !known {
			im.report.problem("run", r.RunID, errs.New(errs.NotFound, "its experiment %d is not there or was left out", r.experiment))
			continue
		}
		if old := there[r.RunID]; old != nil {
			im.compare(r, old, experiment)
			continue
		}
		// MLflow deletes an experiment and then its runs, also those that were deleted before, and restores them all.
		gone, isGone := im.gone[r.experiment]
		r.DeletedWithExperiment = isGone && r.DeletedAt != nil && *r.DeletedAt >= gone
		if err := r.check(); err != nil {
			im.report.problem("run", r.RunID, fmt.Errorf("is left out: %w", err))
			continue
		}
		if err := im.load(ctx, r, experiment); err != nil {
			return fmt.Errorf("run %s: %w", r.RunID, err)
		}
	}
	return nil
}

// check finds out all that may be wrong, before anything is written.
func (r *sourceRun) check() error {
	if err := r.Check(); err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	for _, key := range r.keys {
		if err := tracking.CheckKey("metrics.key", key); err != nil {
			return err //nolint:wrapcheck // wrapped by the caller
		}
	}
	return nil
}

func (im *importer) load(ctx context.Context, r *sourceRun, experiment int) error {
	im.report.Runs.New++
	im.report.Params.New += r.counts.params
	im.report.Tags.New += r.counts.tags
	im.report.Points.New += r.counts.points
	if im.into == nil {
		return nil
	}
	r.ExperimentID = experiment
	if r.counts.points > 0 {
		r.Metrics = im.pointsOf(ctx, r.RunID)
	}
	if _, err := im.into.Run(ctx, r.LoadRun); err != nil {
		return err //nolint:wrapcheck // wrapped by the caller
	}
	im.runs++
	im.points += r.counts.points
	return nil
}

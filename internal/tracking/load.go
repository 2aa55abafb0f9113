package tracking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/experiment"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
)

// Loader stores whole runs many times as fast as requests do: for imports, and for filling a database to measure it. What it
// stores is what CreateRun, LogBatch and UpdateRun would have stored, and it is checked as they check it; nobody is told of
// it but by the changes of its runs. On SQLite no server may have the database open meanwhile.
//
// A Loader is used by one goroutine. After an error it can only be closed.
type Loader struct {
	bulk        *store.Bulk
	experiments map[int]*ent.Experiment
}

// LoadRun is a run that is loaded whole, as it stands.
type LoadRun struct {
	// RunID is made when empty.
	RunID        string
	ExperimentID int
	Name         string
	ParentRunID  string
	UserID       string
	// Status is RUNNING when empty; a run of another one has an EndTime.
	Status       run.Status
	StatusReason string
	// StartTime, EndTime and DeletedAt are Unix milliseconds. StartTime is now when 0; a run with DeletedAt is deleted.
	StartTime          int64
	EndTime, DeletedAt *int64
	// DeletedWithExperiment: it was deleted as one of its experiment's runs, and comes back with the experiment.
	DeletedWithExperiment bool
	// ArtifactLocation is where its artifacts lie already. Empty, or a place in this server's store that is not the run's own:
	// they will lie where those of a new run do.
	ArtifactLocation string
	Params           []Param
	Tags             []Tag
	// Metrics gives the run's points, a batch at a time as LogBatch would get them. Nil: it has none.
	Metrics iter.Seq2[[]metric.Columns, error]
}

// OpenLoader opens a database to load runs into it. The caller closes it.
func OpenLoader(ctx context.Context, cfg store.Config) (*Loader, error) {
	bulk, err := store.OpenBulk(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Loader{bulk: bulk, experiments: map[int]*ent.Experiment{}}, nil
}

// Close ends the load. What was not finished may be gone: all of it on PostgreSQL, on SQLite the newest runs.
func (l *Loader) Close(ctx context.Context) error {
	return l.bulk.Close(ctx)
}

// Finish makes everything durable and ready to be read. It may take minutes, since indexes are built now.
func (l *Loader) Finish(ctx context.Context) error {
	return l.bulk.Finish(ctx)
}

// CreateExperiment makes an experiment, as the service's method does.
func (l *Loader) CreateExperiment(ctx context.Context, in CreateExperiment) (*ent.Experiment, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	e, err := createExperiment(ctx, l.bulk.Tx(), in)
	if err != nil {
		return nil, err
	}
	l.experiments[e.ID] = e
	return e, nil
}

// LoadExperiment is an experiment that is loaded as it stands.
type LoadExperiment struct {
	Name    string
	Deleted bool
	// CreatedAt and UpdatedAt are Unix milliseconds; now when 0.
	CreatedAt, UpdatedAt int64
	Tags                 []Tag
}

// Check checks the experiment, as Experiment does before it writes anything.
func (in *LoadExperiment) Check() error {
	create := CreateExperiment{Name: in.Name, Tags: in.Tags}
	return create.check()
}

// Experiment gives the experiment of a name, and makes it when there is none. One that is there stays as it is, but for tags
// that it does not have.
func (l *Loader) Experiment(ctx context.Context, in LoadExperiment) (e *ent.Experiment, created bool, err error) {
	if err := in.Check(); err != nil {
		return nil, false, err
	}
	tx := l.bulk.Tx()
	e, err = tx.Ent().Experiment.Query().Where(experiment.Name(in.Name)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		if e, err = insertExperiment(ctx, tx, CreateExperiment{Name: in.Name, Tags: in.Tags}); err != nil {
			return nil, false, err
		}
		stage := experiment.LifecycleStageActive
		if in.Deleted {
			stage = experiment.LifecycleStageDeleted
		}
		// When it was made cannot be changed of what is stored; but nobody has seen it yet.
		if _, err := tx.ExecContext(ctx, "UPDATE experiments SET lifecycle_stage = ?, created_at = ?, updated_at = ? WHERE id = ?", string(stage),
			cmp.Or(in.CreatedAt, e.CreatedAt), cmp.Or(in.UpdatedAt, e.UpdatedAt), e.ID); err != nil {
			return nil, false, fmt.Errorf("load experiment: %w", err)
		}
		created = true
	case err != nil:
		return nil, false, fmt.Errorf("look up experiment: %w", err)
	default:
		for _, t := range in.Tags {
			if _, err := tx.ExecContext(ctx, "INSERT INTO experiment_tags (experiment_id, key, value) VALUES (?, ?, ?) "+
				"ON CONFLICT (experiment_id, key) DO NOTHING", e.ID, t.Key, t.Value); err != nil {
				return nil, false, fmt.Errorf("load tag of experiment: %w", err)
			}
		}
	}
	l.experiments[e.ID] = e
	return e, created, nil
}

// Read reads what is stored, without the newest runs that were given to Run. It is for use at once: after Run, ask again.
func (l *Loader) Read() store.Querier { return l.bulk.Tx() }

func (l *Loader) experiment(ctx context.Context, id int) (*ent.Experiment, error) {
	if e := l.experiments[id]; e != nil {
		return e, nil
	}
	e, err := l.bulk.Tx().Ent().Experiment.Query().Where(experiment.ID(id)).Only(ctx)
	if err := notFound(err, "experiment", fmt.Sprint(id)); err != nil {
		return nil, err
	}
	l.experiments[id] = e
	return e, nil
}

// Check checks all of the run but its points, and completes it, as Run does before it writes anything.
func (in *LoadRun) Check() error {
	create := CreateRun{RunID: in.RunID, Name: in.Name, ParentRunID: in.ParentRunID, UserID: in.UserID, StartTime: in.StartTime, Tags: in.Tags}
	if err := create.check(); err != nil {
		return err
	}
	in.RunID, in.Name, in.ParentRunID = cmp.Or(create.RunID, newHexID()), create.Name, create.ParentRunID
	in.StartTime = cmp.Or(in.StartTime, now())
	in.Status = cmp.Or(in.Status, run.StatusRUNNING)
	if err := run.StatusValidator(in.Status); err != nil {
		return errs.Field("status", "%q is not one of RUNNING, SCHEDULED, FINISHED, FAILED, KILLED", in.Status)
	}
	if Ended(in.Status) != (in.EndTime != nil) {
		return errs.Field("end_time", "a run has one when it has ended, and only then: its status is %s", in.Status)
	}
	for _, t := range []*int64{in.EndTime, in.DeletedAt} {
		if t != nil && *t < 0 {
			return errs.Field("end_time", "must not be before 1970")
		}
	}
	if err := checkValue("statusReason", "statusReason", in.StatusReason); err != nil {
		return err
	}
	if err := CheckText("artifact_uri", in.ArtifactLocation); err != nil {
		return err
	}
	return checkParams(in.Params)
}

// artifacts is where the artifacts of the run lie. A place in the store must be of this run alone: who reads, writes and
// removes artifacts goes by it.
func (in *LoadRun) artifacts(e *ent.Experiment) string {
	at := in.ArtifactLocation
	if at == "" || strings.HasPrefix(at, proxyScheme) && (!inStore(at) || !strings.HasSuffix(at, "/"+in.RunID+"/artifacts")) {
		return artifactLocation(e, in.RunID)
	}
	return at
}

// Run stores a run and gives its id. Exists when the id is taken, which may be found out as late as by Finish.
func (l *Loader) Run(ctx context.Context, in LoadRun) (string, error) {
	if err := in.Check(); err != nil {
		return "", err
	}
	e, err := l.experiment(ctx, in.ExperimentID)
	if err != nil {
		return "", err
	}
	pk, err := l.bulk.NextRun(ctx)
	if err != nil {
		return "", err
	}
	r := loadingRun{Loader: l, in: &in, experiment: e, pk: pk, now: now(), by: auth.Name(ctx)}
	if err := r.points(ctx); err != nil {
		return "", err
	}
	if err := errors.Join(r.finish(ctx), r.params(), r.tags()); err != nil {
		return "", err
	}
	return in.RunID, l.bulk.Checkpoint(ctx)
}

// loadingRun is a run on its way.
type loadingRun struct {
	*Loader
	in         *LoadRun
	experiment *ent.Experiment
	pk         int
	now        int64
	by         string
	// begun: its row was written before its last batch.
	begun    bool
	sequence int64
}

// points packs the points and adds their rows.
func (r *loadingRun) points(ctx context.Context) error {
	if r.in.Metrics == nil {
		return nil
	}
	packer := metric.NewPacker(r.pk, r.experiment.ID, func() (store.Querier, error) {
		return r.bulk.Tx(), r.flush(ctx)
	})
	for columns, err := range r.in.Metrics {
		if err != nil {
			return err
		}
		if columns, err = mergeColumns(columns); err != nil {
			return err
		}
		batches, err := packer.Add(ctx, columns)
		if err != nil {
			return fmt.Errorf("pack the points of run %s: %w", r.in.RunID, err)
		}
		for _, b := range batches {
			if err := r.bulk.AddBatch(b, r.now); err != nil {
				return fmt.Errorf("add batch: %w", err)
			}
		}
		if r.bulk.Full() {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
	r.sequence = packer.Sequence()
	return r.bulk.AddSeries(packer.Series())
}

// flush writes what there is of the run: its own row first, which the others refer to.
func (r *loadingRun) flush(ctx context.Context) error {
	if !r.begun {
		if err := r.row(); err != nil {
			return err
		}
		r.begun = true
	}
	return r.bulk.Flush(ctx)
}

// row adds the run's row.
func (r *loadingRun) row() error {
	stage, in := run.LifecycleStageActive, r.in
	if in.DeletedAt != nil {
		stage = run.LifecycleStageDeleted
	}
	return r.bulk.Add(store.BulkRuns, r.pk, in.RunID, r.experiment.ID, in.Name, in.Status, in.StatusReason, in.StartTime, in.EndTime,
		stage, in.DeletedAt, in.DeletedAt != nil && in.DeletedWithExperiment, in.UserID, in.artifacts(r.experiment), in.ParentRunID, r.sequence, r.now, r.now, r.by, r.by)
}

// finish sees to it that the run's row knows its last batch.
func (r *loadingRun) finish(ctx context.Context) error {
	if !r.begun {
		return r.row()
	}
	if _, err := r.bulk.Tx().ExecContext(ctx, "UPDATE runs SET metric_sequence = ? WHERE id = ?", r.sequence, r.pk); err != nil {
		return fmt.Errorf("update run: %w", err)
	}
	return nil
}

func (r *loadingRun) params() error {
	params := slices.SortedFunc(slices.Values(r.in.Params), func(a, b Param) int { return cmp.Compare(a.Key, b.Key) })
	for _, p := range params {
		if err := r.bulk.Add(store.BulkParams, r.pk, r.experiment.ID, p.Key, p.Value, number(p.Value), store.ValuePrefix(p.Value), p.KeepExisting); err != nil {
			return fmt.Errorf("add param: %w", err)
		}
	}
	return nil
}

func (r *loadingRun) tags() error {
	for _, t := range SortTags(ownTags(r.in.Tags, r.in.Name, r.in.ParentRunID)) {
		if err := r.bulk.Add(store.BulkTags, r.pk, r.experiment.ID, t.Key, t.Value, store.ValuePrefix(t.Value), t.KeepExisting); err != nil {
			return fmt.Errorf("add tag: %w", err)
		}
	}
	return nil
}

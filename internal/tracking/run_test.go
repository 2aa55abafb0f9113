package tracking_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/experiment"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/metricgoal"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/ent/runlogchunk"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

func requireKind(t *testing.T, kind errs.Kind, err error, want string) {
	t.Helper()
	require.Equal(t, kind, errs.KindOf(err), "%v", err)
	require.ErrorContains(t, err, want)
}

const someRunID = "0123456789abcdef0123456789abcdef"

func TestExperimentLifecycle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		def, err := s.Experiment(ctx, 0)
		require.NoError(t, err)
		require.Equal(t, "Default", def.Name)
		require.WithinDuration(t, time.Now(), time.UnixMilli(def.CreatedAt), time.Hour, "it is as old as the database")
		require.Equal(t, def.CreatedAt, def.UpdatedAt)

		e, err := s.CreateExperiment(ctx, tracking.CreateExperiment{Name: "学习 / iris", Tags: []tracking.Tag{{Key: "team", Value: "a"}}})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("mlflow-artifacts:/%d", e.ID), e.ArtifactLocation)
		_, err = s.CreateExperiment(ctx, tracking.CreateExperiment{Name: e.Name})
		requireKind(t, errs.Exists, err, "already exists")
		_, err = s.CreateExperiment(ctx, tracking.CreateExperiment{Name: "  "})
		requireKind(t, errs.Invalid, err, "name: must not be empty")
		_, err = s.CreateExperiment(ctx, tracking.CreateExperiment{Name: fmt.Sprintf("%0501d", 0)})
		requireKind(t, errs.Invalid, err, "501 characters: at most 500")
		_, err = s.CreateExperiment(ctx, tracking.CreateExperiment{Name: "evil", ArtifactLocation: "file:///etc"})
		requireKind(t, errs.Invalid, err, "outside this server's store")

		kept, gone := newRunIn(t, s, e.ID), newRunIn(t, s, e.ID)
		_, err = s.DeleteRun(ctx, gone.RunID)
		require.NoError(t, err)
		deleted, err := s.DeleteExperiment(ctx, e.ID)
		require.NoError(t, err)
		require.Equal(t, experiment.LifecycleStageDeleted, deleted.LifecycleStage)
		_, err = s.CreateExperiment(ctx, tracking.CreateExperiment{Name: e.Name})
		requireKind(t, errs.Exists, err, "it is deleted: restore it, or use another name")
		_, err = s.CreateRun(ctx, tracking.CreateRun{ExperimentID: &e.ID})
		requireKind(t, errs.Conflict, err, "must be in the 'active' state")
		_, err = s.RestoreRun(ctx, kept.RunID)
		requireKind(t, errs.Conflict, err, "restore the experiment first")
		_, err = s.RenameExperiment(ctx, e.ID, "x")
		requireKind(t, errs.Conflict, err, "must be in the 'active' state")

		_, err = s.RestoreExperiment(ctx, e.ID)
		require.NoError(t, err)
		kept, err = s.Run(ctx, kept.RunID)
		require.NoError(t, err)
		require.Equal(t, run.LifecycleStageActive, kept.LifecycleStage)
		gone, err = s.Run(ctx, gone.RunID)
		require.NoError(t, err)
		require.Equal(t, run.LifecycleStageDeleted, gone.LifecycleStage, "it was deleted before its experiment was")

		_, err = s.SetMetricGoal(ctx, e.ID, "loss", metricgoal.GoalMINIMIZE)
		require.NoError(t, err)
		_, err = s.SetMetricGoal(ctx, e.ID, "loss", metricgoal.GoalMAXIMIZE)
		require.NoError(t, err)
		goals, err := s.MetricGoalsOf(ctx, []int{e.ID})
		require.NoError(t, err)
		require.Equal(t, metricgoal.GoalMAXIMIZE, goals[e.ID][0].Goal)
		_, err = s.DeleteExperimentTag(ctx, e.ID, "team")
		require.NoError(t, err)
		_, err = s.DeleteExperimentTag(ctx, e.ID, "team")
		requireKind(t, errs.NotFound, err, "No tag with name: team")
		_, err = s.DeleteExperiment(ctx, 0)
		requireKind(t, errs.Invalid, err, "cannot be deleted")
	})
}

func newRunIn(t *testing.T, s *tracking.Service, experimentID int) *ent.Run {
	t.Helper()
	r, err := s.CreateRun(ctx, tracking.CreateRun{ExperimentID: &experimentID})
	require.NoError(t, err)
	return r
}

func TestRunLifecycle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		who := auth.With(ctx, auth.Principal{Name: "token:ci", Role: token.RoleEDITOR})
		parent, err := s.CreateRun(who, tracking.CreateRun{ExperimentName: "made with the run", Name: "first"})
		require.NoError(t, err)
		require.Equal(t, "token:ci", parent.CreatedBy)
		require.Equal(t, run.StatusRUNNING, parent.Status)
		child, err := s.CreateRun(ctx, tracking.CreateRun{RunID: someRunID, ExperimentID: &parent.ExperimentID,
			Tags: []tracking.Tag{{Key: "mlflow.parentRunId", Value: parent.RunID}, {Key: "mlflow.runName", Value: "child"}}})
		require.NoError(t, err)
		require.Equal(t, parent.RunID, child.ParentRunID)
		require.Equal(t, "child", child.Name)
		tags, err := s.TagsOf(ctx, []int{parent.ID}, []string{"mlflow.runName"})
		require.NoError(t, err)
		require.Equal(t, "first", tags[parent.ID][0].Value)

		again, err := s.CreateRun(ctx, tracking.CreateRun{RunID: someRunID, ExperimentID: &parent.ExperimentID,
			Tags: []tracking.Tag{{Key: "mlflow.parentRunId", Value: parent.RunID}, {Key: "mlflow.runName", Value: "child"}}})
		require.NoError(t, err)
		require.Equal(t, child.ID, again.ID, "the same request makes one run")
		_, err = s.CreateRun(ctx, tracking.CreateRun{RunID: someRunID, Name: "other"})
		requireKind(t, errs.Conflict, err, "used before with another input")
		_, err = s.CreateRun(ctx, tracking.CreateRun{RunID: "ABC"})
		requireKind(t, errs.Invalid, err, "32 lower-case hex digits")
		missing := 999
		_, err = s.CreateRun(ctx, tracking.CreateRun{ExperimentID: &missing})
		requireKind(t, errs.NotFound, err, "No experiment with id=999 exists")
		_, err = s.CreateRun(ctx, tracking.CreateRun{Name: "a", Tags: []tracking.Tag{{Key: "mlflow.runName", Value: "b"}}})
		requireKind(t, errs.Invalid, err, "differ: give one of them")
		_, err = s.CreateRun(ctx, tracking.CreateRun{Name: fmt.Sprintf("%0501d", 0)})
		requireKind(t, errs.Invalid, err, "run_name: has 501 characters")

		require.NoError(t, s.SetTag(who, parent.RunID, "mlflow.runName", "renamed"))
		parent, err = s.Run(ctx, parent.RunID)
		require.NoError(t, err)
		require.Equal(t, "renamed", parent.Name)
		require.Equal(t, "token:ci", parent.UpdatedBy)

		finished, name := run.StatusFINISHED, "third"
		parent, err = s.UpdateRun(ctx, tracking.UpdateRun{RunID: parent.RunID, Status: &finished, Name: &name})
		require.NoError(t, err)
		require.NotNil(t, parent.EndTime)
		tags, err = s.TagsOf(ctx, []int{parent.ID}, []string{"mlflow.runName"})
		require.NoError(t, err)
		require.Equal(t, "third", tags[parent.ID][0].Value)
		_, err = s.LogBatch(ctx, tracking.Batch{RunID: parent.RunID, Tags: []tracking.Tag{{Key: "late", Value: "1"}}})
		require.NoError(t, err, "a finished run still takes writes")

		_, err = s.DeleteRun(ctx, parent.RunID)
		require.NoError(t, err)
		err = s.SetTag(ctx, parent.RunID, "a", "b")
		requireKind(t, errs.Conflict, err, "must be in the 'active' state. Current state is deleted")
		_, err = s.RestoreRun(ctx, parent.RunID)
		require.NoError(t, err)
		require.NoError(t, s.DeleteTag(ctx, parent.RunID, "late"))
		requireKind(t, errs.NotFound, s.DeleteTag(ctx, parent.RunID, "late"), "No tag with name: late")
		_, err = s.Run(ctx, "ffffffffffffffffffffffffffffffff")
		requireKind(t, errs.NotFound, err, "not found")
	})
}

func TestLeaseOfARun(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		r, err := s.CreateRun(ctx, tracking.CreateRun{LeaseSeconds: 10})
		require.NoError(t, err)
		other := newRun(t, s)
		lease, held, err := db.Acquire(ctx, "reap", "this server", time.Minute)
		require.NoError(t, err)
		require.True(t, held)
		n, err := s.ReapExpiredRuns(ctx, lease)
		require.NoError(t, err)
		require.Zero(t, n)
		expire(t, db, r.RunID)
		n, err = s.ReapExpiredRuns(ctx, lease)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		r, err = s.Run(ctx, r.RunID)
		require.NoError(t, err)
		require.Equal(t, run.StatusKILLED, r.Status)
		require.Contains(t, r.StatusReason, "no heartbeat")
		other, err = s.Run(ctx, other.RunID)
		require.NoError(t, err)
		require.Equal(t, run.StatusRUNNING, other.Status, "a client that sends no heartbeats has no lease")

		r, err = s.Heartbeat(ctx, r.RunID, 60)
		require.NoError(t, err)
		require.Equal(t, run.StatusRUNNING, r.Status, "it was only cut off")
		require.Nil(t, r.EndTime)
		_, err = s.Heartbeat(ctx, r.RunID, 5)
		requireKind(t, errs.Invalid, err, "must be 10 to 86400")
	})
}

func expire(t *testing.T, db *store.DB, runID string) {
	t.Helper()
	require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE runs SET lease_expires_at = 1 WHERE run_id = ?", runID)
		return err
	}))
}

func TestCreationIsIdempotent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		const n = 12
		ids := make([]int, n)
		failures := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				e, err := s.CreateExperiment(ctx, tracking.CreateExperiment{Name: "one", IdempotencyKey: "k"})
				if failures[i] = err; err == nil {
					ids[i] = e.ID
				}
			})
		}
		wg.Wait()
		for i := range n {
			require.NoError(t, failures[i])
			require.Equal(t, ids[0], ids[i])
		}
		_, err := s.CreateExperiment(ctx, tracking.CreateExperiment{Name: "two", IdempotencyKey: "k"})
		requireKind(t, errs.Conflict, err, "used before with another input")
	})
}

// TestDatasets: datasets of some experiments in pages, the newest first, and what they were read for.
func TestDatasets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		a, b := newRunIn(t, s, 0), newRunIn(t, s, 0)
		for _, in := range []struct {
			run           *ent.Run
			name, context string
		}{{a, "iris", "training"}, {b, "iris", "eval"}, {b, "iris", "training"}, {b, "wine", ""}} {
			_, err := s.LogInputs(ctx, in.run.RunID, []tracking.Input{{
				Context: in.context, Dataset: tracking.Dataset{Name: in.name, Digest: "d", SourceType: "local", Source: "{}"},
			}}, nil)
			require.NoError(t, err)
		}
		first, more, err := s.Datasets(ctx, []int{0, 77}, 0, 1)
		require.NoError(t, err)
		require.True(t, more)
		require.Equal(t, "wine", first[0].Name)
		rest, more, err := s.Datasets(ctx, []int{0}, first[0].ID, 10)
		require.NoError(t, err)
		require.False(t, more)
		require.Len(t, rest, 1)
		require.Equal(t, "iris", rest[0].Name)
		contexts, err := s.ContextsOf(ctx, []int{first[0].ID, rest[0].ID})
		require.NoError(t, err)
		require.Equal(t, map[int][]string{first[0].ID: {""}, rest[0].ID: {"eval", "training"}}, contexts)
	})
}

// TestDatasetUses: each dataset once with each context, whatever runs read it, of the experiments that are asked for.
func TestDatasetUses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		other, err := s.CreateExperiment(ctx, tracking.CreateExperiment{Name: "other"})
		require.NoError(t, err)
		read := func(experiment int, name, as string) {
			t.Helper()
			r, err := s.CreateRun(ctx, tracking.CreateRun{ExperimentID: &experiment})
			require.NoError(t, err)
			_, err = s.LogInputs(ctx, r.RunID, []tracking.Input{{Dataset: tracking.Dataset{Name: name, Digest: "d", SourceType: "code"}, Context: as}}, nil)
			require.NoError(t, err)
		}
		read(0, "iris", "training")
		read(0, "iris", "training")
		read(0, "iris", "")
		read(0, "digits", "eval")
		read(other.ID, "iris", "training")
		of := func(limit int, experiments ...int) []tracking.DatasetUse {
			t.Helper()
			uses, err := s.DatasetUses(ctx, experiments, limit)
			require.NoError(t, err)
			return uses
		}
		digits, plain, trained := tracking.DatasetUse{Name: "digits", Digest: "d", Context: "eval"},
			tracking.DatasetUse{Name: "iris", Digest: "d"}, tracking.DatasetUse{Name: "iris", Digest: "d", Context: "training"}
		require.Equal(t, []tracking.DatasetUse{digits, plain, trained}, of(10, 0))
		elsewhere := trained
		elsewhere.ExperimentID = other.ID
		require.Equal(t, []tracking.DatasetUse{digits, plain, trained, elsewhere}, of(10, other.ID, 0))
		require.Equal(t, []tracking.DatasetUse{digits, plain}, of(2, 0))
		require.Empty(t, of(10, 12345))
	})
}

func TestInputsAndModels(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		r := newRun(t, s)
		schema := `{"mlflow_colspec":[]}`
		input := tracking.Input{Dataset: tracking.Dataset{Name: "iris", Digest: "d1", SourceType: "code", Source: "{}", Schema: &schema}, Context: "training"}
		for range 2 {
			_, err := s.LogInputs(ctx, r.RunID, []tracking.Input{input}, nil)
			require.NoError(t, err)
		}
		inputs, err := s.InputsOf(ctx, []int{r.ID})
		require.NoError(t, err)
		require.Len(t, inputs[r.ID], 1)
		require.Equal(t, "iris", inputs[r.ID][0].Edges.Dataset.Name)
		input.Dataset.Digest = fmt.Sprintf("%065d", 0)
		_, err = s.LogInputs(ctx, r.RunID, []tracking.Input{input}, nil)
		requireKind(t, errs.Invalid, err, "datasets[0].dataset.digest: has 65 characters")

		m, err := s.CreateLoggedModel(ctx, tracking.CreateLoggedModel{SourceRunID: r.RunID, Name: "model",
			Params: []tracking.Param{{Key: "p", Value: "1"}}, Tags: []tracking.Tag{{Key: "t", Value: "1"}}})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("mlflow-artifacts:/0/models/%s/artifacts", m.ModelID), m.ArtifactLocation)
		m, err = s.FinalizeLoggedModel(ctx, m.ModelID, loggedmodel.StatusREADY, "")
		require.NoError(t, err)
		_, err = s.LogOutputs(ctx, r.RunID, []tracking.Output{{ModelID: m.ModelID, Step: 3}})
		require.NoError(t, err)
		named, err := s.LoggedModelsByID(ctx, []string{m.ModelID, "m-" + strings.Repeat("0", 32)})
		require.NoError(t, err)
		require.Len(t, named, 1)
		require.Equal(t, m.ID, named[m.ModelID].ID)
		outputs, err := s.OutputsOf(ctx, []int{r.ID})
		require.NoError(t, err)
		require.Len(t, outputs[r.ID], 1)
		require.Equal(t, m.ID, outputs[r.ID][0].Edges.LoggedModel.ID)
		_, err = s.LogInputs(ctx, r.RunID, nil, []string{m.ModelID})
		require.NoError(t, err)
		read, err := s.ModelInputsOf(ctx, []int{r.ID})
		require.NoError(t, err)
		require.Equal(t, map[int][]string{r.ID: {m.ModelID}}, read)
		_, err = s.LogBatch(ctx, tracking.Batch{RunID: r.RunID, Models: []tracking.ModelMetric{{ModelID: m.ModelID, Key: "acc", Value: 0.9}}})
		require.NoError(t, err)
		points, err := s.ModelMetricsOf(ctx, []int{m.ID})
		require.NoError(t, err)
		require.InDelta(t, 0.9, *points[m.ID][0].Value, 0)
		edges, err := db.Ent().LineageEdge.Query().Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 3, edges, "dataset → run → model → run")
		_, err = s.DeleteLoggedModel(ctx, m.ModelID)
		require.NoError(t, err)
		_, err = s.LoggedModel(ctx, m.ModelID)
		requireKind(t, errs.NotFound, err, "was deleted")
	})
}

func TestRunLogAndFingerprint(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		r := newRun(t, s)
		for range 2 { // the second is a repetition
			n, err := s.AppendRunLog(ctx, tracking.AppendRunLog{RunID: r.RunID, Stream: runlogchunk.StreamSTDOUT, Text: "hello\n", Client: "log", Sequence: 1})
			require.NoError(t, err)
			require.EqualValues(t, 1, n)
		}
		_, err := s.AppendRunLog(ctx, tracking.AppendRunLog{RunID: r.RunID, Stream: runlogchunk.StreamSTDERR, Text: "oh\n"})
		require.NoError(t, err)
		logs, err := s.RunLogsOf(ctx, []int{r.ID}, 0, 10)
		require.NoError(t, err)
		require.Len(t, logs[r.ID], 2)
		require.Equal(t, "hello\n", string(logs[r.ID][0].Data))
		logs, err = s.RunLogsOf(ctx, []int{r.ID}, 1, 10)
		require.NoError(t, err)
		require.Equal(t, runlogchunk.StreamSTDERR, logs[r.ID][0].Stream)
		for want, c := range map[string]struct {
			after        int64
			first, bytes int
		}{
			"hello\noh\n": {0, 10, 9}, "hello\n": {0, 10, 8}, "oh\n": {1, 1, 0}, "": {2, 10, 10},
		} {
			pieces, err := s.RunLogSince(ctx, r.ID, c.after, c.first, c.bytes)
			require.NoError(t, err)
			var text string
			for _, p := range pieces {
				text += string(p.Data)
			}
			require.Equal(t, want, text, "%+v", c)
		}
		one, err := s.RunLogSince(ctx, r.ID, 0, 1, 100)
		require.NoError(t, err)
		require.Len(t, one, 1)
		_, err = s.RunLogSince(ctx, r.ID, 0, 1001, 100)
		requireKind(t, errs.Invalid, err, "first: is 1001: it must be 1 to 1000")

		_, err = s.RecordFingerprint(ctx, r.RunID, ent.Fingerprint{CodeHash: "c1", Detail: `{"code":{}}`})
		require.NoError(t, err)
		f, err := s.RecordFingerprint(ctx, r.RunID, ent.Fingerprint{CodeHash: "c2", Detail: `{"code":{}}`})
		require.NoError(t, err)
		require.Equal(t, "c2", f.CodeHash)
		prints, err := s.FingerprintsOf(ctx, []int{r.ID})
		require.NoError(t, err)
		require.Equal(t, "c2", prints[r.ID].CodeHash)
		_, err = s.RecordFingerprint(ctx, r.RunID, ent.Fingerprint{Detail: `[]`})
		requireKind(t, errs.Invalid, err, "detail: is not a JSON object")
	})
}

func TestChangesFollowRuns(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := tracking.New(db, live.NewHub())
		a, b := newRun(t, s), newRun(t, s)
		head, err := s.ChangeHead(ctx)
		require.NoError(t, err)
		_, err = s.LogBatch(ctx, tracking.Batch{RunID: a.RunID, Columns: []metric.Columns{column("loss", 1)}})
		require.NoError(t, err)
		require.NoError(t, s.SetTag(ctx, b.RunID, "x", "1"))
		require.NoError(t, s.SetTag(ctx, b.RunID, "x", "2"))
		s.Close() // stores what waits
		changes, err := s.ChangesSince(ctx, []int{0}, head, 10)
		require.NoError(t, err)
		require.ElementsMatch(t, []string{a.RunID, b.RunID}, changes.Runs, "each once")
		require.False(t, changes.More || changes.Experiments)
		_, err = s.SetMetricGoal(ctx, 0, "loss", metricgoal.GoalMINIMIZE)
		require.NoError(t, err)
		goal, err := s.ChangesSince(ctx, []int{0}, changes.Next, 10)
		require.NoError(t, err)
		require.Equal(t, tracking.Changes{Experiments: true, Next: changes.Next + 1}, goal)
		none, err := s.ChangesSince(ctx, nil, goal.Next, 10)
		require.NoError(t, err)
		require.Equal(t, tracking.Changes{Next: goal.Next}, none)
		require.NoError(t, s.CheckChangesFrom(ctx, nil, goal.Next))
		ahead := s.CheckChangesFrom(ctx, nil, goal.Next+1)
		require.True(t, errs.Is(ahead, errs.Invalid), "%v", ahead)
		one, err := s.ChangesSince(ctx, nil, head, 1)
		require.NoError(t, err)
		require.True(t, one.More && len(one.Runs) == 1)
	})
}

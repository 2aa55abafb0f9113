package mlflowimport_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/experiment"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/mlflowimport"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

var ctx = context.Background()

// The tables of MLflow 2.0, as far as they are read, in words that both databases know.
const schema = `CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256) UNIQUE NOT NULL, artifact_location VARCHAR(256),
	lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT);
CREATE TABLE experiment_tags (key VARCHAR(250), value VARCHAR(5000), experiment_id INTEGER, PRIMARY KEY (key, experiment_id));
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), user_id VARCHAR(256), status VARCHAR(20), start_time BIGINT,
	end_time BIGINT, deleted_time BIGINT, lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200), experiment_id INTEGER);
CREATE TABLE params (key VARCHAR(250), value VARCHAR(500) NOT NULL, run_uuid VARCHAR(32), PRIMARY KEY (key, run_uuid));
CREATE TABLE tags (key VARCHAR(250), value VARCHAR(5000), run_uuid VARCHAR(32), PRIMARY KEY (key, run_uuid));
CREATE TABLE metrics (key VARCHAR(250), value DOUBLE PRECISION NOT NULL, timestamp BIGINT, step BIGINT DEFAULT 0 NOT NULL,
	is_nan BOOLEAN DEFAULT false NOT NULL, run_uuid VARCHAR(32), PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan));
CREATE TABLE registered_models (name VARCHAR(256) PRIMARY KEY, creation_time BIGINT, last_updated_time BIGINT, description VARCHAR(5000));
CREATE TABLE registered_model_tags (key VARCHAR(250), value VARCHAR(5000), name VARCHAR(256), PRIMARY KEY (key, name));
CREATE TABLE model_versions (name VARCHAR(256), version INTEGER, creation_time BIGINT, last_updated_time BIGINT, description VARCHAR(5000),
	user_id VARCHAR(256), current_stage VARCHAR(20), source VARCHAR(500), run_id VARCHAR(32), run_link VARCHAR(500), status VARCHAR(20),
	status_message VARCHAR(500), PRIMARY KEY (name, version));
CREATE TABLE model_version_tags (key VARCHAR(250), value VARCHAR(5000), name VARCHAR(256), version INTEGER, PRIMARY KEY (key, name, version));
INSERT INTO alembic_version VALUES ('97727af70f4d');
INSERT INTO experiments VALUES (0, 'Default', '/mlruns/0', 'active', 10, 20), (7, 'iris', 's3://bucket/7', 'active', 30, 40),
	(9, 'gone', '/mlruns/9', 'deleted', 50, 60);
INSERT INTO experiment_tags VALUES ('team', 'red', 7), ('owner', 'ada', 0);
INSERT INTO registered_models VALUES ('m', 70, 80, 'about');
INSERT INTO registered_model_tags VALUES ('owner', 'ada', 'm');
INSERT INTO model_versions VALUES ('m', 1, 71, 72, 'first', 'ada', 'Production', 's3://bucket/m/1', NULL, NULL, 'READY', NULL),
	('m', 2, 73, 74, NULL, NULL, 'Deleted_Internal', NULL, NULL, NULL, 'READY', NULL),
	('m', 3, 75, 76, NULL, NULL, 'None', '/mlruns/7/model', '0123456789abcdef0123456789abcdef', NULL, 'READY', NULL),
	('m', 4, 77, 78, NULL, NULL, 'Deleted_Internal', NULL, NULL, NULL, 'READY', NULL);
INSERT INTO model_version_tags VALUES ('git', 'abc', 'm', 3);
`

const (
	first   = "0123456789abcdef0123456789abcdef"
	running = "1123456789abcdef0123456789abcdef"
	deleted = "2123456789abcdef0123456789abcdef"
)

const rows = `INSERT INTO runs VALUES
	('` + first + `', 'лауф', 'ada', 'FINISHED', 1000, 2000, NULL, 'active', 's3://bucket/7/` + first + `/artifacts', 7),
	('` + running + `', NULL, NULL, 'RUNNING', 1500, NULL, NULL, 'active', 'mlflow-artifacts:/../secret', 0),
	('` + deleted + `', 'old', 'bob', 'FAILED', 500, NULL, 700, 'deleted', NULL, 9);
INSERT INTO params VALUES ('depth', '3', '` + first + `'), ('rate', '1e-3', '` + first + `'), ('depth', '4', '` + deleted + `');
INSERT INTO tags VALUES ('mlflow.runName', 'лауф', '` + first + `'), ('team', NULL, '` + first + `'), ('mlflow.runName', 'swift-owl-1', '` + running + `'),
	('mlflow.parentRunId', '` + first + `', '` + running + `');
INSERT INTO metrics VALUES ('loss', 0.5, 11, 1, false, '` + first + `'), ('loss', 0.25, 11, 1, false, '` + first + `'),
	('loss', 0, 12, 2, true, '` + first + `'), ('loss', 1.7976931348623157e308, 13, 3, false, '` + first + `'),
	('loss', -1.7976931348623157e308, 14, -4, false, '` + first + `'), ('学习率', 5e-324, 11, 0, false, '` + first + `');
`

// source makes an MLflow database, and gives its name as MLflow has it and a connection to change it.
func source(t *testing.T, postgres bool, more ...string) (string, *sql.DB) {
	t.Helper()
	driver, url := "sqlite", filepath.Join(t.TempDir(), "mlflow.db")
	name := "sqlite:///" + url
	if postgres {
		driver, url = "postgres", storetest.EmptyPostgresURL(t)
		name = strings.Replace(url, "postgres://", "postgresql+psycopg2://", 1)
	}
	db, err := sql.Open(driver, url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for _, text := range append([]string{schema}, more...) {
		_, err = db.ExecContext(ctx, text)
		require.NoError(t, err)
	}
	return name, db
}

// each runs a test for each pair of databases: MLflow's, and Cairn's.
func each(t *testing.T, fn func(t *testing.T, postgres bool, into string)) {
	t.Helper()
	for _, from := range []bool{false, true} {
		name := map[bool]string{false: "sqlite", true: "postgres"}
		t.Run(name[from]+" to sqlite", func(t *testing.T) {
			t.Parallel()
			fn(t, from, "sqlite:"+filepath.Join(t.TempDir(), "cairn.db"))
		})
		t.Run(name[from]+" to postgres", func(t *testing.T) {
			t.Parallel()
			fn(t, from, storetest.EmptyPostgresURL(t))
		})
	}
}

func importAll(t *testing.T, name, into string, dry bool) mlflowimport.Report {
	t.Helper()
	s, err := mlflowimport.Open(ctx, name, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	report, err := mlflowimport.Import(ctx, s, mlflowimport.Options{Into: store.Config{URL: into}, Artifacts: t.TempDir(), DryRun: dry})
	require.NoError(t, err)
	return report
}

// whole is a report of the rows above: all is there, and as much of it is new.
func whole(fresh int64) mlflowimport.Report {
	count := func(n, fresh int64) mlflowimport.Count {
		return mlflowimport.Count{MLflow: n, Cairn: n, New: n * fresh}
	}
	r := mlflowimport.Report{Runs: count(3, fresh), Params: count(3, fresh), Tags: count(1, fresh), Points: count(6, fresh),
		Experiments: mlflowimport.Count{MLflow: 3, Cairn: 3, New: 2 * fresh},
		Models:      count(1, fresh), Versions: count(2, fresh),
		Problems: []mlflowimport.Problem{}}
	return r
}

func TestImport(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, postgres bool, into string) {
		name, _ := source(t, postgres, rows)
		dry := importAll(t, name, into, true)
		require.True(t, dry.DryRun)
		require.Equal(t, mlflowimport.Count{MLflow: 3, New: 3}, dry.Runs)
		require.Equal(t, mlflowimport.Count{MLflow: 6, New: 6}, dry.Points)
		require.Equal(t, whole(1), importAll(t, name, into, false), "a dry run has written nothing")
		require.Zero(t, importAll(t, name, into, true).Runs.New)
		require.Equal(t, whole(0), importAll(t, name, into, false), "a second time")

		db := storetest.Open(t, store.Config{URL: into})
		e := db.Ent().Experiment.Query().Where(experiment.Name("gone")).WithTags().OnlyX(ctx)
		require.Equal(t, []any{experiment.LifecycleStageDeleted, int64(50), int64(60)}, []any{e.LifecycleStage, e.CreatedAt, e.UpdatedAt})
		iris := db.Ent().Experiment.Query().Where(experiment.Name("iris")).WithTags().OnlyX(ctx)
		require.Equal(t, "red", iris.Edges.Tags[0].Value)
		require.Equal(t, "ada", db.Ent().Experiment.GetX(ctx, 0).QueryTags().OnlyX(ctx).Value)
		get := func(id string) *ent.Run {
			return db.Ent().Run.Query().Where(run.RunID(id)).WithParams().WithTags().OnlyX(ctx)
		}
		r := get(first)
		require.Equal(t, []any{"лауф", "ada", run.StatusFINISHED, int64(1000), int64(2000), iris.ID, "s3://bucket/7/" + first + "/artifacts"},
			[]any{r.Name, r.UserID, r.Status, r.StartTime, *r.EndTime, r.ExperimentID, r.ArtifactLocation})
		require.Len(t, r.Edges.Params, 2)
		require.Len(t, r.Edges.Tags, 2)
		r = get(running)
		require.Equal(t, []any{"swift-owl-1", run.StatusRUNNING, first, 0, "mlflow-artifacts:/0/" + running + "/artifacts"},
			[]any{r.Name, r.Status, r.ParentRunID, r.ExperimentID, r.ArtifactLocation}, "the place of others is not taken over")
		r = get(deleted)
		require.Equal(t, []any{run.LifecycleStageDeleted, int64(700), true, e.ID}, []any{r.LifecycleStage, *r.DeletedAt, r.DeletedWithExperiment, r.ExperimentID})

		m := db.Ent().RegisteredModel.Query().WithTags().WithVersions(func(q *ent.ModelVersionQuery) { q.WithTags().Order(ent.Asc("version")) }).OnlyX(ctx)
		require.Equal(t, []any{"m", "about", int64(70), 5, int64(1), "owner"},
			[]any{m.Name, m.Description, m.CreatedAt, m.NextVersion, m.HistoryLength, m.Edges.Tags[0].Key})
		v := m.Edges.Versions
		require.Len(t, v, 2)
		require.Equal(t, []any{1, "Production", "s3://bucket/m/1", "first", int64(71)},
			[]any{v[0].Version, v[0].Stage, v[0].Source, v[0].Description, v[0].CreatedAt})
		require.Equal(t, []any{3, "None", "/mlruns/7/model", first, "abc"},
			[]any{v[1].Version, v[1].Stage, v[1].ArtifactLocation, v[1].RunID, v[1].Edges.Tags[0].Value})
		entry := db.Ent().ModelHistory.Query().OnlyX(ctx)
		require.Equal(t, []any{"Production", "imported from MLflow"}, []any{entry.ToStage, entry.Reason})
		sound, err := registry.Check(ctx, db.Read())
		require.NoError(t, err)
		require.Empty(t, sound.Faults)

		require.Equal(t, "[[1 11 0.25] [1 11 0.5] [2 12 NaN] [3 13 +Inf] [-4 14 -Inf]]", history(t, db, get(first), "loss"))
		require.Equal(t, fmt.Sprint([][]any{{int64(0), int64(11), math.SmallestNonzeroFloat64}}), history(t, db, get(first), "学习率"))
	})
}

// The tables that MLflow 2.4 and 3 added, and rows that they may have.
const newer = `CREATE TABLE datasets (dataset_uuid VARCHAR(36), experiment_id INTEGER, name VARCHAR(500), digest VARCHAR(36), dataset_source_type VARCHAR(36),
	dataset_source TEXT NOT NULL, dataset_schema TEXT, dataset_profile TEXT, PRIMARY KEY (experiment_id, name, digest));
CREATE TABLE inputs (input_uuid VARCHAR(36), source_type VARCHAR(36), source_id VARCHAR(36), destination_type VARCHAR(36), destination_id VARCHAR(36),
	step BIGINT DEFAULT 0 NOT NULL, PRIMARY KEY (source_type, source_id, destination_type, destination_id));
CREATE TABLE input_tags (input_uuid VARCHAR(36), name VARCHAR(255), value VARCHAR(500), PRIMARY KEY (input_uuid, name));
CREATE TABLE logged_models (model_id VARCHAR(36) PRIMARY KEY, experiment_id INTEGER, name VARCHAR(500), artifact_location VARCHAR(1000),
	creation_timestamp_ms BIGINT, last_updated_timestamp_ms BIGINT, status INTEGER, lifecycle_stage VARCHAR(32), model_type VARCHAR(500),
	source_run_id VARCHAR(32), status_message VARCHAR(1000));
CREATE TABLE logged_model_params (model_id VARCHAR(36), experiment_id INTEGER, param_key VARCHAR(255), param_value TEXT, PRIMARY KEY (model_id, param_key));
CREATE TABLE logged_model_tags (model_id VARCHAR(36), experiment_id INTEGER, tag_key VARCHAR(255), tag_value TEXT, PRIMARY KEY (model_id, tag_key));
CREATE TABLE logged_model_metrics (model_id VARCHAR(36), metric_name VARCHAR(500), metric_timestamp_ms BIGINT, metric_step BIGINT,
	metric_value DOUBLE PRECISION, experiment_id INTEGER, run_id VARCHAR(32), dataset_uuid VARCHAR(36), dataset_name VARCHAR(500), dataset_digest VARCHAR(36));
INSERT INTO datasets VALUES ('d1', 7, 'flowers', 'abc', 'local', '{"uri": "/data"}', '{"columns": []}', NULL);
INSERT INTO inputs VALUES ('i1', 'DATASET', 'd1', 'RUN', '` + first + `', 0), ('i2', 'RUN_INPUT', '` + first + `', 'MODEL_INPUT', '` + goneModel + `', 0),
	('i3', 'RUN_OUTPUT', '` + first + `', 'MODEL_OUTPUT', '` + model + `', 5), ('i4', 'RUN_OUTPUT', '` + running + `', 'MODEL_OUTPUT', 'm-lost', 0);
INSERT INTO input_tags VALUES ('i1', 'mlflow.data.context', 'training'), ('i1', 'more', 'x');
INSERT INTO logged_models VALUES ('` + model + `', 7, 'forest', 's3://bucket/7/models/` + model + `/artifacts', 81, 82, 2, 'active', 'sklearn', '` + first + `', NULL),
	('` + goneModel + `', 0, 'old', 'mlflow-artifacts:/1/models/m-another/artifacts', 83, 84, 3, 'deleted', NULL, NULL, 'disk full'),
	('m-bad', 7, 'bad', 'x', 1, 1, 2, 'active', NULL, NULL, NULL), ('m-3123456789abcdef0123456789abcdef', 88, 'x', 'x', 1, 1, 2, 'active', NULL, NULL, NULL);
INSERT INTO logged_model_params VALUES ('` + model + `', 7, 'depth', '3');
INSERT INTO logged_model_tags VALUES ('` + model + `', 7, 'team', 'red');
INSERT INTO logged_model_metrics VALUES ('` + model + `', 'acc', 90, 1, 0.5, 7, '` + first + `', 'd1', 'flowers', 'abc'),
	('` + model + `', 'acc', 91, 2, NULL, 7, '` + first + `', NULL, NULL, NULL);
INSERT INTO model_versions VALUES ('m', 5, 79, 80, NULL, NULL, 'None', 'models:/` + model + `', '` + first + `', NULL, 'READY', NULL);
`

const (
	model     = "m-0123456789abcdef0123456789abcdef"
	goneModel = "m-1123456789abcdef0123456789abcdef"
)

func TestImportLoggedModelsAndInputs(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, postgres bool, into string) {
		name, _ := source(t, postgres, rows, newer)
		dry := importAll(t, name, into, true)
		require.Equal(t, mlflowimport.Count{MLflow: 4, New: 2}, dry.LoggedModels)
		report := importAll(t, name, into, false)
		require.Equal(t, mlflowimport.Count{MLflow: 4, Cairn: 2, New: 2}, report.LoggedModels)
		require.Equal(t, mlflowimport.Count{MLflow: 4, Cairn: 3, New: 3}, report.Inputs)
		require.Equal(t, mlflowimport.Count{MLflow: 3, Cairn: 3, New: 3}, report.Versions)
		var found []string
		for _, p := range report.Problems {
			found = append(found, p.What+" "+p.ID+": "+p.Why)
		}
		require.Len(t, found, 3)
		require.Contains(t, found[0], "logged model m-3123456789abcdef0123456789abcdef: its experiment 88 is not there")
		require.Contains(t, found[1], "logged model m-bad: is left out: model_id")
		require.Contains(t, found[2], "output of run "+running+": the logged model m-lost is not there")
		again := importAll(t, name, into, false)
		require.Equal(t, mlflowimport.Count{MLflow: 4, Cairn: 2}, again.LoggedModels)
		require.Equal(t, mlflowimport.Count{MLflow: 4, Cairn: 3}, again.Inputs)

		db := storetest.Open(t, store.Config{URL: into})
		m := db.Ent().LoggedModel.Query().Where(loggedmodel.ModelID(model)).WithParams().WithTags().WithMetrics().OnlyX(ctx)
		require.Equal(t, []any{"forest", "sklearn", first, loggedmodel.StatusREADY, int64(81), int64(82), "s3://bucket/7/models/" + model + "/artifacts", "3", "red"},
			[]any{m.Name, m.ModelType, m.SourceRunID, m.Status, m.CreatedAt, m.UpdatedAt, m.ArtifactLocation, m.Edges.Params[0].Value, m.Edges.Tags[0].Value})
		require.Equal(t, []any{0.5, first, "flowers", "abc"}, []any{*m.Edges.Metrics[0].Value, m.Edges.Metrics[0].RunID, m.Edges.Metrics[0].DatasetName, m.Edges.Metrics[0].DatasetDigest})
		require.Nil(t, m.Edges.Metrics[1].Value)
		old := db.Ent().LoggedModel.Query().Where(loggedmodel.ModelID(goneModel)).OnlyX(ctx)
		require.Equal(t, []any{loggedmodel.LifecycleStageDeleted, loggedmodel.StatusUPLOAD_FAILED, "disk full", "mlflow-artifacts:/0/models/" + goneModel + "/artifacts"},
			[]any{old.LifecycleStage, old.Status, old.StatusMessage, old.ArtifactLocation}, "the place of others is not taken over")
		r := db.Ent().Run.Query().Where(run.RunID(first)).WithInputs(func(q *ent.RunInputQuery) { q.WithDataset() }).WithOutputs().OnlyX(ctx)
		in := r.Edges.Inputs[0]
		require.Equal(t, []any{"training", "x", "flowers", "abc", "local", `{"uri": "/data"}`, `{"columns": []}`},
			[]any{in.Context, in.Tags["more"], in.Edges.Dataset.Name, in.Edges.Dataset.Digest, in.Edges.Dataset.SourceType, in.Edges.Dataset.Source, *in.Edges.Dataset.Schema})
		require.Equal(t, []any{m.ID, int64(5)}, []any{r.Edges.Outputs[0].LoggedModelID, r.Edges.Outputs[0].Step})
		v := db.Ent().ModelVersion.Query().Where(modelversion.Version(5)).OnlyX(ctx)
		require.Equal(t, []any{model, m.ArtifactLocation}, []any{v.ModelID, v.ArtifactLocation}, "a version finds its logged model")
	})
}

// history shows the points of a series, in the order in which they are stored.
func history(t *testing.T, db *store.DB, r *ent.Run, key string) string {
	t.Helper()
	page, err := metric.NewReader(db).History(ctx, r.ID, key, 0, 1000)
	require.NoError(t, err)
	var points [][]any
	for i := range page.Len() {
		points = append(points, []any{page.Steps[i], page.Times[i], page.Values[i]})
	}
	return fmt.Sprint(points)
}

// TestImportReports imports what cannot come, and what is there as something else.
func TestImportReports(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, postgres bool, into string) {
		name, db := source(t, postgres, rows)
		importAll(t, name, into, false)
		for _, change := range []string{
			"UPDATE runs SET start_time = 999 WHERE run_uuid = '" + deleted + "'",
			"INSERT INTO metrics VALUES ('acc', 1, 1, 1, false, '" + first + "')",
			"INSERT INTO runs VALUES ('no-id', 'x', 'u', 'FINISHED', 1, 2, NULL, 'active', NULL, 7), " +
				"('3123456789abcdef0123456789abcdef', 'x', 'u', 'FINISHED', 1, 2, NULL, 'active', NULL, 7), " +
				"('4123456789abcdef0123456789abcdef', 'x', 'u', 'FINISHED', 1, 2, NULL, 'active', NULL, 88), " +
				"('5123456789abcdef0123456789abcdef', 'good', 'u', 'FINISHED', 1, 2, NULL, 'active', NULL, 7)",
			"UPDATE model_versions SET source = 's3://other' WHERE version = 1",
			"INSERT INTO registered_models VALUES ('up', 1, 2, NULL)",
			"INSERT INTO model_versions VALUES ('up', 1, 1, 2, NULL, NULL, 'None', 's3://bucket/../../x', NULL, NULL, 'READY', NULL)",
			"INSERT INTO metrics VALUES ('../up', 1, 1, 1, false, '3123456789abcdef0123456789abcdef')",
		} {
			_, err := db.ExecContext(ctx, change)
			require.NoError(t, err)
		}
		report := importAll(t, name, into, false)
		require.True(t, report.Missing())
		require.Equal(t, mlflowimport.Count{MLflow: 7, Cairn: 3, New: 1}, report.Runs)
		require.EqualValues(t, 7, report.ProblemCount)
		var found []string
		for _, p := range report.Problems {
			found = append(found, p.What+" "+p.ID+": "+p.Why)
		}
		for i, want := range []string{
			"run " + first + ": it is there with less", "run " + deleted + ": there is another run of this id",
			"run 3123456789abcdef0123456789abcdef: is left out: metrics.key", "run 4123456789abcdef0123456789abcdef: its experiment 88",
			"run no-id: is left out: run_id", "registered model m: it is there, with 1 of its 2 versions",
			"registered model up: is left out: version 1: source",
		} {
			require.Contains(t, found[i], want)
		}
		require.Zero(t, importAll(t, name, into, false).Runs.New)
		stored := storetest.Open(t, store.Config{URL: into})
		require.Equal(t, int64(500), stored.Ent().Run.Query().Where(run.RunID(deleted)).OnlyX(ctx).StartTime)
		require.Equal(t, "good", stored.Ent().Run.Query().Where(run.RunID("5123456789abcdef0123456789abcdef")).OnlyX(ctx).Name)
	})
}

// TestImportGoesOn stops an import between runs and calls it again: all is there, once.
func TestImportGoesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, postgres bool, into string) {
		var runs, params []string
		for i := range 1300 {
			id := fmt.Sprintf("%032x", i+1)
			runs = append(runs, fmt.Sprintf("('%s', 'r', 'u', 'FINISHED', 1, 2, NULL, 'active', NULL, 7)", id))
			params = append(params, fmt.Sprintf("('p', '%s', '%s')", strings.Repeat("x", 60_000), id)) // more than one transaction of SQLite
		}
		name, _ := source(t, postgres, "INSERT INTO runs VALUES "+strings.Join(runs, ", "),
			"DROP TABLE params; CREATE TABLE params (key VARCHAR(250), value TEXT NOT NULL, run_uuid VARCHAR(32), PRIMARY KEY (key, run_uuid)); "+
				"INSERT INTO params VALUES "+strings.Join(params, ", "))
		s, err := mlflowimport.Open(ctx, name, nil)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		stopped, stop := context.WithCancelCause(ctx)
		var most int64
		_, err = mlflowimport.Import(stopped, s, mlflowimport.Options{Into: store.Config{URL: into}, Artifacts: t.TempDir(), Progress: func(p mlflowimport.Progress) {
			most = p.Runs
			if p.Runs >= 1200 {
				stop(errors.New("enough"))
			}
		}})
		require.Error(t, err)
		require.EqualValues(t, 1200, most)
		report := importAll(t, name, into, false)
		require.Equal(t, []int64{1300, 1300}, []int64{report.Runs.MLflow, report.Runs.Cairn})
		require.False(t, report.Missing())
		if !strings.HasPrefix(into, "postgres") {
			require.Less(t, report.Runs.New, int64(1300), "what was committed is not imported again")
		}
		require.Zero(t, importAll(t, name, into, false).Runs.New)
	})
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	newer, db := source(t, false)
	_, err := db.ExecContext(ctx, "UPDATE alembic_version SET version_num = 'ffffffffffff'")
	require.NoError(t, err)
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600))
	other := filepath.Join(folder, "cairn.db")
	require.NoError(t, storetest.Open(t, store.Config{URL: "sqlite:" + other}).Close())
	for uri, want := range map[string]string{
		newer:                         `the schema "ffffffffffff" is not known`,
		folder:                        "no file store of MLflow's",
		text:                          "is not a SQLite database",
		other:                         "not a database of MLflow",
		filepath.Join(folder, "none"): "there is no file",
		"sqlite:///" + filepath.Join(folder, "none"): "there is no file",
		"mysql+pymysql://root@127.0.0.1/mlflow":      "mysql is not read",
		"ftp://host/mlflow":                          "is none of",
		"postgresql://nobody@127.0.0.1:1/mlflow":     "PostgreSQL does not answer",
		"postgresql://u:secret@host:port/mlflow":     "not a valid postgresql:// URL",
	} {
		_, err := mlflowimport.Open(ctx, uri, nil)
		require.ErrorContains(t, err, want, uri)
		require.NotContains(t, err.Error(), "secret")
		require.NotEqual(t, errs.Internal, errs.KindOf(err), uri)
	}
}

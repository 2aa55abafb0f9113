package mlflowimport

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cairnml/cairn/internal/errs"
)

// A file store of MLflow's is read once, into a database of MLflow's schema in a temporary folder. Everything else is done with
// that, as with any other: pages in an order, counts, and what is missing.

// fileSchema has the tables of MLflow that are read, with the columns of the newest.
const fileSchema = `CREATE TABLE alembic_version (version_num TEXT PRIMARY KEY);
INSERT INTO alembic_version VALUES ('bda7b8c39065');
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT, lifecycle_stage TEXT, creation_time BIGINT, last_update_time BIGINT);
CREATE TABLE experiment_tags (experiment_id INTEGER, key TEXT, value TEXT, PRIMARY KEY (experiment_id, key));
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, user_id TEXT, status TEXT, start_time BIGINT, end_time BIGINT, deleted_time BIGINT,
	lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);
CREATE TABLE params (run_uuid TEXT, key TEXT, value TEXT, PRIMARY KEY (run_uuid, key)) WITHOUT ROWID;
CREATE TABLE tags (run_uuid TEXT, key TEXT, value TEXT, PRIMARY KEY (run_uuid, key)) WITHOUT ROWID;
CREATE TABLE metrics (run_uuid TEXT, key TEXT, timestamp BIGINT, step BIGINT, value DOUBLE, is_nan BOOLEAN,
	PRIMARY KEY (run_uuid, key, timestamp, step, value, is_nan)) WITHOUT ROWID;
CREATE TABLE datasets (dataset_uuid TEXT PRIMARY KEY, name TEXT, digest TEXT, dataset_source_type TEXT, dataset_source TEXT, dataset_schema TEXT, dataset_profile TEXT);
CREATE TABLE inputs (input_uuid TEXT, source_type TEXT, source_id TEXT, destination_type TEXT, destination_id TEXT, step BIGINT,
	PRIMARY KEY (source_type, source_id, destination_type, destination_id));
CREATE INDEX inputs_of ON inputs (destination_id);
CREATE INDEX inputs_by_id ON inputs (input_uuid);
CREATE TABLE input_tags (input_uuid TEXT, name TEXT, value TEXT, PRIMARY KEY (input_uuid, name));
CREATE TABLE logged_models (model_id TEXT PRIMARY KEY, experiment_id INTEGER, name TEXT, artifact_location TEXT, creation_timestamp_ms BIGINT,
	last_updated_timestamp_ms BIGINT, status INTEGER, lifecycle_stage TEXT, model_type TEXT, source_run_id TEXT, status_message TEXT);
CREATE TABLE logged_model_params (model_id TEXT, param_key TEXT, param_value TEXT, PRIMARY KEY (model_id, param_key));
CREATE TABLE logged_model_tags (model_id TEXT, tag_key TEXT, tag_value TEXT, PRIMARY KEY (model_id, tag_key));
CREATE TABLE logged_model_metrics (model_id TEXT, metric_name TEXT, metric_timestamp_ms BIGINT, metric_step BIGINT, metric_value DOUBLE, run_id TEXT,
	dataset_name TEXT, dataset_digest TEXT);
CREATE INDEX logged_model_metrics_of ON logged_model_metrics (model_id);
CREATE TABLE registered_models (name TEXT PRIMARY KEY, creation_time BIGINT, last_updated_time BIGINT, description TEXT);
CREATE TABLE registered_model_tags (name TEXT, key TEXT, value TEXT, PRIMARY KEY (name, key));
CREATE TABLE registered_model_aliases (name TEXT, alias TEXT, version INTEGER, PRIMARY KEY (name, alias));
CREATE TABLE model_versions (name TEXT, version INTEGER, creation_time BIGINT, last_updated_time BIGINT, description TEXT, current_stage TEXT, source TEXT,
	storage_location TEXT, run_id TEXT, run_link TEXT, status TEXT, status_message TEXT, PRIMARY KEY (name, version));
CREATE TABLE model_version_tags (name TEXT, version INTEGER, key TEXT, value TEXT, PRIMARY KEY (name, version, key));
`

const (
	metaFile = "meta.yaml"
	trash    = ".trash"
	// maxFile bounds a file of a value, and of metadata; a profile of a dataset may be of 16 MiB. maxLine bounds a point's line.
	maxFile = 32 << 20
	maxLine = 64 << 10
)

// meta is what the files meta.yaml say, of whatever they are.
type meta struct {
	Name            string `yaml:"name"`
	RunName         string `yaml:"run_name"`
	UserID          string `yaml:"user_id"`
	Status          string `yaml:"status"`
	StatusMessage   string `yaml:"status_message"`
	LifecycleStage  string `yaml:"lifecycle_stage"`
	ArtifactURI     string `yaml:"artifact_uri"`
	Location        string `yaml:"artifact_location"`
	CreationTime    *int64 `yaml:"creation_time"`
	LastUpdate      *int64 `yaml:"last_update_time"`
	Created         *int64 `yaml:"creation_timestamp"`
	Updated         *int64 `yaml:"last_updated_timestamp"`
	StartTime       *int64 `yaml:"start_time"`
	EndTime         *int64 `yaml:"end_time"`
	DeletedTime     *int64 `yaml:"deleted_time"`
	ModelType       string `yaml:"model_type"`
	SourceRunID     string `yaml:"source_run_id"`
	Description     string `yaml:"description"`
	CurrentStage    string `yaml:"current_stage"`
	Source          string `yaml:"source"`
	StorageLocation string `yaml:"storage_location"`
	RunID           string `yaml:"run_id"`
	RunLink         string `yaml:"run_link"`
	Version         string `yaml:"version"`
	Step            int64  `yaml:"step"`
	// Of datasets and of inputs.
	Digest     string  `yaml:"digest"`
	Schema     *string `yaml:"schema"`
	Profile    *string `yaml:"profile"`
	SourceType string  `yaml:"source_type"`
	SourceID   string  `yaml:"source_id"`
	// Tags are a list that is always empty where they are in files of their own.
	Tags any `yaml:"tags"`
}

// fileStore reads a file store into a database.
type fileStore struct {
	files    fs.FS
	tx       *sql.Tx
	progress func(Progress)
	done     Progress
	problems []Problem
	inputs   int
}

// readFileStore reads the folder of a file store, and gives the database, in a folder that the caller removes.
func readFileStore(ctx context.Context, folder string, progress func(Progress)) (temporary, database string, problems []Problem, err error) {
	root, err := os.OpenRoot(folder) // no link leads out of it
	if err != nil {
		return "", "", nil, errs.Wrap(errs.Invalid, err, "mlflow: %s cannot be read; check its owner and permissions", folder)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := looksLikeStore(root.FS(), folder); err != nil {
		return "", "", nil, err
	}
	if temporary, err = os.MkdirTemp("", "cairn-import-"); err != nil {
		return "", "", nil, errs.Wrap(errs.Unavailable, err, "a temporary folder cannot be made: %v; TMPDIR says where", err)
	}
	database = filepath.Join(temporary, "mlflow.db")
	db, err := sql.Open("sqlite", "file:"+database+"?_pragma=synchronous(off)&_pragma=journal_mode(memory)")
	if err == nil {
		s := &fileStore{files: root.FS(), progress: progress, done: Progress{Doing: "reading files"}}
		err = errors.Join(s.all(ctx, db), db.Close())
		problems = s.problems
	}
	if err != nil {
		return "", "", nil, errors.Join(err, os.RemoveAll(temporary))
	}
	return temporary, database, problems, nil
}

// looksLikeStore refuses other folders, and says where the store may be.
func looksLikeStore(files fs.FS, folder string) error {
	found, err := fs.Glob(files, "*/"+metaFile)
	for _, below := range []string{trash, "models"} {
		if err == nil && len(found) == 0 {
			found, err = fs.Glob(files, below+"/*/"+metaFile)
		}
	}
	switch {
	case err != nil:
		return errs.Wrap(errs.Invalid, err, "mlflow: %s cannot be read; check its owner and permissions", folder)
	case len(found) > 0:
		return nil
	}
	hint := ""
	for _, name := range []string{"mlruns", "mlflow.db"} {
		if _, err := fs.Stat(files, name); err == nil {
			hint = "; did you mean " + filepath.Join(folder, name) + "?"
		}
	}
	return errs.Field("mlflow", "%s is a folder, and no file store of MLflow's: it has no experiments (*/%s)%s", folder, metaFile, hint)
}

func (s *fileStore) all(ctx context.Context, db *sql.DB) (err error) {
	if s.tx, err = db.BeginTx(ctx, nil); err != nil {
		return fmt.Errorf("temporary database: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreDone(s.tx.Rollback()))
		}
	}()
	if err := s.put(ctx, fileSchema); err != nil {
		return err
	}
	for _, below := range []string{".", trash} {
		for _, name := range s.folders(below) {
			id, err := strconv.ParseInt(name, 10, 64)
			if err != nil {
				continue // models, and what others put there
			}
			if err := s.experiment(ctx, path.Join(below, name), id, below == trash); err != nil {
				return err
			}
		}
	}
	for _, name := range s.folders("models") {
		if err := s.registeredModel(ctx, path.Join("models", name)); err != nil {
			return err
		}
	}
	if err := s.tx.Commit(); err != nil {
		return fmt.Errorf("temporary database: %w", err)
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

func (s *fileStore) put(ctx context.Context, statement string, args ...any) error {
	if _, err := s.tx.ExecContext(ctx, statement, args...); err != nil {
		return fmt.Errorf("temporary database: %w", err)
	}
	return nil
}

func (s *fileStore) problem(what, id string, err error) {
	s.problems = append(s.problems, Problem{What: what, ID: id, Why: err.Error()})
}

// folders gives the names of the folders in a folder; none when there is no such folder.
func (s *fileStore) folders(in string) []string {
	entries, err := fs.ReadDir(s.files, in)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.problem("folder", in, errs.Wrap(errs.Invalid, err, "cannot be read: %v", err))
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 {
			names = append(names, e.Name())
		}
	}
	return names
}

// meta reads the file meta.yaml of a folder. One that is missing or not understood is told, unless it is none of MLflow's.
func (s *fileStore) meta(what, folder string) (meta, bool) {
	var m meta
	text, err := s.read(path.Join(folder, metaFile))
	if err == nil {
		err = yaml.Unmarshal(text, &m)
	}
	if err != nil {
		s.problem(what, folder, errs.Wrap(errs.Invalid, err, "is left out: %s is not understood: %v", metaFile, err))
	}
	return m, err == nil
}

func (s *fileStore) isThere(file string) bool {
	_, err := fs.Stat(s.files, file)
	return err == nil
}

func (s *fileStore) read(file string) ([]byte, error) {
	f, err := s.files.Open(file)
	if err != nil {
		return nil, err //nolint:wrapcheck // names the file
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errs.New(errs.Invalid, "%s has more than %d bytes", file, maxFile)
	}
	return text, errors.Join(err, f.Close())
}

// values gives the files below a folder: what they are named after, and what they hold.
func (s *fileStore) values(folder string, each func(key, value string) error) error {
	return s.keys(folder, func(key, file string) error {
		text, err := s.read(file)
		if err != nil {
			return err
		}
		return each(key, string(text))
	})
}

// keys walks the files below a folder. A key may have slashes, which are folders.
func (s *fileStore) keys(folder string, each func(key, file string) error) error {
	if !s.isThere(folder) {
		return nil
	}
	return fs.WalkDir(s.files, folder, func(file string, entry fs.DirEntry, err error) error { //nolint:wrapcheck // named by the caller
		if err != nil || entry.IsDir() {
			return err
		}
		return each(strings.TrimPrefix(file, folder+"/"), file)
	})
}

func (s *fileStore) experiment(ctx context.Context, folder string, id int64, deleted bool) error {
	m, ok := s.meta("experiment", folder)
	if !ok {
		return nil
	}
	stage := cmp.Or(m.LifecycleStage, "active")
	if deleted {
		stage = "deleted"
	}
	if err := s.put(ctx, "INSERT OR IGNORE INTO experiments VALUES (?, ?, ?, ?, ?, ?)", id, m.Name, m.Location, stage, m.CreationTime, m.LastUpdate); err != nil {
		return err
	}
	err := s.values(path.Join(folder, "tags"), func(key, value string) error {
		return s.put(ctx, "INSERT OR IGNORE INTO experiment_tags VALUES (?, ?, ?)", id, key, value)
	})
	if err != nil {
		return err
	}
	for _, name := range s.folders(path.Join(folder, "datasets")) {
		if err := s.dataset(ctx, id, name, path.Join(folder, "datasets", name)); err != nil {
			return err
		}
	}
	for _, name := range s.folders(folder) {
		within := path.Join(folder, name)
		if name == "tags" || name == "datasets" || name == "models" || name == "traces" || !s.isThere(path.Join(within, metaFile)) {
			continue
		}
		if err := s.partly(ctx, "run", within, func() error { return s.run(ctx, within, name, id) }); err != nil {
			return err
		}
	}
	for _, name := range s.folders(path.Join(folder, "models")) {
		within := path.Join(folder, "models", name)
		if err := s.partly(ctx, "logged model", within, func() error { return s.loggedModel(ctx, within, name, id) }); err != nil {
			return err
		}
	}
	return nil
}

// partly keeps nothing of a thing that cannot be read whole, and tells of it.
func (s *fileStore) partly(ctx context.Context, what, id string, read func() error) error {
	if err := s.put(ctx, "SAVEPOINT part"); err != nil {
		return err
	}
	err := read()
	if ctx.Err() != nil {
		return ctx.Err() //nolint:wrapcheck // nothing to add
	}
	if err != nil {
		s.problem(what, id, errs.Wrap(errs.Invalid, err, "is left out: %v", err))
		if err := s.put(ctx, "ROLLBACK TO part"); err != nil {
			return err
		}
	}
	return s.put(ctx, "RELEASE part")
}

var runStatuses = map[string]string{"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}

func (s *fileStore) run(ctx context.Context, folder, id string, experiment int64) error {
	m, ok := s.meta("run", folder)
	if !ok {
		return nil
	}
	status := cmp.Or(runStatuses[m.Status], m.Status, "RUNNING")
	if err := s.put(ctx, "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", id, cmp.Or(m.RunName, m.Name), m.UserID, status, m.StartTime, m.EndTime,
		m.DeletedTime, cmp.Or(m.LifecycleStage, "active"), m.ArtifactURI, experiment); err != nil {
		return err
	}
	for _, table := range []string{"params", "tags"} {
		err := s.values(path.Join(folder, table), func(key, value string) error {
			return s.put(ctx, "INSERT INTO "+table+" VALUES (?, ?, ?)", id, key, value)
		})
		if err != nil {
			return err
		}
	}
	err := s.keys(path.Join(folder, "metrics"), func(key, file string) error {
		return s.lines(file, func(p point) error {
			s.done.Points++
			return s.put(ctx, "INSERT OR IGNORE INTO metrics VALUES (?, ?, ?, ?, ?, ?)", id, key, p.time, p.step, inDatabase(p.value), math.IsNaN(p.value))
		})
	})
	if err != nil {
		return err
	}
	if err := s.readsOf(ctx, folder, id, experiment); err != nil {
		return err
	}
	s.done.Runs++
	if s.progress != nil {
		s.progress(s.done)
	}
	return nil
}

// inDatabase gives a value as MLflow's databases hold it.
func inDatabase(value float64) float64 {
	switch {
	case math.IsNaN(value):
		return 0
	case math.IsInf(value, 0):
		return math.Copysign(math.MaxFloat64, value)
	}
	return value
}

// readsOf reads what a run read and wrote.
func (s *fileStore) readsOf(ctx context.Context, folder, run string, experiment int64) error {
	for _, name := range s.folders(path.Join(folder, "inputs")) {
		m, ok := s.meta("input", path.Join(folder, "inputs", name))
		if !ok {
			continue
		}
		row := []any{s.nextInput(), "DATASET", datasetID(experiment, m.SourceID), "RUN", run}
		if m.SourceType == "MODEL" || m.SourceType == "MODEL_INPUT" {
			row = []any{row[0], "RUN_INPUT", run, "MODEL_INPUT", m.SourceID}
		}
		if err := s.put(ctx, "INSERT OR IGNORE INTO inputs VALUES (?, ?, ?, ?, ?, 0)", row...); err != nil {
			return err
		}
		tags, _ := m.Tags.(map[string]any)
		for key, value := range tags {
			if err := s.put(ctx, "INSERT OR IGNORE INTO input_tags VALUES (?, ?, ?)", row[0], key, fmt.Sprint(value)); err != nil {
				return err
			}
		}
	}
	for _, model := range s.folders(path.Join(folder, "outputs")) {
		m, ok := s.meta("output", path.Join(folder, "outputs", model))
		if !ok {
			continue
		}
		if err := s.put(ctx, "INSERT OR IGNORE INTO inputs VALUES (?, 'RUN_OUTPUT', ?, 'MODEL_OUTPUT', ?, ?)", s.nextInput(), run, model, m.Step); err != nil {
			return err
		}
	}
	return nil
}

func (s *fileStore) nextInput() string {
	s.inputs++
	return strconv.Itoa(s.inputs)
}

// datasetID: files name datasets within their experiment.
func datasetID(experiment int64, name string) string { return fmt.Sprintf("%d/%s", experiment, name) }

func (s *fileStore) dataset(ctx context.Context, experiment int64, name, folder string) error {
	m, ok := s.meta("dataset", folder)
	if !ok {
		return nil
	}
	return s.put(ctx, "INSERT OR IGNORE INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?)", datasetID(experiment, name), m.Name, m.Digest, m.SourceType, m.Source, m.Schema, m.Profile)
}

// modelNumbers are MLflow's, where a file has the word.
var modelNumbers = map[string]int{"PENDING": 1, "READY": 2, "UPLOAD_FAILED": 3, "FAILED": 3, "1": 1, "2": 2, "3": 3}

func (s *fileStore) loggedModel(ctx context.Context, folder, id string, experiment int64) error {
	m, ok := s.meta("logged model", folder)
	if !ok {
		return nil
	}
	if err := s.put(ctx, "INSERT INTO logged_models VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", id, experiment, m.Name, m.Location, deref(m.Created), deref(m.Updated),
		modelNumbers[strings.TrimPrefix(m.Status, "LOGGED_MODEL_")], cmp.Or(m.LifecycleStage, "active"), m.ModelType, m.SourceRunID, m.StatusMessage); err != nil {
		return err
	}
	for _, kind := range []string{"params", "tags"} {
		err := s.values(path.Join(folder, kind), func(key, value string) error {
			return s.put(ctx, "INSERT INTO logged_model_"+kind+" VALUES (?, ?, ?)", id, key, value)
		})
		if err != nil {
			return err
		}
	}
	return s.keys(path.Join(folder, "metrics"), func(key, file string) error {
		return s.lines(file, func(p point) error {
			value := sql.NullFloat64{Float64: p.value, Valid: !math.IsNaN(p.value)}
			return s.put(ctx, "INSERT INTO logged_model_metrics VALUES (?, ?, ?, ?, ?, ?, ?, ?)", id, key, p.time, p.step, value, p.rest[0], p.rest[1], p.rest[2])
		})
	})
}

func deref(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// point is a line of a metric's file: time, value, step, and of models the run, and a dataset's name and digest.
type point struct {
	time, step int64
	value      float64
	rest       [3]string
}

func (s *fileStore) lines(file string, each func(p point) error) error {
	f, err := s.files.Open(file)
	if err != nil {
		return err //nolint:wrapcheck // names the file
	}
	defer func() { _ = f.Close() }() // it was only read
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		parts := strings.Fields(lines.Text())
		if len(parts) == 0 {
			continue
		}
		p, err := parsePoint(parts)
		if err != nil {
			return errs.New(errs.Invalid, "line %d of %s is not understood: %.60q", number, file, lines.Text())
		}
		if err := each(p); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return errs.Wrap(errs.Invalid, err, "%s cannot be read: %v", file, err)
	}
	return nil
}

func parsePoint(parts []string) (p point, err error) {
	if len(parts) < 2 {
		return p, errors.New("too few")
	}
	if p.time, err = strconv.ParseInt(parts[0], 10, 64); err != nil {
		return p, err //nolint:wrapcheck // the line is named by the caller
	}
	if p.value, err = strconv.ParseFloat(parts[1], 64); err != nil && !errors.Is(err, strconv.ErrRange) {
		return p, err //nolint:wrapcheck // the line is named by the caller
	}
	if len(parts) > 2 {
		if p.step, err = strconv.ParseInt(parts[2], 10, 64); err != nil {
			return p, err //nolint:wrapcheck // the line is named by the caller
		}
		copy(p.rest[:], parts[3:])
	}
	return p, nil
}

func (s *fileStore) registeredModel(ctx context.Context, folder string) error {
	m, ok := s.meta("registered model", folder)
	if !ok {
		return nil
	}
	name := cmp.Or(m.Name, path.Base(folder))
	if err := s.put(ctx, "INSERT OR IGNORE INTO registered_models VALUES (?, ?, ?, ?)", name, m.Created, m.Updated, m.Description); err != nil {
		return err
	}
	return s.partly(ctx, "registered model", name, func() error {
		err := s.values(path.Join(folder, "tags"), func(key, value string) error {
			return s.put(ctx, "INSERT OR IGNORE INTO registered_model_tags VALUES (?, ?, ?)", name, key, value)
		})
		if err != nil {
			return err
		}
		err = s.values(path.Join(folder, "aliases"), func(alias, value string) error {
			version, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				return errs.New(errs.Invalid, "the alias %q names no version: %.20q", alias, value)
			}
			return s.put(ctx, "INSERT OR IGNORE INTO registered_model_aliases VALUES (?, ?, ?)", name, alias, version)
		})
		if err != nil {
			return err
		}
		for _, version := range s.folders(folder) {
			if strings.HasPrefix(version, "version-") {
				if err := s.version(ctx, name, path.Join(folder, version)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (s *fileStore) version(ctx context.Context, name, folder string) error {
	m, ok := s.meta("model version", folder)
	if !ok {
		return nil
	}
	number, err := strconv.Atoi(m.Version)
	if err != nil {
		return errs.New(errs.Invalid, "%q of %s is no version", m.Version, folder)
	}
	if err := s.put(ctx, "INSERT INTO model_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", name, number, m.Created, m.Updated, m.Description,
		cmp.Or(m.CurrentStage, "None"), m.Source, m.StorageLocation, m.RunID, m.RunLink, cmp.Or(m.Status, "READY"), m.StatusMessage); err != nil {
		return err
	}
	return s.values(path.Join(folder, "tags"), func(key, value string) error {
		return s.put(ctx, "INSERT OR IGNORE INTO model_version_tags VALUES (?, ?, ?, ?)", name, number, key, value)
	})
}

// Package mlflowimport brings what an MLflow tracking database holds into Cairn: it reads the one, as it is and without
// writing, and loads the other through the loader of tracking.
package mlflowimport

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Source is an MLflow database that is read. The caller closes it.
type Source struct {
	look *store.Inspection
	// temporary is the folder of the database that a file store was read into, and unread what of it was not understood.
	temporary string
	unread    []Problem
	// others are ids of runs and logged models that Cairn has as something else.
	others map[string]bool
	// workspaces: experiments lie in workspaces, as since MLflow 3.10.
	workspaces bool
	// locations: versions of models say where their files lie, as since MLflow 2.8; aliases: there are some, as since 2.3.
	locations, aliases bool
	// inputs: runs say what they read, as since MLflow 2.4; loggedModels: there are some, as since MLflow 3.
	inputs, loggedModels bool
}

// revisions are the states of MLflow's schema, by Alembic's names, from MLflow 2.0 to 3.17. In all of them the tables and
// columns that are read here are the same, but for the workspaces.
const revisions = " 97727af70f4d 3500859a5d39 7f2a7d5fae7d 2d6e25af4d3e acf3f17fdcc7 867495a8f9d4 5b0e9adcef9c 4465047574b1 f5a4f2784254 " +
	"0584bdc529eb d0e1f2a3b4c5 3da73c924c2f 2c33131f4dae 534353b11cbc 400f98739977 6953534de441 cbc13b556ace 770bee3ae1dd " +
	"bda7b8c39065 1a0cddfcaa16 de4033877273 a1b2c3d4e5f6 71994744cf8e bf29a5ff90ea 1bd49d398cd23 b7c8d9e0f1a2 5d2d30f0abce " +
	"c9d4e5f6a7b8 1b5f0d9ad7c1 d3e4f5a6b7c8 c8d9e0f1a2b3 e1f2a3b4c5d6 76601a5f987d a5b4c3d2e1f0 c3d6457b6d8a ae8bbe7743c9 " +
	"da6fb0208061 7d34483879f0 a8b9c0d1e2f3 dc11669786a5 89d3d66ed43f b7e4c1a90f23 6f8d9c3b2a1e c3d9e7f1a2b4 c1d2e3f4a5b6 " +
	"75868b020152 1971f2d9a75b 17e22815139b b7e2c1a4d9f3 "

// Open opens an MLflow database: a path, sqlite:///PATH or postgresql://…, as MLflow's --backend-store-uri names them; or a file
// store, by its folder or as file:///PATH, which is read here, and progress told of it.
func Open(ctx context.Context, uri string, progress func(Progress)) (_ *Source, err error) {
	s := &Source{others: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	var location string
	if folder, ok := folderOf(uri); ok {
		if s.temporary, location, s.unread, err = readFileStore(ctx, folder, progress); err != nil {
			return nil, err
		}
		location = "sqlite:" + location
	} else if location, err = parse(uri); err != nil {
		return nil, err
	}
	if s.look, err = store.Inspect(ctx, location); err != nil {
		return nil, fmt.Errorf("MLflow's %w", err)
	}
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// folderOf tells whether a folder is named.
func folderOf(uri string) (string, bool) {
	path := uri
	if rest, ok := strings.CutPrefix(uri, "file:"); ok {
		path = rest
		if u, err := url.Parse(uri); err == nil && u.Path != "" {
			path = u.Path
		}
	}
	info, err := os.Stat(path)
	return path, err == nil && info.IsDir()
}

// Close closes the database, and removes what was made to read a file store.
func (s *Source) Close() (err error) {
	if s.look != nil {
		err = s.look.Close()
		s.look = nil
	}
	if s.temporary != "" {
		err = errors.Join(err, os.RemoveAll(s.temporary))
	}
	return err
}

// parse turns what MLflow calls a database into what Cairn does.
func parse(uri string) (string, error) {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return parsePath(strings.TrimPrefix(uri, "sqlite:"))
	}
	dialect, driver, _ := strings.Cut(scheme, "+")
	switch {
	case dialect == "sqlite":
		// SQLAlchemy's: the host is empty, and what follows the third slash is the path.
		return parsePath(strings.TrimPrefix(rest, "/"))
	case dialect == "postgresql" || dialect == "postgres":
		u, err := url.Parse("postgres://" + rest)
		if err != nil {
			return "", errs.Field("mlflow", "not a valid postgresql:// URL") // the parser's own message repeats the password
		}
		q := u.Query()
		if q.Get("sslmode") == "" {
			q.Set("sslmode", "prefer") // as the driver that MLflow uses does
		}
		q.Set("default_transaction_read_only", "on")
		u.RawQuery = q.Encode()
		return u.String(), nil
	case driver != "" || dialect == "mysql" || dialect == "mssql":
		return "", errs.Field("mlflow", "%.20s is not read: name a SQLite or PostgreSQL database", dialect)
	}
	return "", errs.Field("mlflow", "%.40s: is none of PATH, file:///PATH, sqlite:///PATH and postgresql://USER:PASSWORD@HOST:PORT/NAME", scheme)
}

func parsePath(path string) (string, error) {
	path, _, _ = strings.Cut(path, "?")
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", errs.Wrap(errs.NotFound, err, "mlflow: there is no file %s", path)
	case err != nil:
		return "", errs.Wrap(errs.Invalid, err, "mlflow: %s cannot be read; check its owner and permissions", path)
	case info.IsDir():
		return "", errs.Field("mlflow", "%s is a folder, and no database: name a file store by its folder alone", path)
	}
	file, err := os.Open(path) //nolint:gosec // the file that the user names
	if err != nil {
		return "", errs.Wrap(errs.Invalid, err, "mlflow: %s cannot be read; check its owner and permissions", path)
	}
	return "sqlite:" + path, file.Close() //nolint:wrapcheck // it was only opened
}

// check finds out whether this is an MLflow database of a schema that is known.
func (s *Source) check(ctx context.Context) error {
	if _, err := s.look.Schema(ctx); errs.Is(err, errs.Invalid) {
		return fmt.Errorf("MLflow's %w", err) // no database at all
	}
	var found []string
	err := store.EachRow(ctx, s.look.Read(), "SELECT version_num FROM alembic_version", nil, func(rows *sql.Rows) error {
		var revision string
		err := rows.Scan(&revision)
		found = append(found, revision)
		return err
	})
	if err != nil || len(found) != 1 {
		return errs.Wrap(errs.Invalid, err, "mlflow: this is not a database of MLflow: it has no schema version (alembic_version), or is locked")
	}
	if !strings.Contains(revisions, " "+found[0]+" ") {
		return errs.New(errs.Unsupported, "mlflow: the schema %.40q is not known here: those of MLflow 2.0 to 3.17 are. Bring an older database "+
			"up to date with `mlflow db upgrade URI`; for a newer one, a newer Cairn is needed", found[0])
	}
	for _, table := range []string{"experiments", "runs", "params", "tags", "metrics"} {
		if _, err := s.count(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM "+table+" LIMIT 1) AS first_row"); err != nil {
			return errs.Wrap(errs.Invalid, err, "mlflow: the table %s is missing or cannot be read", table)
		}
	}
	s.locations, s.aliases = s.has(ctx, "storage_location", "model_versions"), s.has(ctx, "alias", "registered_model_aliases")
	s.inputs, s.loggedModels = s.has(ctx, "input_uuid", "inputs"), s.has(ctx, "model_id", "logged_models")
	rows, err := s.look.Read().QueryContext(ctx, "SELECT * FROM experiments LIMIT 0")
	if err != nil {
		return fmt.Errorf("read experiments: %w", err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return fmt.Errorf("read experiments: %w", err)
	}
	for _, c := range columns {
		s.workspaces = s.workspaces || c == "workspace"
	}
	return rows.Err() //nolint:wrapcheck // there are none
}

func (s *Source) count(ctx context.Context, query string, args ...any) (int64, error) {
	var n int64
	err := store.EachRow(ctx, s.look.Read(), query, args, func(rows *sql.Rows) error { return rows.Scan(&n) })
	return n, err
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"

	"github.com/cairnml/cairn/ent/migrate/migrations"
	"github.com/cairnml/cairn/internal/errs"
)

// A schema's number is that of its last migration: 0001_initial.sql makes schema 1. A server works with the schema of its
// own number and with the next one, since migrations within a release only expand; it brings older ones up to its own, and
// refuses newer ones.
const newerBy = 1

// migrationLock is the key of PostgreSQL's advisory lock under which one replica migrates and the others wait. It ends
// with the transaction, so a pooler in transaction mode keeps it right.
const migrationLock = 0x6361_6972_6e01 // "cairn", 1

type migration struct {
	number int
	name   string
	file   migrate.File
}

// SchemaStatus says which schema the database has and which the program knows.
type SchemaStatus struct {
	Database int `json:"database"`
	Program  int `json:"program"`
}

// Fits tells whether the program can work with the database's schema as it is.
func (s SchemaStatus) Fits() bool { return checkSchema(s.Database, s.Program) == nil }

// Schema reads the schema status.
func (db *DB) Schema(ctx context.Context) (SchemaStatus, error) {
	known, err := knownMigrations(db.dialect)
	if err != nil {
		return SchemaStatus{}, err
	}
	number, err := schemaNumber(ctx, db.read)
	return SchemaStatus{Database: number, Program: len(known)}, err
}

func knownMigrations(d string) ([]migration, error) {
	files, err := migrations.Files(d)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	known := make([]migration, 0, len(files))
	for i, f := range files {
		n, err := strconv.Atoi(f.Version())
		if err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s: numbers must be 0001, 0002 … without gap", f.Name())
		}
		known = append(known, migration{number: n, name: f.Name(), file: f})
	}
	return known, nil
}

type sqlPool interface {
	Conn(ctx context.Context) (*sql.Conn, error)
}

type rowQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// migrateSchema brings the schema up to the program's, in one transaction: a migration that fails leaves the schema as it was.
func migrateSchema(ctx context.Context, db *DB, pool sqlPool, apply bool) (err error) {
	known, err := knownMigrations(db.dialect)
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect to migrate: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	// The common case, an up-to-date schema, needs no lock.
	if number, err := schemaNumber(ctx, conn); err != nil {
		return err
	} else if number >= len(known) || !apply {
		return checkSchema(number, len(known))
	}
	begin := "BEGIN IMMEDIATE"
	if db.dialect == dialect.Postgres {
		begin = "BEGIN"
	}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return fmt.Errorf("begin migration: %w", err)
	}
	if err := applyMigrations(ctx, db, conn, known); err != nil {
		_, rollback := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return errors.Join(err, rollback)
	}
	if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit migration: %w", err)
	}
	return nil
}

func applyMigrations(ctx context.Context, db *DB, conn *sql.Conn, known []migration) error {
	if db.dialect == dialect.Postgres {
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
			return fmt.Errorf("wait for another server's migration: %w", err)
		}
	}
	if _, err := conn.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations
		(number bigint PRIMARY KEY, name text NOT NULL, applied_at bigint NOT NULL)`); err != nil {
		return fmt.Errorf("make schema_migrations: %w", err)
	}
	number, err := schemaNumber(ctx, conn)
	if err == nil && number == 0 {
		err = refuseForeign(ctx, db, conn)
	}
	if err != nil {
		return err
	}
	for _, m := range known[min(number, len(known)):] {
		statements, err := m.file.Stmts()
		if err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
		for _, s := range statements {
			if _, err := conn.ExecContext(ctx, s); err != nil {
				return fmt.Errorf("migration %s: %.80s…: %w", m.name, s, err)
			}
		}
		_, err = conn.ExecContext(ctx, db.Rebind("INSERT INTO schema_migrations (number, name, applied_at) VALUES (?, ?, ?)"),
			m.number, m.name, time.Now().UnixMilli())
		if err != nil {
			return fmt.Errorf("note migration %s: %w", m.name, err)
		}
		db.log.Info("migrated the database", "migration", m.name)
	}
	return checkSchema(max(number, len(known)), len(known))
}

// refuseForeign refuses a database in which another program keeps its tables: a file that is any table's, and a PostgreSQL, whose
// databases are shared, where the names would be ours.
func refuseForeign(ctx context.Context, db *DB, conn *sql.Conn) error {
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite^_%' ESCAPE '^' AND name <> 'schema_migrations' ORDER BY name"
	if db.Postgres() {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name IN ('experiments', 'runs', 'alembic_version') ORDER BY table_name"
	}
	tables, err := scanColumn[string](ctx, conn, query)
	if err != nil {
		return fmt.Errorf("look for tables of others: %w", err)
	}
	mlflow := slices.Contains(tables, "alembic_version") && slices.Contains(tables, "experiments")
	switch {
	case mlflow:
		return errs.Field("database", "is MLflow's: give Cairn one of its own, and bring in what is in this one by `cairn import mlflow`")
	case len(tables) > 0 && !slices.Equal(tables, []string{"alembic_version"}):
		return errs.Field("database", "is another program's, which has the table %.60q there: give Cairn one of its own", tables[0])
	}
	return nil
}

// schemaNumber is 0 for an empty database.
func schemaNumber(ctx context.Context, q rowQuerier) (int, error) {
	var number sql.NullInt64
	err := q.QueryRowContext(ctx, "SELECT MAX(number) FROM schema_migrations").Scan(&number)
	if err != nil && missingTable(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the schema's number: %w", err)
	}
	return int(number.Int64), nil
}

// missingTable tells that a table is not there, or is another program's of the same name.
func missingTable(err error) bool {
	text := err.Error()
	return strings.Contains(text, "no such table") || strings.Contains(text, "no such column") || strings.Contains(text, "does not exist")
}

func checkSchema(number, known int) error {
	switch {
	case number > known+newerBy:
		return errs.New(errs.Conflict,
			"database: its schema %d is newer than this program, which knows %d: install the newer Cairn that made it", number, known)
	case number < known:
		return errs.New(errs.Conflict,
			"database: its schema %d is older than this program's, %d: run `cairn db migrate`, or start `cairn server`", number, known)
	}
	return nil
}

// CheckSchema tells whether the program can work with the database's schema as it is now.
func CheckSchema(ctx context.Context, db *DB) error {
	status, err := db.Schema(ctx)
	if err != nil {
		return err
	}
	return checkSchema(status.Database, status.Program)
}

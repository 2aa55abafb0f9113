package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"entgo.io/ent/dialect"

	"github.com/cairnml/cairn/internal/errs"
)

// Inspection is a database that is looked at as it is: nothing is migrated, written or locked, so that a server may use
// it meanwhile.
type Inspection struct {
	db   *DB
	path string // SQLite: the file
}

// lookers bounds the connections that look at a database.
const lookers = 8

// Inspect opens a database to look at it. The caller closes it. A SQLite file that is not there is NotFound.
func Inspect(ctx context.Context, url string) (*Inspection, error) {
	loc, err := parseURL("database", url)
	if err != nil {
		return nil, err
	}
	db := &DB{dialect: loc.dialect, log: slog.New(slog.DiscardHandler)}
	db.reader = &Reader{db: db}
	if loc.dialect == dialect.Postgres {
		db.read, err = openPool(ctx, loc.dsn, lookers)
	} else {
		if _, err := os.Stat(loc.path); err != nil {
			return nil, errs.Wrap(errs.NotFound, err, "database: there is none at %s; `cairn server` or `cairn db migrate` makes it", loc.path)
		}
		db.read, err = sql.Open("sqlite", sqliteDSN(loc.path, looking))
	}
	if err != nil {
		return nil, err
	}
	db.read.SetMaxOpenConns(lookers)
	return &Inspection{db: db, path: loc.path}, nil
}

// Inspection looks at an open database. It is closed with the database.
func (db *DB) Inspection() *Inspection { return &Inspection{db: db} }

// Read runs SQL that looks.
func (i *Inspection) Read() *Reader { return i.db.reader }

// row scans the one row of a query.
func (i *Inspection) row(ctx context.Context, query string, args []any, into ...any) error {
	return EachRow(ctx, i.Read(), query, args, func(rows *sql.Rows) error { return rows.Scan(into...) })
}

// Close ends the inspection.
func (i *Inspection) Close() error { return i.db.Close() }

// Dialect is dialect.SQLite or dialect.Postgres.
func (i *Inspection) Dialect() string { return i.db.dialect }

// Schema says which schema the database has, and which one the program knows.
func (i *Inspection) Schema(ctx context.Context) (SchemaStatus, error) {
	status, err := i.db.Schema(ctx)
	if err != nil && !i.db.Postgres() {
		return status, describeSQLite(errs.Invalid, "the file", err)
	}
	return status, err
}

// CheckSchema is CheckSchema of the database that is looked at.
func (i *Inspection) CheckSchema(ctx context.Context) error {
	if err := CheckSchema(ctx, i.db); err != nil {
		return describeSQLite(errs.Invalid, "the file", err)
	}
	return nil
}

// maxFaults bounds what Check reports: a damaged file may have one fault a page.
const maxFaults = 100

// Check looks for damage: pages, indexes and references of SQLite; on PostgreSQL, which keeps those itself, that the
// schema is one the program can work with. It gives one line for each fault, and none when all is well.
func (i *Inspection) Check(ctx context.Context) ([]string, error) {
	faults := []string{}
	if err := i.CheckSchema(ctx); err != nil {
		var user *errs.Error
		if !errors.As(err, &user) {
			return nil, err
		}
		faults = append(faults, user.Message)
	}
	if i.db.Postgres() {
		return faults, nil
	}
	found, err := i.column(ctx, fmt.Sprintf("PRAGMA integrity_check(%d)", maxFaults))
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || found[0] != "ok" {
		faults = append(faults, found...)
	}
	found, err = i.column(ctx, fmt.Sprintf(`SELECT "table" || ' row ' || rowid || ' refers to a row of ' || parent || ' that is not there'
		FROM pragma_foreign_key_check LIMIT %d`, maxFaults))
	return append(faults, found...), err
}

func (i *Inspection) column(ctx context.Context, query string) (lines []string, err error) {
	rows, err := i.db.read.QueryContext(ctx, query)
	if err != nil {
		return nil, describeSQLite(errs.Invalid, "the file", fmt.Errorf("check the database: %w", err))
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, fmt.Errorf("check the database: %w", err)
		}
		lines = append(lines, line)
	}
	return lines, rows.Err() //nolint:wrapcheck // wrapped by the caller's context
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/cairnml/cairn/internal/errs"
)

// CopySQLite writes what a SQLite database holds at this moment to a new file, without its free pages. Its server may go on
// writing: what is committed meanwhile waits in the log of the file for the copy to end. The copy is durable when it returns;
// when it fails, nothing is left of it. Errors: Exists where the file is there already.
func CopySQLite(ctx context.Context, url, file string) (err error) {
	loc, err := parseURL("database", url)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(file); err == nil {
		return errs.New(errs.Exists, "backup: %s is there already", file)
	}
	pool, err := sql.Open("sqlite", sqliteDSN(loc.path, copying))
	if err != nil {
		return fmt.Errorf("open sqlite: %w", err)
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	if _, err := pool.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
		_ = os.Remove(file) // what was made of it; the error that counts is the other
		return fmt.Errorf("copy the database: %w", describeSQLite(errs.Unavailable, loc.path, err))
	}
	return SyncFile(file)
}

// PlaceSQLite makes a SQLite database of a copy. It is there whole or not at all. Errors: Exists where a database is already,
// Conflict where a server has it.
func PlaceSQLite(ctx context.Context, url, file string) (err error) {
	loc, err := parseURL("database", url)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(loc.path), 0o750); err != nil {
		return errs.Wrap(errs.Invalid, err, "database: the folder %s cannot be made: %s", filepath.Dir(loc.path), reason(err))
	}
	lock, err := lockFile(loc.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	// The log of a database that was removed would be taken for this one's.
	for _, path := range []string{loc.path, loc.path + "-wal"} {
		if _, err := os.Lstat(path); err == nil {
			return errs.New(errs.Exists, "database: %s is there already; restore to another place, or move it away first", path)
		}
	}
	coming := loc.path + ".restoring"
	if err := copyFile(ctx, coming, file); err != nil {
		return errors.Join(err, os.Remove(coming))
	}
	if err := os.Rename(coming, loc.path); err != nil {
		return fmt.Errorf("put the database in its place: %w", err)
	}
	return SyncFile(filepath.Dir(loc.path))
}

func copyFile(ctx context.Context, to, from string) (err error) {
	in, err := os.Open(from) //nolint:gosec // a file that the user named
	if err != nil {
		return fmt.Errorf("open the copy: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // beside the user's database
	if err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	if _, err := io.Copy(out, untilDone{ctx, in}); err != nil {
		return errors.Join(fmt.Errorf("copy the database: %w", err), out.Close())
	}
	return errors.Join(out.Sync(), out.Close())
}

// untilDone reads until a context ends.
type untilDone struct {
	ctx  context.Context //nolint:containedctx // of the one copy that it is made for
	from io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err //nolint:wrapcheck // the caller's own
	}
	return u.from.Read(p) //nolint:wrapcheck // io.EOF must stay itself
}

// SyncFile makes a file, or the names in a folder, last. Windows has no such call for folders, and needs none.
func SyncFile(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() && runtime.GOOS == "windows" {
		return nil
	}
	flag := os.O_RDONLY
	if runtime.GOOS == "windows" { // it syncs only what could be written
		flag = os.O_RDWR
	}
	f, err := os.OpenFile(path, flag, 0) //nolint:gosec // of the caller's choice
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}

// CheckEmptyPostgres tells whether a PostgreSQL database can take a restored one. Errors: Exists where it has a table already.
func CheckEmptyPostgres(ctx context.Context, url string) (err error) {
	look, err := Inspect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, look.Close()) }()
	var table sql.NullString
	err = look.row(ctx, "SELECT min(table_schema || '.' || table_name) FROM information_schema.tables"+
		" WHERE table_schema NOT IN ('pg_catalog', 'information_schema')", nil, &table)
	if err != nil {
		return fmt.Errorf("look for tables: %w", err)
	}
	if table.Valid {
		return errs.New(errs.Exists, "database: it has tables already (%s); make an empty one with createdb, and restore to that", table.String)
	}
	return nil
}

// ArtifactTotals are how many artifacts are recorded, and their size in bytes.
type ArtifactTotals struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

// TotalArtifacts counts the artifacts that are recorded.
func TotalArtifacts(ctx context.Context, q Querier) (t ArtifactTotals, err error) {
	err = EachRow(ctx, q, "SELECT count(*), CAST(coalesce(sum(size), 0) AS bigint) FROM artifact_references", nil, func(rows *sql.Rows) error {
		return rows.Scan(&t.Files, &t.Bytes)
	})
	return t, err
}

// DialectOf is dialect.SQLite or dialect.Postgres, by a database's URL.
func DialectOf(url string) (string, error) {
	loc, err := parseURL("database", url)
	return loc.dialect, err
}

// KnownSchema is the number of the newest schema of a dialect that this program knows.
func KnownSchema(dialect string) (int, error) {
	known, err := knownMigrations(dialect)
	return len(known), err
}

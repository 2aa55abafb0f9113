package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"modernc.org/sqlite" // registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/cairnml/cairn/internal/errs"
)

// sqliteReaders bounds the read pool: readers of a WAL never wait, but each holds a page cache of up to 2 MiB.
const sqliteReaders = 6

// fdatasync makes a commit sync the file's data and its size, which is what reading them back needs: it is as durable as with
// fsync (docs/adr/0003). fsync also syncs the times of its inode, for which most file systems write once more. SQLite is built
// so wherever its configure script finds fdatasync; this build asks to be told.
var fdatasync = sync.OnceFunc(func() {
	_, _ = sqlite.Fdatasync(true) // fails where there is none: fsync stays
})

func (db *DB) openSQLite(ctx context.Context, loc location, cfg Config, purpose access) error {
	if err := os.MkdirAll(filepath.Dir(loc.path), 0o750); err != nil {
		return errs.Wrap(errs.Invalid, err, "database: the folder %s cannot be made: %s", filepath.Dir(loc.path), reason(err))
	}
	lock, err := lockFile(loc.path)
	if err != nil {
		return err
	}
	db.lock = lock
	fdatasync()
	if db.write, err = sql.Open("sqlite", sqliteDSN(loc.path, purpose)); err != nil {
		return fmt.Errorf("open sqlite: %w", err)
	}
	db.write.SetMaxOpenConns(1)
	if err := migrateSchema(ctx, db, db.write, !cfg.NoMigrate); err != nil {
		return describeSQLite(errs.Invalid, loc.path, err)
	}
	if err := restoreIndexes(ctx, db, loc.path); err != nil {
		return describeSQLite(errs.Invalid, loc.path, err)
	}
	if purpose == loading {
		return nil
	}
	if db.read, err = sql.Open("sqlite", sqliteDSN(loc.path, reading)); err != nil {
		return fmt.Errorf("open sqlite: %w", err)
	}
	db.read.SetMaxOpenConns(sqliteReaders)
	db.read.SetMaxIdleConns(sqliteReaders)
	db.writers = []*writer{newWriter(db, newSQLiteConn)}
	return nil
}

// access is what a connection to SQLite is for.
type access int

const (
	writing access = iota
	reading        // beside the writer, which keeps the file as it should be
	loading        // alone: whole tables, without readers
	looking        // at a file as it is, which may be a backup or no database of Cairn's: nothing in it changes
	copying        // a file as it is to another one: as looking, but that other one is written
)

// sqliteDSN sets what every connection needs. busy_timeout comes first, since switching to WAL may itself have to wait.
// synchronous=FULL makes a commit durable before it returns. LIKE is case-sensitive, as MLflow's filters are.
func sqliteDSN(path string, purpose access) string {
	q := url.Values{}
	pragmas := []string{"busy_timeout(10000)", "case_sensitive_like(1)"}
	if purpose == looking || purpose == copying {
		q.Set("mode", "ro")
	} else {
		pragmas = append(pragmas, "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)")
	}
	if purpose == loading {
		// Sorting what becomes an index may take gigabytes. A load makes the rows that its rows refer to itself.
		pragmas = append(pragmas, "temp_store(FILE)", "cache_size(-131072)", "foreign_keys(0)")
	} else {
		pragmas = append(pragmas, "temp_store(MEMORY)", "foreign_keys(1)")
	}
	if purpose == reading || purpose == looking {
		pragmas = append(pragmas, "query_only(1)")
	}
	for _, pragma := range pragmas {
		q.Add("_pragma", pragma)
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// describeSQLite says in a user's words why a file cannot be used. The kind is Invalid when it is being opened, by somebody
// who can choose another, and Unavailable for clients, who can only try again.
func describeSQLite(kind errs.Kind, file string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return errs.Wrap(kind, err, "database: %s is not a SQLite database", file)
	case sqlite3.SQLITE_CORRUPT:
		return errs.Wrap(kind, err, "database: %s is damaged; restore a backup, or try sqlite3's .recover", file)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return errs.Wrap(kind, err, "database: %s cannot be opened for writing; check its owner and permissions", file)
	case sqlite3.SQLITE_FULL:
		return errs.Wrap(errs.Unavailable, err, "database: the disk is full")
	}
	return err
}

// reason gives the operating system's word for an error, without the path that its message repeats.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

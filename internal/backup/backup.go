// Package backup copies a database while its server works, and makes a database of such a copy.
//
// A backup is a folder: the copy itself, as the database's own tools write it (a SQLite file, or an archive of pg_dump), and
// Manifest, which is written last. The copy is one moment of the database: with every run, point, param and tag, the registry
// with its history, and what is recorded of each artifact: its path, size and SHA-256. The bytes of artifacts are not in it:
// they are copied by what copies files or buckets, after the database, since a file is there before what is recorded of it.
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"entgo.io/ent/dialect"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// ManifestFile is the name of the manifest in a backup's folder. A folder without it is of a backup that did not end.
const ManifestFile = "backup.json"

// format is the number of the form that this package writes, and reads.
const format = 1

// Manifest tells what a backup holds.
type Manifest struct {
	Format int `json:"format"`
	// Program is the version of the program that made it.
	Program string    `json:"program"`
	MadeAt  time.Time `json:"madeAt"`
	// Dialect is that of the database: sqlite3 or postgres. A backup is restored to the same kind.
	Dialect string `json:"dialect"`
	// Schema is the number of the schema. A program of an older one cannot use it.
	Schema int `json:"schema"`
	// File is the copy's name in the folder, Bytes its size, and SHA256 of its content in hex.
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Artifacts are those of which the copy has a record.
	Artifacts store.ArtifactTotals `json:"artifacts"`
}

// Source is what is to be copied.
type Source struct {
	// URL is the database's; to a PostgreSQL behind a pooler in transaction mode, one past the pooler.
	URL string
	// Program is the version of the program.
	Program string
}

// Progress tells how far a backup or its restoration is.
type Progress struct {
	// Doing is "copying", "checking" or "restoring".
	Doing string
	// Bytes have been written or read; of about so many in all, or of 0 where that is not known.
	Bytes, Of int64
}

// Make copies a database into a folder, which it makes; the database's server may go on. When it fails, the folder has no
// manifest, and what was written is removed. Errors: Exists for a folder in which something is, NotFound for no database.
func Make(ctx context.Context, from Source, folder string, progress func(Progress)) (Manifest, error) {
	look, err := store.Inspect(ctx, from.URL)
	if err != nil {
		return Manifest{}, err //nolint:wrapcheck // an error for users already
	}
	m, size, err := describe(ctx, look, from)
	if err = errors.Join(err, look.Close()); err != nil {
		return Manifest{}, err
	}
	if err := makeEmpty(folder); err != nil {
		return Manifest{}, err
	}
	file := filepath.Join(folder, m.File)
	if err := copyOut(ctx, from.URL, m.Dialect, file, size, progress); err != nil {
		return Manifest{}, errors.Join(err, discard(folder, file))
	}
	if m.Dialect == dialect.SQLite {
		err = checkCopy(ctx, file, &m)
	}
	if err == nil {
		m.Bytes, m.SHA256, err = digest(ctx, file, progress)
	}
	if err == nil {
		err = writeManifest(folder, m)
	}
	if err != nil {
		return Manifest{}, errors.Join(err, discard(folder, file))
	}
	return m, nil
}

// describe gives what is known of a copy before it is made, and the size of the database in bytes.
func describe(ctx context.Context, look *store.Inspection, from Source) (m Manifest, size int64, err error) {
	if err := look.CheckSchema(ctx); err != nil {
		return m, 0, err //nolint:wrapcheck // an error for users already
	}
	status, err := look.Schema(ctx)
	if err != nil {
		return m, 0, fmt.Errorf("read the schema: %w", err)
	}
	room, err := look.Size(ctx)
	if err != nil {
		return m, 0, fmt.Errorf("read the size: %w", err)
	}
	totals, err := store.TotalArtifacts(ctx, look.Read())
	if err != nil {
		return m, 0, fmt.Errorf("count the artifacts: %w", err)
	}
	m = Manifest{
		Format: format, Program: from.Program, MadeAt: time.Now().UTC(), Dialect: look.Dialect(), Schema: status.Database,
		File: "cairn.db", Artifacts: totals,
	}
	if m.Dialect == dialect.Postgres {
		m.File = "cairn.pgdump"
	}
	return m, room.Total - room.Free, nil
}

func copyOut(ctx context.Context, url, kind, file string, size int64, progress func(Progress)) error {
	stop := watch(ctx, file, size, progress)
	defer stop()
	if kind == dialect.Postgres {
		return dumpPostgres(ctx, url, file)
	}
	return store.CopySQLite(ctx, url, file) //nolint:wrapcheck // an error for users already
}

// watch tells how large a file has become, until it is stopped.
func watch(ctx context.Context, file string, size int64, progress func(Progress)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if info, err := os.Stat(file); err == nil {
					progress(Progress{Doing: "copying", Bytes: info.Size(), Of: size})
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// checkCopy checks a copy as a database, and counts the artifacts that it has a record of: more may have come since.
func checkCopy(ctx context.Context, file string, m *Manifest) (err error) {
	look, err := store.Inspect(ctx, "sqlite:"+file)
	if err != nil {
		return fmt.Errorf("open the copy: %w", err)
	}
	defer func() { err = errors.Join(err, look.Close()) }()
	faults, err := look.Check(ctx)
	if err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	if len(faults) > 0 {
		return errs.New(errs.Damaged, "the database is damaged, and a backup of it would be: %s; `cairn db check` has all faults", faults[0])
	}
	m.Artifacts, err = store.TotalArtifacts(ctx, look.Read())
	return err //nolint:wrapcheck // wrapped by the caller
}

// Read gives the manifest of a backup. Errors: NotFound where none is in the folder, Invalid for one of another form.
func Read(folder string) (Manifest, error) {
	data, err := os.ReadFile(filepath.Join(folder, ManifestFile)) //nolint:gosec // a folder that the user named
	if err != nil {
		return Manifest{}, errs.Wrap(errs.NotFound, err, "backup: %s has no %s: it is no backup, or one that did not end", folder, ManifestFile)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return m, errs.Wrap(errs.Invalid, err, "backup: %s in %s is not what `cairn db backup` writes", ManifestFile, folder)
	}
	if m.Format != format {
		return m, errs.New(errs.Invalid, "backup: %s is of form %d; this program reads form %d: use the program that made it (%.40s)",
			folder, m.Format, format, m.Program)
	}
	if m.File != filepath.Base(m.File) || (m.Dialect != dialect.SQLite && m.Dialect != dialect.Postgres) {
		return m, errs.New(errs.Invalid, "backup: %s in %s is not what `cairn db backup` writes", ManifestFile, folder)
	}
	return m, nil
}

// Restore makes a database of a backup, where none is. Nothing is made unless the copy is whole and fits. Errors: Exists where
// a database is already, Invalid for a database of another kind or a backup of a newer schema, Damaged where the copy is not
// what the manifest says.
func Restore(ctx context.Context, folder, url string, progress func(Progress)) (Manifest, error) {
	m, err := Read(folder)
	if err != nil {
		return m, err
	}
	if err := fits(m, url); err != nil {
		return m, err
	}
	file := filepath.Join(folder, m.File)
	if m.Dialect == dialect.Postgres {
		if err := store.CheckEmptyPostgres(ctx, url); err != nil {
			return m, err //nolint:wrapcheck // an error for users already
		}
	}
	_, sum, err := digest(ctx, file, progress)
	if err != nil {
		return m, err
	}
	if sum != m.SHA256 {
		return m, errs.New(errs.Damaged, "backup: %s is not as it was made (its SHA-256 is %s, not %s): take another copy of the backup", file, sum, m.SHA256)
	}
	progress(Progress{Doing: "restoring", Of: m.Bytes})
	if m.Dialect == dialect.Postgres {
		return m, loadPostgres(ctx, url, file)
	}
	return m, store.PlaceSQLite(ctx, url, file) //nolint:wrapcheck // an error for users already
}

func fits(m Manifest, url string) error {
	kind, err := store.DialectOf(url)
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if kind != m.Dialect {
		if m.Dialect == dialect.Postgres {
			return errs.Field("database", "the backup is of a PostgreSQL database: name an empty one, postgres://…")
		}
		return errs.Field("database", "the backup is of a SQLite database: name where it is to lie, sqlite:PATH")
	}
	if known, err := store.KnownSchema(kind); err != nil || known < m.Schema {
		return errors.Join(err, errs.New(errs.Invalid, "backup: it has schema %d, this program knows %d: use the program that made it (%.40s), or a newer one",
			m.Schema, known, m.Program))
	}
	return nil
}

// digest gives a file's size and SHA-256.
func digest(ctx context.Context, file string, progress func(Progress)) (int64, string, error) {
	f, err := os.Open(file) //nolint:gosec // in a folder that the user named
	if err != nil {
		return 0, "", errs.Wrap(errs.NotFound, err, "backup: %s cannot be read", file)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, "", errors.Join(fmt.Errorf("look at the copy: %w", err), f.Close())
	}
	sum := sha256.New()
	var read int64
	for buffer := make([]byte, 1<<20); ; {
		if err := ctx.Err(); err != nil {
			return 0, "", errors.Join(fmt.Errorf("read the copy: %w", err), f.Close())
		}
		n, err := f.Read(buffer)
		sum.Write(buffer[:n])
		read += int64(n)
		progress(Progress{Doing: "checking", Bytes: read, Of: info.Size()})
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, "", errors.Join(fmt.Errorf("read the copy: %w", err), f.Close())
		}
	}
	return read, hex.EncodeToString(sum.Sum(nil)), f.Close() //nolint:wrapcheck // of a file that was read
}

// makeEmpty makes a folder, unless it is there and empty.
func makeEmpty(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return errs.Wrap(errs.Invalid, err, "backup: the folder %s cannot be made", folder)
	}
	there, err := os.ReadDir(folder)
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "backup: the folder %s cannot be read", folder)
	}
	if len(there) > 0 {
		return errs.New(errs.Exists, "backup: the folder %s is not empty: name a new one", folder)
	}
	return nil
}

// discard removes what a backup that failed had written.
func discard(folder, file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove what was written: %w", err)
	}
	if err := os.Remove(folder); err != nil {
		return fmt.Errorf("remove the folder: %w", err)
	}
	return nil
}

// writeManifest writes the manifest, and makes it and all names in the folder last.
func writeManifest(folder string, m Manifest) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(folder, ManifestFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // in the user's folder
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	return store.SyncFile(folder) //nolint:wrapcheck // said by the store
}

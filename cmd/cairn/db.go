package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/cairnml/cairn/internal/store"
)

type dbCommands struct {
	Migrate      dbMigrate      `cmd:"" help:"Bring the schema up to this program's. The server does so at its start."`
	Status       dbStatus       `cmd:"" help:"Say what the database holds, which room it takes and what waits to be folded."`
	Check        dbCheck        `cmd:"" help:"Look for damage, and put right what can be."`
	Compact      dbCompact      `cmd:"" help:"Fold all metric points into chunks now, instead of little by little."`
	GC           dbGC           `cmd:"" name:"gc" help:"Remove for good what was deleted long ago, and free its space."`
	Backup       dbBackup       `cmd:"" help:"Copy the database while its server works."`
	Restore      dbRestore      `cmd:"" help:"Make a database of a backup, where none is."`
	RecoverAdmin dbRecoverAdmin `cmd:"" help:"Make an administrator's token past the server, when none is left that works."`
}

func (d database) url() string {
	if d.Database != "" {
		return d.Database
	}
	return "sqlite:" + filepath.Join(d.DataDir, "cairn.db")
}

func (d database) inspect(ctx context.Context) (*store.Inspection, error) {
	return store.Inspect(ctx, d.url()) //nolint:wrapcheck // an error for users already
}

// direct is the database past its pooler.
func (d database) direct() string {
	if d.DatabaseDirect != "" {
		return d.DatabaseDirect
	}
	return d.url()
}

// open opens the database to write, as it is. It must be there: a path mistaken makes no new one.
func (d database) open(ctx context.Context, std streams) (*store.DB, error) {
	look, err := d.inspect(ctx)
	if err != nil {
		return nil, err
	}
	if err := look.Close(); err != nil {
		return nil, err //nolint:wrapcheck // said by the store
	}
	return store.Open(ctx, store.Config{ //nolint:wrapcheck // an error for users already
		URL: d.url(), DirectURL: d.DatabaseDirect, NoMigrate: true, Logger: slog.New(slog.NewTextHandler(std.err, nil)),
	})
}

func (d database) onSQLite() bool { return !strings.HasPrefix(d.url(), "postgres") }

type dbMigrate struct {
	database
	listing
}

func (d *dbMigrate) Run(ctx context.Context, std streams) error {
	db, err := store.Open(ctx, store.Config{
		URL: d.url(), DirectURL: d.DatabaseDirect, Logger: slog.New(slog.NewTextHandler(std.err, nil)),
	})
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	status, err := db.Schema(ctx)
	if err = errors.Join(err, db.Close()); err != nil {
		return err //nolint:wrapcheck // said by the store
	}
	return printSchema(std, d.JSON, db.Dialect(), status)
}

func printSchema(std streams, asJSON bool, dialect string, status store.SchemaStatus) error {
	if asJSON {
		return putJSON(std.out, schemaJSON(dialect, status))
	}
	return put(std.out, fmt.Sprintf("%s, schema %d of %d: %s\n", dialect, status.Database, status.Program, schemaState(status)))
}

func schemaJSON(dialect string, status store.SchemaStatus) map[string]any {
	return map[string]any{"dialect": dialect, "schema": status.Database, "program": status.Program, "state": schemaState(status)}
}

func schemaState(status store.SchemaStatus) string {
	switch {
	case status.Database < status.Program:
		return "older than this program: `cairn db migrate` brings it up to date"
	case status.Database > status.Program:
		return "newer than this program"
	}
	return "up to date"
}

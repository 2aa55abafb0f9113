package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/cairnml/cairn/internal/backup"
	"github.com/cairnml/cairn/internal/errs"
)

type dbRestore struct {
	database
	listing
	DryRun bool   `name:"dry-run" env:"-" help:"Say what the backup holds, and restore nothing."`
	Folder string `arg:"" help:"The folder that cairn db backup made."`
}

// Help is shown by --help, below the line of dbCommands.
func (d *dbRestore) Help() string {
	return "Makes a database of a backup, of the same kind: a SQLite file where none is, or the tables of a PostgreSQL database that has " +
		"none. The copy is held against its SHA-256 first. Nothing is overwritten, so nothing is asked. What was recorded after " +
		"the backup is not in it; clients that still have it send it again where they keep a spool (`cairn sync`)."
}

func (d *dbRestore) Run(ctx context.Context, std streams) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	if d.DryRun {
		found, err := backup.Read(d.Folder)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		return d.print(std, "would restore", found)
	}
	line := newProgress(std.err)
	restored, err := backup.Restore(ctx, d.Folder, d.direct(), showBackup(line))
	if err = errors.Join(err, line.end()); err != nil {
		return stopped(ctx, err)
	}
	return d.print(std, "restored", restored)
}

func (d *dbRestore) print(std streams, did string, m backup.Manifest) error {
	if d.JSON {
		return putJSON(std.out, m)
	}
	return put(std.out, fmt.Sprintf("%s the database of %s (%s, schema %d), with the record of %s artifacts of %s\n", did, showTime(m.MadeAt),
		showSize(m.Bytes), m.Schema, grouped(m.Artifacts.Files), showSize(m.Artifacts.Bytes)))
}

// stopped says that what an interrupted command made is gone again.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errs.New(errs.Unavailable, "stopped: nothing was made")
	}
	return err
}

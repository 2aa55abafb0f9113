package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/cairnml/cairn/internal/backup"
)

type dbBackup struct {
	database
	listing
	Folder string `arg:"" help:"The folder to make, for example cairn-$(date +%F)."`
}

// Help is shown by --help, below the line of dbCommands.
func (d *dbBackup) Help() string {
	return "Writes one moment of the database to a new folder: all runs with their points, params, tags and logs, the registry with " +
		"its history, tokens, and what is recorded of each artifact (path, size, SHA-256). A server may go on meanwhile. The bytes " +
		"of artifacts are not in it: copy their folder or bucket afterwards, for example with rsync; whoever copies it first may " +
		"miss files that the backup speaks of. A backup of PostgreSQL needs its program pg_dump, of the server's version or a newer " +
		"one. Whoever reads a backup reads all that was recorded: keep it as you keep the database."
}

func (d *dbBackup) Run(ctx context.Context, std streams) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	line := newProgress(std.err)
	made, err := backup.Make(ctx, backup.Source{URL: d.direct(), Program: version}, d.Folder, showBackup(line))
	if err = errors.Join(err, line.end()); err != nil {
		return stopped(ctx, err)
	}
	if d.JSON {
		return putJSON(std.out, made)
	}
	return put(std.out, fmt.Sprintf("%s holds the database (%s, schema %d) and the record of %s artifacts of %s, whose bytes are not in it\n",
		d.Folder, showSize(made.Bytes), made.Schema, grouped(made.Artifacts.Files), showSize(made.Artifacts.Bytes)))
}

// showBackup shows how far a backup or its restoration is.
func showBackup(line *progress) func(backup.Progress) {
	return func(p backup.Progress) {
		of := ""
		if p.Of > 0 {
			of = " of about " + showSize(p.Of)
		}
		line.show(fmt.Sprintf("%s: %s%s", p.Doing, showSize(p.Bytes), of))
	}
}

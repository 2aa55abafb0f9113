package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/cairnml/cairn/internal/metric"
)

type dbCompact struct {
	database
	listing
}

// Help is shown by --help, below the line of dbCommands.
func (d *dbCompact) Help() string {
	return "A server folds the points of its runs into compressed chunks by itself, a little at a time, some seconds to some minutes " +
		"after they came. This folds all of them now, as before a backup or a measurement. To fold a SQLite database, stop its " +
		"server first. Servers on PostgreSQL go on; runs that one of them is folding are left to it."
}

func (d *dbCompact) Run(ctx context.Context, std streams) error {
	db, err := d.open(ctx, std)
	if err != nil {
		return err
	}
	var done metric.Compaction
	line := newProgress(std.err)
	err = metric.CompactAll(ctx, db, db.Logger(), func(c metric.Compaction) {
		done = c
		line.show(fmt.Sprintf("folded %s runs", grouped(int64(c.Folded))))
	})
	if err = errors.Join(err, line.end(), db.Close()); err != nil {
		return err
	}
	if d.JSON {
		return putJSON(std.out, done)
	}
	text := fmt.Sprintf("folded %s runs\n", grouped(int64(done.Folded)))
	if done.Left > 0 {
		text += fmt.Sprintf("left %s runs to the servers that fold them\n", grouped(int64(done.Left)))
	}
	if done.Damaged > 0 {
		text += fmt.Sprintf("left %s runs as they are, since points of theirs are damaged: `cairn db check` names them\n", grouped(int64(done.Damaged)))
	}
	return put(std.out, text)
}

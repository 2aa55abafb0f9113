package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/gc"
	"github.com/cairnml/cairn/internal/store"
)

type dbGC struct {
	database
	listing
	destructive
	OlderThan time.Duration `name:"older-than" default:"720h" env:"-" placeholder:"DURATION" help:"Remove what was deleted longer ago than this (default: 720h, 30 days)."`
	Server    string        `env:"-" placeholder:"URL" help:"Have this server do it, which goes on serving. Needs an administrator's token where the server has tokens."`
	Artifacts string        `placeholder:"URL" help:"Where artifacts lie: a folder, or s3://BUCKET/PREFIX?SETTINGS (default: DIR/artifacts)."`
	NoVacuum  bool          `name:"no-vacuum" env:"-" help:"Keep the space for what comes, and do not give it back to the disk."`
}

// Help is shown by --help, below the line of dbCommands.
func (d *dbGC) Help() string {
	return "Removes for good runs, experiments and logged models that were deleted long ago, with all that belongs to them: points, params, tags, " +
		"logs, inputs and outputs, and artifacts. Runs from which a registered version of a model came stay. It may be stopped at " +
		"any time, and goes on where it was when it is called again.\n\n" +
		"A SQLite database is open to one program at a time: stop its server, and the file becomes smaller in the end (VACUUM, " +
		"which needs the room of the file twice more); or name the server with --server, which removes a little at a time beside its " +
		"requests, and keeps the space for what comes. Servers on PostgreSQL go on either way; its space is kept for what comes."
}

// collector is where garbage is collected: in the database itself, or by a server.
type collector interface {
	survey(ctx context.Context, before time.Time) (gc.Doomed, error)
	collect(ctx context.Context, before time.Time, progress func(gc.Removed)) (gc.Removed, error)
	Close() error
}

func (d *dbGC) Run(ctx context.Context, std streams) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	if d.OlderThan < 0 {
		return errs.Field("--older-than", "is %s: it must not be negative", d.OlderThan)
	}
	before := time.Now().Add(-d.OlderThan)
	c, err := d.connect(ctx, std)
	if err != nil {
		return err
	}
	removed, done, err := d.collect(ctx, std, c, before)
	if ctx.Err() != nil {
		err = errs.New(errs.Unavailable, "stopped: the same command goes on from here")
	}
	if err = errors.Join(err, c.Close()); err != nil || !done {
		return err
	}
	size, err := d.vacuum(ctx, std)
	if err != nil {
		return err
	}
	if d.JSON {
		return putJSON(std.out, map[string]any{"removed": removed, "bytes": size})
	}
	text := "removed " + removedText(removed) + "\n"
	if size != nil {
		text += "the database has " + showSize(size.Total)
		if size.Free > 0 {
			text += ", of which " + showSize(size.Free) + " are free for what comes"
		}
		text += "\n"
	}
	return put(std.out, text)
}

// collect gives false when nothing is to be done, or nobody wants it.
func (d *dbGC) collect(ctx context.Context, std streams, c collector, before time.Time) (removed gc.Removed, done bool, err error) {
	found, err := c.survey(ctx, before)
	if err != nil {
		return gc.Removed{}, false, err
	}
	if d.JSON && d.DryRun {
		return gc.Removed{}, false, putJSON(std.out, map[string]any{"garbage": found, "deletedBefore": before.UTC()})
	}
	if found.KeptRuns > 0 {
		if err := put(std.err, fmt.Sprintf("%s deleted runs stay, since registered versions of models came from them\n", grouped(found.KeptRuns))); err != nil {
			return gc.Removed{}, false, err
		}
	}
	if found.None() {
		return gc.Removed{}, !d.DryRun, put(std.err, fmt.Sprintf("nothing to remove that was deleted before %s\n", showTime(before)))
	}
	what := fmt.Sprintf("remove for good what was deleted before %s: %s", showTime(before), removedText(found.Removed))
	if found.Bytes > 0 {
		what += fmt.Sprintf("; the points take %s", showSize(found.Bytes))
	}
	if ok, err := d.confirmed(std, what); err != nil || !ok {
		return gc.Removed{}, false, err
	}
	line := newProgress(std.err)
	removed, err = c.collect(ctx, before, func(r gc.Removed) {
		line.show(fmt.Sprintf("removed %s of %s runs, %s points", grouped(r.Runs), grouped(found.Runs), grouped(r.Points)))
	})
	return removed, true, errors.Join(err, line.end())
}

func removedText(r gc.Removed) string {
	text := fmt.Sprintf("%s runs with %s points of %s series and %s artifacts of %s, %s experiments, %s logged models", grouped(r.Runs), grouped(r.Points),
		grouped(r.Series), grouped(r.Files), showSize(r.FileBytes), grouped(r.Experiments), grouped(r.Models))
	if r.Keys > 0 {
		text += fmt.Sprintf(", %s idempotency keys", grouped(r.Keys))
	}
	return text
}

// vacuum gives space back, where there is enough of it, and gives the size then; nil where a server has the database.
func (d *dbGC) vacuum(ctx context.Context, std streams) (*store.Size, error) {
	if d.Server != "" {
		return nil, nil //nolint:nilnil // it is not known
	}
	size, err := d.size(ctx)
	if err != nil || d.NoVacuum {
		return size, err
	}
	// To write a large file anew for a little is not worth it.
	const worthIt = 20
	if d.onSQLite() && size.Free*worthIt < size.Total {
		return size, nil
	}
	if err := put(std.err, fmt.Sprintf("giving space back: VACUUM of %s\n", showSize(size.Total))); err != nil {
		return nil, err
	}
	if err := store.Vacuum(ctx, d.url()); err != nil {
		return nil, err //nolint:wrapcheck // an error for users already
	}
	return d.size(ctx)
}

func (d *dbGC) size(ctx context.Context) (*store.Size, error) {
	look, err := d.inspect(ctx)
	if err != nil {
		return nil, err
	}
	size, err := look.Size(ctx)
	return &size, errors.Join(err, look.Close())
}

func (d *dbGC) connect(ctx context.Context, std streams) (collector, error) {
	if d.Server != "" {
		c, err := client.New(client.FromEnvironment(d.Server))
		return &serverCollector{c}, err //nolint:wrapcheck // an error for users already
	}
	db, err := d.open(ctx, std)
	if err != nil {
		if errs.Is(err, errs.Conflict) && d.onSQLite() {
			err = fmt.Errorf("%w; or have that server do it: --server URL", err)
		}
		return nil, err
	}
	location := d.Artifacts
	if location == "" {
		location = filepath.Join(d.DataDir, "artifacts")
	}
	here := &localCollector{db: db}
	if d.DryRun { // it looks at no file
		return here, nil
	}
	exists, err := artifact.Exists(location)
	if err == nil && exists {
		here.files, err = artifact.Open(location)
	}
	if err != nil {
		return nil, errors.Join(err, here.Close())
	}
	return here, nil
}

// localCollector works in the database itself.
type localCollector struct {
	db    *store.DB
	files *artifact.Store
}

func (l *localCollector) survey(ctx context.Context, before time.Time) (gc.Doomed, error) {
	return gc.New(l.db, l.files).Survey(ctx, before) //nolint:wrapcheck // wrapped by the core
}

func (l *localCollector) collect(ctx context.Context, before time.Time, progress func(gc.Removed)) (gc.Removed, error) {
	if l.files != nil {
		if err := l.files.RemoveAbandoned(); err != nil {
			return gc.Removed{}, err //nolint:wrapcheck // an error for users already
		}
	}
	removed, _, err := gc.New(l.db, l.files).Collect(ctx, gc.Options{Before: before, Progress: progress})
	return removed, err //nolint:wrapcheck // wrapped by the core
}

func (l *localCollector) Close() error {
	var err error
	if l.files != nil {
		err = l.files.Close()
	}
	return errors.Join(err, l.db.Close())
}

// serverCollector has a server work.
type serverCollector struct{ c *client.Client }

func (s *serverCollector) survey(ctx context.Context, before time.Time) (gc.Doomed, error) {
	answer, err := client.Garbage(ctx, s.c, before)
	if err != nil {
		return gc.Doomed{}, err //nolint:wrapcheck // an error for users already
	}
	g := answer.Garbage
	return gc.Doomed{DoomedCounts: store.DoomedCounts{KeptRuns: g.KeptRuns, Bytes: g.Bytes, Removed: gc.Removed{
		Runs: g.Runs, Models: g.Models, Experiments: g.Experiments, Series: g.Series, Points: g.Points,
		Files: g.Files, FileBytes: g.FileBytes, Keys: g.Keys,
	}}}, nil
}

func (s *serverCollector) collect(ctx context.Context, before time.Time, progress func(gc.Removed)) (gc.Removed, error) {
	var sum gc.Removed
	for {
		answer, err := client.CollectGarbage(ctx, s.c, before)
		if err != nil {
			return sum, err //nolint:wrapcheck // an error for users already
		}
		g := answer.CollectGarbage
		sum.Add(gc.Removed{Runs: g.Runs, Models: g.Models, Experiments: g.Experiments, Series: g.Series, Points: g.Points,
			Files: g.Files, FileBytes: g.FileBytes, Keys: g.Keys})
		progress(sum)
		if !g.More {
			return sum, nil
		}
	}
}

func (s *serverCollector) Close() error {
	s.c.Close()
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/registry"
)

type dbCheck struct {
	database
	listing
	destructive
	Repair     bool `env:"-" help:"Compute anew what is derived of the points and is wrong. Asks first."`
	AcceptLoss bool `name:"accept-loss" env:"-" help:"With --repair: also where some of the points cannot be read, of the others."`
}

// Help is shown by --help, below the line of dbCommands.
func (d *dbCheck) Help() string {
	return "Reads all points, and holds against them what is derived: the rows that searches use, the roll-ups that charts use, and " +
		"what chunks and tails say of themselves. The histories of registered models are read too: an entry that was changed, added, " +
		"removed or moved is named. Of SQLite pages, indexes and references are checked too. A server may go on " +
		"meanwhile; to repair SQLite, stop it first. Points that are damaged are named and left: a backup may have them still. " +
		"The exit code is 1 when there are faults."
}

func (d *dbCheck) Run(ctx context.Context, std streams) error {
	if d.AcceptLoss && !d.Repair {
		return errs.Field("--accept-loss", "says how to repair: add --repair")
	}
	found, err := d.check(ctx, std)
	if err != nil {
		return err
	}
	if d.Repair && found.Repairable() > 0 {
		if err := put(std.err, found.text()); err != nil {
			return err
		}
		what := fmt.Sprintf("compute anew what is derived of the points of %d runs", found.Repairable())
		if ok, err := d.confirmed(std, what); err != nil || !ok {
			return err
		}
		if err := d.repair(ctx, std, found.Report); err != nil {
			return err
		}
		if found, err = d.check(ctx, std); err != nil { // what is left, and whether it was put right
			return err
		}
	}
	if d.JSON {
		err = putJSON(std.out, found.json())
	} else if found.none() {
		err = put(std.out, fmt.Sprintf("no fault found in %s runs with %s series and %s points, and in %s registered models with %s entries of history\n",
			grouped(int64(found.Runs)), grouped(found.Series), grouped(found.Points),
			grouped(int64(found.registry.Models)), grouped(found.registry.Entries)))
	}
	if err == nil && !found.none() {
		err = errs.New(errs.Conflict, "the database has faults:\n%s%s", found.text(), found.hint(d))
	}
	return err
}

// checked is what a check found: in the database as such, in its points, and in the histories of registered models.
type checked struct {
	store []string
	*metric.Report
	registry *registry.Report
}

func (d *dbCheck) check(ctx context.Context, std streams) (checked, error) {
	look, err := d.inspect(ctx)
	if err != nil {
		return checked{}, err
	}
	found := checked{Report: &metric.Report{}, registry: &registry.Report{}}
	found.store, err = look.Check(ctx)
	if err == nil && len(found.store) == 0 { // else the points are read for nothing
		line := newProgress(std.err)
		found.Report, err = metric.Check(ctx, look.Read(), func(c metric.Checked) {
			line.show(fmt.Sprintf("checked %s runs, %s points", grouped(int64(c.Runs)), grouped(c.Points)))
		})
		err = errors.Join(err, line.end())
		if err == nil {
			found.registry, err = registry.Check(ctx, look.Read())
		}
	}
	return found, errors.Join(err, look.Close())
}

func (d *dbCheck) repair(ctx context.Context, std streams, report *metric.Report) error {
	db, err := d.open(ctx, std)
	if err != nil {
		return err
	}
	line := newProgress(std.err)
	err = report.Repair(ctx, db, d.AcceptLoss, func(runs int) {
		line.show(fmt.Sprintf("repaired %d of %d runs", runs, report.Repairable()))
	})
	return errors.Join(err, line.end(), db.Close())
}

func (c checked) none() bool {
	return len(c.store) == 0 && c.Count() == 0 && len(c.registry.Faults) == 0
}

func (c checked) text() string {
	var b strings.Builder
	for _, line := range c.store {
		fmt.Fprintf(&b, "  %s\n", printable(line))
	}
	for i := range c.Faults {
		fmt.Fprintf(&b, "  %s\n", printable(c.Faults[i].String()))
	}
	for i := range c.registry.Faults {
		fmt.Fprintf(&b, "  %s\n", printable(c.registry.Faults[i].String()))
	}
	if more := c.More + c.registry.More; more > 0 {
		fmt.Fprintf(&b, "  and %d more\n", more)
	}
	return b.String()
}

// hint says what can be done about the faults.
func (c checked) hint(d *dbCheck) string {
	if len(c.store) > 0 {
		return "points and histories were not checked"
	}
	derived, lossy := 0, 0
	for i := range c.Faults {
		switch c.Faults[i].Repair {
		case metric.RepairDerived:
			derived++
		case metric.RepairLossy:
			lossy++
		}
	}
	switch {
	case derived > 0:
		return fmt.Sprintf("`cairn db check --repair` puts %d of them right", derived)
	case lossy > 0 && !d.AcceptLoss:
		return fmt.Sprintf("`cairn db check --repair --accept-loss` puts %d of them right, of the points that can be read", lossy)
	}
	if c.Count() == 0 {
		return "the history of a model is never repaired: a backup may have it as it was"
	}
	return "they stay as they are, and what can be read is served: a backup may have what cannot"
}

func (c checked) json() map[string]any {
	faults := make([]any, 0, len(c.store)+len(c.Faults)+len(c.registry.Faults))
	for _, line := range c.store {
		faults = append(faults, metric.Fault{Message: line, Repair: metric.RepairNone})
	}
	for _, f := range c.Faults {
		faults = append(faults, f)
	}
	for _, f := range c.registry.Faults {
		faults = append(faults, f)
	}
	return map[string]any{
		"faults": faults, "more": c.More + c.registry.More, "checked": c.Checked,
		"registry": map[string]any{"models": c.registry.Models, "entries": c.registry.Entries},
	}
}

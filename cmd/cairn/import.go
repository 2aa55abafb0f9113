package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/mlflowimport"
	"github.com/cairnml/cairn/internal/store"
)

type importCommands struct {
	MLflow importMLflow `cmd:"" name:"mlflow" help:"Bring in the experiments, runs and registered models of an MLflow database or file store."`
}

type importMLflow struct {
	database
	listing
	Artifacts string   `placeholder:"URL" help:"Where Cairn's artifacts lie (default: DIR/artifacts)."`
	Copy      []string `name:"copy-artifacts" sep:"none" placeholder:"PLACE" help:"Copy the artifacts that lie in this folder or bucket, such as MLflow's --artifacts-destination, into Cairn's; may be repeated. All others stay where they are, and runs go on naming that place."`
	URI       string   `arg:"" name:"uri" help:"MLflow's database or file store, as its --backend-store-uri has it: PATH, sqlite:///PATH, postgresql://… or the folder mlruns."`
	DryRun    bool     `name:"dry-run" env:"-" help:"Read and compare, and write nothing."`
}

// Help is shown by --help, below the line of importCommands.
func (i *importMLflow) Help() string {
	return "Experiments with their tags, and runs with ids, names, states, times, params, tags and whole metric histories, deleted ones too, " +
		"come from databases of MLflow 2 and 3, which are only read. So do logged models, and what runs read and wrote. Registered models " +
		"come with versions, stages, aliases and tags.\n\n" +
		"Artifacts are linked: they stay where they are, and runs go on naming that place, unless --copy-artifacts names it. Then they are " +
		"copied, with their hashes recorded, and runs, logged models and versions name Cairn's store. It can be done later, by the same command.\n\n" +
		"What is in Cairn already stays as it is: an import that was cut short goes on when it is called again, and one that was whole changes nothing. " +
		"A SQLite database of Cairn's is open to one program at a time: stop its server first. Servers on PostgreSQL go on."
}

func (i *importMLflow) Run(ctx context.Context, std streams) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	line := newProgress(std.err)
	source, err := mlflowimport.Open(ctx, i.URI, func(p mlflowimport.Progress) { line.show(readingText(p)) })
	if err != nil {
		return errors.Join(err, line.end())
	}
	report, err := mlflowimport.Import(auth.With(ctx, auth.Local()), source, mlflowimport.Options{
		Into: store.Config{URL: i.url(), DirectURL: i.DatabaseDirect, Logger: slog.New(slog.NewTextHandler(std.err, nil))}, DryRun: i.DryRun,
		Artifacts:     cmp.Or(i.Artifacts, filepath.Join(i.DataDir, "artifacts")),
		CopyArtifacts: i.Copy,
		Progress:      func(p mlflowimport.Progress) { line.show(importBar(p)) },
	})
	if ctx.Err() != nil {
		err = errs.New(errs.Unavailable, "stopped: the same command goes on from here")
	}
	if err = errors.Join(err, line.end(), source.Close()); err != nil {
		return err
	}
	if i.JSON {
		err = putJSON(std.out, report)
	} else {
		err = errors.Join(showImport(report, len(i.Copy) > 0).write(std.out), put(std.err, importNotes(report)))
	}
	switch {
	case err != nil:
		return err
	case report.ProblemCount > 0:
		return errs.New(errs.Conflict, "%s things were left out or are there as something else; all others are imported", grouped(report.ProblemCount))
	case report.Missing() && !i.DryRun:
		return errs.New(errs.Conflict, "Cairn has less than MLflow: was MLflow written to meanwhile? Call the same command again")
	}
	return nil
}

// readingText says how far the reading of files is, of which nobody knows how many there are.
func readingText(p mlflowimport.Progress) string {
	return fmt.Sprintf("%s: %s runs, %s points", p.Doing, grouped(p.Runs), grouped(p.Points))
}

// importBar draws how far an import is.
func importBar(p mlflowimport.Progress) string {
	const width = 24
	filled := width
	if p.Of > 0 {
		filled = int(min(p.Runs*width/p.Of, width))
	}
	bar := fmt.Sprintf("[%s%s] %s", strings.Repeat("=", filled), strings.Repeat(" ", width-filled), p.Doing)
	if p.Copying {
		return fmt.Sprintf("%s: %s of %s runs and models, %s files, %s", bar, grouped(p.Runs), grouped(p.Of), grouped(p.Files), showSize(p.Bytes))
	}
	return fmt.Sprintf("%s %s of %s runs, %s points", bar, grouped(p.Runs), grouped(p.Of), grouped(p.Points))
}

func showImport(r mlflowimport.Report, copied bool) *table {
	fresh := ">new now"
	if r.DryRun {
		fresh = ">would be new"
	}
	t := newTable("", ">in MLflow", ">in Cairn", fresh)
	type row struct {
		name  string
		count mlflowimport.Count
	}
	rows := []row{{"experiments", r.Experiments}, {"runs", r.Runs}, {"params", r.Params}, {"tags", r.Tags}, {"points", r.Points},
		{"logged models", r.LoggedModels}, {"inputs and outputs", r.Inputs}, {"registered models", r.Models}, {"model versions", r.Versions}}
	if copied {
		rows = append(rows, row{"artifact files", r.Artifacts})
	}
	for _, row := range rows {
		t.add(row.name, grouped(row.count.MLflow), grouped(row.count.Cairn), grouped(row.count.New))
	}
	return t
}

// importNotes says what did not come, and why.
func importNotes(r mlflowimport.Report) string {
	var b strings.Builder
	for _, p := range r.Problems {
		b.WriteString(printable(fmt.Sprintf("%s %s: %s", p.What, p.ID, p.Why)) + "\n")
	}
	if more := r.ProblemCount - int64(len(r.Problems)); more > 0 {
		fmt.Fprintf(&b, "and %s more\n", grouped(more))
	}
	if r.Elsewhere > 0 {
		fmt.Fprintf(&b, "the artifacts of %s runs and logged models lie in no place of --copy-artifacts, and stay where they are\n", grouped(r.Elsewhere))
	}
	return b.String()
}

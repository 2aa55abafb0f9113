//go:build linux

// Command bench measures Cairn on one machine: beside MLflow, with the same requests through MLflow's REST API; against
// what a server or a database could do at most; and alone, under load profiles that MLflow does not finish. Each section
// keeps its results in bench/results, of which bench/RESULTS.md is made. It fails on a limit that is missed.
//
//	make bench                                                                  everything, which takes hours
//	make bench ARGS="--section writes,search --database sqlite"                 two sections
//	make bench ARGS="--profile million --size 1/16 --database postgres"         a load profile
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type options struct {
	rounds, starts, trainings    int
	duration                     time.Duration
	only, cairn, python, results string
	sections, profiles, kinds    []string
	sizes                        []size
}

// list is a flag of values with commas between.
func list(into *[]string, name, usage string) {
	flag.Func(name, usage, func(text string) error {
		*into = append(*into, strings.Split(text, ",")...)
		return nil
	})
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start(ctx context.Context) error {
	if len(os.Args) > 1 && os.Args[1] == seedCommand {
		done, err := seedDatabase(ctx, os.Args[2:])
		if err != nil {
			return err
		}
		return printReport(done)
	}
	if len(os.Args) > 1 && os.Args[1] == compactCommand {
		if err := compactDatabase(ctx, os.Args[2:]); err != nil {
			return err
		}
		return printReport(nil)
	}
	o := options{}
	list(&o.sections, "section", "only these `sections`, with commas between; they replace their results")
	list(&o.profiles, "profile", "only these load `profiles`, with commas between")
	list(&o.kinds, "database", "only `sqlite` or postgres (default: both)")
	var texts []string
	list(&texts, "size", "only these `sizes` of profiles, such as 1/16,1 (default: 1/16, 1/4 and 1); results of others are not kept")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each request, servers in turns")
	flag.IntVar(&o.starts, "starts", 3, "starts of each server")
	flag.IntVar(&o.trainings, "trainings", 5, "trainings of each kind")
	flag.DurationVar(&o.duration, "duration", 1500*time.Millisecond, "time of each request and server in a round")
	flag.StringVar(&o.only, "only", "", "compare only the servers whose name has this prefix; nothing is judged or kept")
	flag.StringVar(&o.results, "results", "bench/results", "the folder of the results; the report lies beside it")
	flag.StringVar(&o.cairn, "cairn", "bin/cairn", "the program to measure")
	flag.StringVar(&o.python, "python", "", "a python with mlflow and scikit-learn (default: the environment bench)")
	render := flag.Bool("render", false, "only make the report anew from the results")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("%q is no flag", flag.Arg(0))
	}
	for _, text := range texts {
		s, err := parseSize(text)
		if err != nil {
			return err
		}
		o.sizes = append(o.sizes, s)
	}
	if len(o.sizes) == 0 {
		o.sizes = sizes
	}
	for _, kind := range o.kinds {
		if !slices.Contains(databases, kind) {
			return fmt.Errorf("database %q is neither sqlite nor postgres", kind)
		}
	}
	if len(o.kinds) == 0 {
		o.kinds = databases
	}
	chosen, err := o.chosen()
	if err != nil {
		return err
	}
	if *render {
		return writeReport(o.results)
	}
	return measureAll(ctx, o, chosen)
}

// progress tells on stderr what is going on; the results go to stdout.
func progress(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
}

// measureAll measures sections, keeps each result as soon as it is there, and fails when a limit is missed.
func measureAll(ctx context.Context, o options, chosen []section) error {
	l, err := openLab(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if err := os.RemoveAll(l.directory); err != nil {
			progress("%v", err)
		}
	}()
	var failures []error
	for _, s := range chosen {
		for _, kind := range o.kinds {
			if s.databases != nil && !slices.Contains(s.databases, kind) {
				continue
			}
			if err := l.measureSection(ctx, s, kind); err != nil {
				failures = append(failures, fmt.Errorf("%s on %s: %w", s.name, kind, err))
			}
			if ctx.Err() != nil {
				return errors.Join(append(failures, ctx.Err())...)
			}
		}
	}
	return errors.Join(failures...)
}

// openLab prepares what all sections need.
func openLab(ctx context.Context, o options) (*lab, error) {
	var err error
	if o.python == "" {
		if o.python, err = output(ctx, "python3", "test/env/ensure.py", "bench"); err != nil {
			return nil, err
		}
	}
	l := &lab{options: o}
	if l.directory, err = os.MkdirTemp("", "cairn-bench-"); err != nil {
		return nil, err
	}
	// A copy is measured: a build in the meantime would replace the program and its
	// adapters one by one, and an adapter of another build is not started.
	program := filepath.Join(l.directory, "program")
	if err := os.CopyFS(program, os.DirFS(filepath.Dir(o.cairn))); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; build it: make build", err), os.RemoveAll(l.directory))
	}
	l.cairn = filepath.Join(program, filepath.Base(o.cairn))
	if err := l.machine.describe(ctx, o.python); err != nil {
		return nil, errors.Join(err, os.RemoveAll(l.directory))
	}
	return l, nil
}

// measureSection measures a section on a database, at all sizes asked for, and keeps what it found.
func (l *lab) measureSection(ctx context.Context, s section, kind string) error {
	kept, err := loadRecord(l.results, s.name, kind)
	if err != nil {
		return err
	}
	at := []size{{"1", 1}}
	if s.sized {
		at = l.sizes
	}
	var missed []string
	for _, z := range at {
		progress("== %s on %s, size %s", s.name, kind, z.text)
		t, err := l.measure(ctx, s, kind, z)
		if err != nil {
			return err
		}
		alone := record{Section: s.name, Database: kind, Takes: []take{t}}
		fmt.Print(alone.markdown())
		missed = append(missed, t.missed(t.Limits)...)
		if l.only != "" || s.sized && !z.kept() {
			continue
		}
		kept.put(t)
		if err := kept.save(l.results); err != nil {
			return err
		}
		if err := writeReport(l.results); err != nil {
			return err
		}
	}
	grown := kept.overSizes()
	missed = append(missed, grown.missed(grown.Limits)...)
	if len(missed) > 0 && l.only == "" {
		return errors.New("missed: " + strings.Join(missed, "; "))
	}
	return nil
}

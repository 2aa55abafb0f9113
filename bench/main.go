//go:build linux

// Command bench measures Cairn beside MLflow on one machine: the same requests
// through MLflow's REST API, start-up, memory, and what recording adds to a
// training. It writes bench/RESULTS.md and fails on a limit that is missed.
//
//	make bench [ARGS="-rounds 5 -duration 2s -only Cairn"]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

type options struct {
	rounds, starts, trainings int
	duration                  time.Duration
	only, out, cairn, python  string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each request, servers in turns")
	flag.IntVar(&o.starts, "starts", 3, "starts of each server")
	flag.IntVar(&o.trainings, "trainings", 5, "trainings of each kind")
	flag.DurationVar(&o.duration, "duration", 1500*time.Millisecond, "time of each request and server in a round")
	flag.StringVar(&o.only, "only", "", "measure only the servers whose name has this prefix; nothing is judged or written")
	flag.StringVar(&o.out, "out", "bench/RESULTS.md", "the file to write")
	flag.StringVar(&o.cairn, "cairn", "bin/cairn", "the program to measure")
	flag.StringVar(&o.python, "python", "", "a python with mlflow and scikit-learn (default: the environment of the tests)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// progress tells on stderr what is going on; the results go to stdout.
func progress(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
}

func run(ctx context.Context, o options) error {
	var err error
	if o.python == "" {
		if o.python, err = output(ctx, "python3", "test/env/ensure.py", "sklearn"); err != nil {
			return err
		}
	}
	directory, err := os.MkdirTemp("", "cairn-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	// A copy is measured: a build in the meantime would replace the program and its
	// adapters one by one, and an adapter of another build is not started.
	program := filepath.Join(directory, "program")
	if err := os.CopyFS(program, os.DirFS(filepath.Dir(o.cairn))); err != nil {
		return fmt.Errorf("%w; build it: make build", err)
	}
	o.cairn = filepath.Join(program, filepath.Base(o.cairn))

	var chosen []subject
	for _, s := range subjects(o.cairn, o.python) {
		if strings.HasPrefix(s.name, o.only) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no server's name begins with %q", o.only)
	}
	results, err := measure(ctx, o, chosen, directory)
	if err != nil {
		return err
	}
	report := results.markdown()
	fmt.Print(report)
	if o.only != "" {
		return nil
	}
	if o.out != "" {
		if err := os.WriteFile(o.out, []byte(report), 0o644); err != nil {
			return err
		}
	}
	if missed := results.missed(); len(missed) > 0 {
		return errors.New("missed: " + strings.Join(missed, "; "))
	}
	return nil
}

// measure takes all measurements.
func measure(ctx context.Context, o options, chosen []subject, directory string) (*results, error) {
	out := newResults(o, chosen)
	if err := out.machine.describe(ctx, o.python); err != nil {
		return nil, err
	}
	out.calibration = []time.Duration{calibrate()}
	progress("calibration loop: %.0f ms", milliseconds(out.calibration[0]))
	if err := out.measureStarts(ctx, chosen, directory, o.starts); err != nil {
		return nil, err
	}
	servers, err := startSeeded(ctx, chosen, directory)
	defer func() {
		for _, s := range servers {
			if err := s.stop(); err != nil {
				progress("%v", err)
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := compareSearches(servers); err != nil {
		return nil, err
	}
	if err := out.measureRequests(ctx, servers, o.rounds, o.duration); err != nil {
		return nil, err
	}
	for _, s := range servers {
		if out.loaded[s.name], err = usageOf(s.pid()); err != nil {
			return nil, err
		}
	}
	var cairn, mlflow *server
	for _, s := range servers {
		switch s.name {
		case "Cairn":
			cairn = s
		case "MLflow":
			mlflow = s
		}
	}
	out.short, out.warm, err = trainings(ctx, ways(o.cairn, cairn, mlflow), o.python, filepath.Join(directory, "training"), o.trainings)
	if err != nil {
		return nil, err
	}
	out.calibration = append(out.calibration, calibrate())
	return out, nil
}

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// idleShare is how much of a core an idle server may use: MLflow's processes poll.
	idleShare = 0.1
	// idleTimeout bounds the wait for a server to become idle.
	idleTimeout = 5 * time.Minute
)

// compareSection is Cairn beside MLflow, as both start by default.
var compareSection = section{
	name: "mlflow", title: "Beside MLflow: start-up, memory, requests, trainings", databases: []string{onSQLite},
	about: "Medians, servers in turns; CPU seconds and memory are of the whole process tree. Both servers store on this " +
		"machine's disk, in the SQLite of their defaults. `bench/train.py` trains RandomForests of 50 trees on iris.",
	run: compare,
}

// results is all that was measured.
type results struct {
	names []string
	// by server name
	starts map[string][]time.Duration
	idle   map[string]usage
	loaded map[string]usage
	// by workload, then by server name
	samples map[string]map[string][]sample
	// by way of recording
	short, warm map[string][]trainingSample
}

func newResults(chosen []subject) *results {
	out := &results{
		starts: map[string][]time.Duration{}, idle: map[string]usage{}, loaded: map[string]usage{},
		samples: map[string]map[string][]sample{},
	}
	for _, s := range chosen {
		out.names = append(out.names, s.name)
	}
	return out
}

// compare takes all measurements beside MLflow.
func compare(ctx context.Context, b *bench) error {
	var chosen []subject
	for _, s := range subjects(b.cairn, b.python) {
		if strings.HasPrefix(s.name, b.only) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return fmt.Errorf("no server's name begins with %q", b.only)
	}
	directory, out := b.database.directory, newResults(chosen)
	if err := out.measureStarts(ctx, chosen, directory, b.starts); err != nil {
		return err
	}
	servers, err := startSeeded(ctx, chosen, directory)
	defer stopAll(servers)
	if err != nil {
		return err
	}
	if err := compareSearches(servers); err != nil {
		return err
	}
	if err := out.measureRequests(ctx, servers, b.rounds, b.duration); err != nil {
		return err
	}
	var cairn, mlflow *server
	for _, s := range servers {
		if out.loaded[s.name], err = usageOf(s.pid()); err != nil {
			return err
		}
		switch s.name {
		case "Cairn":
			cairn = s
		case "MLflow":
			mlflow = s
		}
	}
	out.short, out.warm, err = trainings(ctx, ways(b.cairn, cairn, mlflow), b.python, filepath.Join(directory, "training"), b.trainings)
	if err != nil {
		return err
	}
	if b.only == "" {
		b.take.Limits = out.limits()
	}
	b.take.Grids = out.grids()
	return nil
}

// stopAll stops servers; one that does not stop is told of, since its results are there already.
func stopAll(servers []*server) {
	for _, s := range servers {
		if s == nil { // it did not start
			continue
		}
		if err := s.stop(); err != nil {
			progress("%v", err)
		}
	}
}

// measureStarts starts every server on empty directories, in turns.
func (r *results) measureStarts(ctx context.Context, chosen []subject, directory string, rounds int) error {
	for round := range rounds {
		for i, kind := range chosen {
			s, err := kind.start(ctx, filepath.Join(directory, fmt.Sprintf("start-%d-%d", round, i)))
			if err != nil {
				return err
			}
			progress("start %d, %s: %.0f ms", round+1, s.name, milliseconds(s.startup))
			r.starts[s.name] = append(r.starts[s.name], s.startup)
			if round == rounds-1 {
				err = awaitIdle(ctx, s)
				if err == nil {
					r.idle[s.name], err = usageOf(s.pid())
				}
			}
			if err := errors.Join(err, s.stop()); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitIdle waits until a server has no more to do for its start: MLflow goes on
// starting processes after it is healthy, and their work must not count as that of
// the requests.
func awaitIdle(ctx context.Context, s *server) error {
	ctx, cancel := context.WithTimeout(ctx, idleTimeout)
	defer cancel()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	before, began := time.Duration(0), time.Now()
	for quiet := 0; quiet < 2; {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not idle %s after its start: %w", s.name, idleTimeout, ctx.Err())
		case <-ticker.C:
		}
		used, err := cpuOf(s.pid())
		if err != nil {
			return err
		}
		now := time.Now()
		if (used - before).Seconds() < idleShare*now.Sub(began).Seconds() {
			quiet++
		} else {
			quiet = 0
		}
		before, began = used, now
	}
	return nil
}

// startSeeded starts all servers, filled with the same runs. MLflow takes long to
// fill, so that is done once for all kinds of it.
func startSeeded(ctx context.Context, chosen []subject, directory string) ([]*server, error) {
	var out []*server
	filled := map[string]string{}
	for i, kind := range chosen {
		home := filepath.Join(directory, fmt.Sprintf("server-%d", i))
		product, _, _ := strings.Cut(kind.name, ",")
		if filled[product] == "" {
			began := time.Now()
			if err := fill(ctx, kind, filepath.Join(directory, "seed-"+product)); err != nil {
				return out, err
			}
			progress("%s filled with %d runs in %.1f s", product, seedRuns, time.Since(began).Seconds())
			filled[product] = filepath.Join(directory, "seed-"+product)
		}
		if err := os.CopyFS(home, os.DirFS(filled[product])); err != nil {
			return out, err
		}
		if err := os.Remove(filepath.Join(home, "server.log")); err != nil {
			return out, err
		}
		s, err := kind.start(ctx, home)
		if err != nil {
			return out, err
		}
		out = append(out, s)
	}
	for _, s := range out {
		if err := awaitIdle(ctx, s); err != nil {
			return out, err
		}
	}
	return out, nil
}

// fill starts a server in directory, seeds it and stops it.
func fill(ctx context.Context, kind subject, directory string) error {
	s, err := kind.start(ctx, directory)
	if err != nil {
		return err
	}
	return errors.Join(seed(s.addr), s.stop())
}

// compareSearches checks that all servers find the same runs in the same order:
// a fast answer counts only if it is the right one.
func compareSearches(servers []*server) error {
	bodies := searches("")
	for n := range filters {
		var first []string
		for i, s := range servers {
			names, err := found(s, bodies(n))
			if err != nil {
				return fmt.Errorf("search %q on %s: %w", filters[n].filter, s.name, err)
			}
			if i == 0 {
				first = names
			} else if !slices.Equal(first, names) {
				return fmt.Errorf("search %q ordered by %q: %s and %s find different runs", filters[n].filter, filters[n].order, servers[0].name, s.name)
			}
		}
		progress("search %d finds %d runs on a page", n+1, len(first))
	}
	return nil
}

// found sends a search and returns the names of the runs, in their order. Each run
// starts at a time of its own, which decides between runs that are otherwise equal.
func found(s *server, body []byte) ([]string, error) {
	c, err := dial(s.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	page, err := searchPage(c, body)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, run := range page.Runs {
		if len(run.Data.Metrics) == 0 || len(run.Data.Params) == 0 || len(run.Data.Tags) == 0 {
			return nil, fmt.Errorf("run %s came without its metrics, params or tags", run.Info.Name)
		}
		out = append(out, run.Info.Name)
	}
	return out, nil
}

// measureRequests sends every workload to every server, servers in turns, and each
// round begun by another, so that what disturbs the machine disturbs all alike.
func (r *results) measureRequests(ctx context.Context, servers []*server, rounds int, duration time.Duration) error {
	for round := range rounds {
		for _, w := range workloads() {
			if r.samples[w.name] == nil {
				r.samples[w.name] = map[string][]sample{}
			}
			for i := range servers {
				s := servers[(i+round)%len(servers)]
				got, err := w.measure(ctx, s, duration)
				if err != nil {
					return err
				}
				progress("round %d, %s, %s: %.1f/s, %.3f CPU s per 1,000", round+1, w.name, s.name, got.perSecond(), got.cpuPerThousand())
				r.samples[w.name][s.name] = append(r.samples[w.name][s.name], got)
			}
		}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/cairnml/cairn/internal/autolog"
	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/project"
)

// appearTime is how long --detach waits for the run to be on the server, so that whoever gets its id finds it.
const appearTime = 15 * time.Second

// detach gets the project ready, so that mistakes and questions are seen here, and leaves the rest to a process of its own.
func (p *projectRun) detach(ctx context.Context) error {
	r := p.command
	if r.sweeps() {
		all, _, err := (project.Sweep{Random: r.Random, Seed: r.Seed}).Combinations(r.Param)
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		p.params = all[0]
	}
	plan, err := p.prepare(ctx)
	if err != nil {
		return err
	}
	if err := plan.Close(); err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	home, err := autolog.Home()
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	log := project.LogFile(home, p.runID)
	ended, err := p.startDetached(log, plan.Checkout.Commit)
	if err != nil {
		return err
	}
	if err := p.awaitDetached(ctx, ended, log); err != nil {
		return err
	}
	p.say("runs by itself; cairn runs logs -f %s shows its output, cairn runs stop %s ends it", p.runID, p.runID)
	return put(p.std.out, p.runID+"\n")
}

// startDetached starts this command line once more, at the commit that was shown. ended tells when it has.
func (p *projectRun) startDetached(log, commit string) (ended <-chan struct{}, err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		return nil, fmt.Errorf("make directory of logs: %w", err)
	}
	output, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // below the agent's home
	if err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	defer func() { _ = output.Close() }()
	args := append(slices.Clone(os.Args[1:]), "--as", p.runID)
	if commit != "" {
		args = append(args, "--version", commit)
	}
	command := exec.Command(program, args...) //nolint:gosec,noctx // this program, which outlives this process
	command.Stdout, command.Stderr = output, output
	project.Detach(command)
	if err := command.Start(); err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the run could not be started: %v", err)
	}
	// Waited for as long as this process lives; the run outlives it.
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = command.Wait()
	}()
	return done, nil
}

// awaitDetached waits until the run is on the server, or its process has ended.
func (p *projectRun) awaitDetached(ctx context.Context, ended <-chan struct{}, log string) error {
	c, err := p.command.open()
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := context.WithTimeout(ctx, appearTime)
	defer stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		found, err := client.RunExperiment(ctx, c, p.runID)
		if err == nil && found.Run != nil {
			return nil
		}
		if errs.Is(err, errs.Unavailable) {
			p.say("the server does not answer; what is recorded waits for cairn sync")
			return nil
		}
		select {
		case <-ended:
			return errs.New(errs.Unavailable, "the run ended at once; %s says why", log)
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

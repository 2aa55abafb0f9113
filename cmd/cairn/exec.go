package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/cairnml/cairn/internal/autolog"
)

type execCommand struct {
	connection
	Experiment string            `short:"e" placeholder:"E" help:"The experiment of the run, by name; made when it is not there."`
	RunName    string            `name:"run-name" placeholder:"N" help:"The name of the run (default: one is made up)."`
	Tag        map[string]string `mapsep:"none" placeholder:"K=V" help:"A tag of the run; may be given more than once."`
	NoDiff     bool              `name:"no-diff" help:"Leave out what is not committed of the code."`
	Command    []string          `arg:"" passthrough:"partial" help:"The command, after --."`
}

func (e *execCommand) Run(ctx context.Context) error {
	command := e.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	code, err := autolog.Exec(ctx, autolog.ExecOptions{
		Command: command, Server: e.Server, Experiment: e.Experiment, RunName: e.RunName, Tags: e.Tag, NoDiff: e.NoDiff,
	})
	if err != nil {
		return usageError{err} // whatever else fails, the command runs
	}
	if code != 0 {
		return exitCode(code)
	}
	return nil
}

func interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}

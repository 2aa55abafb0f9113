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
	choices
	Command []string `arg:"" passthrough:"partial" help:"The command, after --."`
}

// choices are what of a training is recorded; the file cairn.toml says the same of all trainings below its directory.
type choices struct {
	Models      string   `name:"autolog-models" placeholder:"on|off" help:"Whether models and copies of checkpoints are recorded (default: on)."`
	EveryNSteps int      `name:"autolog-every-n-steps" placeholder:"N" help:"Record every Nth step what is not recorded at each."`
	Include     []string `name:"autolog-include" sep:"none" placeholder:"PATTERN" help:"Record only metrics, params and artifacts of such names (* is any text); may be given more than once."`
	Exclude     []string `name:"autolog-exclude" sep:"none" placeholder:"PATTERN" help:"Leave out metrics, params and artifacts of such names; may be given more than once."`
}

func (c choices) chosen() autolog.Choices {
	return autolog.Choices{Models: c.Models, EveryNSteps: c.EveryNSteps, Include: c.Include, Exclude: c.Exclude}
}

func (e *execCommand) Run(ctx context.Context) error {
	command := e.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	code, err := autolog.Exec(ctx, autolog.ExecOptions{
		Command: command, Server: e.Server, Experiment: e.Experiment, RunName: e.RunName, Tags: e.Tag, NoDiff: e.NoDiff,
		Choices: e.chosen(),
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

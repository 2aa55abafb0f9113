package main

import (
	"context"

	"github.com/cairnml/cairn/internal/autolog"
)

// agentCommand is started by `cairn exec` for its command, and by `cairn.autolog()` for a notebook.
type agentCommand struct {
	connection
	Serve      bool   `help:"Record what connects, without a command; ends with standard input."`
	Spool      string `placeholder:"DIR" help:"The spool that exec made."`
	Experiment string `help:"The experiment of the run."`
	RunName    string `name:"run-name" help:"The name of the run."`
	choices
	Warning string `help:"A warning that is shown on the run."`
}

func (a *agentCommand) Run(ctx context.Context, std streams) error {
	return autolog.RunAgent(ctx, autolog.AgentOptions{ //nolint:wrapcheck // said by the agent
		Spool: a.Spool, Serve: a.Serve, Server: a.Server, Experiment: a.Experiment, RunName: a.RunName, Warning: a.Warning,
		Choices: a.chosen(),
		Stdin:   std.in, Stdout: std.out, Log: std.err,
	})
}

package main

import (
	"context"
	"time"

	"github.com/cairnml/cairn/internal/autolog"
	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/project"
)

type runsStop struct {
	connection
	Run_    string        `arg:"" name:"run" help:"The run's id."`
	Timeout time.Duration `env:"-" default:"30s" help:"How long to wait until it has ended (default: 30s)."`
}

func (s *runsStop) Run(ctx context.Context, std streams) error {
	home, err := autolog.Home()
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if !runIDForm.MatchString(s.Run_) {
		return errs.Field("RUN", "%.50q is no id of a run: it has 32 hex digits", s.Run_)
	}
	waiting, stop := context.WithTimeout(ctx, s.Timeout)
	defer stop()
	err = project.Stop(waiting, home, s.Run_)
	if errs.Is(err, errs.NotFound) {
		return s.elsewhere(ctx, err)
	}
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	return put(std.out, "stopped "+s.Run_+"\n")
}

// elsewhere says what the server knows of a run that does not go on here.
func (s *runsStop) elsewhere(ctx context.Context, notHere error) error {
	c, err := s.open()
	if err != nil {
		return err
	}
	defer c.Close()
	answer, err := client.ShowRun(ctx, c, s.Run_, false)
	switch {
	case err != nil:
		return notHere
	case answer.Run == nil:
		return noSuchRun(s.Run_)
	case answer.Run.Status != client.RunStatusRunning:
		return errs.New(errs.Conflict, "the run %s has ended already: %s", s.Run_, answer.Run.Status)
	}
	return errs.New(errs.NotFound, "the run %s goes on, but was not started by `cairn run` on this machine by you: stop it where it was started", s.Run_)
}

package main

import (
	"context"
	"os"
	"os/signal"
	"time"

	"github.com/cairnml/cairn/internal/client"
)

type runsLogs struct {
	connection
	Run_   string `arg:"" name:"run" help:"The run's id."`
	Follow bool   `short:"F" help:"Go on until the run ends."`
}

const (
	logPage = 1000
	// followInterval is how often a run that goes on is asked for more.
	followInterval = time.Second
)

func (l *runsLogs) Run(ctx context.Context, std streams) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	c, err := l.open()
	if err != nil {
		return err
	}
	defer c.Close()
	ticker := time.NewTicker(followInterval)
	defer ticker.Stop()
	var after int64
	for {
		answer, err := client.ReadRunLog(ctx, c, l.Run_, after, logPage)
		if err != nil {
			if ctx.Err() != nil {
				return nil // interrupted by who watches: that is how following ends
			}
			return err //nolint:wrapcheck // an error for users already
		}
		if answer.Run == nil {
			return noSuchRun(l.Run_)
		}
		for _, chunk := range answer.Run.Log {
			out := std.out
			if chunk.Stream == client.LogStreamStderr {
				out = std.err
			}
			if err := put(out, chunk.Text); err != nil {
				return err
			}
			after = chunk.Sequence
		}
		switch {
		case len(answer.Run.Log) == logPage:
			continue
		case !l.Follow, answer.Run.Status != client.RunStatusRunning && answer.Run.Status != client.RunStatusScheduled:
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

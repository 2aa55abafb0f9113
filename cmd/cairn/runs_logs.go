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
	JSON   bool   `name:"json" help:"Print each piece of output as one line of JSON: sequence, stream, time and text."`
	Follow bool   `short:"f" help:"Go on until the run ends."`
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
			if err := l.show(chunk, std); err != nil {
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

// show writes what the run wrote to where it wrote it.
func (l *runsLogs) show(chunk client.LogPiece, std streams) error {
	if l.JSON {
		return putJSONLine(std.out, chunk)
	}
	if chunk.Stream == client.LogStreamStderr {
		return put(std.err, chunk.Text)
	}
	return put(std.out, chunk.Text)
}

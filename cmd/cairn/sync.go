package main

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/internal/autolog"
	"github.com/cairnml/cairn/internal/errs"
)

type syncCommand struct {
	Server string `placeholder:"URL" help:"Deliver everything there (default: CAIRN_SERVER, else to the server that each command recorded for). The token comes from CAIRN_TOKEN or MLFLOW_TRACKING_TOKEN."`
	listing
}

func (s *syncCommand) Run(ctx context.Context, std streams) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	options := autolog.SyncOptions{Server: s.Server}
	if !s.JSON {
		options.Progress = func(spool autolog.SyncedSpool) {
			// Progress is for who watches; when nobody can be told, delivery goes on.
			_ = put(std.err, showSpool(spool))
		}
	}
	report, err := autolog.Sync(ctx, options)
	if err != nil {
		return err //nolint:wrapcheck // said by the agent
	}
	if s.JSON {
		if err := putJSON(std.out, report); err != nil {
			return err
		}
	} else if err := put(std.out, fmt.Sprintf("delivered %d, kept %d, in use %d\n", report.Delivered, report.Kept, report.InUse)); err != nil {
		return err
	}
	if report.Kept > 0 {
		return errs.New(errs.Unavailable, "%d of %d recordings could not be delivered and are kept; run `cairn sync` again once the server is there", report.Kept, len(report.Spools))
	}
	return nil
}

func showSpool(spool autolog.SyncedSpool) string {
	line := spool.ExecID + ": " + spool.Outcome
	if spool.Outcome == autolog.SyncDelivering {
		line += " to " + spool.Server + " …"
	}
	if spool.Pending > 0 {
		line += fmt.Sprintf(", %d records wait", spool.Pending)
	}
	if spool.Rejected > 0 {
		line += fmt.Sprintf(", %d were refused by the server", spool.Rejected)
	}
	if spool.Why != "" {
		line += ": " + spool.Why
	}
	return printable(line) + "\n"
}

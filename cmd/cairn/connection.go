package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

// connection is the flag of every command that speaks to a server.
type connection struct {
	Server string `placeholder:"URL" help:"Server (default: CAIRN_SERVER, MLFLOW_TRACKING_URI, else http://127.0.0.1:5000). The token comes from CAIRN_TOKEN or MLFLOW_TRACKING_TOKEN."`
}

func (c connection) open() (*client.Client, error) {
	return client.New(client.FromEnvironment(c.Server)) //nolint:wrapcheck // an error for users already
}

// listing is the flag of every command that lists.
type listing struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// checkLimit refuses a --limit that asks for nothing.
func checkLimit(limit int) error {
	if limit < 1 {
		return errs.Field("--limit", "must be at least 1, not %d", limit)
	}
	return nil
}

// destructive are the flags of every command that deletes.
type destructive struct {
	Yes    bool `short:"y" env:"-" help:"Do not ask."`
	DryRun bool `name:"dry-run" env:"-" help:"Say what would be done, and do nothing."`
}

// confirmed tells whether to go on: it asks, and refuses where nobody answers.
func (d destructive) confirmed(std streams, what string) (bool, error) {
	if d.DryRun {
		return false, put(std.out, "would "+what+"\n")
	}
	if d.Yes {
		return true, nil
	}
	if err := put(std.err, fmt.Sprintf("This will %s. Go on? [y/N] ", what)); err != nil {
		return false, err
	}
	answer, err := bufio.NewReader(std.in).ReadString('\n')
	if err != nil && answer == "" {
		return false, errs.Wrap(errs.Invalid, err, "nobody answered, and nothing was done: add --yes to go on without a question, or --dry-run to see what would be done")
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return false, put(std.err, "Nothing was done.\n")
	}
	return true, nil
}

// experimentIDs turns names and ids of experiments into ids. A number is an id, as everywhere.
func experimentIDs(ctx context.Context, c *client.Client, given []string) ([]string, error) {
	ids := make([]string, 0, len(given))
	for _, text := range given {
		id, err := experimentID(ctx, c, text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func experimentID(ctx context.Context, c *client.Client, text string) (string, error) {
	if text != "" && strings.Trim(text, "0123456789") == "" {
		return text, nil
	}
	if id, found := strings.CutPrefix(text, "experiment:"); found {
		return id, nil
	}
	answer, err := client.ExperimentByName(ctx, c, text)
	if err != nil {
		return "", err //nolint:wrapcheck // an error for users already
	}
	if answer.Experiment == nil {
		return "", errs.New(errs.NotFound, "there is no experiment %q; `cairn experiments list` names those that are there", text)
	}
	return answer.Experiment.ExperimentId, nil
}

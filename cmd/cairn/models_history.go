package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type modelsHistory struct {
	connection
	listing
	Name  string `arg:"" help:"The name that the model has, or had."`
	At    string `placeholder:"TIME" help:"What was in the stage then: 2026-11-26 (at the end of that day), '2026-11-26 14:30' or 2026-11-26T14:30:00Z."`
	Stage string `default:"Production" placeholder:"STAGE" help:"The stage of --at (default: Production)."`
	Limit int    `short:"n" default:"50" help:"At most so many entries."`
}

// Help is shown by --help, below the line of modelCommands.
func (h *modelsHistory) Help() string {
	return "Entries are only appended, and each has the hash of the one before it: `cairn db check` finds what was changed. " +
		"The history of a model that was renamed or deleted is found by the name that it had."
}

func (h *modelsHistory) Run(ctx context.Context, std streams) error {
	if err := checkLimit(h.Limit); err != nil {
		return err
	}
	return withModels(ctx, h.connection, h.Name, func(c *client.Client) error {
		if h.At != "" {
			return h.at(ctx, c, std)
		}
		found := []client.HistoryEntry{}
		var after *string
		for len(found) < h.Limit {
			page, err := client.ModelHistory(ctx, c, h.Name, min(pageSize, h.Limit-len(found)), after)
			if err != nil {
				return err //nolint:wrapcheck // an error for users already
			}
			for _, edge := range page.ModelHistory.Edges {
				found = append(found, edge.Node)
			}
			if !page.ModelHistory.PageInfo.HasNextPage {
				break
			}
			after = page.ModelHistory.PageInfo.EndCursor
		}
		if h.JSON {
			return putJSON(std.out, found)
		}
		return historyTable(found).write(std.out)
	})
}

func (h *modelsHistory) at(ctx context.Context, c *client.Client, std streams) error {
	at, err := parseMoment(h.At)
	if err != nil {
		return err
	}
	stage, err := parseStage(h.Stage)
	if err != nil {
		return err
	}
	answer, err := client.ModelStageAt(ctx, c, h.Name, stage, at)
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	switch {
	case h.JSON:
		return putJSON(std.out, answer.ModelStageAt)
	case len(answer.ModelStageAt) == 0:
		return put(std.out, fmt.Sprintf("Nothing was in %s of %s at %s.\n", stage, printable(h.Name), showTime(at)))
	}
	t := newTable(">VERSION", "SINCE", "BY", "WHY")
	for _, e := range answer.ModelStageAt {
		t.add(strconv.Itoa(e.Version), showTime(e.Time), e.Principal, short(e.Reason))
	}
	return t.write(std.out)
}

func historyTable(entries []client.HistoryEntry) *table {
	t := newTable(">ENTRY", "TIME", "WHAT", ">VERSION", "FROM", "TO", "BY", "WHY")
	for _, e := range entries {
		version := ""
		if e.Version > 0 {
			version = strconv.Itoa(e.Version)
		}
		what := strings.ToLower(strings.ReplaceAll(string(e.Action), "_", " "))
		if e.Detail != "" {
			what += ": " + e.Detail
		}
		t.add(strconv.FormatInt(e.Sequence, 10), showTime(e.Time), short(what), version, e.FromStage, e.ToStage, e.Principal, short(e.Reason))
	}
	return t
}

// parseMoment reads a time, in this machine's zone when it names none. A day is meant up to its end.
func parseMoment(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return t.AddDate(0, 0, 1).Add(-time.Millisecond), nil
	}
	return time.Time{}, errs.Field("--at", "%q is no time: write 2026-11-26, '2026-11-26 14:30' or 2026-11-26T14:30:00Z", printable(text))
}

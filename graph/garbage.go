package graph

import (
	"context"
	"time"

	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/gc"
)

// collectTime is for how long one request collects garbage: a client that goes on asking sees how far it is.
const collectTime = 2 * time.Second

func (r *Resolver) garbage(ctx context.Context, before int64) (*gc.Doomed, error) {
	c, err := r.Garbage.Survey(ctx, time.UnixMilli(before))
	return &c, err
}

func (r *Resolver) collectGarbage(ctx context.Context, before int64) (*gc.Collected, error) {
	c, more, err := r.Garbage.Collect(ctx, gc.Options{Before: time.UnixMilli(before), Within: collectTime, Yield: true})
	if c != (gc.Removed{}) {
		by, _ := auth.From(ctx)
		r.options.Logger.InfoContext(ctx, "what was deleted long ago was removed", "by", by.Name, "runs", c.Runs, "experiments", c.Experiments,
			"models", c.Models, "points", c.Points, "files", c.Files)
	}
	return &gc.Collected{Removed: c, More: more}, err
}

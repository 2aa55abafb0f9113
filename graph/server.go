package graph

import (
	"context"
	"time"

	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/tracking"
)

// countTime is for how long a database's contents are counted, and for how long they are measured, before they are estimated.
const countTime = 2 * time.Second

func (r *Resolver) serverFacts() *model.Server {
	l := r.options.Limits
	return &model.Server{
		Version: r.options.Version, MultipartUploads: r.Artifacts.TakesParts(), SignedDownloads: r.Artifacts.GivesURLs(),
		MaxArtifactBytes: r.options.MaxArtifactBytes, RegisteredOperationsOnly: r.options.Operations != nil,
		Limits: &model.OperationLimits{
			Depth: l.Depth, Aliases: l.Aliases, Fields: l.Fields, Breadth: l.Breadth, Tokens: l.Tokens, Cost: l.Cost, BodyBytes: r.options.MaxBody,
		},
	}
}

func (r *Resolver) databaseStatus(ctx context.Context) (*model.DatabaseStatus, error) {
	u, schema, err := r.Metrics.Usage(ctx, countTime)
	if err != nil {
		return nil, err
	}
	out := &model.DatabaseStatus{
		Kind: model.DatabaseKindSQLIte, SchemaVersion: schema.Database, KnownSchemaVersion: schema.Program,
		Runs: u.Runs.All, DeletedRuns: u.Runs.Deleted, Series: u.Series, Points: u.Points, Estimated: u.Estimated,
		Bytes: u.Size.Total, FreeBytes: u.Size.Free, LogBytes: u.Size.Log,
		WaitingBatches: u.Backlog.Batches, WaitingPoints: u.Backlog.Points, OldestWaiting: u.Backlog.Oldest,
		Compactors: make([]*model.HeldLease, len(u.Leases)),
	}
	if r.Metrics.Postgres() {
		out.Kind = model.DatabaseKindPostgresql
	}
	if u.Tables != nil {
		bytes := u.Metrics()
		out.MetricBytes = &bytes
	}
	for i, l := range u.Leases {
		out.Compactors[i] = &model.HeldLease{Name: l.Name, Owner: l.Owner, ExpiresAt: l.Expires}
	}
	return out, nil
}

const defaultHistory = 10_000

// metricHistory answers Query.metricHistory.
func (r *Resolver) metricHistory(ctx context.Context, id, key string, first *int, after *string) (*model.MetricHistory, error) {
	if err := tracking.CheckKey("key", key); err != nil {
		return nil, err
	}
	from, err := numberCursor(after)
	if err != nil {
		return nil, err
	}
	runID, err := parsed(tracking.ParseRunID, "run", id)
	if err != nil {
		return nil, err
	}
	run, err := r.Tracking.Run(ctx, runID)
	if err != nil {
		return nil, err
	}
	page, err := r.Metrics.History(ctx, run.ID, key, int(from), valueOr(first, defaultHistory))
	if err != nil {
		return nil, err
	}
	return shownHistory(page), nil
}

func shownHistory(page metric.History) *model.MetricHistory {
	out := &model.MetricHistory{
		StepScale: int(page.StepScale), Steps: packed(page.Steps), Times: packed(page.Times), Values: packed(page.Values), Incomplete: page.Incomplete,
	}
	if page.Next >= 0 {
		cursor := changeCursor(int64(page.Next))
		out.EndCursor = &cursor
	}
	return out
}

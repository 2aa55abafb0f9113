// Package page has the connection types of the API that know more than what they show: how to count all matches, which
// happens only when a query asks for it.
package page

import (
	"context"

	"github.com/cairnml/cairn/graph/model"
)

// Count counts all matches of the query that a page is of.
type Count func(ctx context.Context) (int, error)

// RunConnection is a page of runs.
type RunConnection struct {
	Edges    []*model.RunEdge
	PageInfo *model.PageInfo
	Count    Count
}

// TotalCount counts all matches.
func (c *RunConnection) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

// ExperimentConnection is a page of experiments.
type ExperimentConnection struct {
	Edges    []*model.ExperimentEdge
	PageInfo *model.PageInfo
	Count    Count
}

// TotalCount counts all matches.
func (c *ExperimentConnection) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

// MetricConnection is a page of a run's metrics.
type MetricConnection struct {
	Edges    []*model.MetricEdge
	PageInfo *model.PageInfo
	Count    Count
}

// TotalCount counts all metrics below the prefix.
func (c *MetricConnection) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

// FacetValueConnection is a page of the values that runs have.
type FacetValueConnection struct {
	Edges    []*model.FacetValueEdge
	PageInfo *model.PageInfo
	Count    Count
}

// TotalCount counts all values.
func (c *FacetValueConnection) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

// RegisteredModelConnection is a page of registered models.
type RegisteredModelConnection struct {
	Edges    []*model.RegisteredModelEdge
	PageInfo *model.PageInfo
	Count    Count
}

// TotalCount counts all matches.
func (c *RegisteredModelConnection) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

// ModelVersionConnection is a page of model versions.
type ModelVersionConnection struct {
	Edges    []*model.ModelVersionEdge
	PageInfo *model.PageInfo
	Count    Count
}

// TotalCount counts all matches.
func (c *ModelVersionConnection) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

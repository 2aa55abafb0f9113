package model

import (
	"github.com/cairnml/cairn/graph/scalar"
	"github.com/cairnml/cairn/internal/metric"
)

// AppendedSeries is what came to a series. Many subscriptions may share one, whose columns are encoded once for all of them.
type AppendedSeries struct {
	RunID, Key           string
	StepScale            int
	Steps, Times, Values *scalar.Packed
	// Columns are the same, not encoded.
	Columns *metric.Columns
}

// NewAppendedSeries makes one of columns, which are not changed any more.
func NewAppendedSeries(runID string, c *metric.Columns) *AppendedSeries {
	return &AppendedSeries{
		RunID: runID, Key: c.Key, StepScale: int(c.StepScale), Columns: c,
		Steps: scalar.PackInts(c.Steps), Times: scalar.PackInts(c.Times), Values: scalar.PackFloats(c.Values),
	}
}

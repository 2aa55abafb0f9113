package training

import (
	"fmt"
	"time"

	"github.com/cairnml/cairn/plugins/sdk"
)

// Points are points of metrics as cairn.Points sends them: columns of equal length, Values by metric. A value that a metric has
// not at a step is null.
type Points struct {
	// Steps of the points, and the times at which they were measured in milliseconds since 1970.
	Steps  []int64                 `json:"steps"`
	Times  []int64                 `json:"times"`
	Values map[string][]*sdk.Float `json:"values"`
	// Measurements are the keys among Values that are no results.
	Measurements []string `json:"measurements"`
}

// Metrics records the points, metric by metric in the order of their names.
func (p Points) Metrics(run string) ([]sdk.Record, error) {
	if len(p.Times) != len(p.Steps) {
		return []sdk.Record{}, fmt.Errorf("%d times for %d steps", len(p.Times), len(p.Steps))
	}
	measured := map[string]bool{}
	for _, name := range p.Measurements {
		measured[name] = true
	}
	records := make([]sdk.Record, 0, len(p.Steps)*len(p.Values))
	for _, name := range Sorted(p.Values) {
		column := p.Values[name]
		if len(column) != len(p.Steps) {
			return []sdk.Record{}, fmt.Errorf("%s has %d values for %d steps", name, len(column), len(p.Steps))
		}
		for i, value := range column {
			if value != nil {
				records = append(records, sdk.Metric{
					Run: run, Key: Key(name), Value: float64(*value), Step: p.Steps[i], Time: time.UnixMilli(p.Times[i]),
					Measurement: measured[name],
				})
			}
		}
	}
	return records, nil
}

// Observed records an observation that holds points of the fit's own run.
func Observed(o sdk.Observation) ([]sdk.Record, error) {
	var p Points
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	return p.Metrics("")
}

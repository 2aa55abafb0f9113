package training

import (
	"fmt"

	"github.com/cairnml/cairn/plugins/sdk"
)

// End records how long a fit of what is named took and, if it failed, why.
func End(o sdk.Observation, what string) ([]sdk.Record, error) {
	var p struct {
		Status  string    `json:"status"`
		Seconds sdk.Float `json:"seconds"`
		Error   string    `json:"error"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	records := []sdk.Record{sdk.Metric{Key: "fit_time", Value: float64(p.Seconds), Measurement: true}}
	if p.Status == sdk.Failed {
		records = append(records, sdk.Warning{Message: fmt.Sprintf("fit of %s failed: %s", what, p.Error)})
	}
	return records, nil
}

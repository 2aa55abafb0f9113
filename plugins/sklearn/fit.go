package main

import (
	"cmp"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

// maxCalls bounds the calls listed in metric_info.json, which is written anew for each.
const maxCalls = 200

// start records what is known before a fit: the estimator, its params, its seeds.
func (f *fit) start(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Estimator string            `json:"estimator"`
		Class     string            `json:"class"`
		Params    map[string]string `json:"params"`
		Seeds     map[string]string `json:"seeds"`
		Version   string            `json:"version"`
		// Autologging is the framework that knows the estimator best, where that is another.
		Autologging string `json:"autologging"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	f.estimator, f.class, f.params, f.version, f.started = p.Estimator, p.Class, p.Params, p.Version, o.Time
	records := training.EstimatorTags("", cmp.Or(p.Autologging, framework), p.Estimator, p.Class)
	records = append(records, training.Seed(p.Seeds)...)
	return append(records, training.Params("", p.Params)...), nil
}

func (f *fit) trainingMetrics(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Metrics map[string]sdk.Float `json:"metrics"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	records := make([]sdk.Record, 0, len(p.Metrics))
	for _, name := range training.Sorted(p.Metrics) {
		records = append(records, f.metric(name, p.Metrics[name]))
	}
	return records, nil
}

// metric is a result of the fit's run, and of the model that follows.
func (f *fit) metric(name string, value sdk.Float) sdk.Metric {
	m := sdk.Metric{Key: training.Key(name), Value: float64(value)}
	f.metrics = append(f.metrics, m.Key)
	return m
}

// evaluation is a metric of the user's own calls after the fit. metric_info.json says which call gave which metric.
func (f *fit) evaluation(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Key   string    `json:"key"`
		Value sdk.Float `json:"value"`
		Call  string    `json:"call"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	records := []sdk.Record{sdk.Metric{Key: training.Key(p.Key), Value: float64(p.Value), Model: training.ModelName}}
	if len(f.calls) < maxCalls {
		f.calls[training.Key(p.Key)] = p.Call
		listing, err := training.Document(f.calls)
		if err != nil {
			return records, err
		}
		records = append(records, sdk.File{Path: "metric_info.json", Data: listing})
	}
	return records, nil
}

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/plugins/sdk"
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
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	f.estimator, f.class, f.params, f.version, f.started = p.Estimator, p.Class, p.Params, p.Version, o.Time
	records := estimatorTags("", p.Estimator, p.Class)
	if seed := seeds(p.Seeds); seed != "" {
		records = append(records, sdk.Tag{Key: "cairn.seed", Value: seed})
	}
	return append(records, params("", p.Params)...), nil
}

func estimatorTags(run, name, class string) []sdk.Record {
	return []sdk.Record{
		sdk.Tag{Run: run, Key: "mlflow.autologging", Value: "sklearn"},
		sdk.Tag{Run: run, Key: "estimator_name", Value: name},
		sdk.Tag{Run: run, Key: "estimator_class", Value: class},
	}
}

func params(run string, values map[string]string) []sdk.Record {
	records := make([]sdk.Record, 0, len(values))
	for _, name := range sorted(values) {
		records = append(records, sdk.Param{Run: run, Key: key(name), Value: values[name]})
	}
	return records
}

// seeds is the seed itself when the estimator has one, else all of them by the names of their params.
func seeds(values map[string]string) string {
	if only, ok := values["random_state"]; ok && len(values) == 1 {
		return only
	}
	parts := make([]string, 0, len(values))
	for _, name := range sorted(values) {
		parts = append(parts, name+"="+values[name])
	}
	return strings.Join(parts, ",")
}

func (f *fit) trainingMetrics(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Metrics map[string]sdk.Float `json:"metrics"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	records := make([]sdk.Record, 0, len(p.Metrics))
	for _, name := range sorted(p.Metrics) {
		records = append(records, f.metric(name, p.Metrics[name]))
	}
	return records, nil
}

// metric is a result of the fit's run, and of the model that follows.
func (f *fit) metric(name string, value sdk.Float) sdk.Metric {
	m := sdk.Metric{Key: key(name), Value: float64(value)}
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
	records := []sdk.Record{sdk.Metric{Key: key(p.Key), Value: float64(p.Value), Model: modelName}}
	if len(f.calls) < maxCalls {
		f.calls[key(p.Key)] = p.Call
		listing, err := document(f.calls)
		if err != nil {
			return records, err
		}
		records = append(records, sdk.File{Path: "metric_info.json", Data: listing})
	}
	return records, nil
}

// end records how long the fit took and, if it failed, why.
func (f *fit) end(o sdk.Observation) ([]sdk.Record, error) {
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
		records = append(records, sdk.Warning{Message: fmt.Sprintf("fit of %s failed: %s", f.estimator, p.Error)})
	}
	return records, nil
}

// document is a JSON file for people: indented, with a newline at its end.
func document(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return []byte{}, fmt.Errorf("write JSON: %w", err)
	}
	return append(data, '\n'), nil
}

package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

// candidateTable collects cv_results.csv over the observations of one search.
type candidateTable struct {
	rows []map[string]string
}

// candidates records each candidate of a search as a child run with its params and all that the search knows of it.
func (f *fit) candidates(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		First     int                    `json:"first"`
		Total     int                    `json:"total"`
		Estimator string                 `json:"estimator"`
		Class     string                 `json:"class"`
		Splits    int                    `json:"splits"`
		Params    []map[string]string    `json:"params"`
		Results   map[string][]sdk.Float `json:"results"`
		Best      *int                   `json:"best_index"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	digits := len(strconv.Itoa(max(p.Total-1, 0)))
	var records []sdk.Record
	for i, values := range p.Params {
		at := p.First + i
		run := fmt.Sprintf("candidate-%0*d", digits, at)
		results := map[string]sdk.Float{}
		for name, column := range p.Results {
			if i < len(column) {
				results[name] = column[i]
			}
		}
		began := f.childStart(at)
		records = append(records, sdk.ChildRun{Run: run, Name: fmt.Sprintf("%s-%0*d", p.Estimator, digits, at), Start: began})
		records = append(records, training.EstimatorTags(run, framework, p.Estimator, p.Class)...)
		if p.Best != nil && *p.Best == at {
			records = append(records, sdk.Tag{Run: run, Key: "cairn.search.best", Value: "true"})
		}
		records = append(records, training.Params(run, values)...)
		for _, name := range training.Sorted(results) {
			records = append(records, result(run, name, results[name]))
		}
		records = append(records, sdk.ChildEnd{Run: run, Status: status(results), End: childEnd(began, results, p.Splits, o.Time)})
		f.table.add(values, results)
	}
	if p.First+len(p.Params) >= p.Total {
		listing, err := f.table.csv()
		if err != nil {
			return records, err
		}
		records = append(records, sdk.File{Path: "cv_results.csv", Data: listing})
		f.table = candidateTable{}
	}
	return records, nil
}

// result is a metric of a candidate or fold. Times are measurements: they differ from run to run.
func result(run, name string, value sdk.Float) sdk.Metric {
	return sdk.Metric{Run: run, Key: training.Key(name), Value: float64(value), Measurement: strings.HasSuffix(name, "_time")}
}

// status of a candidate: failed if no split of it has a score, as scikit-learn scores a fit that raised.
func status(results map[string]sdk.Float) string {
	scored, failed := 0, 0
	for name, value := range results {
		if strings.HasPrefix(name, "mean_test_") {
			scored++
			if math.IsNaN(float64(value)) {
				failed++
			}
		}
	}
	if scored > 0 && scored == failed {
		return sdk.Failed
	}
	return sdk.Finished
}

// childStart gives candidates and folds starts of their own, in their order, which is how lists of them are sorted. When one
// really began is not known, since they may run in parallel and in other processes.
func (f *fit) childStart(at int) time.Time {
	return f.started.Add(time.Duration(at) * time.Millisecond)
}

// childEnd is the start plus the time that the candidate's fits and scores took.
func childEnd(began time.Time, results map[string]sdk.Float, splits int, limit time.Time) time.Time {
	if limit.Before(began) {
		return began
	}
	seconds := float64(results["mean_fit_time"]+results["mean_score_time"]) * float64(splits)
	if math.IsNaN(seconds) || seconds < 0 || seconds > limit.Sub(began).Seconds() {
		return limit
	}
	return began.Add(time.Duration(seconds * float64(time.Second)))
}

func (t *candidateTable) add(params map[string]string, results map[string]sdk.Float) {
	row := map[string]string{}
	for name, value := range params {
		row["param_"+name] = value
	}
	for name, value := range results {
		row[name] = number(value)
	}
	t.rows = append(t.rows, row)
}

// csv is the table with the columns of all its rows, in their order.
func (t *candidateTable) csv() ([]byte, error) {
	known := map[string]bool{}
	for _, row := range t.rows {
		for name := range row {
			known[name] = true
		}
	}
	columns := training.Sorted(known)
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	lines := [][]string{columns}
	for _, row := range t.rows {
		line := make([]string, len(columns))
		for i, name := range columns {
			line[i] = row[name]
		}
		lines = append(lines, line)
	}
	if err := w.WriteAll(lines); err != nil {
		return []byte{}, fmt.Errorf("write cv_results.csv: %w", err)
	}
	return b.Bytes(), nil
}

func number(v sdk.Float) string {
	if math.IsNaN(float64(v)) {
		return ""
	}
	return strconv.FormatFloat(float64(v), 'g', -1, 64)
}

// bestCandidate records on the search's own run which candidate won.
func bestCandidate(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Params map[string]string `json:"params"`
		Score  *sdk.Float        `json:"score"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	best := map[string]string{}
	for name, value := range p.Params {
		best["best_"+name] = value
	}
	records := training.Params("", best)
	if p.Score != nil {
		records = append(records, sdk.Metric{Key: "best_cv_score", Value: float64(*p.Score)})
	}
	return records, nil
}

// folds records each fold of a cross-validation as a child run, and mean and deviation over them on the run itself.
func (f *fit) folds(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Results map[string][]sdk.Float `json:"results"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	var records []sdk.Record
	count := 0
	for _, name := range training.Sorted(p.Results) {
		mean, deviation := meanAndDeviation(p.Results[name])
		records = append(records, result("", "mean_"+name, mean), result("", "std_"+name, deviation))
		count = max(count, len(p.Results[name]))
	}
	for i := range count {
		run := fmt.Sprintf("fold-%d", i)
		began := f.childStart(i)
		records = append(records, sdk.ChildRun{Run: run, Name: fmt.Sprintf("%s-fold-%d", f.estimator, i), Start: began})
		records = append(records, training.EstimatorTags(run, framework, f.estimator, f.class)...)
		records = append(records, training.Params(run, f.params)...)
		seconds := 0.0
		for _, name := range training.Sorted(p.Results) {
			if i < len(p.Results[name]) {
				records = append(records, result(run, name, p.Results[name][i]))
				if strings.HasSuffix(name, "_time") {
					seconds += float64(p.Results[name][i])
				}
			}
		}
		end := childEnd(began, map[string]sdk.Float{"mean_fit_time": sdk.Float(seconds)}, 1, o.Time)
		records = append(records, sdk.ChildEnd{Run: run, Status: sdk.Finished, End: end})
	}
	return records, nil
}

func meanAndDeviation(values []sdk.Float) (mean, deviation sdk.Float) {
	for _, v := range values {
		mean += v / sdk.Float(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / sdk.Float(len(values))
	}
	return mean, sdk.Float(math.Sqrt(float64(deviation)))
}

// curvePoint is one point of a learning or validation curve.
func curvePoint(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Metrics map[string]sdk.Float `json:"metrics"`
		Step    int64                `json:"step"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	records := make([]sdk.Record, 0, len(p.Metrics))
	for _, name := range training.Sorted(p.Metrics) {
		records = append(records, sdk.Metric{Key: training.Key(name), Value: float64(p.Metrics[name]), Step: p.Step})
	}
	return records, nil
}

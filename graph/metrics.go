package graph

import (
	"context"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/tracking"
)

const (
	defaultMaxPoints = 1000
	defaultPoints    = 1000
)

// metricOf shapes a series' summary.
func metricOf(m *ent.MetricSeries) *model.Metric {
	step := func(units int64) metric.Step { return metric.Step{Units: units, Scale: m.StepScale} }
	out := &model.Metric{
		Key: m.Key, Role: model.MetricRole(m.Role), Count: m.Count, NanCount: m.NanCount,
		First: &model.MetricPoint{Value: orNaN(m.FirstValue), Step: step(m.FirstStep), Time: m.FirstTime},
		Last:  &model.MetricPoint{Value: orNaN(m.LastValue), Step: step(m.LastStep), Time: m.LastTime},
	}
	if m.MinValue != nil {
		out.Min = &model.MetricExtreme{Value: *m.MinValue, Step: step(m.MinStep)}
	}
	if m.MaxValue != nil {
		out.Max = &model.MetricExtreme{Value: *m.MaxValue, Step: step(m.MaxStep)}
	}
	return out
}

// orNaN reads a value as the database has it, where NULL is NaN.
func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

// readSeries answers Query.metricSeries.
func (r *Resolver) readSeries(
	ctx context.Context, runs, keys []string, axis model.MetricAxis, within *model.MetricRange, maxPoints *int,
) (*model.MetricSeriesResult, error) {
	q := metric.SeriesQuery{Keys: keys, Axis: axes[axis], MaxPoints: valueOr(maxPoints, defaultMaxPoints)}
	if err := bound(&q, within); err != nil {
		return nil, err
	}
	ids, err := runIDs(runs)
	if err != nil {
		return nil, err
	}
	if q.Runs, err = r.Tracking.Runs(ctx, ids); err != nil {
		return nil, err
	}
	series, cursor, err := r.Metrics.Series(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &model.MetricSeriesResult{Series: make([]*model.MetricSeries, len(series)), Cursor: cursor.String()}
	for i := range series {
		out.Series[i] = seriesOf(&series[i])
	}
	return out, nil
}

var axes = map[model.MetricAxis]metric.Axis{
	model.MetricAxisStep: metric.ByStep, model.MetricAxisTime: metric.ByTime, model.MetricAxisRelativeTime: metric.ByRelativeTime,
}

// bound gives the query its range, in the units of its axis.
func bound(q *metric.SeriesQuery, within *model.MetricRange) error {
	if within == nil {
		return nil
	}
	if q.Axis == metric.ByStep {
		q.From, q.To = within.From, within.To
		return nil
	}
	for _, end := range []struct {
		name string
		step *metric.Step
		to   **int64
	}{{"range.from", within.From, &q.FromTime}, {"range.to", within.To, &q.ToTime}} {
		if end.step == nil {
			continue
		}
		at := end.step.Normal()
		if at.Scale != 0 {
			return errs.Field(end.name, "is %s: on an axis of time it is a whole number of milliseconds", at)
		}
		*end.to = &at.Units
	}
	return nil
}

func seriesOf(s *metric.Series) *model.MetricSeries {
	return &model.MetricSeries{
		RunID: s.Run.RunID, Key: s.Key, Exact: s.Exact, Incomplete: s.Incomplete, TotalPoints: s.Total, StepScale: int(s.StepScale),
		Steps: packed(s.Steps), Times: packed(s.Times), Counts: packed(s.Counts),
		First: packed(s.First), Min: packed(s.Min), Max: packed(s.Max), Last: packed(s.Last), Mean: packed(s.Means),
		LastSteps: s.LastSteps, LastTimes: s.LastTimes,
	}
}

// packed gives an array that is not null, however empty.
func packed[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

// maxSeriesURL bounds the address of a download: the server takes 64 KiB of headers, of which it is one.
const maxSeriesURL = 32 << 10

// metricSeriesURL is where series are got as a file, relative to the server.
func metricSeriesURL(run *ent.Run, format model.MetricFileFormat, keys []string) (string, error) {
	query := url.Values{"format": {strings.ToLower(string(format))}}
	if keys != nil {
		query["key"] = keys
	}
	address := "/metric-series/" + run.RunID + "?" + query.Encode()
	if len(address) > maxSeriesURL {
		return "", errs.Field("keys", "makes an address of %s bytes, which may be %s long: name fewer, or leave it out for all",
			decimal(len(address)), decimal(maxSeriesURL))
	}
	return address, nil
}

// lastPoints gives the last point of each bucket; neighbours are joined until there are at most limit.
func lastPoints(s *model.MetricSeries, limit *int) []*model.MetricPoint {
	most := valueOr(limit, defaultPoints)
	n := len(s.Last)
	size := max((n+most-1)/most, 1)
	out := make([]*model.MetricPoint, 0, min(n, most))
	for from := 0; from < n; from += size {
		last := min(from+size, n) - 1
		out = append(out, pointAt(s.Last[last], s.LastSteps[last], s.StepScale, s.LastTimes[last]))
	}
	return out
}

func pointAt(value float64, units int64, scale int, at int64) *model.MetricPoint {
	return &model.MetricPoint{Value: value, Step: metric.Step{Units: units, Scale: int8(scale)}, Time: at}
}

func appendedPoints(s *model.AppendedSeries) []*model.MetricPoint {
	c := s.Columns
	out := make([]*model.MetricPoint, len(c.Values))
	for i, v := range c.Values {
		out[i] = pointAt(v, c.Steps[i], s.StepScale, c.Times[i])
	}
	return out
}

// storeBatch answers Mutation.logBatch.
func (r *Resolver) storeBatch(ctx context.Context, in model.LogBatchInput) (*model.LogBatchResult, error) {
	id, err := parsed(tracking.ParseRunID, "runId", in.RunID)
	if err != nil {
		return nil, err
	}
	columns, models, err := batchPoints(in)
	if err != nil {
		return nil, err
	}
	stored, err := r.Tracking.LogBatch(ctx, tracking.Batch{
		RunID: id, Columns: columns, Models: models, Params: params(in.Params), Tags: tags(in.Tags),
		Client: valueOr(in.Client, ""), Sequence: valueOr(in.Sequence, 0),
	})
	if err != nil {
		return nil, err
	}
	return &model.LogBatchResult{RunID: id, Stored: stored.Stored, Cursor: metric.Cursor{id: stored.Sequence}.String()}, nil
}

// batchPoints gathers a batch's points by key, those sent one by one before those sent packed, and those of logged models.
func batchPoints(in model.LogBatchInput) (out []metric.Columns, models []tracking.ModelMetric, err error) {
	if n := len(in.Metrics); n > metric.MaxPoints {
		return nil, nil, errs.Field("metrics", "has %s points: at most %s go into one batch", decimal(n), decimal(metric.MaxPoints))
	}
	clock := time.Now().UnixMilli()
	type series struct {
		key          string
		keepExisting bool
	}
	at := map[series]int{}
	for i, p := range in.Metrics {
		of := series{p.Key, p.KeepExisting}
		where, known := at[of]
		if !known {
			if err := tracking.CheckKey("key", p.Key); err != nil {
				return nil, nil, inPlace(err, "metrics", i)
			}
			where = len(out)
			at[of] = where
			out = append(out, metric.Columns{Key: p.Key, KeepExisting: p.KeepExisting})
		}
		if p.Role != nil {
			out[where].Role = metric.Role(*p.Role)
		}
		point := metric.Point{Value: p.Value, Step: p.Step, Time: valueOr(p.Time, clock)}
		if err := out[where].Append(point); err != nil {
			return nil, nil, inPlace(err, "metrics", i)
		}
		if p.ModelID != nil {
			id, err := parsed(tracking.ParseModelID, "modelId", *p.ModelID)
			if err != nil {
				return nil, nil, inPlace(err, "metrics", i)
			}
			models = append(models, tracking.ModelMetric{
				ModelID: id, Key: p.Key, Value: p.Value, Time: point.Time, Step: p.Step.Int(),
				DatasetName: valueOr(p.DatasetName, ""), DatasetDigest: valueOr(p.DatasetDigest, ""),
			})
		}
	}
	for i, c := range in.Columns {
		if err := tracking.CheckKey(element("columns", i)+".key", c.Key); err != nil {
			return nil, nil, err
		}
		if c.StepScale < 0 || c.StepScale > metric.MaxStepScale {
			return nil, nil, errs.Field(element("columns", i)+".stepScale", "is %d; it is from 0 to %d", c.StepScale, metric.MaxStepScale)
		}
		if len(c.Steps) != len(c.Values) || len(c.Times) != len(c.Values) {
			return nil, nil, errs.Field(element("columns", i), "has %d steps, %d times and %d values; they must be as many",
				len(c.Steps), len(c.Times), len(c.Values))
		}
		columns := metric.Columns{Key: c.Key, KeepExisting: c.KeepExisting,
			StepScale: int8(c.StepScale), Steps: c.Steps, Times: c.Times, Values: c.Values}
		if c.Role != nil {
			columns.Role = metric.Role(*c.Role)
		}
		out = append(out, columns)
	}
	return out, models, nil
}

func element(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// inPlace says which element of a list an error is about.
func inPlace(err error, list string, i int) error {
	if e, ok := err.(*errs.Error); ok && e.Field != "" { //nolint:errorlint // the core gives it bare
		return errs.Field(element(list, i)+"."+e.Field, "%s", e.Message)
	}
	return err
}

func params(in []*model.ParamInput) []tracking.Param {
	out := make([]tracking.Param, len(in))
	for i, p := range in {
		out[i] = tracking.Param{Key: p.Key, Value: p.Value, KeepExisting: p.KeepExisting}
	}
	return out
}

func tags(in []*model.TagInput) []tracking.Tag {
	out := make([]tracking.Tag, len(in))
	for i, t := range in {
		out[i] = tracking.Tag{Key: t.Key, Value: t.Value, KeepExisting: t.KeepExisting}
	}
	return out
}

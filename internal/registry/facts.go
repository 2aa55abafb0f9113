package registry

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/fingerprint"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/loggedmodelmetric"
	"github.com/cairnml/cairn/ent/loggedmodelparam"
	"github.com/cairnml/cairn/ent/metricseries"
	"github.com/cairnml/cairn/ent/param"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/ent/runinput"
)

// What is known of how a version was made is known of its run and of its logged model. A metric that was measured of the
// logged model counts before that of the run, which may have written several models.

// MaxFacts bounds the params, and the metrics, that are read of a version.
const MaxFacts = 10_000

// metricOf gives the value of a metric of a version: the newest of its logged model, else the last of its run. NaN is a value.
func metricOf(ctx context.Context, client *ent.Client, v *ent.ModelVersion, key string) (value float64, found bool, err error) {
	if v.ModelID != "" {
		p, err := client.LoggedModelMetric.Query().Where(loggedmodelmetric.Key(key),
			loggedmodelmetric.HasLoggedModelWith(loggedmodel.ModelID(v.ModelID))).
			Order(ent.Desc(loggedmodelmetric.FieldTimestamp, loggedmodelmetric.FieldStep, loggedmodelmetric.FieldID)).First(ctx)
		if err == nil {
			return orNaN(p.Value), true, nil
		}
		if !ent.IsNotFound(err) {
			return 0, false, fmt.Errorf("read metric of the logged model: %w", err)
		}
	}
	if v.RunID == "" {
		return 0, false, nil
	}
	m, err := client.MetricSeries.Query().Where(metricseries.Key(key), metricseries.HasRunWith(run.RunID(v.RunID))).Only(ctx)
	if ent.IsNotFound(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read metric of the run: %w", err)
	}
	return orNaN(m.LastValue), true, nil
}

func orNaN(value *float64) float64 {
	if value == nil {
		return math.NaN()
	}
	return *value
}

// facts is what is known of how a version was made. cut tells that there is more.
type facts struct {
	params      map[string]string
	metrics     map[string]float64
	inputs      []*ent.RunInput
	fingerprint *ent.Fingerprint
	cut         bool
}

func (s *Service) factsOf(ctx context.Context, v *ent.ModelVersion) (facts, error) {
	f := facts{params: map[string]string{}, metrics: map[string]float64{}}
	if v.RunID != "" {
		r, err := s.db.Ent().Run.Query().Where(run.RunID(v.RunID)).Only(ctx)
		if err != nil && !ent.IsNotFound(err) {
			return f, fmt.Errorf("read run: %w", err)
		}
		if err == nil {
			if err := s.factsOfRun(ctx, r.ID, &f); err != nil {
				return f, err
			}
		}
	}
	if v.ModelID != "" {
		m, err := s.db.Ent().LoggedModel.Query().Where(loggedmodel.ModelID(v.ModelID)).Only(ctx)
		if err != nil && !ent.IsNotFound(err) {
			return f, fmt.Errorf("read logged model: %w", err)
		}
		if err == nil {
			if err := s.factsOfModel(ctx, m.ID, &f); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

func (s *Service) factsOfRun(ctx context.Context, id int, f *facts) error {
	params, err := s.db.Ent().Param.Query().Where(param.RunID(id)).Order(ent.Asc(param.FieldKey)).Limit(MaxFacts + 1).All(ctx)
	if err != nil {
		return fmt.Errorf("read params: %w", err)
	}
	for _, p := range params[:min(len(params), MaxFacts)] {
		f.params[p.Key] = p.Value
	}
	series, err := s.db.Ent().MetricSeries.Query().
		Where(metricseries.RunID(id), metricseries.RoleEQ(metricseries.RoleRESULT)).
		Order(ent.Asc(metricseries.FieldKey)).Limit(MaxFacts + 1).All(ctx)
	if err != nil {
		return fmt.Errorf("read metrics: %w", err)
	}
	for _, m := range series[:min(len(series), MaxFacts)] {
		f.metrics[m.Key] = orNaN(m.LastValue)
	}
	f.cut = len(params) > MaxFacts || len(series) > MaxFacts
	f.inputs, err = s.db.Ent().RunInput.Query().Where(runinput.RunID(id)).WithDataset().Order(ent.Asc(runinput.FieldID)).Limit(MaxFacts).All(ctx)
	if err != nil {
		return fmt.Errorf("read inputs: %w", err)
	}
	f.fingerprint, err = s.db.Ent().Fingerprint.Query().Where(fingerprint.RunID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read fingerprint: %w", err)
	}
	return nil
}

func (s *Service) factsOfModel(ctx context.Context, id int, f *facts) error {
	params, err := s.db.Ent().LoggedModelParam.Query().Where(loggedmodelparam.LoggedModelID(id)).Limit(MaxFacts).All(ctx)
	if err != nil {
		return fmt.Errorf("read params of the logged model: %w", err)
	}
	for _, p := range params {
		f.params[p.Key] = p.Value
	}
	points, err := s.db.Ent().LoggedModelMetric.Query().Where(loggedmodelmetric.LoggedModelID(id)).
		Order(ent.Desc(loggedmodelmetric.FieldTimestamp, loggedmodelmetric.FieldStep, loggedmodelmetric.FieldID)).Limit(MaxFacts).All(ctx)
	if err != nil {
		return fmt.Errorf("read metrics of the logged model: %w", err)
	}
	for _, p := range slices.Backward(points) { // the newest last
		f.metrics[p.Key] = orNaN(p.Value)
	}
	return nil
}

// keysOf gives the keys of two maps in order.
func keysOf[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

package graph

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
)

// The functions of this file load one field for all siblings at once.

// maxKeys bounds the keys of params, tags or metrics that a place of a response asks for.
const maxKeys = 1000

// ofRuns adapts a read of the core, keyed by internal id, to runs.
func ofRuns[V any](read func(ctx context.Context, runs []int) (map[int]V, error)) func(context.Context, []*ent.Run) (map[*ent.Run]V, error) {
	return func(ctx context.Context, runs []*ent.Run) (map[*ent.Run]V, error) {
		found, err := read(ctx, runKeys(runs))
		if err != nil {
			return nil, err
		}
		out := make(map[*ent.Run]V, len(runs))
		for _, run := range runs {
			if v, ok := found[run.ID]; ok {
				out[run] = v
			}
		}
		return out, nil
	}
}

func ofExperiments[V any](read func(ctx context.Context, ids []int) (map[int]V, error)) func(context.Context, []*ent.Experiment) (map[*ent.Experiment]V, error) {
	return func(ctx context.Context, experiments []*ent.Experiment) (map[*ent.Experiment]V, error) {
		ids := make([]int, len(experiments))
		for i, e := range experiments {
			ids[i] = e.ID
		}
		found, err := read(ctx, ids)
		if err != nil {
			return nil, err
		}
		out := make(map[*ent.Experiment]V, len(experiments))
		for _, e := range experiments {
			if v, ok := found[e.ID]; ok {
				out[e] = v
			}
		}
		return out, nil
	}
}

func ofModels[V any](read func(ctx context.Context, ids []int) (map[int]V, error)) func(context.Context, []*ent.LoggedModel) (map[*ent.LoggedModel]V, error) {
	return func(ctx context.Context, models []*ent.LoggedModel) (map[*ent.LoggedModel]V, error) {
		ids := make([]int, len(models))
		for i, m := range models {
			ids[i] = m.ID
		}
		found, err := read(ctx, ids)
		if err != nil {
			return nil, err
		}
		out := make(map[*ent.LoggedModel]V, len(models))
		for _, m := range models {
			if v, ok := found[m.ID]; ok {
				out[m] = v
			}
		}
		return out, nil
	}
}

// keyed is a thing that has a key.
type keyed interface {
	*ent.Param | *ent.RunTag | *ent.MetricSeries
}

// keyedOf gives the params, tags or metrics of a run, only those of keys when given. All that the query asks of this kind
// at this place, by the list field or by the field of one key and whatever its aliases, is loaded in one statement.
func keyedOf[T keyed](
	ctx context.Context, run *ent.Run, list, single string, keys []string, keyOf func(T) string,
	read func(ctx context.Context, runs []int, keys []string) (map[int][]T, error),
) ([]T, error) {
	found, err := forSiblings(ctx, run, list, ofRuns(func(ctx context.Context, runs []int) (map[int][]T, error) {
		asked, err := askedKeys(ctx, list, single)
		if err != nil {
			return nil, err
		}
		return read(ctx, runs, asked)
	}))
	if err != nil || keys == nil {
		return found, err
	}
	wanted := make(map[string]bool, len(keys))
	for _, k := range keys {
		wanted[k] = true
	}
	out := make([]T, 0, len(keys))
	for _, v := range found {
		if wanted[keyOf(v)] {
			out = append(out, v)
		}
	}
	return out, nil
}

// askedKeys gives the keys that the selection of the object asks for by the fields list(keys:) and single(key:); nil for
// all.
func askedKeys(ctx context.Context, list, single string) ([]string, error) {
	parent := graphql.GetFieldContext(ctx)
	for parent = parent.Parent; parent != nil && parent.Field.Field == nil; parent = parent.Parent {
	}
	if parent == nil {
		return nil, nil // nil is the core's word for all
	}
	op := graphql.GetOperationContext(ctx)
	seen := map[string]bool{}
	for _, field := range graphql.CollectFields(op, parent.Field.Selections, []string{"Run", "Node"}) {
		arguments := field.ArgumentMap(op.Variables)
		switch field.Name {
		case list:
			keys, some := texts(arguments["keys"])
			if !some {
				return nil, nil // nil is the core's word for all
			}
			for _, key := range keys {
				seen[key] = true
			}
		case single:
			if key, ok := arguments["key"].(string); ok {
				seen[key] = true
			}
		}
	}
	if len(seen) > maxKeys {
		return nil, errs.New(errs.Invalid, "the query asks for %d different keys of %s: at most %s are allowed", len(seen), list, decimal(maxKeys))
	}
	out := make([]string, 0, len(seen))
	for key := range seen {
		out = append(out, key)
	}
	return out, nil
}

// texts reads a list of strings, or one string, which stands for a list of it; some is false for null.
func texts(v any) (list []string, some bool) {
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case []string:
		return v, true
	case []any:
		list = make([]string, 0, len(v))
		for _, element := range v {
			if s, ok := element.(string); ok {
				list = append(list, s)
			}
		}
		return list, true
	}
	return nil, false
}

func (r *Resolver) paramsOf(ctx context.Context, run *ent.Run, keys []string) ([]*ent.Param, error) {
	return keyedOf(ctx, run, "params", "param", keys, func(p *ent.Param) string { return p.Key }, r.Tracking.ParamsOf)
}

// shownTags gives rows of any table of tags as tags.
func shownTags[T any](rows []T, tag func(T) model.Tag) []*model.Tag {
	out := make([]*model.Tag, len(rows))
	for i, row := range rows {
		t := tag(row)
		out[i] = &t
	}
	return out
}

func (r *Resolver) tagsOf(ctx context.Context, run *ent.Run, keys []string) ([]*model.Tag, error) {
	found, err := keyedOf(ctx, run, "tags", "tag", keys, func(t *ent.RunTag) string { return t.Key }, r.Tracking.TagsOf)
	return shownTags(found, func(t *ent.RunTag) model.Tag { return model.Tag{Key: t.Key, Value: t.Value} }), err
}

func (r *Resolver) metricsOf(ctx context.Context, run *ent.Run, keys []string) ([]*model.Metric, error) {
	found, err := keyedOf(ctx, run, "metrics", "metric", keys, func(m *ent.MetricSeries) string { return m.Key }, r.Tracking.SeriesOf)
	out := make([]*model.Metric, len(found))
	for i, m := range found {
		out[i] = metricOf(m)
	}
	return out, err
}

// one gives the only element of a list, nil when it is empty.
func one[T any](list []*T, err error) (*T, error) {
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

func (r *Resolver) experimentOf(ctx context.Context, run *ent.Run) (*ent.Experiment, error) {
	return experimentFor(ctx, r, run, func(run *ent.Run) int { return run.ExperimentID })
}

// experimentFor gives the experiment of an object, and loads those of all its siblings.
func experimentFor[T comparable](ctx context.Context, r *Resolver, object T, idOf func(T) int) (*ent.Experiment, error) {
	return forSiblings(ctx, object, "experiment", ofIDs(idOf, func(ctx context.Context, ids []int) (map[int]*ent.Experiment, error) {
		found, err := r.Tracking.ExperimentsByID(ctx, ids)
		announceAll(ctx, found)
		return found, err
	}))
}

func (r *Resolver) parentOf(ctx context.Context, run *ent.Run) (*ent.Run, error) {
	return forSiblings(ctx, run, "parent", func(ctx context.Context, runs []*ent.Run) (map[*ent.Run]*ent.Run, error) {
		ids := make([]string, 0, len(runs))
		for _, run := range runs {
			if run.ParentRunID != "" {
				ids = append(ids, run.ParentRunID)
			}
		}
		found, err := r.Tracking.RunsByID(ctx, distinct(ids))
		if err != nil {
			return nil, err
		}
		announceAll(ctx, found)
		return lookUp(runs, found, func(run *ent.Run) string { return run.ParentRunID }), nil
	})
}

func announceAll[K comparable, V comparable](ctx context.Context, found map[K]V) {
	objects := make([]V, 0, len(found))
	for _, v := range found {
		objects = append(objects, v)
	}
	announce(ctx, objects)
}

// lookUp gives each object what was found under its key.
func lookUp[T, K comparable, V any](objects []T, found map[K]V, key func(T) K) map[T]V {
	out := make(map[T]V, len(objects))
	for _, o := range objects {
		if v, ok := found[key(o)]; ok {
			out[o] = v
		}
	}
	return out
}

func distinct[T comparable](values []T) []T {
	seen := make(map[T]bool, len(values))
	out := values[:0]
	for _, v := range values {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}

func (r *Resolver) modelParams(ctx context.Context, m *ent.LoggedModel) ([]*ent.Param, error) {
	found, err := forSiblings(ctx, m, "params", ofModels(r.Tracking.ModelParamsOf))
	out := make([]*ent.Param, len(found))
	for i, p := range found {
		out[i] = &ent.Param{Key: p.Key, Value: p.Value}
		if f, err := strconv.ParseFloat(strings.TrimSpace(p.Value), 64); err == nil {
			out[i].Number = &f
		}
	}
	return out, err
}

func (r *Resolver) modelTags(ctx context.Context, m *ent.LoggedModel) ([]*model.Tag, error) {
	found, err := forSiblings(ctx, m, "tags", ofModels(r.Tracking.ModelTagsOf))
	return shownTags(found, func(t *ent.LoggedModelTag) model.Tag { return model.Tag{Key: t.Key, Value: t.Value} }), err
}

func (r *Resolver) modelMetrics(ctx context.Context, m *ent.LoggedModel) ([]*model.LoggedModelMetric, error) {
	found, err := forSiblings(ctx, m, "metrics", ofModels(r.Tracking.ModelMetricsOf))
	out := make([]*model.LoggedModelMetric, len(found))
	for i, p := range found {
		out[i] = &model.LoggedModelMetric{
			Key: p.Key, Value: orNaN(p.Value), Step: metric.IntStep(p.Step), Time: p.Timestamp, RunID: p.RunID,
			DatasetName: p.DatasetName, DatasetDigest: p.DatasetDigest,
		}
	}
	return out, err
}

func (r *Resolver) experimentTags(ctx context.Context, e *ent.Experiment) ([]*model.Tag, error) {
	found, err := forSiblings(ctx, e, "tags", ofExperiments(r.Tracking.ExperimentTagsOf))
	return shownTags(found, func(t *ent.ExperimentTag) model.Tag { return model.Tag{Key: t.Key, Value: t.Value} }), err
}

// finite gives a number that JSON has a form for.
func finite(f *float64) *float64 {
	if f == nil || math.IsInf(*f, 0) || math.IsNaN(*f) {
		return nil
	}
	return f
}

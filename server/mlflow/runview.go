package mlflow

import (
	"maps"
	"slices"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/tracking"
)

// runView has what runs show beside their own rows.
type runView struct{ tracking.RunContents }

func (c *call) viewRuns(runs []*ent.Run) (runView, error) {
	ids := make([]int, len(runs))
	for i, r := range runs {
		ids[i] = r.ID
	}
	contents, err := c.Tracking.ContentsOf(c, ids)
	return runView{contents}, err
}

func (v *runView) append(b []byte, r *ent.Run) []byte {
	o := newObject(b)
	o.raw("info", func(b []byte) []byte { return appendRunInfo(b, r) })
	o.raw("data", func(b []byte) []byte {
		o := newObject(b)
		list(&o, "metrics", v.Latest[r.ID], appendLast)
		list(&o, "params", v.Params[r.ID], appendKeyValue)
		list(&o, "tags", v.Tags[r.ID], appendKeyValue)
		return o.end()
	})
	o.raw("inputs", func(b []byte) []byte {
		o := newObject(b)
		list(&o, "dataset_inputs", v.Inputs[r.ID], appendInput)
		list(&o, "model_inputs", v.Models[r.ID], func(b []byte, id string) []byte {
			o := newObject(b)
			o.text("model_id", id)
			return o.end()
		})
		return o.end()
	})
	o.raw("outputs", func(b []byte) []byte {
		o := newObject(b)
		list(&o, "model_outputs", v.Outputs[r.ID], func(b []byte, out *ent.RunOutput) []byte {
			o := newObject(b)
			o.text("model_id", out.Edges.LoggedModel.ModelID)
			o.integer("step", out.Step)
			return o.end()
		})
		return o.end()
	})
	return o.end()
}

func appendKeyValue(b []byte, kv *tracking.KeyValue) []byte { return appendPair(b, kv.Key, kv.Value) }

// appendLast appends the last point of a series, which is the metric's value in MLflow's eyes.
func appendLast(b []byte, m *tracking.LatestMetric) []byte {
	return appendMetric(b, m.Key, m.Value, m.Time, m.Step.Int())
}

func appendInput(b []byte, in *ent.RunInput) []byte {
	o := newObject(b)
	o.raw("tags", func(b []byte) []byte {
		pairs := maps.Clone(in.Tags)
		if in.Context != "" {
			if pairs == nil {
				pairs = map[string]string{}
			}
			pairs[tagContext] = in.Context
		}
		return appendList(b, slices.Sorted(maps.Keys(pairs)), func(b []byte, key string) []byte {
			return appendPair(b, key, pairs[key])
		})
	})
	o.raw("dataset", func(b []byte) []byte {
		d := in.Edges.Dataset
		o := newObject(b)
		o.text("name", d.Name)
		o.text("digest", d.Digest)
		o.text("source_type", d.SourceType)
		o.text("source", d.Source)
		if d.Schema != nil {
			o.text("schema", *d.Schema)
		}
		if d.Profile != nil {
			o.text("profile", *d.Profile)
		}
		return o.end()
	})
	return o.end()
}

package mlflow

import (
	"github.com/cairnml/cairn/internal/tracking"
)

// tagContext is the tag by which MLflow says what a dataset was read for.
const tagContext = "mlflow.data.context"

func (c *call) logInputs() error {
	var id runIDs
	var inputs []tracking.Input
	var models []string
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "run_id", "run_uuid":
			return id.read(r, key)
		case "datasets":
			return r.inputs(&inputs)
		case "models":
			return r.modelIDs(&models)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	run, err := id.get()
	if err != nil {
		return err
	}
	_, err = c.Tracking.LogInputs(c, run, inputs, models)
	return err
}

// inputs reads an array of datasets with the tags of their use.
func (r *reader) inputs(dst *[]tracking.Input) error {
	*dst = nil
	return r.array(func(int) error {
		var in tracking.Input
		err := r.object(func(key []byte) error {
			switch string(key) {
			case "tags":
				return r.tags(&in.Tags)
			case "dataset":
				return r.object(func(key []byte) error { return r.dataset(&in.Dataset, string(key)) })
			}
			return r.skip()
		})
		if err != nil {
			return err
		}
		if in.Dataset.Name == "" {
			return missing(r.name("dataset.name"))
		}
		rest := in.Tags[:0]
		for _, t := range in.Tags {
			if t.Key == tagContext {
				in.Context = t.Value
			} else {
				rest = append(rest, t)
			}
		}
		in.Tags = rest
		*dst = append(*dst, in)
		return nil
	})
}

func (r *reader) dataset(d *tracking.Dataset, key string) error {
	switch key {
	case "name":
		return r.text(&d.Name)
	case "digest":
		return r.text(&d.Digest)
	case "source_type":
		return r.text(&d.SourceType)
	case "source":
		return r.text(&d.Source)
	case "schema":
		return r.optionalText(&d.Schema)
	case "profile":
		return r.optionalText(&d.Profile)
	}
	return r.skip()
}

func (r *reader) modelIDs(dst *[]string) error {
	*dst = nil
	return r.array(func(int) error {
		var id string
		err := r.object(func(key []byte) error {
			if string(key) == "model_id" {
				return r.text(&id)
			}
			return r.skip()
		})
		if err != nil {
			return err
		}
		if id == "" {
			return missing(r.name("model_id"))
		}
		*dst = append(*dst, id)
		return nil
	})
}

func (c *call) logOutputs() error {
	var id runIDs
	var outputs []tracking.Output
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "run_id", "run_uuid":
			return id.read(r, key)
		case "models":
			return r.outputs(&outputs)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	run, err := id.get()
	if err != nil {
		return err
	}
	_, err = c.Tracking.LogOutputs(c, run, outputs)
	return err
}

func (r *reader) outputs(dst *[]tracking.Output) error {
	*dst = nil
	return r.array(func(int) error {
		var out tracking.Output
		var step integer
		err := r.object(func(key []byte) error {
			switch string(key) {
			case "model_id":
				return r.text(&out.ModelID)
			case "step":
				return r.int64(&step)
			}
			return r.skip()
		})
		if err != nil {
			return err
		}
		if out.ModelID == "" {
			return missing(r.name("model_id"))
		}
		out.Step = step.value
		*dst = append(*dst, out)
		return nil
	})
}

package mlflow

import (
	"strconv"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/tracking"
)

// Bounds of a page of logged models.
const (
	defaultModelPage = 100
	maxModelPage     = 1_000
)

func (c *call) createLoggedModel() error {
	var in tracking.CreateLoggedModel
	var experiment string
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "experiment_id":
			return r.text(&experiment)
		case "name":
			return r.text(&in.Name)
		case "model_type":
			return r.text(&in.ModelType)
		case "source_run_id":
			return r.text(&in.SourceRunID)
		case "params":
			return r.params(&in.Params)
		case "tags":
			return r.tags(&in.Tags)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	id, err := experimentID(experiment, "experiment_id")
	if err != nil {
		return err
	}
	in.ExperimentID = &id
	if in.SourceRunID != "" {
		if in.SourceRunID, err = runID(in.SourceRunID); err != nil {
			return err
		}
	}
	made, err := c.Tracking.CreateLoggedModel(c, in)
	if err != nil {
		return err
	}
	return c.answerLoggedModel(made)
}

// logModel is what clients of MLflow 2 call once they have stored a model among a run's artifacts.
func (c *call) logModel() error {
	var id runIDs
	var description string
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "run_id", "run_uuid":
			return id.read(r, key)
		case "model_json":
			return r.text(&description)
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
	if description == "" {
		return missing("model_json")
	}
	return c.Tracking.RecordModel(c, run, []byte(description))
}

func (c *call) getLoggedModel() error {
	id, err := modelID(c.path)
	if err != nil {
		return err
	}
	m, err := c.Tracking.LoggedModel(c, id)
	if err != nil {
		return err
	}
	return c.answerLoggedModel(m)
}

// modelStatus has MLflow's names and numbers of the status in which a model may be finalized.
var modelStatus = map[string]loggedmodel.Status{
	"LOGGED_MODEL_READY": loggedmodel.StatusREADY, "2": loggedmodel.StatusREADY,
	"LOGGED_MODEL_UPLOAD_FAILED": loggedmodel.StatusUPLOAD_FAILED, "3": loggedmodel.StatusUPLOAD_FAILED,
}

func (c *call) finalizeLoggedModel() error {
	id, err := modelID(c.path)
	if err != nil {
		return err
	}
	var status loggedmodel.Status
	err = c.decode(func(r *reader, key string) error {
		if key != "status" {
			return r.skip()
		}
		name, sent, err := r.enum()
		if name == "" || err != nil {
			return err
		}
		found, ok := modelStatus[name]
		if !ok {
			return invalidValue(sent, "status", "it must be LOGGED_MODEL_READY or LOGGED_MODEL_UPLOAD_FAILED")
		}
		status = found
		return nil
	})
	if err != nil {
		return err
	}
	if status == "" {
		return missing("status")
	}
	m, err := c.Tracking.FinalizeLoggedModel(c, id, status, "")
	if err != nil {
		return err
	}
	return c.answerLoggedModel(m)
}

func (c *call) deleteLoggedModel() error {
	id, err := modelID(c.path)
	if err != nil {
		return err
	}
	_, err = c.Tracking.DeleteLoggedModel(c, id)
	return err
}

func (c *call) setLoggedModelTags() error {
	id, err := modelID(c.path)
	if err != nil {
		return err
	}
	var tags []tracking.Tag
	err = c.decode(func(r *reader, key string) error {
		if key == "tags" {
			return r.tags(&tags)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	_, err = c.Tracking.SetLoggedModelTags(c, id, tags)
	return err
}

func (c *call) deleteLoggedModelTag() error {
	text, key, _ := strings.Cut(c.path, "/tags/")
	id, err := modelID(text)
	if err != nil {
		return err
	}
	if key == "" {
		return missing("tag_key")
	}
	_, err = c.Tracking.DeleteLoggedModelTag(c, id, key)
	return err
}

func (c *call) logLoggedModelParams() error {
	id, err := modelID(c.path)
	if err != nil {
		return err
	}
	var params []tracking.Param
	err = c.decode(func(r *reader, key string) error {
		if key == "params" {
			return r.params(&params)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	_, err = c.Tracking.LogLoggedModelParams(c, id, params)
	return err
}

func (c *call) searchLoggedModels() error {
	var q search.LoggedModelsQuery
	var experiments []string
	var results integer
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "experiment_ids":
			return r.texts(&experiments)
		case "filter":
			return r.text(&q.Filter)
		case "max_results":
			return r.int64(&results)
		case "order_by":
			return r.modelOrder(&q)
		case "page_token":
			return r.text(&q.After)
		case "datasets":
			return r.datasetFilters(&q.Datasets)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	// MLflow's client asks for as many as its caller wants, and goes on behind the token where fewer come.
	if results.set && results.value > maxModelPage {
		results.value = maxModelPage
	}
	if q.First, err = page(results, defaultModelPage, maxModelPage); err != nil {
		return err
	}
	if len(experiments) == 0 {
		return missing("experiment_ids")
	}
	if q.Experiments, err = experimentIDs(experiments); err != nil {
		return err
	}
	found, err := c.Search.LoggedModels(c, q)
	if err != nil {
		return pageError(err)
	}
	view, err := c.viewLoggedModels(found.LoggedModels)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	list(&o, "models", found.LoggedModels, view.append)
	o.textIf("next_page_token", nextToken(found.HasNext, found.Cursors))
	*c.out = o.end()
	return nil
}

// modelOrder reads MLflow's structured order as terms of the search language.
func (r *reader) modelOrder(q *search.LoggedModelsQuery) error {
	q.OrderBy, q.OrderDatasets = nil, map[int]search.DatasetFilter{}
	return r.array(func(i int) error {
		var field string
		var dataset search.DatasetFilter
		ascending := true
		err := r.object(func(key []byte) error {
			switch string(key) {
			case "field_name":
				return r.text(&field)
			case "ascending":
				return r.boolean(&ascending)
			}
			return r.datasetFilter(&dataset, string(key))
		})
		if err != nil {
			return err
		}
		if field == "" {
			return missing(r.name("field_name"))
		}
		if dataset != (search.DatasetFilter{}) {
			q.OrderDatasets[i] = dataset
		}
		if !ascending {
			field += " DESC"
		}
		q.OrderBy = append(q.OrderBy, field)
		return nil
	})
}

// datasetFilters reads the datasets that a model's metrics must have been measured on.
func (r *reader) datasetFilters(dst *[]search.DatasetFilter) error {
	*dst = nil
	return r.array(func(int) error {
		var d search.DatasetFilter
		if err := r.object(func(key []byte) error { return r.datasetFilter(&d, string(key)) }); err != nil {
			return err
		}
		if d.Name == "" {
			return missing(r.name("dataset_name"))
		}
		*dst = append(*dst, d)
		return nil
	})
}

func (r *reader) datasetFilter(d *search.DatasetFilter, key string) error {
	switch key {
	case "dataset_name":
		return r.text(&d.Name)
	case "dataset_digest":
		return r.text(&d.Digest)
	}
	return r.skip()
}

// modelID gives the id of a model that may exist.
func modelID(text string) (string, error) {
	if _, err := tracking.ParseModelID(text); err != nil || len(text) != 34 {
		return "", errs.New(errs.NotFound, "Logged model with ID '%s' not found", echo([]byte(text)))
	}
	return text, nil
}

// loggedModelView has what logged models show beside their own rows.
type loggedModelView struct {
	params  map[int][]*ent.LoggedModelParam
	tags    map[int][]*ent.LoggedModelTag
	metrics map[int][]*ent.LoggedModelMetric
}

func (c *call) viewLoggedModels(models []*ent.LoggedModel) (v loggedModelView, err error) {
	if len(models) == 0 {
		return v, nil
	}
	ids := make([]int, len(models))
	for i, m := range models {
		ids[i] = m.ID
	}
	if v.params, err = c.Tracking.ModelParamsOf(c, ids); err != nil {
		return v, err
	}
	if v.tags, err = c.Tracking.ModelTagsOf(c, ids); err != nil {
		return v, err
	}
	v.metrics, err = c.Tracking.ModelMetricsOf(c, ids)
	return v, err
}

func (c *call) answerLoggedModel(m *ent.LoggedModel) error {
	view, err := c.viewLoggedModels([]*ent.LoggedModel{m})
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.raw("model", func(b []byte) []byte { return view.append(b, m) })
	*c.out = o.end()
	return nil
}

func (v *loggedModelView) append(b []byte, m *ent.LoggedModel) []byte {
	o := newObject(b)
	o.raw("info", func(b []byte) []byte {
		o := newObject(b)
		o.text("model_id", m.ModelID)
		o.text("experiment_id", strconv.Itoa(m.ExperimentID))
		o.text("name", m.Name)
		o.integer("creation_timestamp_ms", m.CreatedAt)
		o.integer("last_updated_timestamp_ms", m.UpdatedAt)
		o.text("artifact_uri", m.ArtifactLocation)
		o.text("status", "LOGGED_MODEL_"+string(m.Status))
		o.text("model_type", m.ModelType)
		o.text("source_run_id", m.SourceRunID)
		o.textIf("status_message", m.StatusMessage)
		list(&o, "tags", v.tags[m.ID], func(b []byte, t *ent.LoggedModelTag) []byte { return appendPair(b, t.Key, t.Value) })
		return o.end()
	})
	o.raw("data", func(b []byte) []byte {
		o := newObject(b)
		list(&o, "params", v.params[m.ID], func(b []byte, p *ent.LoggedModelParam) []byte { return appendPair(b, p.Key, p.Value) })
		list(&o, "metrics", v.metrics[m.ID], func(b []byte, p *ent.LoggedModelMetric) []byte {
			o := newObject(b)
			o.text("key", p.Key)
			o.double("value", valueOf(p.Value))
			o.integer("timestamp", p.Timestamp)
			o.integer("step", p.Step)
			o.text("model_id", m.ModelID)
			o.text("run_id", p.RunID)
			o.textIf("dataset_name", p.DatasetName)
			o.textIf("dataset_digest", p.DatasetDigest)
			return o.end()
		})
		return o.end()
	})
	return o.end()
}

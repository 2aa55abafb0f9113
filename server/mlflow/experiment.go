package mlflow

import (
	"strconv"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/tracking"
)

// Bounds of a page of experiments or runs: MLflow's own.
const (
	defaultPage = 1_000
	maxPage     = 50_000
)

func (c *call) createExperiment() error {
	var in tracking.CreateExperiment
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "name":
			return r.text(&in.Name)
		case "artifact_location":
			return r.text(&in.ArtifactLocation)
		case "tags":
			return r.tags(&in.Tags)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	if in.Name == "" {
		return missing("name")
	}
	made, err := c.Tracking.CreateExperiment(c, in)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.text("experiment_id", strconv.Itoa(made.ID))
	*c.out = o.end()
	return nil
}

func (c *call) getExperiment() error {
	id, err := experimentID(c.query("experiment_id"), "experiment_id")
	if err != nil {
		return err
	}
	e, err := c.Tracking.Experiment(c, id)
	if err != nil {
		return err
	}
	return c.answerExperiment(e)
}

func (c *call) getExperimentByName() error {
	name := c.query("experiment_name")
	if name == "" {
		return missing("experiment_name")
	}
	e, err := c.Tracking.ExperimentByName(c, name)
	if err != nil {
		return err
	}
	return c.answerExperiment(e)
}

func (c *call) answerExperiment(e *ent.Experiment) error {
	tags, err := c.Tracking.ExperimentTagsOf(c, []int{e.ID})
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.raw("experiment", func(b []byte) []byte { return appendExperiment(b, e, tags[e.ID]) })
	*c.out = o.end()
	return nil
}

func (c *call) searchExperiments() error {
	q := search.ExperimentsQuery{View: search.Active}
	var results integer
	var err error
	if c.body != nil {
		err = c.decode(func(r *reader, key string) error {
			switch key {
			case "filter":
				return r.text(&q.Filter)
			case "order_by":
				return r.texts(&q.OrderBy)
			case "view_type":
				return r.view(&q.View)
			case "max_results":
				return r.int64(&results)
			case "page_token":
				return r.text(&q.After)
			}
			return r.skip()
		})
	} else {
		q.Filter, q.OrderBy, q.After = c.query("filter"), c.queries("order_by"), c.query("page_token")
		if v := c.query("view_type"); v != "" {
			if q.View, err = view(v, strconv.Quote(v), "view_type"); err != nil {
				return err
			}
		}
		results, err = c.queryInteger("max_results")
	}
	if err != nil {
		return err
	}
	if q.First, err = page(results, defaultPage, maxPage); err != nil {
		return err
	}
	found, err := c.Search.Experiments(c, q)
	if err != nil {
		return pageError(err)
	}
	ids := make([]int, len(found.Experiments))
	for i, e := range found.Experiments {
		ids[i] = e.ID
	}
	tags, err := c.Tracking.ExperimentTagsOf(c, ids)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	list(&o, "experiments", found.Experiments, func(b []byte, e *ent.Experiment) []byte {
		return appendExperiment(b, e, tags[e.ID])
	})
	o.textIf("next_page_token", nextToken(found.HasNext, found.Cursors))
	*c.out = o.end()
	return nil
}

func (c *call) deleteExperiment() error {
	return c.withExperiment(func(id int) error {
		_, err := c.Tracking.DeleteExperiment(c, id)
		return err
	})
}

func (c *call) restoreExperiment() error {
	return c.withExperiment(func(id int) error {
		_, err := c.Tracking.RestoreExperiment(c, id)
		return err
	})
}

// withExperiment is for calls that take an experiment's id and nothing else.
func (c *call) withExperiment(do func(id int) error) error {
	var text string
	err := c.decode(func(r *reader, key string) error {
		if key == "experiment_id" {
			return r.text(&text)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	id, err := experimentID(text, "experiment_id")
	if err != nil {
		return err
	}
	return do(id)
}

func (c *call) updateExperiment() error {
	var text, name string
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "experiment_id":
			return r.text(&text)
		case "new_name":
			return r.text(&name)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	id, err := experimentID(text, "experiment_id")
	if err != nil {
		return err
	}
	if name == "" {
		return missing("new_name")
	}
	_, err = c.Tracking.RenameExperiment(c, id, name)
	return err
}

func (c *call) setExperimentTag() error {
	id, key, value, err := c.experimentTag()
	if err != nil {
		return err
	}
	_, err = c.Tracking.SetExperimentTag(c, id, key, value)
	return err
}

func (c *call) deleteExperimentTag() error {
	id, key, _, err := c.experimentTag()
	if err != nil {
		return err
	}
	_, err = c.Tracking.DeleteExperimentTag(c, id, key)
	return err
}

func (c *call) experimentTag() (id int, key, value string, err error) {
	var text string
	err = c.decode(func(r *reader, member string) error {
		switch member {
		case "experiment_id":
			return r.text(&text)
		case "key":
			return r.text(&key)
		case "value":
			return r.text(&value)
		}
		return r.skip()
	})
	if err != nil {
		return 0, "", "", err
	}
	if id, err = experimentID(text, "experiment_id"); err != nil {
		return 0, "", "", err
	}
	if key == "" {
		return 0, "", "", missing("key")
	}
	return id, key, value, nil
}

// experimentID reads the decimal number that MLflow's clients send as text.
func experimentID(text, parameter string) (int, error) {
	if text == "" {
		return 0, missing(parameter)
	}
	n, ok := parseInteger([]byte(text))
	if !ok || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, invalidValue(strconv.Quote(text), parameter, "an experiment's id is a decimal number")
	}
	if n > 1<<31-1 {
		return 0, errs.New(errs.NotFound, "No experiment with id=%d exists", n)
	}
	return int(n), nil
}

// experimentIDs reads the experiments that a search is limited to: none when none is named, never nil. Those that cannot
// exist are left out, as those that do not exist find nothing.
func experimentIDs(texts []string) ([]int, error) {
	ids := make([]int, 0, len(texts))
	for i, text := range texts {
		id, err := experimentID(text, "experiment_ids["+strconv.Itoa(i)+"]")
		if err != nil && errs.KindOf(err) != errs.NotFound {
			return nil, err
		}
		if err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func appendExperiment(b []byte, e *ent.Experiment, tags []*ent.ExperimentTag) []byte {
	o := newObject(b)
	o.text("experiment_id", strconv.Itoa(e.ID))
	o.text("name", e.Name)
	o.text("artifact_location", e.ArtifactLocation)
	o.text("lifecycle_stage", string(e.LifecycleStage))
	o.integer("last_update_time", e.UpdatedAt)
	o.integer("creation_time", e.CreatedAt)
	list(&o, "tags", tags, func(b []byte, t *ent.ExperimentTag) []byte { return appendPair(b, t.Key, t.Value) })
	return o.end()
}

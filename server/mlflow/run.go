package mlflow

import (
	"strconv"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/tracking"
)

func (c *call) createRun() error {
	var in tracking.CreateRun
	var experiment string
	var start integer
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "experiment_id":
			return r.text(&experiment)
		case "user_id":
			return r.text(&in.UserID)
		case "run_name":
			return r.text(&in.Name)
		case "start_time":
			return r.int64(&start)
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
	in.ExperimentID, in.StartTime = &id, start.value
	made, err := c.Tracking.CreateRun(c, in)
	if err != nil {
		return err
	}
	return c.answerRun(made)
}

func (c *call) getRun() error {
	id, err := c.queryRunID()
	if err != nil {
		return err
	}
	found, err := c.Tracking.Run(c, id)
	if err != nil {
		return err
	}
	return c.answerRun(found)
}

func (c *call) answerRun(one *ent.Run) error {
	view, err := c.viewRuns([]*ent.Run{one})
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.raw("run", func(b []byte) []byte { return view.append(b, one) })
	*c.out = o.end()
	return nil
}

// statuses are MLflow's names and numbers of a run's status.
var statuses = map[string]run.Status{
	"RUNNING": run.StatusRUNNING, "1": run.StatusRUNNING,
	"SCHEDULED": run.StatusSCHEDULED, "2": run.StatusSCHEDULED,
	"FINISHED": run.StatusFINISHED, "3": run.StatusFINISHED,
	"FAILED": run.StatusFAILED, "4": run.StatusFAILED,
	"KILLED": run.StatusKILLED, "5": run.StatusKILLED,
}

func (c *call) updateRun() error {
	var in tracking.UpdateRun
	var id runIDs
	var end integer
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "run_id", "run_uuid":
			return id.read(r, key)
		case "run_name":
			return r.optionalText(&in.Name)
		case "end_time":
			return r.int64(&end)
		case "status":
			name, sent, err := r.enum()
			if name == "" || err != nil {
				return err
			}
			status, ok := statuses[name]
			if !ok {
				return invalidValue(sent, "status", "it must be RUNNING, SCHEDULED, FINISHED, FAILED or KILLED")
			}
			in.Status = &status
			return nil
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	if in.RunID, err = id.get(); err != nil {
		return err
	}
	if end.set {
		in.EndTime = &end.value
	}
	if in.Name != nil && *in.Name == "" {
		in.Name = nil // clients send it empty to leave it as it is
	}
	changed, err := c.Tracking.UpdateRun(c, in)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.raw("run_info", func(b []byte) []byte { return appendRunInfo(b, changed) })
	*c.out = o.end()
	return nil
}

func (c *call) deleteRun() error {
	return c.withRun(func(id string) error {
		_, err := c.Tracking.DeleteRun(c, id)
		return err
	})
}

func (c *call) restoreRun() error {
	return c.withRun(func(id string) error {
		_, err := c.Tracking.RestoreRun(c, id)
		return err
	})
}

// withRun is for calls that take a run's id and nothing else.
func (c *call) withRun(do func(id string) error) error {
	var id runIDs
	err := c.decode(func(r *reader, key string) error {
		if key == "run_id" || key == "run_uuid" {
			return id.read(r, key)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	text, err := id.get()
	if err != nil {
		return err
	}
	return do(text)
}

func (c *call) searchRuns() error {
	q := search.RunsQuery{View: search.Active, ParamsAsText: true}
	var experiments []string
	var results integer
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "experiment_ids":
			return r.texts(&experiments)
		case "filter":
			return r.text(&q.Filter)
		case "run_view_type":
			return r.view(&q.View)
		case "max_results":
			return r.int64(&results)
		case "order_by":
			return r.texts(&q.OrderBy)
		case "page_token":
			return r.text(&q.After)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	if q.First, err = page(results, defaultPage, maxPage); err != nil {
		return err
	}
	if q.Experiments, err = experimentIDs(experiments); err != nil {
		return err
	}
	found, err := c.Search.Runs(c, q)
	if err != nil {
		return pageError(err)
	}
	view, err := c.viewRuns(found.Runs)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	list(&o, "runs", found.Runs, view.append)
	o.textIf("next_page_token", nextToken(found.HasNext, found.Cursors))
	*c.out = o.end()
	return nil
}

// runIDs is a run's id under its two names.
type runIDs struct{ id, uuid string }

func (ids *runIDs) read(r *reader, key string) error {
	if key == "run_id" {
		return r.text(&ids.id)
	}
	return r.text(&ids.uuid)
}

func (ids *runIDs) get() (string, error) {
	if ids.id == "" {
		ids.id = ids.uuid
	}
	return runID(ids.id)
}

func (c *call) queryRunID() (string, error) {
	ids := runIDs{c.query("run_id"), c.query("run_uuid")}
	return ids.get()
}

// runID gives the id of a run that may exist. Ids of other servers have other forms: such a run is not found here.
func runID(text string) (string, error) {
	if text == "" {
		return "", missing("run_id")
	}
	if _, err := tracking.ParseRunID(text); err != nil || len(text) != 32 {
		return "", errs.New(errs.NotFound, "Run with id=%s not found", echo([]byte(text)))
	}
	return text, nil
}

func appendRunInfo(b []byte, r *ent.Run) []byte {
	o := newObject(b)
	o.text("run_id", r.RunID)
	o.text("run_uuid", r.RunID)
	o.text("run_name", r.Name)
	o.text("experiment_id", strconv.Itoa(r.ExperimentID))
	o.text("user_id", r.UserID)
	o.text("status", string(r.Status))
	o.integer("start_time", r.StartTime)
	if r.EndTime != nil {
		o.integer("end_time", *r.EndTime)
	}
	o.text("artifact_uri", r.ArtifactLocation)
	o.text("lifecycle_stage", string(r.LifecycleStage))
	return o.end()
}

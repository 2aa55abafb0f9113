package mlflow

import (
	"math"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/tracking"
)

// Bounds of one log-batch: MLflow's own.
const (
	maxBatchMetrics = 1_000
	maxBatchParams  = 100
	maxBatchTags    = 100
	maxBatchItems   = 1_000
)

func (c *call) logMetric() error {
	var id runIDs
	points := newPoints(1)
	p := point{}
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "run_id", "run_uuid":
			return id.read(r, key)
		}
		return p.read(r, key)
	})
	if err != nil {
		return err
	}
	batch := tracking.Batch{}
	if batch.RunID, err = id.get(); err != nil {
		return err
	}
	if err := points.add(&p, func(member string) string { return member }); err != nil {
		return err
	}
	batch.Columns, batch.Models = points.columns(), points.modelMetrics()
	_, err = c.Tracking.LogBatch(c, batch)
	return err
}

func (c *call) logParam() error {
	id, key, value, err := c.keyValue()
	if err != nil {
		return err
	}
	_, err = c.Tracking.LogBatch(c, tracking.Batch{RunID: id, Params: []tracking.Param{{Key: key, Value: value}}})
	return alone("params[0].", err)
}

func (c *call) setTag() error {
	id, key, value, err := c.keyValue()
	if err != nil {
		return err
	}
	_, err = c.Tracking.LogBatch(c, tracking.Batch{RunID: id, Tags: []tracking.Tag{{Key: key, Value: value}}})
	return alone("tags[0].", err)
}

func (c *call) deleteTag() error {
	id, key, _, err := c.keyValue()
	if err != nil {
		return err
	}
	return c.Tracking.DeleteTag(c, id, key)
}

// keyValue reads what the calls about one param or tag take.
func (c *call) keyValue() (id, key, value string, err error) {
	var ids runIDs
	err = c.decode(func(r *reader, member string) error {
		switch member {
		case "run_id", "run_uuid":
			return ids.read(r, member)
		case "key":
			return r.text(&key)
		case "value":
			return r.text(&value)
		}
		return r.skip()
	})
	if err != nil {
		return "", "", "", err
	}
	if id, err = ids.get(); err != nil {
		return "", "", "", err
	}
	if key == "" {
		return "", "", "", missing("key")
	}
	return id, key, value, nil
}

func (c *call) logBatch() error {
	var id runIDs
	var batch tracking.Batch
	var points *points
	r := reader{data: *c.body}
	err := r.message(func(key []byte) (err error) {
		switch string(key) {
		case "run_id", "run_uuid":
			return id.read(&r, string(key))
		case "metrics":
			points, err = r.points()
			return err
		case "params":
			return r.params(&batch.Params)
		case "tags":
			return r.tags(&batch.Tags)
		}
		return r.skip()
	})
	if err != nil {
		return err
	}
	if batch.RunID, err = id.get(); err != nil {
		return err
	}
	if err := checkBatchSize(points.len(), len(batch.Params), len(batch.Tags)); err != nil {
		return err
	}
	batch.Columns, batch.Models = points.columns(), points.modelMetrics()
	_, err = c.Tracking.LogBatch(c, batch)
	return err
}

func checkBatchSize(metrics, params, tags int) error {
	over := func(n, limit int, what string) error {
		return errs.New(errs.Invalid,
			"A batch can contain at most %d %s. Got %d %s: split it up and send the parts one after the other", limit, what, n, what)
	}
	switch {
	case metrics > maxBatchMetrics:
		return over(metrics, maxBatchMetrics, "metrics")
	case params > maxBatchParams:
		return over(params, maxBatchParams, "params")
	case tags > maxBatchTags:
		return over(tags, maxBatchTags, "tags")
	case metrics+params+tags > maxBatchItems:
		return over(metrics+params+tags, maxBatchItems, "metrics, params and tags")
	}
	return nil
}

func appendMetric(b []byte, key string, value float64, time, step int64) []byte {
	o := newObject(b)
	o.text("key", key)
	o.double("value", value)
	o.integer("timestamp", time)
	o.integer("step", step)
	return o.end()
}

// valueOf gives a stored value: NULL is NaN, which SQLite does not have.
func valueOf(stored *float64) float64 {
	if stored == nil {
		return math.NaN()
	}
	return *stored
}

package mlflowimport

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"

	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// sourceExperiment is an experiment of MLflow's.
type sourceExperiment struct {
	tracking.LoadExperiment
	id        int64
	workspace string
}

func (s *Source) experiments(ctx context.Context) ([]*sourceExperiment, error) {
	workspace := "''"
	if s.workspaces {
		workspace = "workspace"
	}
	var all []*sourceExperiment
	byID := map[int64]*sourceExperiment{}
	err := store.EachRow(ctx, s.look.Read(), "SELECT experiment_id, name, COALESCE(lifecycle_stage, 'active'), COALESCE(creation_time, 0), "+
		"COALESCE(last_update_time, 0), "+workspace+" FROM experiments ORDER BY experiment_id", nil, func(rows *sql.Rows) error {
		e := &sourceExperiment{}
		var stage string
		err := rows.Scan(&e.id, &e.Name, &stage, &e.CreatedAt, &e.UpdatedAt, &e.workspace)
		e.Deleted = stage == "deleted"
		all, byID[e.id] = append(all, e), e
		return err
	})
	if err != nil {
		return nil, err
	}
	err = store.EachRow(ctx, s.look.Read(), "SELECT experiment_id, key, COALESCE(value, '') FROM experiment_tags", nil, func(rows *sql.Rows) error {
		var id int64
		var t tracking.Tag
		err := rows.Scan(&id, &t.Key, &t.Value)
		if e := byID[id]; e != nil {
			e.Tags = append(e.Tags, t)
		}
		return err
	})
	return all, err
}

// sourceRun is a run of MLflow's, with what it has but for its points.
type sourceRun struct {
	tracking.LoadRun
	experiment int64
	// keys are the names of its metrics.
	keys []string
	counts
}

// counts tells how much a run has, without the tags that Cairn gives runs by itself.
type counts struct{ params, tags, points int64 }

// pageRuns is how many runs are read at once, with their params and tags.
const pageRuns = 100

// runs gives the next runs after one, in the order of their ids.
func (s *Source) runs(ctx context.Context, after string) ([]*sourceRun, error) {
	var page []*sourceRun
	var ids []string
	byID := map[string]*sourceRun{}
	err := store.EachRow(ctx, s.look.Read(), "SELECT run_uuid, COALESCE(name, ''), COALESCE(user_id, ''), COALESCE(status, 'SCHEDULED'), start_time, end_time, "+
		"deleted_time, COALESCE(lifecycle_stage, 'active'), COALESCE(artifact_uri, ''), experiment_id FROM runs WHERE run_uuid > ? "+
		"ORDER BY run_uuid LIMIT ?", []any{after, pageRuns}, func(rows *sql.Rows) error {
		r := &sourceRun{}
		var start, end, deleted sql.NullInt64
		var status, stage string
		if err := rows.Scan(&r.RunID, &r.Name, &r.UserID, &status, &start, &end, &deleted, &stage, &r.ArtifactLocation, &r.experiment); err != nil {
			return err //nolint:wrapcheck // wrapped by EachRow's caller
		}
		r.Status = run.Status(status)
		// A run that began at no time began when it ended, or at the first millisecond there is.
		r.StartTime = cmp.Or(start.Int64, end.Int64, 1)
		if r.Status != run.StatusRUNNING && r.Status != run.StatusSCHEDULED {
			ended := cmp.Or(end.Int64, r.StartTime)
			r.EndTime = &ended
		}
		if stage == "deleted" {
			gone := cmp.Or(deleted.Int64, end.Int64, r.StartTime)
			r.DeletedAt = &gone
		}
		page, ids, byID[r.RunID] = append(page, r), append(ids, r.RunID), r
		return nil
	})
	if err != nil || len(page) == 0 {
		return nil, err
	}
	in := store.In(len(ids))
	err = store.EachRow(ctx, s.look.Read(), "SELECT run_uuid, key, value FROM params WHERE run_uuid IN "+in+" ORDER BY run_uuid, key", store.Args(nil, ids),
		func(rows *sql.Rows) error {
			var id string
			var p tracking.Param
			err := rows.Scan(&id, &p.Key, &p.Value)
			byID[id].Params = append(byID[id].Params, p)
			return err
		})
	if err != nil {
		return nil, err
	}
	err = store.EachRow(ctx, s.look.Read(), "SELECT run_uuid, key, COALESCE(value, '') FROM tags WHERE run_uuid IN "+in+" ORDER BY run_uuid, key",
		store.Args(nil, ids), func(rows *sql.Rows) error {
			var id string
			var t tracking.Tag
			err := rows.Scan(&id, &t.Key, &t.Value)
			byID[id].addTag(t)
			return err
		})
	if err != nil {
		return nil, err
	}
	err = store.EachRow(ctx, s.look.Read(), "SELECT run_uuid, key, COUNT(*) FROM metrics WHERE run_uuid IN "+in+" GROUP BY run_uuid, key",
		store.Args(nil, ids), func(rows *sql.Rows) error {
			var id, key string
			var points int64
			err := rows.Scan(&id, &key, &points)
			byID[id].keys = append(byID[id].keys, key)
			byID[id].points += points
			return err
		})
	for _, r := range page {
		r.counts.params = int64(len(r.Params))
	}
	return page, err
}

// ownTags are those that every run of Cairn's has by itself.
var ownTags = []string{"mlflow.runName", "mlflow.parentRunId"}

func (r *sourceRun) addTag(t tracking.Tag) {
	switch t.Key {
	case "mlflow.runName": // the column is what MLflow shows
		r.Name = cmp.Or(r.Name, t.Value)
		return
	case "mlflow.parentRunId":
	default:
		r.counts.tags++
	}
	r.Tags = append(r.Tags, t)
}

// piece is how many points are read at once.
const piece = 20_000

var errEnough = errors.New("nobody wants more")

// pointsOf gives the points of a run, key by key, in the order of their times. MLflow keeps no other order.
func (s *Source) pointsOf(ctx context.Context, runID string) iter.Seq2[[]metric.Columns, error] {
	return func(yield func([]metric.Columns, error) bool) {
		var batch []metric.Columns
		points := 0
		give := func() bool {
			if points == 0 {
				return true
			}
			full := batch
			batch, points = nil, 0
			return yield(full, nil)
		}
		err := store.EachRow(ctx, s.look.Read(), "SELECT key, value, is_nan, timestamp, step FROM metrics WHERE run_uuid = ? "+
			"ORDER BY key, timestamp, step, value, is_nan", []any{runID}, func(rows *sql.Rows) error {
			var key string
			var value float64
			var nan bool
			var at, step int64
			if err := rows.Scan(&key, &value, &nan, &at, &step); err != nil {
				return err //nolint:wrapcheck // wrapped by EachRow's caller
			}
			if n := len(batch); n == 0 || batch[n-1].Key != key {
				batch = append(batch, metric.Columns{Key: key})
			}
			c := &batch[len(batch)-1]
			c.Steps, c.Times, c.Values = append(c.Steps, step), append(c.Times, at), append(c.Values, number(value, nan))
			if points++; points >= piece && !give() {
				return errEnough
			}
			return nil
		})
		switch {
		case errors.Is(err, errEnough):
		case err != nil:
			yield(nil, err)
		default:
			give()
		}
	}
}

// number gives a value as it was logged: MLflow's databases hold the largest number for an infinite one, and a mark for NaN.
func number(value float64, nan bool) float64 {
	switch {
	case nan:
		return math.NaN()
	case value == math.MaxFloat64:
		return math.Inf(1)
	case value == -math.MaxFloat64:
		return math.Inf(-1)
	}
	return value
}

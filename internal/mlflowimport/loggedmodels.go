package mlflowimport

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// sourceModel is a logged model of MLflow's.
type sourceModel struct {
	tracking.LoadLoggedModel
	experiment int64
}

// modelStatuses are MLflow's numbers.
var modelStatuses = map[int]loggedmodel.Status{1: loggedmodel.StatusPENDING, 2: loggedmodel.StatusREADY, 3: loggedmodel.StatusUPLOAD_FAILED}

// loggedModels gives the next logged models after one, in the order of their ids.
func (s *Source) loggedModelsAfter(ctx context.Context, after string) ([]*sourceModel, error) {
	var page []*sourceModel
	var ids []string
	byID := map[string]*sourceModel{}
	err := store.EachRow(ctx, s.look.Read(), "SELECT model_id, experiment_id, name, artifact_location, creation_timestamp_ms, last_updated_timestamp_ms, status, "+
		"COALESCE(lifecycle_stage, 'active'), COALESCE(model_type, ''), COALESCE(source_run_id, ''), COALESCE(status_message, '') FROM logged_models "+
		"WHERE model_id > ? ORDER BY model_id LIMIT ?", []any{after, pageRuns}, func(rows *sql.Rows) error {
		m := &sourceModel{}
		var status int
		var stage string
		err := rows.Scan(&m.ModelID, &m.experiment, &m.Name, &m.ArtifactLocation, &m.CreatedAt, &m.UpdatedAt, &status, &stage, &m.ModelType,
			&m.SourceRunID, &m.StatusMessage)
		m.Status, m.Deleted = modelStatuses[status], stage == "deleted"
		page, ids, byID[m.ModelID] = append(page, m), append(ids, m.ModelID), m
		return err
	})
	if err != nil || len(page) == 0 {
		return nil, err
	}
	each := func(query, order string, scan func(*sql.Rows) error) {
		if err == nil {
			err = store.EachRow(ctx, s.look.Read(), query+" WHERE model_id IN "+store.In(len(ids))+" ORDER BY model_id, "+order, store.Args(nil, ids), scan)
		}
	}
	each("SELECT model_id, param_key, param_value FROM logged_model_params", "param_key", func(rows *sql.Rows) error {
		var id string
		var p tracking.Param
		err := rows.Scan(&id, &p.Key, &p.Value)
		byID[id].Params = append(byID[id].Params, p)
		return err
	})
	each("SELECT model_id, tag_key, tag_value FROM logged_model_tags", "tag_key", func(rows *sql.Rows) error {
		var id string
		var t tracking.Tag
		err := rows.Scan(&id, &t.Key, &t.Value)
		byID[id].Tags = append(byID[id].Tags, t)
		return err
	})
	each("SELECT model_id, run_id, metric_name, metric_value, metric_timestamp_ms, metric_step, COALESCE(dataset_name, ''), COALESCE(dataset_digest, '') "+
		"FROM logged_model_metrics", "metric_name, metric_timestamp_ms, metric_step", func(rows *sql.Rows) error {
		var p tracking.LoadModelMetric
		var value sql.NullFloat64
		err := rows.Scan(&p.ModelID, &p.RunID, &p.Key, &value, &p.Time, &p.Step, &p.DatasetName, &p.DatasetDigest)
		p.Value = value.Float64
		if !value.Valid {
			p.Value = math.NaN()
		}
		byID[p.ModelID].Metrics = append(byID[p.ModelID].Metrics, p)
		return err
	})
	return page, err
}

// loggedModels stores the logged models that are not there. experiments are Cairn's ids by MLflow's.
func (t *target) loggedModels(ctx context.Context, s *Source, experiments map[int64]int) error {
	if !s.loggedModels {
		return nil
	}
	for last := ""; ; {
		page, err := s.loggedModelsAfter(ctx, last)
		if err != nil || len(page) == 0 {
			return err
		}
		last = page[len(page)-1].ModelID
		there, err := t.modelsThere(ctx, page)
		if err != nil {
			return err
		}
		var load []tracking.LoadLoggedModel
		for _, m := range page {
			if run, isThere := there[m.ModelID]; isThere && run != m.SourceRunID {
				s.others[m.ModelID] = true
			}
			if t.wanted(m, there, experiments) {
				load = append(load, m.LoadLoggedModel)
			}
		}
		if t.db != nil && len(load) > 0 {
			if err := tracking.LoadLoggedModels(ctx, t.db, load); err != nil {
				return err //nolint:wrapcheck // says which
			}
			t.report.LoggedModels.Cairn += int64(len(load))
		}
	}
}

// wanted counts a model, and tells whether it is to be stored.
func (t *target) wanted(m *sourceModel, there map[string]string, experiments map[int64]int) bool {
	count := &t.report.LoggedModels
	count.MLflow++
	experiment, known := experiments[m.experiment]
	m.ExperimentID = experiment
	run, isThere := there[m.ModelID]
	switch {
	case isThere && run != m.SourceRunID:
		t.report.problem("logged model", m.ModelID, errs.New(errs.Exists, "there is another model of this id, of another run; nothing of it was changed"))
		return false
	case isThere:
		count.Cairn++
		return false
	case !known:
		t.report.problem("logged model", m.ModelID, errs.New(errs.NotFound, "its experiment %d is not there or was left out", m.experiment))
		return false
	}
	if err := m.Check(); err != nil {
		t.report.problem("logged model", m.ModelID, fmt.Errorf("is left out: %w", err))
		return false
	}
	count.New++
	return true
}

// modelsThere gives the source runs of those models that are there.
func (t *target) modelsThere(ctx context.Context, page []*sourceModel) (map[string]string, error) {
	ids := make([]string, len(page))
	for i, m := range page {
		ids[i] = m.ModelID
	}
	found := map[string]string{}
	if t.here == nil {
		return found, nil
	}
	err := store.EachRow(ctx, t.here, "SELECT model_id, source_run_id FROM logged_models WHERE model_id IN "+store.In(len(ids)), store.Args(nil, ids),
		func(rows *sql.Rows) error {
			var id, run string
			err := rows.Scan(&id, &run)
			found[id] = run
			return err
		})
	return found, err
}

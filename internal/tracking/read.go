package tracking

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/dataset"
	"github.com/cairnml/cairn/ent/experiment"
	"github.com/cairnml/cairn/ent/experimenttag"
	"github.com/cairnml/cairn/ent/fingerprint"
	"github.com/cairnml/cairn/ent/loggedmodelmetric"
	"github.com/cairnml/cairn/ent/loggedmodelparam"
	"github.com/cairnml/cairn/ent/loggedmodeltag"
	"github.com/cairnml/cairn/ent/metricgoal"
	"github.com/cairnml/cairn/ent/runinput"
	"github.com/cairnml/cairn/ent/runoutput"
	"github.com/cairnml/cairn/internal/store"
)

// The reads of this file serve many owners at once, so that the number of statements follows the shape of a request and not
// its size. They take internal ids and give what belongs to each, ordered by key.

// InputsOf gives the inputs of runs, their datasets loaded.
func (s *Service) InputsOf(ctx context.Context, runs []int) (map[int][]*ent.RunInput, error) {
	return store.Grouped(runs, "inputs", func(ids []int) ([]*ent.RunInput, error) {
		return s.db.Ent().RunInput.Query().Where(runinput.RunIDIn(ids...)).WithDataset().
			Order(ent.Asc(runinput.FieldRunID, runinput.FieldID)).All(ctx)
	}, func(i *ent.RunInput) int { return i.RunID })
}

// OutputsOf gives the outputs of runs, their logged models loaded.
func (s *Service) OutputsOf(ctx context.Context, runs []int) (map[int][]*ent.RunOutput, error) {
	return store.Grouped(runs, "outputs", func(ids []int) ([]*ent.RunOutput, error) {
		return s.db.Ent().RunOutput.Query().Where(runoutput.RunIDIn(ids...)).WithLoggedModel().
			Order(ent.Asc(runoutput.FieldRunID, runoutput.FieldID)).All(ctx)
	}, func(o *ent.RunOutput) int { return o.RunID })
}

// ModelInputsOf gives the ids of the logged models that runs read.
func (s *Service) ModelInputsOf(ctx context.Context, runs []int) (map[int][]string, error) {
	type input struct {
		run   int
		model string
	}
	found, err := store.Grouped(runs, "model inputs", func(ids []int) (inputs []input, err error) {
		err = store.EachRow(ctx, s.db.Read(), "SELECT r.id, e.from_id FROM runs r JOIN lineage_edges e ON e.to_type = 'RUN' AND e.to_id = r.run_id "+
			"WHERE e.from_type = 'LOGGED_MODEL' AND e.role = 'input' AND r.id IN "+store.In(len(ids))+" ORDER BY e.id", store.Args(nil, ids),
			func(rows *sql.Rows) error {
				var in input
				err := rows.Scan(&in.run, &in.model)
				inputs = append(inputs, in)
				return err
			})
		return inputs, err
	}, func(in input) int { return in.run })
	out := make(map[int][]string, len(found))
	for run, inputs := range found {
		for _, in := range inputs {
			out[run] = append(out[run], in.model)
		}
	}
	return out, err
}

// FingerprintsOf gives the fingerprints of runs that have one.
func (s *Service) FingerprintsOf(ctx context.Context, runs []int) (map[int]*ent.Fingerprint, error) {
	return store.Keyed(runs, "fingerprints", func(ids []int) ([]*ent.Fingerprint, error) {
		return s.db.Ent().Fingerprint.Query().Where(fingerprint.RunIDIn(ids...)).All(ctx)
	}, func(f *ent.Fingerprint) int { return f.RunID })
}

// ExperimentsByID gives experiments, deleted or not.
func (s *Service) ExperimentsByID(ctx context.Context, ids []int) (map[int]*ent.Experiment, error) {
	return store.Keyed(ids, "experiments", func(ids []int) ([]*ent.Experiment, error) {
		return s.db.Ent().Experiment.Query().Where(experiment.IDIn(ids...)).All(ctx)
	}, func(e *ent.Experiment) int { return e.ID })
}

// ExperimentTagsOf gives the tags of experiments.
func (s *Service) ExperimentTagsOf(ctx context.Context, experiments []int) (map[int][]*ent.ExperimentTag, error) {
	return store.Grouped(experiments, "experiment tags", func(ids []int) ([]*ent.ExperimentTag, error) {
		return s.db.Ent().ExperimentTag.Query().Where(experimenttag.ExperimentIDIn(ids...)).
			Order(ent.Asc(experimenttag.FieldExperimentID, experimenttag.FieldKey)).All(ctx)
	}, func(t *ent.ExperimentTag) int { return t.ExperimentID })
}

// MetricGoalsOf gives the metric goals of experiments.
func (s *Service) MetricGoalsOf(ctx context.Context, experiments []int) (map[int][]*ent.MetricGoal, error) {
	return store.Grouped(experiments, "metric goals", func(ids []int) ([]*ent.MetricGoal, error) {
		return s.db.Ent().MetricGoal.Query().Where(metricgoal.ExperimentIDIn(ids...)).
			Order(ent.Asc(metricgoal.FieldExperimentID, metricgoal.FieldKey)).All(ctx)
	}, func(g *ent.MetricGoal) int { return g.ExperimentID })
}

// ModelParamsOf gives the params of logged models.
func (s *Service) ModelParamsOf(ctx context.Context, models []int) (map[int][]*ent.LoggedModelParam, error) {
	return store.Grouped(models, "model params", func(ids []int) ([]*ent.LoggedModelParam, error) {
		return s.db.Ent().LoggedModelParam.Query().Where(loggedmodelparam.LoggedModelIDIn(ids...)).
			Order(ent.Asc(loggedmodelparam.FieldLoggedModelID, loggedmodelparam.FieldKey)).All(ctx)
	}, func(p *ent.LoggedModelParam) int { return p.LoggedModelID })
}

// ModelTagsOf gives the tags of logged models.
func (s *Service) ModelTagsOf(ctx context.Context, models []int) (map[int][]*ent.LoggedModelTag, error) {
	return store.Grouped(models, "model tags", func(ids []int) ([]*ent.LoggedModelTag, error) {
		return s.db.Ent().LoggedModelTag.Query().Where(loggedmodeltag.LoggedModelIDIn(ids...)).
			Order(ent.Asc(loggedmodeltag.FieldLoggedModelID, loggedmodeltag.FieldKey)).All(ctx)
	}, func(t *ent.LoggedModelTag) int { return t.LoggedModelID })
}

// ModelMetricsOf gives the points that were measured of logged models, in the order in which they came.
func (s *Service) ModelMetricsOf(ctx context.Context, models []int) (map[int][]*ent.LoggedModelMetric, error) {
	return store.Grouped(models, "model metrics", func(ids []int) ([]*ent.LoggedModelMetric, error) {
		return s.db.Ent().LoggedModelMetric.Query().Where(loggedmodelmetric.LoggedModelIDIn(ids...)).
			Order(ent.Asc(loggedmodelmetric.FieldLoggedModelID, loggedmodelmetric.FieldID)).All(ctx)
	}, func(m *ent.LoggedModelMetric) int { return m.LoggedModelID })
}

// Dataset gives a dataset by its internal id, which is the number of its global id. NotFound when there is none.
func (s *Service) Dataset(ctx context.Context, id int) (*ent.Dataset, error) {
	d, err := s.db.Ent().Dataset.Query().Where(dataset.ID(id)).Only(ctx)
	return d, notFound(err, "dataset", fmt.Sprint(id))
}

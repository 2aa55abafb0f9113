package mlflow

import (
	"strconv"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/tracking"
)

// Bounds of a search for datasets: MLflow's own.
const (
	maxDatasetExperiments = 20
	maxDatasetSummaries   = 1_000
)

// searchDatasets names the datasets that runs of experiments read, as a user interface offers them to filter by.
func (c *call) searchDatasets() error {
	var texts []string
	if err := c.take(mayTexts("experiment_ids", &texts)); err != nil {
		return err
	}
	switch {
	case len(texts) == 0:
		return missing("experiment_ids")
	case len(texts) > maxDatasetExperiments:
		return errs.Field("experiment_ids", "names %d experiments: at most %d are allowed", len(texts), maxDatasetExperiments)
	}
	ids, err := experimentIDs(texts)
	if err != nil {
		return err
	}
	uses, err := c.Tracking.DatasetUses(c, ids, maxDatasetSummaries)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	list(&o, "dataset_summaries", uses, func(b []byte, u tracking.DatasetUse) []byte {
		o := newObject(b)
		o.text("experiment_id", strconv.Itoa(u.ExperimentID))
		o.text("name", u.Name)
		o.text("digest", u.Digest)
		o.textIf("context", u.Context)
		return o.end()
	})
	*c.out = o.end()
	return nil
}

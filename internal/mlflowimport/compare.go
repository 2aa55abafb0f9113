package mlflowimport

import (
	"context"
	"database/sql"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// storedRun is a run that Cairn has.
type storedRun struct {
	experiment int
	start      int64
	counts
}

// stored gives those runs of a page that are there, by their ids.
func stored(ctx context.Context, q store.Querier, page []*sourceRun) (map[string]*storedRun, error) {
	found := map[string]*storedRun{}
	if q == nil {
		return found, nil
	}
	ids := make([]string, len(page))
	for i, r := range page {
		ids[i] = r.RunID
	}
	in := store.In(len(ids))
	err := store.EachRow(ctx, q, "SELECT run_id, experiment_id, start_time FROM runs WHERE run_id IN "+in, store.Args(nil, ids), func(rows *sql.Rows) error {
		var id string
		r := &storedRun{}
		err := rows.Scan(&id, &r.experiment, &r.start)
		found[id] = r
		return err
	})
	if err != nil || len(found) == 0 {
		return found, err
	}
	for _, part := range []struct {
		query string
		args  []string
		into  func(*counts) *int64
	}{
		{"SELECT r.run_id, COUNT(*) FROM params x JOIN runs r ON r.id = x.run_id WHERE r.run_id IN " + in + " GROUP BY r.run_id", nil,
			func(c *counts) *int64 { return &c.params }},
		{"SELECT r.run_id, COUNT(*) FROM run_tags x JOIN runs r ON r.id = x.run_id WHERE r.run_id IN " + in +
			" AND x.key NOT IN " + store.In(len(ownTags)) + " GROUP BY r.run_id", ownTags, func(c *counts) *int64 { return &c.tags }},
		{"SELECT r.run_id, CAST(SUM(x.count) AS bigint) FROM metric_series x JOIN runs r ON r.id = x.run_id WHERE r.run_id IN " + in +
			" GROUP BY r.run_id", nil, func(c *counts) *int64 { return &c.points }},
	} {
		err := store.EachRow(ctx, q, part.query, store.Args(store.Args(nil, ids), part.args), func(rows *sql.Rows) error {
			var id string
			var n int64
			err := rows.Scan(&id, &n)
			*part.into(&found[id].counts) = n
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// compare counts a run that is there. What was added to it in Cairn since is Cairn's own.
func (im *importer) compare(r *sourceRun, there *storedRun, experiment int) {
	if there.experiment != experiment || there.start != r.StartTime {
		im.others[r.RunID] = true
		im.report.problem("run", r.RunID, errs.New(errs.Exists, "there is another run of this id, of another experiment or start; nothing of it was changed"))
		return
	}
	im.report.Runs.Cairn++
	im.report.Params.Cairn += min(there.params, r.params)
	im.report.Tags.Cairn += min(there.tags, r.tags)
	im.report.Points.Cairn += min(there.points, r.points)
	if there.params < r.params || there.tags < r.tags || there.points < r.points {
		im.report.problem("run", r.RunID, errs.New(errs.Exists, "it is there with less: %d params, %d tags and %d points of %d, %d and %d; MLflow went on "+
			"with it after it was imported, or it is another run. Nothing of it was changed",
			there.params, there.tags, there.points, r.params, r.tags, r.points))
	}
}

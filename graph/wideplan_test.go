package graph_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// wholeTable is what a plan says that reads a table of what runs have from end to end.
var wholeTable = regexp.MustCompile(`(Seq Scan on|SCAN) (params|run_tags|metric_series|metric_batches|s)\b`)

// What the page of a run with very many metrics asks for, as the benchmark's profile wide does, is read from the indexes of
// runs: nothing goes through what other runs have, and a page of the metrics is not sorted.
func TestRunPageUsesIndexes(t *testing.T) {
	t.Parallel()
	const runs, folders = 60, 10 // the last run has as many folders of metrics, the others one
	type statement struct {
		text string
		args []any
	}
	queries := map[string]struct{ query, index string }{
		"params":    {`params { key value } param(key: "p1") some: params(keys: ["p1", "p2"]) { value }`, "param_run_id_key"},
		"tags":      {`tags { key value } tag(key: "t1")`, "runtag_run_id_key"},
		"page":      {`metricPage(first: 100) { edges { node { key count last { value step } min { value } max { value } } } }`, "metricseries_run_id_key"},
		"next page": {`metricPage(first: 100, after: "layer_02/m10") { edges { node { key } } }`, "metricseries_run_id_key"},
		"folder":    {`metricPage(first: 100, prefix: "layer_02/") { totalCount edges { node { key } } }`, "metricseries_run_id_key"},
		"number":    {`metricPage(first: 100) { totalCount }`, "metricseries_run_id_key"},
		"groups":    {`metricGroups { prefix metrics folder }`, "metricseries_run_id_key"},
		"summaries": {`metricColumns { keys counts stepScales lastSteps lastValues minValues maxValues }`, "metricseries_run_id_key"},
		"one":       {`metric(key: "layer_01/m01") { last { value } }`, "metricseries_run_id_key"},
	}
	for name, newURL := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/cairn.db" }, //nolint:thelper // no helper
		"postgres": storetest.PostgresURL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := newURL(t)
			var mu sync.Mutex
			var seen []statement
			db := storetest.Open(t, store.Config{URL: url, OnQuery: func(text string, args []any) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, statement{text, args})
			}})
			s := newServer(t, db, graph.Options{})
			var id string
			for n := range runs {
				id = s.newRun(tracking.CreateRun{})
				batch := tracking.Batch{RunID: id}
				for i := range 90 {
					batch.Params = append(batch.Params, tracking.Param{Key: fmt.Sprintf("p%d", i), Value: "1"})
					batch.Tags = append(batch.Tags, tracking.Tag{Key: fmt.Sprintf("t%d", i), Value: "1"})
				}
				for folder := range folders {
					for i := range 100 {
						key := fmt.Sprintf("layer_%02d/m%02d", folder, i)
						batch.Columns = append(batch.Columns, metric.Columns{Key: key, Steps: []int64{1}, Times: []int64{1}, Values: []float64{1}})
					}
					_, err := s.deps.Tracking.LogBatch(admin(), batch)
					require.NoError(t, err)
					if batch = (tracking.Batch{RunID: id}); n < runs-1 {
						break
					}
				}
			}
			for _, statistics := range []bool{false, true} {
				if statistics {
					driver, source := "sqlite", strings.TrimPrefix(url, "sqlite:")
					if db.Postgres() {
						driver, source = "postgres", url
					}
					direct, err := sql.Open(driver, source)
					require.NoError(t, err)
					_, err = direct.ExecContext(t.Context(), map[string]string{"sqlite": "ANALYZE", "postgres": "VACUUM ANALYZE"}[driver])
					require.NoError(t, err)
					require.NoError(t, direct.Close())
				}
				for what, q := range queries {
					mu.Lock()
					seen = nil
					mu.Unlock()
					must[any](s, `query($id: ID!) { run(id: $id) { name `+q.query+` } }`, vars{"id": id})
					mu.Lock()
					asked := seen
					mu.Unlock()
					used := false
					for _, st := range asked {
						steps := storetest.Explain(t, db, st.text, st.args)
						plan := what + "\n" + st.text + "\n" + strings.Join(steps, "\n")
						for _, step := range steps {
							require.NotRegexp(t, wholeTable, step, plan)
							used = used || strings.Contains(step, q.index)
						}
						// Without statistics PostgreSQL takes a run's series for few, and of all of them it may sort many.
						if strings.Contains(st.text, "ORDER BY key LIMIT") && (statistics && what != "summaries" || !db.Postgres()) {
							require.NotRegexp(t, "Sort|TEMP B-TREE", strings.Join(steps, "\n"), plan)
						}
					}
					require.True(t, used, "%s does not use %s", what, q.index)
				}
			}
		})
	}
}

package search

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

const (
	planRuns = 400
	planKeys = 30
)

// fillForPlans stores runs of many keys, so that a look at all rows costs much more than one at those of a key.
func fillForPlans(t *testing.T, db *store.DB) {
	t.Helper()
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		for i := range planRuns {
			run, err := tx.Ent().Run.Create().SetRunID(fmt.Sprintf("%032x", i)).SetExperimentID(0).SetName("run").SetStartTime(int64(i)).
				SetArtifactLocation("x").SetCreatedAt(1).SetUpdatedAt(1).Save(ctx)
			if err != nil {
				return err
			}
			var params []*ent.ParamCreate
			var tags []*ent.RunTagCreate
			var metrics []*ent.MetricSeriesCreate
			for k := range planKeys {
				value := fmt.Sprint(i % (k + 2))
				params = append(params, tx.Ent().Param.Create().SetRunID(run.ID).SetExperimentID(0).SetKey(fmt.Sprintf("p%02d", k)).
					SetValue(value).SetValuePrefix(store.ValuePrefix(value)).SetNumber(float64(i%(k+2))))
				tags = append(tags, tx.Ent().RunTag.Create().SetRunID(run.ID).SetExperimentID(0).SetKey(fmt.Sprintf("t%02d", k)).
					SetValue(value).SetValuePrefix(store.ValuePrefix(value)))
				metrics = append(metrics, tx.Ent().MetricSeries.Create().SetRunID(run.ID).SetExperimentID(0).SetKey(fmt.Sprintf("m%02d", k)).
					SetCount(1).SetFirstStep(0).SetFirstTime(0).SetLastStep(0).SetLastTime(0).SetLastValue(float64(i)))
			}
			if err := tx.Ent().Param.CreateBulk(params...).Exec(ctx); err != nil {
				return err
			}
			if err := tx.Ent().RunTag.CreateBulk(tags...).Exec(ctx); err != nil {
				return err
			}
			if err := tx.Ent().MetricSeries.CreateBulk(metrics...).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// allKeys is what a plan says that goes through all keys of all runs.
var allKeys = regexp.MustCompile(`Seq Scan on (params|run_tags|metric_series)|SCAN (d|l|g\d|v\d|params|run_tags|metric_series)( |$)`)

// What is asked of whole experiments is read from the indexes of the keys, and of a filtered set looked up for its runs:
// nothing goes through the tables of all keys.
func TestFacetsUseIndexes(t *testing.T) {
	t.Parallel()
	for name, newURL := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/cairn.db" }, //nolint:thelper // no helper
		"postgres": storetest.PostgresURL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			type statement struct {
				text string
				args []any
			}
			var mu sync.Mutex
			var seen []statement
			url := newURL(t)
			db := storetest.Open(t, store.Config{URL: url, OnQuery: func(text string, args []any) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, statement{text, args})
			}})
			fillForPlans(t, db)
			if db.Postgres() { // as autovacuum does it, sooner or later
				direct, err := sql.Open("postgres", url)
				require.NoError(t, err)
				_, err = direct.ExecContext(context.Background(), "VACUUM ANALYZE")
				require.NoError(t, err)
				require.NoError(t, direct.Close())
			}
			s, ctx := New(db), context.Background()
			// Where all of a set are looked at, nobody asks which are the newest.
			f, err := s.Facets(RunsQuery{Experiments: []int{0}, Filter: "params.p29 = '7' and metrics.m01 >= 0"}, 50)
			require.NoError(t, err)
			n, err := f.Runs(ctx)
			require.NoError(t, err)
			require.Equal(t, 13, n)
			last := seen[len(seen)-1]
			plan := strings.Join(storetest.Explain(t, db, last.text, last.args), "\n")
			require.Contains(t, plan, "param_search")
			require.NotContains(t, plan, "run_list")
			for set, q := range map[string]RunsQuery{"whole": {Experiments: []int{0}}, "filtered": {Experiments: []int{0}, Filter: "start_time < 5"}} {
				f, err := s.Facets(q, 1000)
				require.NoError(t, err)
				_, err = f.Complete(ctx)
				require.NoError(t, err)
				index := map[bool]map[string]string{
					true:  {"params": "param_search", "tags": "runtag_search", "metrics": "metricseries_search"},
					false: {"params": "param_run_id_key", "tags": "runtag_run_id_key", "metrics": "metricseries_run_id_key"},
				}[set == "whole"]
				group := AggregateQuery{Runs: q, GroupBy: []string{"params.p03"}, Metrics: []string{"metrics.m03", "max(metrics.m04)"}, First: 10}
				for what, look := range map[string]func() error{
					"params keys": func() error {
						_, err := f.Keys(ctx, KeysQuery{Entity: Param, First: 10, MaxCount: 100, Ranges: true})
						return err
					},
					"metrics keys": func() error {
						_, err := f.Keys(ctx, KeysQuery{Entity: Metric, First: 10, MaxCount: 100, Ranges: true})
						return err
					},
					"tags keys": func() error {
						_, err := f.Keys(ctx, KeysQuery{Entity: Tag, First: 10, MaxCount: 100, Prefix: "t0"})
						return err
					},
					"params values": func() error { _, err := f.Values(ctx, ValuesQuery{Of: "params.p03", First: 10}); return err },
					"tags values":   func() error { _, err := f.Values(ctx, ValuesQuery{Of: "tags.t03", First: 10}); return err },
					"params number": func() error { _, err := f.Distinct(ctx, "params.p03"); return err },
					"params range":  func() error { _, err := f.Range(ctx, "params.p03"); return err },
					"metrics range": func() error { _, err := f.Range(ctx, "max(metrics.m03)"); return err },
					"params groups": func() error { _, err := s.Aggregate(ctx, group); return err },
					"tags groups": func() error {
						_, err := s.Aggregate(ctx, AggregateQuery{Runs: q, GroupBy: []string{"tags.t03"}, First: 10})
						return err
					},
				} {
					seen = nil
					require.NoError(t, look())
					var plans []string
					for _, st := range seen {
						plans = append(plans, storetest.Explain(t, db, st.text, st.args)...)
					}
					all := strings.Join(plans, "\n")
					entity, _, _ := strings.Cut(what, " ")
					require.NotRegexp(t, allKeys, all, "%s of the %s set", what, set)
					require.Contains(t, all, index[entity], "%s of the %s set", what, set)
				}
			}
		})
	}
}

package search

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// plans remembers the queries of a database, to ask it how it runs them.
type plans struct {
	db      *store.DB
	queries []string
	args    [][]any
	asking  bool
}

func (p *plans) remember(query string, args []any) {
	if !p.asking {
		p.queries, p.args = append(p.queries, query), append(p.args, args)
	}
}

// explain gives the plans of the queries that fn made, a line a step.
func (p *plans) explain(t *testing.T, fn func()) []string {
	t.Helper()
	p.queries, p.args, p.asking = nil, nil, false
	fn()
	p.asking = true
	require.NotEmpty(t, p.queries)
	var steps []string
	for i, query := range p.queries {
		steps = append(steps, storetest.Explain(t, p.db, query, p.args[i])...)
	}
	return steps
}

// wholeTable is a step that reads a table from end to end. In the queries of searches, d, i, k, o0 and r are tables; c, e, f, m, s
// and t0 are what was found in them.
var wholeTable = regexp.MustCompile(`^SCAN (d|i|k|o\d|r)\b|Seq Scan on \w+ (d|i|k|o\d|r)(_\d+)?\b`)

// Where an index serves, no table is read whole, whether or not the database has statistics.
func TestSearchesUseIndexes(t *testing.T) {
	t.Parallel()
	const issue = "metrics.m1 > 0.9 and params.p1 = '3'"
	best := []string{"metrics.m1 DESC"}
	queries := map[string]struct {
		query RunsQuery
		index string
	}{
		"metric and param, by the metric": {RunsQuery{Filter: issue, OrderBy: best}, "metricseries_search"},
		"by a metric":                     {RunsQuery{OrderBy: []string{"metrics.m1"}}, "metricseries_search"},
		"by the greatest of a metric":     {RunsQuery{OrderBy: []string{"max(metrics.m1) DESC"}}, "metricseries_search"},
		"by a param of numbers":           {RunsQuery{OrderBy: []string{"params.p2"}}, "param_search"},
		"by a param of texts":             {RunsQuery{OrderBy: []string{"params.p0 DESC", "metrics.m1"}}, "param_search"},
		"by numbers as texts":             {RunsQuery{OrderBy: []string{"params.p2"}, ParamsAsText: true}, "param_search"},
		"by a tag":                        {RunsQuery{OrderBy: []string{"tags.host"}}, "runtag_search"},
		"newest":                          {RunsQuery{}, "run_list"},
		"oldest":                          {RunsQuery{OrderBy: []string{"start_time"}, View: All}, "run_list"},
		"a rare value":                    {RunsQuery{Filter: "params.p2 = '77'", OrderBy: best}, "param_search"},
		"one of values":                   {RunsQuery{Filter: "params.p2 in ('77', '78') and metrics.m1 >= 0"}, "param_search"},
		"a number of a param":             {RunsQuery{Filter: "params.p2 > 990", OrderBy: []string{"start_time"}}, "param_search"},
		"the beginning of a text":         {RunsQuery{Filter: "tags.host like 'node-77%'", OrderBy: best}, "runtag_search"},
		"the middle of a text":            {RunsQuery{Filter: "tags.host like '%zzz%'", OrderBy: best}, "runtag_search"},
		"rare values together":            {RunsQuery{Filter: "params.p2 < 50 and tags.host = 'node-5'", OrderBy: []string{"run_name"}}, "param_search"},
		"either of two":                   {RunsQuery{Filter: "params.p2 = '77' or tags.host = 'node-5'", OrderBy: best}, "runtag_search"},
		"a name":                          {RunsQuery{Filter: "run_name = 'run-77'"}, "run_experiment_id_name"},
		"a status":                        {RunsQuery{Filter: "status = 'FAILED'", OrderBy: []string{"run_name"}}, "run_experiment_id_status"},
		"an id":                           {RunsQuery{Filter: "run_id = '" + strings.Repeat("0", 32) + "'"}, "runs_run_id_key"},
		"the runs below one":              {RunsQuery{Filter: "parent_run_id = '" + strings.Repeat("0", 32) + "'"}, "run_parent_run_id"},
	}
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "cairn.db") }, "postgres": storetest.PostgresURL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			p := &plans{asking: true}
			p.db = storetest.Open(t, store.Config{URL: url(t), OnQuery: p.remember})
			seed(t, p.db, 1000, 8, 12)
			s := New(p.db)
			s.pieces.least = 8 // what comes to be at the second piece of many runs comes to be here
			for _, statistics := range []bool{false, true} {
				if statistics {
					write(t, p.db, func(ctx context.Context, tx *store.Tx) error {
						_, err := tx.ExecContext(ctx, "ANALYZE")
						return err
					})
				}
				for name, c := range queries {
					q := c.query
					q.Experiments, q.First = []int{0}, 7
					check := func(what string, fn func()) string {
						steps := p.explain(t, fn)
						plan := name + ", " + what + "\n" + strings.Join(p.queries, "\n") + "\n" + strings.Join(steps, "\n")
						for _, step := range steps {
							require.NotRegexp(t, wholeTable, step, plan)
						}
						return plan
					}
					var page RunPage
					search := func() {
						var err error
						page, err = s.Runs(ctx, q)
						require.NoError(t, err)
					}
					require.Contains(t, check("first page", search), c.index)
					if page.HasNext {
						q.After = page.Cursors[len(page.Cursors)-1]
						check("next page", search)
					}
					if q.Filter != "" {
						check("count", func() {
							_, err := s.CountRuns(ctx, q)
							require.NoError(t, err)
						})
					}
				}
			}
		})
	}
}

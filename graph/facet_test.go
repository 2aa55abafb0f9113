package graph_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/metricgoal"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// sweep records six runs of two optimizers, one of them deleted, and gives the experiment.
func sweep(t *testing.T, s *server) int {
	t.Helper()
	made, err := s.deps.Tracking.CreateExperiment(admin(), tracking.CreateExperiment{Name: "sweep"})
	require.NoError(t, err)
	_, err = s.deps.Tracking.SetMetricGoal(admin(), made.ID, "loss", metricgoal.GoalMINIMIZE)
	require.NoError(t, err)
	for i, optimizer := range []string{"adam", "adam", "adam", "sgd", "sgd", "gone"} {
		id := s.newRun(tracking.CreateRun{ExperimentID: &made.ID, Name: fmt.Sprint("run ", i), StartTime: int64(1000 + i), UserID: "u"})
		params := []tracking.Param{{Key: "optimizer", Value: optimizer}, {Key: "lr", Value: []string{"0.1", "0.10", "1", "x", "0.1", "9"}[i]}}
		if i == 4 {
			params = params[:1]
		}
		_, err := s.deps.Tracking.LogBatch(admin(), tracking.Batch{RunID: id, Params: params, Tags: []tracking.Tag{{Key: "team", Value: "red"}}})
		require.NoError(t, err)
		s.logPoints(id, "loss", 0, 10, float64(i), 5)
		switch i {
		case 3:
			s.logPoints(id, "acc", 0, math.NaN())
		case 5:
			_, err = s.deps.Tracking.DeleteRun(admin(), id)
			require.NoError(t, err)
		default:
			s.logPoints(id, "acc", 0, float64(i)/4)
		}
		if i == 0 {
			failed := run.StatusFAILED
			_, err = s.deps.Tracking.UpdateRun(admin(), tracking.UpdateRun{RunID: id, Status: &failed})
			require.NoError(t, err)
		}
	}
	return made.ID
}

func TestRunFacets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		sweep(t, s)
		query := `query($f: String, $most: Int! = 100) { runFacets(filter: $f, maxRuns: $most) { runs complete
			params { edges { node { key runs exact min max } } pageInfo { hasNextPage } }
			two: params(first: 1) { edges { node { key } } pageInfo { hasNextPage endCursor } }
			tags(prefix: "te") { edges { node { key runs } } } metrics(maxCount: 2) { edges { node { key runs exact min max } } }
			lr: values(of: "params.lr") { totalCount edges { node { value runs } } }
			status: values(of: "status") { edges { node { value runs } } } range(of: "best(metrics.loss)") { runs numbers min max }
			acc: range(of: "metrics.acc") { runs numbers min max } start: range(of: "start_time") { min max } } }`
		res := s.try(query, nil)
		require.Empty(t, res.Errors, "%s", res.body)
		require.JSONEq(t, `{"runFacets": {"runs": 5, "complete": true,
			"params": {"edges": [{"node": {"key": "lr", "runs": 4, "exact": true, "min": 0.1, "max": 1}},
				{"node": {"key": "optimizer", "runs": 5, "exact": true, "min": null, "max": null}}], "pageInfo": {"hasNextPage": false}},
			"two": {"edges": [{"node": {"key": "lr"}}], "pageInfo": {"hasNextPage": true, "endCursor": "`+endCursor(t, s, query)+`"}},
			"tags": {"edges": [{"node": {"key": "team", "runs": 5}}]},
			"metrics": {"edges": [{"node": {"key": "acc", "runs": 2, "exact": false, "min": 0, "max": 1}}, {"node": {"key": "loss", "runs": 2, "exact": false, "min": 5, "max": 5}}]},
			"lr": {"totalCount": 4, "edges": [{"node": {"value": "0.1", "runs": 1}}, {"node": {"value": "0.10", "runs": 1}}, {"node": {"value": "1", "runs": 1}}, {"node": {"value": "x", "runs": 1}}]},
			"status": {"edges": [{"node": {"value": "RUNNING", "runs": 4}}, {"node": {"value": "FAILED", "runs": 1}}]},
			"range": {"runs": 5, "numbers": 5, "min": 0, "max": 4}, "acc": {"runs": 5, "numbers": 4, "min": 0, "max": 1}, "start": {"min": 1000, "max": 1004}}}`, string(res.Data))

		some := must[struct {
			RunFacets struct {
				Runs     int
				Complete bool
				Params   struct {
					Edges []struct{ Node struct{ Key string } }
				}
				LR    struct{ TotalCount int }
				Range struct{ Min, Max float64 }
			}
		}](s, query, vars{"f": "params.optimizer = 'sgd'", "most": 1}).RunFacets
		require.Equal(t, []any{1, false, 1, 0}, []any{some.Runs, some.Complete, len(some.Params.Edges), some.LR.TotalCount}, "the newest run has no lr")
		require.InDelta(t, 4, some.Range.Min, 0)

		next := must[struct {
			RunFacets struct {
				Params struct {
					Edges []struct{ Node struct{ Key string } }
				}
				LR struct {
					Edges []struct{ Node struct{ Value string } }
				}
			}
		}](s, `query($a: String!) { runFacets { params(first: 1, after: $a) { edges { node { key } } } } }`, vars{"a": endCursor(t, s, query)}).RunFacets
		require.Equal(t, "optimizer", next.Params.Edges[0].Node.Key)

		for query, message := range map[string]string{
			`{ runFacets(filter: "x = 1") { runs } }`:                               "filter: at 1: unknown attribute x",
			`{ runFacets(maxRuns: 1000001) { runs } }`:                              "maxRuns: is 1000001; it is from 1 to 1,000,000",
			`{ runFacets { params(first: 1001) { edges { cursor } } } }`:            "first: is 1001; it is from 1 to 1,000",
			`{ runFacets { values(of: "metrics.acc") { totalCount } } }`:            "of: metrics.acc is a metric, of which",
			`{ runFacets { range(of: "tags.team") { min } } }`:                      "of: tags.team is a text",
			`{ runFacets(experiments: ["x"]) { runs } }`:                            "experiments[0]: ",
			`{ runGroups(groupBy: ["start_time"]) { totalCount } }`:                 "groupBy[0]: start_time is a time",
			`{ runGroups(first: 0) { totalCount } }`:                                "first: is 0; it is from 1 to 1,000",
			`{ runGroups(orderBy: { by: STD, metric: "metrics.a" }) { runs } }`:     "orderBy.metric: metrics.a is none of the metrics",
			`{ runFacets { ` + manyLooks(60) + ` } }`:                               "points of cost: at most 1,000,000 are allowed",
			`{ runGroups(metrics: ["best(metrics.acc)"]) { runs } }`:                "best(metrics.acc) needs to know which direction is better",
			`{ runGroups(groupBy: ["status", "status"]) { runs } }`:                 "groupBy[1]: status stands in groupBy[0] already",
			`{ runGroups(after: "AA") { runs } }`:                                   "after: this is not a cursor",
			`{ runFacets { values(of: "status", after: "AA") { totalCount } } }`:    "after: this is not a cursor",
			`{ runFacets { tags(maxCount: 0) { pageInfo { hasNextPage } } } }`:      "maxCount: is 0; it is from 1 to 1,000,000",
			`{ runFacets { params(prefix: "\u0000") { edges { node { key } } } } }`: "prefix: holds a NUL",
		} {
			err, _ := s.fails(query, nil)
			require.Contains(t, err.Message, message, query)
			require.Equal(t, "INVALID_ARGUMENT", err.Extensions.Code, query)
		}
		_, _, err := s.deps.Auth.CreateToken(admin(), "admin", token.RoleADMIN, nil)
		require.NoError(t, err)
		_, viewer, err := s.deps.Auth.CreateToken(admin(), "viewer", token.RoleVIEWER, nil)
		require.NoError(t, err)
		for _, query := range []string{`{ runFacets { runs } }`, `{ runGroups { runs } }`} {
			refused, _ := s.fails(query, nil, "X-Anonymous", "1")
			require.Equal(t, "UNAUTHENTICATED", refused.Extensions.Code)
			require.Empty(t, s.try(query, nil, "Authorization", "Bearer "+viewer).Errors, "who may search may ask this")
		}
	})
}

func manyLooks(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `r%d: range(of: "metrics.m%d") { min } `, i, i)
	}
	return b.String()
}

func endCursor(t *testing.T, s *server, query string) string {
	t.Helper()
	return must[struct {
		RunFacets struct {
			Two struct{ PageInfo struct{ EndCursor string } }
		}
	}](s, query, nil).RunFacets.Two.PageInfo.EndCursor
}

func TestRunGroups(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		sweep(t, s)
		res := s.try(`{ runGroups(groupBy: ["params.optimizer"], metrics: ["metrics.acc", "best(metrics.loss)", "first(metrics.loss)"],
			orderBy: { by: MEAN, metric: "best(metrics.loss)", direction: ASC }) { totalCount runs edges { node { keys runs
			metrics { metric count nanCount mean min max std } } } } }`, nil)
		require.Empty(t, res.Errors, "%s", res.body)
		require.JSONEq(t, `{"runGroups": {"totalCount": 2, "runs": 5, "edges": [
			{"node": {"keys": ["adam"], "runs": 3, "metrics": [
				{"metric": "metrics.acc", "count": 3, "nanCount": 0, "mean": 0.25, "min": 0, "max": 0.5, "std": 0.25},
				{"metric": "best(metrics.loss)", "count": 3, "nanCount": 0, "mean": 1, "min": 0, "max": 2, "std": 1},
				{"metric": "first(metrics.loss)", "count": 3, "nanCount": 0, "mean": 10, "min": 10, "max": 10, "std": 0}]}},
			{"node": {"keys": ["sgd"], "runs": 2, "metrics": [
				{"metric": "metrics.acc", "count": 1, "nanCount": 1, "mean": 1, "min": 1, "max": 1, "std": null},
				{"metric": "best(metrics.loss)", "count": 2, "nanCount": 0, "mean": 3.5, "min": 3, "max": 4, "std": 0.7071067811865476},
				{"metric": "first(metrics.loss)", "count": 2, "nanCount": 0, "mean": 10, "min": 10, "max": 10, "std": 0}]}}]}}`, string(res.Data))

		var keys []any
		after := any(nil)
		for {
			page := must[struct {
				RunGroups struct {
					Edges    []struct{ Node struct{ Keys []*string } }
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}](s, `query($a: String) { runGroups(groupBy: ["params.lr", "experiment_id"], orderBy: { by: KEYS }, first: 2, after: $a) {
				edges { node { keys } } pageInfo { hasNextPage endCursor } } }`, vars{"a": after}).RunGroups
			for _, e := range page.Edges {
				if e.Node.Keys[0] == nil {
					keys = append(keys, nil)
					continue
				}
				keys = append(keys, *e.Node.Keys[0])
			}
			if after = page.PageInfo.EndCursor; !page.PageInfo.HasNextPage {
				break
			}
		}
		require.Equal(t, []any{"0.1", "0.10", "1", "x", nil}, keys, "numbers by size, then texts, then none; by their text")
	})
}

// A list of runs gives the params and metrics that it is asked for, counts when it is asked to, and knows each value of a
// metric that is kept.
func TestProjectionAndCount(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	s := newServer(t, storetest.Open(t, store.Config{URL: "sqlite:" + t.TempDir() + "/cairn.db", OnQuery: func(q string, _ []any) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, q)
	}}), graph.Options{})
	sweep(t, s)
	counts := func() (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, q := range seen {
			if strings.Contains(q, "COUNT(*)") {
				n++
			}
		}
		seen = nil
		return n
	}
	counts()
	shown := `edges { node { params(keys: ["lr"]) { key } metrics(keys: ["loss"]) { key first { value } last { value } min { value } max { value } } } }`
	res := s.try(`{ runs(first: 1, filter: "params.optimizer = 'sgd'") { `+shown+` } }`, nil)
	require.JSONEq(t, `{"runs": {"edges": [{"node": {"params": [], "metrics": [{"key": "loss", "first": {"value": 10}, "last": {"value": 5},
		"min": {"value": 4}, "max": {"value": 10}}]}}]}}`, string(res.Data), "%s", res.body)
	require.Zero(t, counts(), "nobody asked how many there are")
	res = s.try(`{ runs(filter: "params.optimizer = 'sgd'", first: 1) { totalCount } }`, nil)
	require.JSONEq(t, `{"runs": {"totalCount": 2}}`, string(res.Data))
	require.Positive(t, counts())
	for filter, want := range map[string]int{
		"metrics.loss = 5": 5, "last(metrics.loss) > 5": 0, "first(metrics.loss) = 10": 5, "min(metrics.loss) < 2": 2,
		"max(metrics.loss) >= 10": 5, "best(metrics.loss) = 3": 1, "not (best(metrics.loss) = 3) and (metrics.acc > 0.4 or params.lr = '0.1')": 3,
	} {
		got := must[struct{ Runs struct{ TotalCount int } }](s, `query($f: String) { runs(filter: $f) { totalCount } }`, vars{"f": filter})
		require.Equal(t, want, got.Runs.TotalCount, filter)
	}
	ordered := must[struct {
		Runs struct {
			Edges []struct{ Node struct{ Name string } }
		}
	}](s, `{ runs(orderBy: ["best(metrics.loss) DESC"], first: 2) { edges { node { name } } } }`, nil).Runs
	require.Equal(t, []string{"run 4", "run 3"}, []string{ordered.Edges[0].Node.Name, ordered.Edges[1].Node.Name})
}

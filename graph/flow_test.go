package graph_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

var allRuns = search.RunsQuery{First: 1000}

// A training as a client records it, and what is then read of it, on both databases.
func TestTraining(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		experiment := must[struct {
			CreateExperiment struct{ ID, ExperimentID, ArtifactLocation string }
		}](s, `mutation { createExperiment(input: { name: "学习", tags: [{ key: "team", value: "x" }], idempotencyKey: "k" }) { id experimentId artifactLocation } }`, nil).CreateExperiment
		require.Equal(t, "experiment:"+experiment.ExperimentID, experiment.ID)

		runID := strings.Repeat("ab", 16)
		create := `mutation($i: CreateRunInput!) { createRun(input: $i) { id runId name status lifecycleStage startTime createdBy tag(key: "mlflow.runName") uploadUrl(path: "a b/ü.txt") metricSeriesUrl(format: ARROW, keys: ["a b", "ü"]) } }`
		input := vars{"runId": runID, "experimentId": experiment.ID, "name": "first", "startTime": "2026-01-02T03:04:05.678Z", "tags": []vars{{"key": "k", "value": "v"}}}
		want := fmt.Sprintf(`{"createRun": {"id": "run:%s", "runId": "%s", "name": "first", "status": "RUNNING", "lifecycleStage": "active",
			"startTime": "2026-01-02T03:04:05.678Z", "createdBy": "local:tester", "tag": "first", "uploadUrl": "/artifacts/%s/a%%20b/%%C3%%BC.txt",
			"metricSeriesUrl": "/metric-series/%s?format=arrow&key=a+b&key=%%C3%%BC"}}`, runID, runID, runID, runID)
		for range 2 {
			res := s.try(create, vars{"i": input})
			require.Empty(t, res.Errors)
			require.JSONEq(t, want, string(res.Data), "the same id with the same input gives the same run")
		}

		batch := vars{
			"runId": runID, "client": "agent", "sequence": 1,
			"metrics": []vars{
				{"key": "学习率", "value": 0.1, "step": 0, "time": 1000}, {"key": "loss", "value": "NaN", "step": "0.25", "time": 1000},
				{"key": "loss", "value": "Infinity", "step": "0.5", "time": 2000, "role": "RESULT"}, {"key": "time/fit", "value": 1.5, "role": "MEASUREMENT"},
			},
			"columns": []vars{{"key": "loss", "stepScale": 1, "steps": packInts(10, 15), "times": packInts(3000, 4000), "values": pack(0.5, 0.25)}},
			"params":  []vars{{"key": "depth", "value": "3"}, {"key": "big", "value": "inf"}},
			"tags":    []vars{{"key": "note", "value": "n"}},
		}
		for _, stored := range []bool{true, false} {
			got := must[struct{ LogBatch struct{ Stored bool } }](s, `mutation($i: LogBatchInput!) { logBatch(input: $i) { stored } }`, vars{"i": batch})
			require.Equal(t, stored, got.LogBatch.Stored, "a repetition changes nothing")
		}

		res := s.try(`query($id: ID!) { run(id: $id) { params { key value number } note: tag(key: "note") none: tag(key: "none")
			metrics { key role count nanCount first { value step time } last { value step time } min { value step } max { value step } } } }`, vars{"id": "run:" + runID})
		require.Empty(t, res.Errors)
		metrics := must[struct {
			Run struct {
				Metrics []struct {
					Key, Role       string
					Count, NanCount int
					First, Last     struct{ Value, Step, Time any }
					Min, Max        *struct{ Value, Step any }
				}
			}
		}](s, `query($id: ID!) { run(id: $id) { metrics(keys: ["loss", "time/fit"]) { key role count nanCount first { value step time } last { value step time } min { value step } max { value step } } } }`, vars{"id": runID}).Run.Metrics
		require.Len(t, metrics, 2)
		loss := metrics[0]
		require.Equal(t, []any{"loss", "RESULT", 4, 1}, []any{loss.Key, loss.Role, loss.Count, loss.NanCount})
		require.Equal(t, []any{"NaN", 0.25, "1970-01-01T00:00:01.000Z"}, []any{loss.First.Value, loss.First.Step, loss.First.Time})
		require.Equal(t, []any{0.25, 1.5}, []any{loss.Last.Value, loss.Last.Step})
		require.Equal(t, []any{0.25, 1.5, "Infinity", 0.5}, []any{loss.Min.Value, loss.Min.Step, loss.Max.Value, loss.Max.Step})
		require.Equal(t, "MEASUREMENT", metrics[1].Role)
		require.Contains(t, string(res.Data), `"key":"学习率"`)
		require.Contains(t, string(res.Data), `{"key":"big","value":"inf","number":null},{"key":"depth","value":"3","number":3}`)
		require.Contains(t, string(res.Data), `"note":"n","none":null`)

		series := must[struct {
			MetricSeries struct {
				Series []struct {
					Key                string
					Exact              bool
					TotalPoints        int
					StepScale          int
					Steps, Times, Last string
					First, Min, Max    string
					Counts             string
					Points             []struct{ Value, Step any }
				}
			}
		}](s, `query($r: [ID!]!) { metricSeries(runs: $r, keys: ["loss"], range: { from: 0.5, to: 1.5 }) { series {
			key exact totalPoints stepScale steps times first min max last counts points { value step } } } }`, vars{"r": []string{runID}}).MetricSeries.Series
		require.Len(t, series, 1)
		require.True(t, series[0].Exact)
		require.Equal(t, []int64{50, 100, 150}, ints(t, series[0].Steps))
		require.Equal(t, 2, series[0].StepScale)
		require.Equal(t, []float64{math.Inf(1), 0.5, 0.25}, floats(t, series[0].Last))
		require.Equal(t, []int64{1, 1, 1}, ints(t, series[0].Counts))
		require.Equal(t, []struct{ Value, Step any }{{"Infinity", 0.5}, {0.5, 1.0}, {0.25, 1.5}}, series[0].Points)

		child := must[struct{ CreateRun struct{ RunID string } }](s, create, vars{"i": vars{"experimentName": "学习", "parentRunId": runID}}).CreateRun.RunID
		tree := s.try(`query($id: ID!) { run(id: $id) { children { totalCount edges { node { runId parent { runId } } } pageInfo { hasNextPage } } } }`, vars{"id": runID})
		require.JSONEq(t, fmt.Sprintf(`{"run": {"children": {"totalCount": 1, "edges": [{"node": {"runId": "%s", "parent": {"runId": "%s"}}}], "pageInfo": {"hasNextPage": false}}}}`, child, runID), string(tree.Data))

		for _, step := range []struct{ mutation, want string }{
			{`setTag(runId: $id, key: "k2", value: "w") { tag(key: "k2") }`, `{"tag": "w"}`},
			{`deleteTag(runId: $id, key: "k2") { tag(key: "k2") }`, `{"tag": null}`},
			{`updateRun(input: { runId: $id, name: "second" }) { name tag(key: "mlflow.runName") }`, `{"name": "second", "tag": "second"}`},
			{`heartbeatRun(runId: $id, leaseSeconds: 60) { status }`, `{"status": "RUNNING"}`},
			{`appendRunLog(input: { runId: $id, stream: STDERR, text: "oops\n" })`, `1`},
			{`recordFingerprint(input: { runId: $id, codeHash: "c", detail: "{\"code\": {}}" }) { codeHash dataHash }`, `{"codeHash": "c", "dataHash": ""}`},
			{`logInputs(input: { runId: $id, datasets: [{ name: "iris", digest: "d", sourceType: "local", source: "{}", context: "training" }] }) { inputs { context dataset { name } } }`, `{"inputs": [{"context": "training", "dataset": {"name": "iris"}}]}`},
			{`finishRun(input: { runId: $id, status: FAILED, reason: "out of memory", endTime: 5000 }) { status statusReason endTime }`, `{"status": "FAILED", "statusReason": "out of memory", "endTime": "1970-01-01T00:00:05.000Z"}`},
			{`deleteRun(runId: $id) { lifecycleStage }`, `{"lifecycleStage": "deleted"}`},
			{`restoreRun(runId: $id) { lifecycleStage log { sequence text stream } }`, `{"lifecycleStage": "active", "log": [{"sequence": 1, "text": "oops\n", "stream": "STDERR"}]}`},
		} {
			res := s.try(`mutation($id: ID!) { result: `+step.mutation+` }`, vars{"id": runID})
			require.Empty(t, res.Errors, "%s: %s", step.mutation, res.body)
			require.JSONEq(t, `{"result": `+step.want+`}`, string(res.Data), step.mutation)
		}

		model := must[struct {
			CreateLoggedModel struct{ ID, ModelID, Status string }
		}](s,
			`mutation($id: ID!) { createLoggedModel(input: { sourceRunId: $id, name: "m", params: [{ key: "k", value: "2" }] }) { id modelId status } }`, vars{"id": runID}).CreateLoggedModel
		require.Equal(t, "PENDING", model.Status)
		res = s.try(`mutation($id: ID!) { finalizeLoggedModel(modelId: $id) { status params { key number } } }`, vars{"id": model.ID})
		require.JSONEq(t, `{"finalizeLoggedModel": {"status": "READY", "params": [{"key": "k", "number": 2}]}}`, string(res.Data), "%s", res.body)
		measured := vars{"runId": runID, "metrics": []vars{
			{"key": "acc", "value": 0.9, "step": 3, "time": 1000, "modelId": model.ID, "datasetName": "test", "datasetDigest": "d1"},
			{"key": "nan", "value": "NaN", "time": 2000, "modelId": model.ModelID}}}
		must[any](s, `mutation($i: LogBatchInput!) { logBatch(input: $i) { stored } }`, vars{"i": measured})
		res = s.try(`query($run: ID!, $model: ID!) { run(id: $run) { metric(key: "acc") { last { value step } } }
			loggedModel(id: $model) { metrics { key value step time runId datasetName datasetDigest } } }`, vars{"run": runID, "model": model.ID})
		require.JSONEq(t, fmt.Sprintf(`{"run": {"metric": {"last": {"value": 0.9, "step": 3}}}, "loggedModel": {"metrics": [
			{"key": "acc", "value": 0.9, "step": 3, "time": "1970-01-01T00:00:01.000Z", "runId": %[1]q, "datasetName": "test", "datasetDigest": "d1"},
			{"key": "nan", "value": "NaN", "step": 0, "time": "1970-01-01T00:00:02.000Z", "runId": %[1]q, "datasetName": "", "datasetDigest": ""}]}}`,
			runID), string(res.Data), "%s", res.body)
		res = s.try(`query($run: ID!, $model: ID!) { run(id: $run) { loggedModels { modelId } } loggedModel(id: $model) { sourceRunId } }`, vars{"run": runID, "model": model.ModelID})
		require.JSONEq(t, fmt.Sprintf(`{"run": {"loggedModels": [{"modelId": "%s"}]}, "loggedModel": {"sourceRunId": "%s"}}`, model.ModelID, runID), string(res.Data))

		dataset := must[struct {
			Run struct {
				Inputs []struct{ Dataset struct{ ID string } }
			}
		}](s, `query($id: ID!) { run(id: $id) { inputs { dataset { id } } } }`, vars{"id": runID}).Run.Inputs[0].Dataset.ID
		for id, typename := range map[string]string{
			"run:" + runID: "Run", experiment.ID: "Experiment", model.ID: "LoggedModel", dataset: "Dataset",
		} {
			res := s.try(`query($id: ID!) { node(id: $id) { __typename id } }`, vars{"id": id})
			require.JSONEq(t, fmt.Sprintf(`{"node": {"__typename": "%s", "id": "%s"}}`, typename, id), string(res.Data), "%s", res.body)
		}

		for _, step := range []struct{ mutation, want string }{
			{`setExperimentTag(experimentId: $id, key: "a", value: "b") { tags { key value } }`, `{"tags": [{"key": "a", "value": "b"}, {"key": "team", "value": "x"}]}`},
			{`deleteExperimentTag(experimentId: $id, key: "a") { tags { key } }`, `{"tags": [{"key": "team"}]}`},
			{`setMetricGoal(experimentId: $id, key: "loss", goal: MINIMIZE) { metricGoals { key goal } }`, `{"metricGoals": [{"key": "loss", "goal": "MINIMIZE"}]}`},
			{`updateExperiment(input: { experimentId: $id, name: "renamed" }) { name }`, `{"name": "renamed"}`},
			{`deleteExperiment(experimentId: $id) { lifecycleStage runs { totalCount } gone: runs(view: DELETED) { totalCount } }`, `{"lifecycleStage": "deleted", "runs": {"totalCount": 0}, "gone": {"totalCount": 2}}`},
			{`restoreExperiment(experimentId: $id) { lifecycleStage runs { totalCount } }`, `{"lifecycleStage": "active", "runs": {"totalCount": 2}}`},
		} {
			res := s.try(`mutation($id: ID!) { result: `+step.mutation+` }`, vars{"id": experiment.ExperimentID})
			require.Empty(t, res.Errors, "%s: %s", step.mutation, res.body)
			require.JSONEq(t, `{"result": `+step.want+`}`, string(res.Data), step.mutation)
		}
		res = s.try(`query($id: ID) { byName: experiment(name: "renamed") { experimentId } byId: experiment(id: $id) { name } none: experiment(name: "none") { name } }`, vars{"id": experiment.ID})
		require.JSONEq(t, fmt.Sprintf(`{"byName": {"experimentId": "%s"}, "byId": {"name": "renamed"}, "none": null}`, experiment.ExperimentID), string(res.Data))
	})
}

// A point with keepExisting gives way to one without, in either form and order.
func TestMetricsOfAnAdapter(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	id := must[struct{ CreateRun struct{ RunID string } }](s, `mutation { createRun(input: {}) { runId } }`, nil).CreateRun.RunID
	packed := func(key string, keep bool, value float64) vars {
		return vars{"key": key, "steps": packInts(1), "times": packInts(1000), "values": pack(value), "keepExisting": keep}
	}
	single := func(key string, keep bool, value float64) vars {
		return vars{"key": key, "step": 1, "time": 1000, "value": value, "keepExisting": keep}
	}
	for _, batch := range []vars{
		{"metrics": []vars{single("a", true, 9), single("b", false, 2)}, "columns": []vars{packed("c", true, 9)}},
		{"metrics": []vars{single("c", true, 8), single("c", false, 3), single("c", true, 7)}, "columns": []vars{packed("a", false, 1), packed("b", true, 9)}},
	} {
		batch["runId"] = id
		must[any](s, `mutation($i: LogBatchInput!) { logBatch(input: $i) { stored } }`, vars{"i": batch})
	}
	res := s.try(`query($id: ID!) { run(id: $id) { metrics { key count last { value } } } }`, vars{"id": id})
	require.JSONEq(t, `{"run": {"metrics": [{"key": "a", "count": 1, "last": {"value": 1}}, {"key": "b", "count": 1, "last": {"value": 2}},
		{"key": "c", "count": 1, "last": {"value": 3}}]}}`, string(res.Data), "%s", res.body)
}

func TestCompareRuns(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	log := `mutation($i: LogBatchInput!) { logBatch(input: $i) { stored } }`
	var ids []string
	for i, params := range [][]vars{
		{{"key": "a", "value": "1"}, {"key": "same", "value": "x"}}, {{"key": "a", "value": "2"}, {"key": "same", "value": "x"}}, {{"key": "same", "value": "x"}},
	} {
		id := must[struct{ CreateRun struct{ RunID string } }](s, `mutation { createRun(input: {}) { runId } }`, nil).CreateRun.RunID
		must[any](s, log, vars{"i": vars{"runId": id, "params": params, "metrics": []vars{{"key": "nan", "value": "NaN"}, {"key": "acc", "value": float64(i) / 2}}}})
		ids = append(ids, id)
	}
	res := s.try(`query($r: [ID!]!) { compareRuns(runs: $r) { runs { runId } params { key values differs } metrics { key last differs } } }`, vars{"r": ids})
	require.JSONEq(t, fmt.Sprintf(`{"compareRuns": {"runs": [{"runId": "%s"}, {"runId": "%s"}, {"runId": "%s"}],
		"params": [{"key": "a", "values": ["1", "2", null], "differs": true}, {"key": "same", "values": ["x", "x", "x"], "differs": false}],
		"metrics": [{"key": "acc", "last": [0, 0.5, 1], "differs": true}, {"key": "nan", "last": ["NaN", "NaN", "NaN"], "differs": false}]}}`,
		ids[0], ids[1], ids[2]), string(res.Data), "%s", res.body)
}

// A page of a list of lists continues where a plain list does: their cursors are the same.
func TestPagesOfListsOfLists(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		fill(t, s, 2, 5, 2)
		type page struct {
			TotalCount int
			Edges      []struct {
				Cursor string
				Node   struct{ RunID string }
			}
			PageInfo struct {
				HasNextPage, HasPreviousPage bool
				EndCursor                    *string
			}
		}
		connection := `{ totalCount edges { cursor node { runId } } pageInfo { hasNextPage hasPreviousPage endCursor } }`
		nested := must[struct {
			Experiments struct {
				Edges []struct {
					Node struct {
						ExperimentID string
						Runs         page
					}
				}
			}
		}](s, `{ experiments { edges { node { experimentId runs(first: 4, orderBy: ["metrics.acc DESC", "attributes.run_id"]) `+connection+` } } } }`, nil)
		require.Len(t, nested.Experiments.Edges, 3)
		for _, e := range nested.Experiments.Edges {
			v := vars{"e": []string{e.Node.ExperimentID}, "id": e.Node.ExperimentID, "after": nil}
			alone := func() page {
				return must[struct{ Runs page }](s, `query($e: [ID!], $after: String) { runs(experiments: $e, first: 4, after: $after, orderBy: ["metrics.acc DESC", "attributes.run_id"]) `+connection+` }`, v).Runs
			}
			first := alone()
			require.Equal(t, first, e.Node.Runs)
			if e.Node.ExperimentID == "0" {
				require.Empty(t, first.Edges)
				continue
			}
			require.Equal(t, 15, first.TotalCount)
			require.True(t, first.PageInfo.HasNextPage)
			v["after"] = *e.Node.Runs.PageInfo.EndCursor
			second := alone()
			require.Len(t, second.Edges, 4)
			require.True(t, second.PageInfo.HasPreviousPage)
			below := must[struct{ Experiment struct{ Runs page } }](s, `query($id: ID, $after: String) { experiment(id: $id) { runs(first: 4, after: $after, orderBy: ["metrics.acc DESC", "attributes.run_id"]) `+connection+` } }`, v)
			require.Equal(t, second, below.Experiment.Runs)
		}

		top := must[struct{ Runs page }](s, `{ runs(first: 100, filter: "tags.mlflow.parentRunId IS NULL") `+connection+` }`, nil).Runs
		require.Len(t, top.Edges, 10)
		id := top.Edges[0].Node.RunID
		children := func(first int, after *string) page {
			return must[struct{ Run struct{ Children page } }](s, `query($id: ID!, $first: Int, $after: String) { run(id: $id) { children(first: $first, after: $after) `+connection+` } }`,
				vars{"id": id, "first": first, "after": after}).Run.Children
		}
		all := children(10, nil)
		require.Len(t, all.Edges, 2)
		require.False(t, all.PageInfo.HasNextPage)
		one := children(1, nil)
		require.True(t, one.PageInfo.HasNextPage)
		two := children(1, one.PageInfo.EndCursor)
		require.Equal(t, all.Edges, append(one.Edges, two.Edges...), "oldest first, whatever the pages")
		require.Equal(t, 2, two.TotalCount)
	})
}

package graph_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/cairnml/cairn/ent/metricgoal"
	"github.com/cairnml/cairn/ent/runlogchunk"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/graph/generated"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/internal/webhook"

	"github.com/cairnml/cairn/ent"
)

// fill makes experiments of so many runs, with so many children each and something in every list.
func fill(t *testing.T, s *server, experiments, runs, children int) {
	t.Helper()
	ctx, core := admin(), s.deps.Tracking
	for e := range experiments {
		made, err := core.CreateExperiment(ctx, tracking.CreateExperiment{
			Name: fmt.Sprintf("experiment %d", e), Tags: []tracking.Tag{{Key: "team", Value: "x"}},
		})
		require.NoError(t, err)
		_, err = core.SetMetricGoal(ctx, made.ID, "acc", metricgoal.GoalMAXIMIZE)
		require.NoError(t, err)
		for range runs {
			run := fillRun(t, s, made.ID, "")
			for range children {
				fillRun(t, s, made.ID, run)
			}
		}
	}
}

func fillRun(t *testing.T, s *server, experiment int, parent string) string {
	t.Helper()
	ctx, core := admin(), s.deps.Tracking
	run, err := core.CreateRun(ctx, tracking.CreateRun{ExperimentID: &experiment, ParentRunID: parent})
	require.NoError(t, err)
	_, err = core.LogBatch(ctx, tracking.Batch{
		RunID: run.RunID, Params: []tracking.Param{{Key: "depth", Value: "3"}, {Key: "model", Value: "forest"}},
		Tags:    []tracking.Tag{{Key: "stage", Value: "dev"}},
		Columns: []metric.Columns{{Key: "acc", Steps: []int64{0, 1}, Times: []int64{1, 2}, Values: []float64{0.5, 0.75}}},
	})
	require.NoError(t, err)
	_, err = core.LogInputs(ctx, run.RunID, []tracking.Input{{
		Context: "training", Dataset: tracking.Dataset{Name: "iris", Digest: "d" + run.RunID[:6], SourceType: "local", Source: "{}"},
	}}, nil)
	require.NoError(t, err)
	m, err := core.CreateLoggedModel(ctx, tracking.CreateLoggedModel{
		SourceRunID: run.RunID, Name: "m", Params: []tracking.Param{{Key: "k", Value: "1"}}, Tags: []tracking.Tag{{Key: "t", Value: "v"}},
	})
	require.NoError(t, err)
	_, err = core.AppendRunLog(ctx, tracking.AppendRunLog{RunID: run.RunID, Stream: runlogchunk.StreamSTDOUT, Text: "hello\n"})
	require.NoError(t, err)
	_, err = core.RecordFingerprint(ctx, run.RunID, ent.Fingerprint{CodeHash: strings.Repeat("a", 64), Detail: "{}"})
	require.NoError(t, err)
	_, err = core.LogInputs(ctx, run.RunID, nil, []string{m.ModelID})
	require.NoError(t, err)
	for _, location := range []string{run.ArtifactLocation, m.ArtifactLocation} {
		root, err := artifact.Root(location)
		require.NoError(t, err)
		_, err = s.deps.Artifacts.Put(ctx, root+"/model/MLmodel", bytes.NewReader([]byte("flavors: {}\n")), 1<<20)
		require.NoError(t, err)
	}
	return run.RunID
}

const runFields = `
	runId experiment { name tags { key } metricGoals { key goal } } parent { name tag(key: "stage") }
	params { key value number } depth: param(key: "depth") kind: param(key: "model") some: params(keys: ["depth"]) { value }
	tags { key value } stage: tag(key: "stage")
	metrics { key last { value } } metricPage(first: 5) { totalCount edges { node { key } } } metricGroups(first: 5) { prefix metrics } metricColumns(limit: 5) { keys lastValues hasNextPage } acc: metric(key: "acc") { last { value step time } min { value } max { value } }
	inputs { context tags { key } dataset { name digest contexts experiment { name } } }
	modelInputs { modelId experiment { name } } outputs { step model { modelId params { key } } }
	loggedModels { modelId params { key value } tags { key value } metrics { key value } artifacts(path: "model", first: 10) { edges { node { path sha256 } } } }
	artifacts(path: "model", first: 10) { edges { node { path size sha256 downloadUrl } } }
	log { text stream } fingerprint { codeHash }`

// tableColumns asks for 10 params and 10 metrics, each by a name of its own.
func tableColumns() string {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, `p%d: param(key: "p%d") m%d: metric(key: "m%d") { last { value } } `, i, i, i, i)
	}
	return b.String()
}

// fillRest makes so many of what belongs to no run and no model; it gives an upload of as many parts.
func fillRest(t *testing.T, s *server, n int) string {
	t.Helper()
	for i := range n {
		_, _, err := s.deps.Auth.CreateToken(admin(), fmt.Sprint("token ", i), token.RoleADMIN, nil)
		require.NoError(t, err)
		name, address := fmt.Sprint("hook", i), "https://93.184.216.34/hook"
		_, err = s.deps.Webhooks.Create(admin(), webhook.Settings{Name: &name, URL: &address, Events: webhook.Events()})
		require.NoError(t, err)
	}
	run, err := s.deps.Tracking.CreateRun(admin(), tracking.CreateRun{})
	require.NoError(t, err)
	root, err := artifact.Root(run.ArtifactLocation)
	require.NoError(t, err)
	begun, err := s.deps.Artifacts.BeginParts(admin(), root+"/large", n)
	require.NoError(t, err)
	for i := range n {
		_, err = s.deps.Artifacts.PutPart(admin(), begun.ID, i+1, strings.NewReader("part"), 1<<20)
		require.NoError(t, err)
	}
	return begun.ID
}

// covers holds the queries against the schema: each of its lists that a query can ask for is asked for in one of them. Those of events
// have TestStatementsDoNotGrowWithEvents.
func covers(t *testing.T, queries map[string]string) {
	t.Helper()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	asked := map[string]bool{}
	var walk func(set ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch s := selection.(type) {
			case *ast.Field:
				asked[s.ObjectDefinition.Name+"."+s.Name] = true
				walk(s.SelectionSet)
			case *ast.InlineFragment:
				walk(s.SelectionSet)
			}
		}
	}
	for name, query := range queries {
		doc, err := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules())
		require.Empty(t, err, name)
		walk(doc.Operations[0].SelectionSet)
	}
	for _, d := range schema.Types {
		if d.BuiltIn || d.Kind != ast.Object || d == schema.Mutation || events[d.Name] {
			continue
		}
		for _, f := range d.Fields {
			if list := f.Type.Elem != nil || strings.HasSuffix(f.Type.Name(), "Connection"); list && !strings.HasPrefix(f.Name, "__") {
				require.True(t, asked[d.Name+"."+f.Name], "no query here asks for the list %s.%s", d.Name, f.Name)
			}
		}
	}
}

// events are the types of what subscriptions send, and what is in them alone.
var events = map[string]bool{"Subscription": true, "MetricsAppended": true, "AppendedSeries": true, "RunsChanged": true, "ModelVersionsChanged": true,
	"RunLogAppended": true}

// What a query costs in statements follows its shape, not the number of objects that it finds.
func TestStatementsDoNotGrowWithLists(t *testing.T) {
	t.Parallel()
	queries := map[string]string{
		"top-level runs": `{ runs(first: 100, topLevel: true) { edges { node { runId parent { runId } children(first: 1) { totalCount } } } } }`,
		"runs":           `{ runs(first: 100) { totalCount edges { node { ` + runFields + ` } } } }`,
		"runs ordered": `{ runs(first: 100, filter: "metrics.acc > 0.5 and params.depth = '3'", orderBy: ["best(metrics.acc) DESC"],
			experiments: [1, 2]) { edges { node { runId metric(key: "acc") { last { value } } } } } }`,
		"a page of runs":  `{ runs(first: 100) { edges { node { runId name status params { key value } metrics { key last { value step } } tags { key value } } } } }`,
		"a table of runs": `{ runs(first: 100, filter: "metrics.acc > 0", orderBy: ["metrics.acc DESC"]) { edges { node { runId ` + tableColumns() + ` tags { key value } } } } }`,
		"experiments":     `{ experiments { totalCount edges { node { name tags { key value } metricGoals { key goal } } } } }`,
		"runs of experiments": `{ experiments(first: 20) { edges { node { name
			runs(first: 20, filter: "metrics.acc > 0", orderBy: ["metrics.acc DESC"]) { totalCount edges { node { ` + runFields + ` } } } } } } }`,
		"children": `{ runs(first: 30) { edges { node { runId
			children(first: 5) { totalCount edges { node { ` + runFields + ` children(first: 5) { edges { node { runId } } } } } } } } } }`,
		"compare": `query($ids: [ID!]!) { compareRuns(runs: $ids) { runs { ` + runFields + ` } params { key values differs } metrics { key last differs } } }`,
		"facets": `{ runFacets(filter: "metrics.acc > 0") { runs complete params { edges { node { key runs min max } } } tags { edges { node { key runs } } }
			metrics { edges { node { key runs } } } values(of: "params.depth") { totalCount edges { node { value runs } } } range(of: "metrics.acc") { min max } } }`,
		"groups": `{ runGroups(groupBy: ["params.depth", "experiment_id"], metrics: ["best(metrics.acc)"], filter: "metrics.acc > 0") { totalCount
			edges { node { keys runs metrics { mean std } } } } }`,
		"models": `{ registeredModels(first: 20) { totalCount edges { node { name tags { key } tag(key: "team") aliases { alias } rules { text }
			latestVersions { ` + versionFields + ` } versions(first: 10) { totalCount edges { node { ` + versionFields + ` } } }
			history(first: 10) { edges { node { action hash } } } } } } }`,
		"versions": `{ modelVersions(first: 100, filter: "tags.git_sha != 'x'") { totalCount edges { node { ` + versionFields + ` } } } }`,
		"series":   `query($ids: [ID!]!) { metricSeries(runs: $ids) { cursor series { key first points { value } } } }`,
		"logged models": `{ loggedModels(first: 100) { edges { node { modelId experiment { name } params { key } tags { key } metrics { key }
			artifacts(first: 5) { edges { node { path } } } } } } }`,
		"datasets": `{ datasets(experiments: [1, 2, 3, 4], first: 100) { edges { node { name contexts experiment { name tags { key } } } } } }`,
		"tokens":   `{ tokens { name role } }`,
		"webhooks": `{ webhooks(first: 100) { edges { node { name events } } } }`,
		"versions compared": `{ compareModelVersions(from: {name: "model 0", version: 1}, to: {name: "model 1", version: 2}) { verdict schema { name } params { key }
			metrics { key } data { name } dependencies { key } parts from { tags { key } } to { tags { key } } } }`,
		"history":  `{ modelHistory(name: "model 0", first: 100) { edges { node { action } } } }`,
		"stage":    `{ modelStageAt(name: "model 0", stage: "Production", time: "2100-01-01T00:00:00Z") { version } }`,
		"upload":   `query($upload: String!) { artifactUpload(uploadId: $upload) { parts { number etag } } }`,
		"points":   `query($run: ID!) { metricHistory(run: $run, key: "acc") { values } }`,
		"database": `{ databaseStatus { runs compactors { name } } }`,
		"node":     `query($run: ID!) { node(id: $run) { ... on Run { params { key } } } }`,
	}
	covers(t, queries)
	statements := func(t *testing.T, url string, runs, children int) map[string][]string {
		t.Helper()
		var mu sync.Mutex
		var seen []string
		s := newServer(t, storetest.Open(t, store.Config{URL: url, OnQuery: func(q string, _ []any) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, q)
		}}), graph.Options{})
		fill(t, s, runs, runs, children)
		fillModels(t, s, runs, children)
		upload := fillRest(t, s, runs)
		page, err := s.deps.Search.Runs(context.Background(), allRuns)
		require.NoError(t, err)
		var ids []string
		for _, r := range page.Runs {
			ids = append(ids, r.RunID)
		}
		out := map[string][]string{}
		for name, query := range queries {
			mu.Lock()
			seen = nil
			mu.Unlock()
			v := vars{}
			for name, value := range map[string]any{"ids": ids, "run": "run:" + ids[0], "upload": upload} {
				if strings.Contains(query, "$"+name) {
					v[name] = value
				}
			}
			res := s.try(query, v)
			require.Empty(t, res.Errors, "%s: %s", name, res.body)
			require.NotContains(t, string(res.Data), `"sha256":null`, name)
			mu.Lock()
			out[name] = seen
			mu.Unlock()
		}
		return out
	}
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/cairn.db" }, //nolint:thelper // no helper
		"postgres": storetest.PostgresURL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			few, many := statements(t, url(t), 2, 2), statements(t, url(t), 4, 3)
			for name := range queries {
				require.Len(t, many[name], len(few[name]), "%s: few\n%s\nmany\n%s", name, strings.Join(few[name], "\n"), strings.Join(many[name], "\n"))
			}
			// On PostgreSQL a listing of files also asks for what other servers have not put at its place yet.
			require.LessOrEqual(t, len(many["runs"]), 35, "%s", strings.Join(many["runs"], "\n"))
			require.LessOrEqual(t, len(many["runs ordered"]), 5, "%s", strings.Join(many["runs ordered"], "\n"))
			for _, page := range []string{"a page of runs", "a table of runs"} {
				require.LessOrEqual(t, len(many[page]), 6, "%s", strings.Join(many[page], "\n"))
			}
			require.LessOrEqual(t, len(many["compare"]), 33)
			require.LessOrEqual(t, len(many["versions"]), 16, "%s", strings.Join(many["versions"], "\n"))
		})
	}
}

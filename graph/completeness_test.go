package graph_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/graph/generated"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// ofREST says what in GraphQL does what a call of MLflow's REST API does.
var ofREST = map[string]string{
	"experiments/create": "Mutation.createExperiment", "experiments/get": "Query.experiment", "experiments/get-by-name": "Query.experiment",
	"experiments/search": "Query.experiments", "experiments/delete": "Mutation.deleteExperiment", "experiments/restore": "Mutation.restoreExperiment",
	"experiments/update": "Mutation.updateExperiment", "experiments/set-experiment-tag": "Mutation.setExperimentTag",
	"experiments/delete-experiment-tag": "Mutation.deleteExperimentTag", "experiments/search-datasets": "Query.datasets",

	"runs/create": "Mutation.createRun", "runs/get": "Query.run", "runs/update": "Mutation.updateRun", "runs/delete": "Mutation.deleteRun",
	"runs/restore": "Mutation.restoreRun", "runs/search": "Query.runs", "runs/log-metric": "Mutation.logBatch", "runs/log-parameter": "Mutation.logBatch",
	"runs/set-tag": "Mutation.setTag", "runs/delete-tag": "Mutation.deleteTag", "runs/log-batch": "Mutation.logBatch", "runs/log-inputs": "Mutation.logInputs",
	"runs/outputs": "Mutation.logOutputs", "runs/log-model": "Mutation.logModel",

	"metrics/get-history": "Query.metricHistory", "metrics/get-history-bulk": "Subscription.metricsAppended",
	"metrics/get-history-bulk-interval": "Query.metricSeries",

	"artifacts/list": "Run.artifacts", "artifacts/presigned-upload-url": "Mutation.beginArtifactUpload",
	"artifacts/presigned-download-url": "Query.signedDownloadUrl", "upload-artifact": "Run.uploadUrl",
	"create": "Mutation.beginArtifactUpload", "complete": "Mutation.completeArtifactUpload", "abort": "Mutation.abortArtifactUpload",

	"logged-models": "Mutation.createLoggedModel", "logged-models/search": "Query.loggedModels", "webhooks": "Query.webhooks",
	"/get-artifact": "Artifact.downloadUrl", "/model-versions/get-artifact": "ModelVersion.artifacts", "server-info": "Query.server",

	"registered-models/create": "Mutation.createRegisteredModel", "registered-models/get": "Query.registeredModel",
	"registered-models/update": "Mutation.updateRegisteredModel", "registered-models/rename": "Mutation.renameRegisteredModel",
	"registered-models/delete": "Mutation.deleteRegisteredModel", "registered-models/search": "Query.registeredModels",
	"registered-models/get-latest-versions": "RegisteredModel.latestVersions", "registered-models/set-tag": "Mutation.setRegisteredModelTag",
	"registered-models/delete-tag": "Mutation.deleteRegisteredModelTag", "registered-models/alias": "Mutation.setRegisteredModelAlias",

	"model-versions/create": "Mutation.createModelVersion", "model-versions/get": "Query.modelVersion", "model-versions/update": "Mutation.updateModelVersion",
	"model-versions/delete": "Mutation.deleteModelVersion", "model-versions/search": "Query.modelVersions", "model-versions/set-tag": "Mutation.setModelVersionTag",
	"model-versions/delete-tag": "Mutation.deleteModelVersionTag", "model-versions/transition-stage": "Mutation.transitionModelVersionStage",
	"model-versions/get-download-uri": "ModelVersion.artifactLocation",
}

// ofHandlers says the same of the calls whose paths have a variable part, by their handlers.
var ofHandlers = map[string]string{
	"getLoggedModel": "Query.loggedModel", "finalizeLoggedModel": "Mutation.finalizeLoggedModel", "deleteLoggedModel": "Mutation.deleteLoggedModel",
	"setLoggedModelTags": "Mutation.setLoggedModelTags", "deleteLoggedModelTag": "Mutation.deleteLoggedModelTag",
	"logLoggedModelParams": "Mutation.logLoggedModelParams", "listLoggedModelArtifacts": "LoggedModel.artifacts",
	"getLoggedModelArtifact": "Artifact.downloadUrl", "getWebhook": "Query.webhook", "updateWebhook": "Mutation.updateWebhook",
	"deleteWebhook": "Mutation.deleteWebhook", "testWebhook": "Mutation.testWebhook", "createWebhook": "Mutation.createWebhook",
	"listArtifacts": "Run.artifacts", "downloadArtifact": "Artifact.downloadUrl", "uploadArtifact": "Run.uploadUrl", "deleteArtifact": "Mutation.deleteArtifact",
	"listParts": "Query.artifactUpload", "uploadPart": "UploadPart.url", "presignedDownload": "Query.signedDownloadUrl",
}

// TestNothingOfRESTIsMissing: whatever MLflow's REST API can do, GraphQL can do.
func TestNothingOfRESTIsMissing(t *testing.T) {
	t.Parallel()
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	there := func(field string) bool {
		object, name, _ := strings.Cut(field, ".")
		return schema.Types[object] != nil && schema.Types[object].Fields.ForName(name) != nil
	}
	path, handler := regexp.MustCompile(`(?m)^\t+"([a-z/-]+)":\s+\{(?:get|post|patch|del|$)`), regexp.MustCompile(`\(\*call\)\.(\w+)`)
	seen := 0
	for _, name := range []string{"route.go", "registry.go"} {
		source, err := os.ReadFile("../server/mlflow/" + name)
		require.NoError(t, err)
		tables, variable := string(source), ""
		if name == "route.go" {
			from := strings.Index(tables, "// Paths with a variable part")
			require.Positive(t, from)
			tables, variable = tables[:from], tables[from:]
			variable = variable[:strings.Index(variable, "type routeError")]
		}
		for _, found := range path.FindAllStringSubmatch(tables, -1) {
			require.True(t, there(ofREST[found[1]]), "%s: nothing of GraphQL does this", found[1])
			seen++
		}
		for _, found := range handler.FindAllStringSubmatch(variable, -1) {
			if _, part := ofREST[strings.TrimSuffix(found[1], "Parts")]; part {
				continue
			}
			require.True(t, there(ofHandlers[found[1]]), "%s: nothing of GraphQL does this", found[1])
			seen++
		}
	}
	require.Greater(t, seen, 70, "the routes were not found where they are looked for")
}

// TestUploadInParts sends a file in two parts, one of them after a break, and reads it back.
func TestUploadInParts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		run := s.newRun(tracking.CreateRun{})
		file := vars{"runId": run, "path": "model/large.bin"}
		begun := must[struct {
			BeginArtifactUpload struct {
				UploadID string
				Parts    []struct {
					Number int
					URL    string
				}
			}
		}](s, `mutation($a: ArtifactRef!) { beginArtifactUpload(artifact: $a, parts: 2) { uploadId parts { number url } } }`, vars{"a": file}).BeginArtifactUpload
		require.Len(t, begun.Parts, 2)
		for i, part := range begun.Parts {
			require.Equal(t, i+1, part.Number)
			require.Contains(t, part.URL, "/"+begun.UploadID+"/")
		}
		second, err := s.deps.Artifacts.PutPart(admin(), begun.UploadID, 2, strings.NewReader("world"), 1<<20)
		require.NoError(t, err)
		come := must[struct {
			ArtifactUpload struct {
				Parts []struct {
					Number, Size int
					Etag         string
				}
			}
		}](s, `query($u: String!) { artifactUpload(uploadId: $u) { parts { number size etag } } }`, vars{"u": begun.UploadID}).ArtifactUpload.Parts
		require.Len(t, come, 1)
		require.Equal(t, 5, come[0].Size)
		require.Equal(t, second.ETag, come[0].Etag)

		complete := `mutation($a: ArtifactRef!, $u: String!, $p: [UploadedPart!]!) { completeArtifactUpload(artifact: $a, uploadId: $u, parts: $p) { path size sha256 downloadUrl } }`
		parts := []vars{{"number": 2, "etag": second.ETag}}
		e, _ := s.fails(complete, vars{"a": file, "u": begun.UploadID, "p": parts})
		require.Equal(t, "INVALID_ARGUMENT", e.Extensions.Code, e.Message)
		first, err := s.deps.Artifacts.PutPart(admin(), begun.UploadID, 1, strings.NewReader("hello "), 1<<20)
		require.NoError(t, err)
		parts = append([]vars{{"number": 1, "etag": first.ETag}}, parts...)
		done := s.try(complete, vars{"a": file, "u": begun.UploadID, "p": parts})
		require.Empty(t, done.Errors, done.body)
		require.JSONEq(t, `{"completeArtifactUpload": {"path": "model/large.bin", "size": 11,
			"sha256": "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9", "downloadUrl": "/artifacts/`+run+`/model/large.bin"}}`, string(done.Data))
		e, _ = s.fails(`query($u: String!) { artifactUpload(uploadId: $u) { uploadId } }`, vars{"u": begun.UploadID})
		require.Equal(t, "NOT_FOUND", e.Extensions.Code, "the upload has ended")

		for name, c := range map[string]struct {
			ref  vars
			code string
		}{
			"of nobody": {vars{"path": "x"}, "INVALID_ARGUMENT"}, "of two": {vars{"runId": run, "modelId": "m-" + run, "path": "x"}, "INVALID_ARGUMENT"},
			"that leaves": {vars{"runId": run, "path": "../x"}, "INVALID_ARGUMENT"}, "of no run": {vars{"runId": strings.Repeat("0", 32), "path": "x"}, "NOT_FOUND"},
		} {
			e, _ := s.fails(`mutation($a: ArtifactRef!) { deleteArtifact(artifact: $a) }`, vars{"a": c.ref})
			require.Equal(t, c.code, e.Extensions.Code, name)
		}
		e, _ = s.fails(`query($a: ArtifactRef!) { signedDownloadUrl(artifact: $a) }`, vars{"a": file})
		require.Equal(t, "UNIMPLEMENTED", e.Extensions.Code, "a folder gives no URLs of its own")
		require.JSONEq(t, `{"deleteArtifact": "model"}`, string(s.try(`mutation($a: ArtifactRef!) { deleteArtifact(artifact: $a) }`,
			vars{"a": vars{"runId": run, "path": "model"}}).Data))
		require.JSONEq(t, `{"run": {"artifacts": {"edges": []}}}`, string(s.try(`query($r: ID!) { run(id: $r) { artifacts { edges { cursor } } } }`, vars{"r": run}).Data))
		abort := s.try(`mutation($a: ArtifactRef!, $u: String!) { abortArtifactUpload(artifact: $a, uploadId: $u) }`, vars{"a": file, "u": begun.UploadID})
		require.Empty(t, abort.Errors, "that there is none is no error: %s", abort.body)
	})
}

// TestLoggedModelsByGraphQL is the life of a logged model.
func TestLoggedModelsByGraphQL(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		run, reader := s.newRun(tracking.CreateRun{}), s.newRun(tracking.CreateRun{})
		var ids []string
		for _, name := range []string{"a", "b"} {
			ids = append(ids, must[struct{ M struct{ ModelID string } }](s, `mutation($i: CreateLoggedModelInput!) { m: createLoggedModel(input: $i) { modelId } }`,
				vars{"i": vars{"name": name, "experimentId": 0, "params": []vars{{"key": "k", "value": "1"}}}}).M.ModelID)
		}
		ok := func(mutation string, v vars) string {
			t.Helper()
			res := s.try(mutation, v)
			require.Empty(t, res.Errors, res.body)
			return string(res.Data)
		}
		ok(`mutation($m: ID!) { setLoggedModelTags(modelId: $m, tags: [{key: "t", value: "1"}, {key: "u", value: "2"}]) { modelId } }`, vars{"m": ids[0]})
		ok(`mutation($m: ID!) { deleteLoggedModelTag(modelId: $m, key: "u") { modelId } }`, vars{"m": "model:" + ids[0]})
		ok(`mutation($m: ID!) { logLoggedModelParams(modelId: $m, params: [{key: "k", value: "2"}, {key: "l", value: "3"}]) { modelId } }`, vars{"m": ids[0]})
		ok(`mutation($m: ID!) { finalizeLoggedModel(modelId: $m, status: UPLOAD_FAILED, statusMessage: "the disk was full") { modelId } }`, vars{"m": ids[0]})
		ok(`mutation($i: LogOutputsInput!) { logOutputs(input: $i) { runId } }`, vars{"i": vars{"runId": run, "models": []vars{{"modelId": ids[0], "step": 7}}}})
		ok(`mutation($i: LogInputsInput!) { logInputs(input: $i) { runId } }`, vars{"i": vars{"runId": reader, "models": []string{ids[0]},
			"datasets": []vars{{"name": "iris", "digest": "d", "sourceType": "local", "source": "{}", "context": "training", "tags": []vars{{"key": "a", "value": "b"}}}}}})
		ok(`mutation($r: ID!, $d: String!) { logModel(runId: $r, description: $d) { tag(key: "mlflow.log-model.history") } }`,
			vars{"r": run, "d": `{"artifact_path": "model", "run_id": "` + run + `", "utc_time_created": "2026-01-01 00:00:00.000000", "flavors": {}}`})
		require.JSONEq(t, `{"run": {"outputs": [{"step": 7, "model": {"modelId": "`+ids[0]+`", "status": "UPLOAD_FAILED", "statusMessage": "the disk was full",
			"params": [{"key": "k", "value": "2"}, {"key": "l", "value": "3"}], "tags": [{"key": "t"}], "experiment": {"experimentId": "0"}}}]}}`,
			ok(`query($r: ID!) { run(id: $r) { outputs { step model { modelId status statusMessage params { key value } tags { key } experiment { experimentId } } } } }`, vars{"r": run}))
		require.JSONEq(t, `{"run": {"modelInputs": [{"modelId": "`+ids[0]+`"}], "inputs": [{"context": "training", "tags": [{"key": "a", "value": "b"}],
			"dataset": {"name": "iris", "contexts": ["training"], "experiment": {"name": "Default"}}}]}}`,
			ok(`query($r: ID!) { run(id: $r) { modelInputs { modelId } inputs { context tags { key value } dataset { name contexts experiment { name } } } } }`, vars{"r": reader}))
		require.JSONEq(t, `{"loggedModels": {"edges": [{"node": {"name": "b"}}, {"node": {"name": "a"}}]}}`,
			ok(`{ loggedModels(experiments: [0], orderBy: [{by: "name DESC"}]) { edges { node { name } } } }`, nil))
		first := must[struct {
			LoggedModels struct {
				PageInfo struct {
					EndCursor   string
					HasNextPage bool
				}
			}
		}](s, `{ loggedModels(first: 1, orderBy: [{by: "name"}]) { pageInfo { endCursor hasNextPage } } }`, nil).LoggedModels.PageInfo
		require.True(t, first.HasNextPage)
		require.JSONEq(t, `{"loggedModels": {"edges": [{"node": {"name": "b"}}]}}`,
			ok(`query($c: String) { loggedModels(first: 1, after: $c, orderBy: [{by: "name"}]) { edges { node { name } } } }`, vars{"c": first.EndCursor}))
		require.JSONEq(t, `{"loggedModels": {"edges": [{"node": {"name": "a"}}]}}`, ok(`{ loggedModels(filter: "tags.t = '1'") { edges { node { name } } } }`, nil))
		ok(`mutation($m: ID!) { deleteLoggedModel(modelId: $m) { modelId } }`, vars{"m": ids[0]})
		require.JSONEq(t, `{"loggedModels": {"edges": [{"node": {"name": "b"}}]}}`, ok(`{ loggedModels { edges { node { name } } } }`, nil))

		require.JSONEq(t, `{"datasets": {"edges": [{"node": {"name": "iris", "digest": "d", "contexts": ["training"]}}], "pageInfo": {"hasNextPage": false}}}`,
			ok(`{ datasets(experiments: [0]) { edges { node { name digest contexts } } pageInfo { hasNextPage } } }`, nil))
		id := must[struct {
			Datasets struct {
				Edges []struct {
					Cursor string
					Node   struct{ ID string }
				}
			}
		}](s, `{ datasets(experiments: [0]) { edges { cursor node { id } } } }`, nil).Datasets.Edges[0]
		require.JSONEq(t, `{"dataset": {"name": "iris"}}`, ok(`query($i: ID!) { dataset(id: $i) { name } }`, vars{"i": id.Node.ID}))
		require.JSONEq(t, `{"datasets": {"edges": []}}`, ok(`query($c: String) { datasets(experiments: [0], after: $c) { edges { cursor } } }`, vars{"c": id.Cursor}))
	})
}

// TestWebhooksByGraphQL makes a webhook, has it called, changes and deletes it.
func TestWebhooksByGraphQL(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(&got, r.Body)
		_, _ = io.WriteString(w, "thanks")
	}))
	t.Cleanup(receiver.Close)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{}, receiver.URL)
		made := must[struct {
			W struct{ ID, WebhookID, Status string }
		}](s, `mutation($u: String!) { w: createWebhook(input: {name: "hook", url: $u, secret: "s",
			events: ["model_version.created", "registered_model.created"]}) { id webhookId status } }`, vars{"u": receiver.URL}).W
		require.Equal(t, "ACTIVE", made.Status)
		require.Equal(t, "webhook:"+made.WebhookID, made.ID)
		test := s.try(`mutation($w: ID!) { testWebhook(webhookId: $w, event: "registered_model.created") { success responseStatus responseBody problem } }`, vars{"w": made.ID})
		require.JSONEq(t, `{"testWebhook": {"success": true, "responseStatus": 200, "responseBody": "thanks", "problem": ""}}`, string(test.Data), test.body)
		require.Contains(t, got.String(), `"entity":"registered_model"`)
		update := s.try(`mutation($w: ID!) { updateWebhook(input: {webhookId: $w, status: DISABLED, events: ["model_version.created"]}) { name events status } }`, vars{"w": made.WebhookID})
		require.JSONEq(t, `{"updateWebhook": {"name": "hook", "events": ["model_version.created"], "status": "DISABLED"}}`, string(update.Data), update.body)
		list := s.try(`query($i: ID!) { webhooks(first: 1) { edges { node { name } } pageInfo { hasNextPage } } webhook(id: $i) { name } node(id: $i) { ... on Webhook { url } } }`, vars{"i": made.ID})
		require.JSONEq(t, `{"webhooks": {"edges": [{"node": {"name": "hook"}}], "pageInfo": {"hasNextPage": false}}, "webhook": {"name": "hook"}, "node": {"url": "`+receiver.URL+`"}}`, string(list.Data), list.body)
		for query, field := range map[string]string{
			`mutation { createWebhook(input: {name: "x", url: "https://10.0.0.1", events: ["model_version.created"]}) { id } }`: "url",
			`mutation { createWebhook(input: {name: "x", url: "https://example.com", events: ["prompt.x"]}) { id } }`:           "events[0]",
			`mutation { createWebhook(input: {name: "x", url: "https://93.184.216.34", events: []}) { id } }`:                   "events",
		} {
			e, _ := s.fails(query, nil)
			require.Equal(t, field, e.Extensions.Field, e.Message)
		}
		gone := s.try(`mutation($w: ID!) { deleteWebhook(webhookId: $w) }`, vars{"w": made.ID})
		require.JSONEq(t, `{"deleteWebhook": "`+made.WebhookID+`"}`, string(gone.Data), gone.body)
		require.JSONEq(t, `{"webhook": null}`, string(s.try(`query($i: ID!) { webhook(id: $i) { name } }`, vars{"i": made.ID}).Data))
	})
}

// TestServerAndDatabase: what a client learns of the server that it speaks to.
func TestServerAndDatabase(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{MaxArtifactBytes: 12345})
		run := s.newRun(tracking.CreateRun{})
		s.logPoints(run, "loss", 0, 1, 2, 3)
		got := must[struct {
			Server struct {
				Version          string
				MultipartUploads bool
				MaxArtifactBytes int
				Limits           struct{ Depth, Cost int }
			}
			DatabaseStatus struct {
				Kind                  string
				SchemaVersion, Points int
				Runs, Series          int
				Bytes, MetricBytes    int
			}
		}](s, `{ server { version multipartUploads maxArtifactBytes limits { depth cost } }
			databaseStatus { kind schemaVersion runs series points bytes metricBytes } }`, nil)
		require.Equal(t, "1.2.3", got.Server.Version)
		require.True(t, got.Server.MultipartUploads)
		require.Equal(t, 12345, got.Server.MaxArtifactBytes)
		require.Equal(t, graph.DefaultLimits.Depth, got.Server.Limits.Depth)
		require.Equal(t, graph.DefaultLimits.Cost, got.Server.Limits.Cost)
		require.Equal(t, map[bool]string{true: "POSTGRESQL", false: "SQLITE"}[db.Postgres()], got.DatabaseStatus.Kind)
		require.Positive(t, got.DatabaseStatus.SchemaVersion)
		require.Equal(t, []int{1, 1, 3}, []int{got.DatabaseStatus.Runs, got.DatabaseStatus.Series, got.DatabaseStatus.Points})
		require.Positive(t, got.DatabaseStatus.Bytes)
		require.Positive(t, got.DatabaseStatus.MetricBytes)
	})
}

// TestMetricHistoryInPages: all points come as they were logged, repeated steps too.
func TestMetricHistoryInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		run := s.newRun(tracking.CreateRun{})
		s.logPoints(run, "loss", 5, 0.5, 0.25)
		s.logPoints(run, "loss", 5, 0.125)
		type page struct {
			MetricHistory struct {
				Steps, Values string
				EndCursor     *string
			}
		}
		query := `query($r: ID!, $after: String) { metricHistory(run: $r, key: "loss", first: 2, after: $after) { steps values endCursor } }`
		first := must[page](s, query, vars{"r": run}).MetricHistory
		require.Equal(t, []int64{5, 6}, ints(t, first.Steps))
		require.NotNil(t, first.EndCursor)
		second := must[page](s, query, vars{"r": run, "after": *first.EndCursor}).MetricHistory
		require.Equal(t, []int64{5}, ints(t, second.Steps))
		require.Equal(t, []float64{0.125}, floats(t, second.Values))
		require.Nil(t, second.EndCursor)
		e, _ := s.fails(query, vars{"r": run, "after": "forged"})
		require.Equal(t, "after", e.Extensions.Field)
	})
}

// TestVersionArtifacts: files of a version are listed where they lie, and fetched at an address that the server serves.
func TestVersionArtifacts(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	fillModels(t, s, 1, 1)
	got := s.try(`{ modelVersion(name: "model 0", version: 1) { artifacts { edges { node { path isDir downloadUrl } } } } }`, nil)
	require.JSONEq(t, `{"modelVersion": {"artifacts": {"edges": [{"node": {"path": "MLmodel", "isDir": false,
		"downloadUrl": "/model-versions/get-artifact?name=model+0&path=MLmodel&version=1"}}]}}}`, string(got.Data), got.body)
}

package mlflow_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/internal/webhook"
	"github.com/cairnml/cairn/server/mlflow"
)

const (
	api       = "/api/2.0/mlflow/"
	artifacts = "/api/2.0/mlflow-artifacts/artifacts"
)

// world is a whole server behind MLflow's REST.
type world struct {
	*testing.T
	url string
	db  *store.DB
	// models is the core of the registry, for what MLflow's REST has no call for.
	models *registry.Service
	// root is the directory of the artifact store; its parent is the test's own.
	root string
}

// each runs a test on both databases.
func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(newWorld(t, db, token.RoleEDITOR)) })
}

func newWorld(t *testing.T, db *store.DB, role token.Role) *world {
	t.Helper()
	return newWorldAt(t, db, role, t.TempDir()+"/store", 1<<20)
}

// newWorldAt has its artifacts at a place, and takes files of some size.
func newWorldAt(t *testing.T, db *store.DB, role token.Role, root string, maxBytes int64) *world {
	t.Helper()
	hub := live.NewHub()
	service := tracking.New(db, hub)
	t.Cleanup(service.Close)
	files := openArtifacts(t, db, root)
	models := registry.New(db, hub, files)
	allowed, err := webhook.ParseAllowed([]string{"http://127.0.0.1:1"})
	require.NoError(t, err)
	handler := mlflow.New(mlflow.Deps{
		Tracking: service, Search: search.New(db), Metrics: metric.NewReader(db), Artifacts: files,
		Registry: models, Webhooks: webhook.New(db, webhook.Options{Allowed: allowed}), MaxArtifactBytes: maxBytes,
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if role != "" {
			r = r.WithContext(auth.With(r.Context(), auth.Principal{Name: "local:tester", Role: role}))
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return &world{T: t, url: server.URL, db: db, models: models, root: root}
}

// answer is what came back of a request.
type answer struct {
	t      *testing.T
	asked  string
	status int
	header http.Header
	body   string
}

// send sends a body as it is. A path that holds "%" reaches the server with that spelling.
func (w *world) send(method, path, contentType, body string) answer {
	w.Helper()
	var reader io.Reader
	if body != "" || contentType != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(context.Background(), method, w.url+path, reader)
	require.NoError(w, err)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return w.do(request)
}

func (w *world) do(request *http.Request) answer {
	w.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(w, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(w, err)
	asked := request.Method + " " + request.URL.String()
	return answer{t: w.T, asked: asked, status: response.StatusCode, header: response.Header, body: string(body)}
}

// post sends JSON below the API's root: text as it is, everything else encoded.
func (w *world) post(path string, body any) answer {
	w.Helper()
	return w.json(http.MethodPost, path, body)
}

func (w *world) json(method, path string, body any) answer {
	w.Helper()
	return w.send(method, api+path, "application/json", jsonText(w.T, body))
}

func jsonText(t *testing.T, body any) string {
	t.Helper()
	if text, ok := body.(string); ok {
		return text
	}
	encoded, err := json.Marshal(body)
	require.NoError(t, err)
	return string(encoded)
}

func (w *world) get(path string) answer {
	w.Helper()
	return w.send(http.MethodGet, api+path, "", "")
}

// ok fails the test unless the request succeeded.
func (a answer) ok() answer {
	a.t.Helper()
	require.Equal(a.t, http.StatusOK, a.status, "%s: %s", a.asked, a.body)
	return a
}

// fails checks status, MLflow's code, and that the message holds all of some words.
func (a answer) fails(status int, code string, words ...string) {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s: %s", a.asked, a.body)
	require.Equal(a.t, "application/json", a.header.Get("Content-Type"))
	var e struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	require.NoError(a.t, json.Unmarshal([]byte(a.body), &e), a.body)
	require.Equal(a.t, code, e.Code, "%s: %s", a.asked, a.body)
	for _, word := range words {
		require.Contains(a.t, e.Message, word, a.asked)
	}
}

func (a answer) invalid(words ...string) {
	a.t.Helper()
	a.fails(http.StatusBadRequest, "INVALID_PARAMETER_VALUE", words...)
}

func (a answer) notFound(words ...string) {
	a.t.Helper()
	a.fails(http.StatusNotFound, "RESOURCE_DOES_NOT_EXIST", words...)
}

// into decodes a successful answer.
func into[T any](a answer) T {
	a.t.Helper()
	a.ok()
	var v T
	decoder := json.NewDecoder(bytes.NewReader([]byte(a.body)))
	decoder.DisallowUnknownFields()
	require.NoError(a.t, decoder.Decode(&v), a.body)
	return v
}

// What the server answers, in the shape that clients read.
type (
	pairJSON struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	metricJSON struct {
		Key           string `json:"key"`
		Value         any    `json:"value"`
		Timestamp     int64  `json:"timestamp"`
		Step          int64  `json:"step"`
		ModelID       string `json:"model_id"`
		RunID         string `json:"run_id"`
		DatasetName   string `json:"dataset_name"`
		DatasetDigest string `json:"dataset_digest"`
	}
	runInfoJSON struct {
		RunID          string `json:"run_id"`
		RunUUID        string `json:"run_uuid"`
		RunName        string `json:"run_name"`
		ExperimentID   string `json:"experiment_id"`
		UserID         string `json:"user_id"`
		Status         string `json:"status"`
		StartTime      int64  `json:"start_time"`
		EndTime        *int64 `json:"end_time"`
		ArtifactURI    string `json:"artifact_uri"`
		LifecycleStage string `json:"lifecycle_stage"`
	}
	runJSON struct {
		Info runInfoJSON `json:"info"`
		Data struct {
			Metrics []metricJSON `json:"metrics"`
			Params  []pairJSON   `json:"params"`
			Tags    []pairJSON   `json:"tags"`
		} `json:"data"`
		Inputs struct {
			DatasetInputs []struct {
				Tags    []pairJSON `json:"tags"`
				Dataset struct {
					Name       string `json:"name"`
					Digest     string `json:"digest"`
					SourceType string `json:"source_type"`
					Source     string `json:"source"`
					Schema     string `json:"schema"`
					Profile    string `json:"profile"`
				} `json:"dataset"`
			} `json:"dataset_inputs"`
			ModelInputs []struct {
				ModelID string `json:"model_id"`
			} `json:"model_inputs"`
		} `json:"inputs"`
		Outputs struct {
			ModelOutputs []struct {
				ModelID string `json:"model_id"`
				Step    int64  `json:"step"`
			} `json:"model_outputs"`
		} `json:"outputs"`
	}
	oneRun struct {
		Run runJSON `json:"run"`
	}
	experimentJSON struct {
		ExperimentID     string     `json:"experiment_id"`
		Name             string     `json:"name"`
		ArtifactLocation string     `json:"artifact_location"`
		LifecycleStage   string     `json:"lifecycle_stage"`
		LastUpdateTime   int64      `json:"last_update_time"`
		CreationTime     int64      `json:"creation_time"`
		Tags             []pairJSON `json:"tags"`
	}
	oneExperiment struct {
		Experiment experimentJSON `json:"experiment"`
	}
	loggedModelJSON struct {
		Info struct {
			ModelID       string     `json:"model_id"`
			ExperimentID  string     `json:"experiment_id"`
			Name          string     `json:"name"`
			Created       int64      `json:"creation_timestamp_ms"`
			Updated       int64      `json:"last_updated_timestamp_ms"`
			ArtifactURI   string     `json:"artifact_uri"`
			Status        string     `json:"status"`
			StatusMessage string     `json:"status_message"`
			ModelType     string     `json:"model_type"`
			SourceRunID   string     `json:"source_run_id"`
			Tags          []pairJSON `json:"tags"`
		} `json:"info"`
		Data struct {
			Params  []pairJSON   `json:"params"`
			Metrics []metricJSON `json:"metrics"`
		} `json:"data"`
	}
	oneLoggedModel struct {
		Model loggedModelJSON `json:"model"`
	}
)

type object map[string]any

func (w *world) newExperiment(name string) string {
	w.Helper()
	return into[struct {
		ExperimentID string `json:"experiment_id"`
	}](w.post("experiments/create", object{"name": name})).ExperimentID
}

func (w *world) newRun(experiment string) string {
	w.Helper()
	return into[oneRun](w.post("runs/create", object{"experiment_id": experiment, "start_time": 5})).Run.Info.RunID
}

func (w *world) run(id string) runJSON {
	w.Helper()
	return into[oneRun](w.get("runs/get?run_id=" + id)).Run
}

func tagMap(pairs []pairJSON) map[string]string {
	m := make(map[string]string, len(pairs))
	for _, p := range pairs {
		m[p.Key] = p.Value
	}
	return m
}

func repeat(n int, item func(i int) object) []object {
	items := make([]object, n)
	for i := range items {
		items[i] = item(i)
	}
	return items
}

func numbered(prefix string, n int) []object {
	return repeat(n, func(i int) object { return object{"key": fmt.Sprint(prefix, i), "value": "v"} })
}

var nobody = strings.Repeat("0", 32)

package mlflow_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/server/mlflow"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t), token.RoleEDITOR)
	for _, prefix := range []string{"/api/", "/ajax-api/"} {
		w.send(http.MethodGet, prefix+"2.0/mlflow/experiments/get?experiment_id=0", "", "").ok()
		info := into[map[string]any](w.send(http.MethodGet, prefix+"3.0/mlflow/server-info", "", ""))
		for key, value := range info {
			if key != "store_type" && key != "artifact_serving_enabled" && key != "features_enabled" && key != "multipart_uploads_enabled" {
				require.Equal(t, false, value, key)
			}
		}
		w.send(http.MethodGet, prefix+"2.0/mlflow-artifacts/artifacts", "", "").ok()
	}
	for _, path := range []string{
		"/api/2.0/mlflow/nonsense", "/api/2.0/mlflow/", "/api/2.0/mlflow", "/api/", "/api/1.0/mlflow/runs/get", "/api/2.0/mlflow/runs/get/",
		"/api/3.0/mlflow/runs/get", "/api/2.0/mlflow/logged-models/", "/api/2.0/mlflow/logged-models/m-1/nonsense", "/api/2.0/other/runs/get",
		"/api/2.0/mlflow-artifacts/nonsense", "/api/2.0/mlflow/runs%2Fget/x",
	} {
		w.send(http.MethodGet, path, "", "").fails(http.StatusNotFound, "ENDPOINT_NOT_FOUND")
	}
	a := w.send(http.MethodPut, api+"runs/create", "application/json", "{}")
	a.fails(http.StatusMethodNotAllowed, "BAD_REQUEST", "POST")
	require.Equal(t, "POST", a.header.Get("Allow"))
	for _, path := range []string{
		"/api/3.0/mlflow/traces/x", "/ajax-api/3.0/mlflow/scorers/list",
	} {
		w.send(http.MethodGet, path, "", "").fails(http.StatusNotImplemented, "NOT_IMPLEMENTED", "does not offer")
	}
}

// Every route needs a principal, and every route that writes needs an editor.
func TestRolesOfRoutes(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	stranger, viewer := newWorld(t, db, ""), newWorld(t, db, token.RoleVIEWER)
	routes := []struct {
		method, path string
		writes       bool
	}{
		{"POST", "experiments/create", true}, {"GET", "experiments/get", false}, {"GET", "experiments/get-by-name", false},
		{"POST", "experiments/search", false}, {"GET", "experiments/search", false}, {"POST", "experiments/delete", true},
		{"POST", "experiments/restore", true}, {"POST", "experiments/update", true}, {"POST", "experiments/set-experiment-tag", true},
		{"POST", "experiments/delete-experiment-tag", true}, {"POST", "runs/create", true}, {"GET", "runs/get", false},
		{"POST", "runs/update", true}, {"POST", "runs/delete", true}, {"POST", "runs/restore", true}, {"POST", "runs/search", false},
		{"POST", "runs/log-metric", true}, {"POST", "runs/log-parameter", true}, {"POST", "runs/set-tag", true},
		{"POST", "runs/delete-tag", true}, {"POST", "runs/log-batch", true}, {"POST", "runs/log-inputs", true},
		{"POST", "runs/log-model", true}, {"POST", "runs/outputs", true}, {"GET", "metrics/get-history", false}, {"GET", "artifacts/list", false},
		{"POST", "logged-models", true}, {"POST", "logged-models/search", false}, {"GET", "logged-models/m-1", false},
		{"PATCH", "logged-models/m-1", true}, {"DELETE", "logged-models/m-1", true}, {"PATCH", "logged-models/m-1/tags", true},
		{"DELETE", "logged-models/m-1/tags/x", true}, {"POST", "logged-models/m-1/params", true},
		{"GET", "logged-models/m-1/artifacts/directories", false}, {"GET", "../mlflow-artifacts/artifacts", false},
		{"GET", "../mlflow-artifacts/artifacts/x", false}, {"PUT", "../mlflow-artifacts/artifacts/x", true},
		{"DELETE", "../mlflow-artifacts/artifacts/x", true},
		{"POST", "../mlflow-artifacts/mpu/create/x", true}, {"POST", "../mlflow-artifacts/mpu/complete/x", true},
		{"POST", "../mlflow-artifacts/mpu/abort/x", true}, {"PUT", "../mlflow-artifacts/parts/x/1", true},
		{"GET", "../mlflow-artifacts/parts/x", false}, {"GET", "../mlflow-artifacts/presigned/x", false},
		{"POST", "artifacts/presigned-upload-url", true}, {"POST", "artifacts/presigned-download-url", false},
		{"HEAD", "../mlflow-artifacts/artifacts/x", false}, {"GET", "metrics/get-history-bulk", false},
		{"GET", "metrics/get-history-bulk-interval", false},
		{"POST", "registered-models/create", true}, {"GET", "registered-models/get", false}, {"PATCH", "registered-models/update", true},
		{"POST", "registered-models/rename", true}, {"DELETE", "registered-models/delete", true}, {"GET", "registered-models/search", false},
		{"POST", "registered-models/get-latest-versions", false}, {"GET", "registered-models/get-latest-versions", false},
		{"POST", "registered-models/set-tag", true}, {"DELETE", "registered-models/delete-tag", true},
		{"POST", "registered-models/alias", true}, {"DELETE", "registered-models/alias", true}, {"GET", "registered-models/alias", false},
		{"POST", "model-versions/create", true}, {"GET", "model-versions/get", false}, {"PATCH", "model-versions/update", true},
		{"DELETE", "model-versions/delete", true}, {"GET", "model-versions/search", false}, {"POST", "model-versions/set-tag", true},
		{"DELETE", "model-versions/delete-tag", true}, {"POST", "model-versions/transition-stage", true},
		{"GET", "model-versions/get-download-uri", false}, {"POST", "experiments/search-datasets", false},
		{"POST", "upload-artifact", true}, {"GET", "logged-models/m-1/artifacts/files", false},
		{"GET", "/get-artifact", false}, {"HEAD", "/get-artifact", false}, {"GET", "/model-versions/get-artifact", false},
		{"HEAD", "/model-versions/get-artifact", false},
	}
	tested := map[string]bool{}
	for _, r := range routes {
		tested[r.method+" "+r.path] = true
	}
	for _, r := range adminsRoutes {
		tested[r[0]+" "+r[1]] = true // by TestWebhooksAreTheAdmins
	}
	for _, r := range mlflow.Routes() {
		require.Contains(t, tested, r, "a route that nobody tested is one that anybody may take")
	}
	for _, r := range routes {
		path := api + r.path
		switch r.path[0] {
		case '.':
			path = "/api/2.0/" + r.path[3:]
		case '/':
			path = r.path
		}
		a := stranger.send(r.method, path, "application/json", "{}")
		require.Equal(t, http.StatusUnauthorized, a.status, "%s %s", r.method, r.path)
		if r.method != http.MethodHead {
			a.fails(http.StatusUnauthorized, "UNAUTHENTICATED")
		}
		require.Equal(t, []string{`Bearer realm="cairn"`, `Basic realm="cairn"`}, a.header.Values("WWW-Authenticate"))
		a = viewer.send(r.method, path, "application/json", "{}")
		if r.writes {
			a.fails(http.StatusForbidden, "PERMISSION_DENIED", "VIEWER", "EDITOR")
		} else {
			require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, a.status, r.path)
		}
		if !strings.Contains(r.path, "/presigned/") { // which this store does not have
			require.Less(t, a.status, 500, "%s %s: %s", r.method, r.path, a.body)
		}
	}
}

package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/server"
)

// MLflow has a few paths beside its API, and a call whose body is a file of any type: a browser of another site gets to neither.
func TestMLflowOutsideOfItsAPI(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	run := r.createRun()
	up := "/ajax-api/2.0/mlflow/upload-artifact?path=a/b.txt&run_uuid=" + run
	large := strings.Repeat("x", 6<<20) // more than a JSON body may have
	require.Equal(t, http.StatusForbidden, r.send(http.MethodPost, up, large, "Content-Type", "text/plain", "Origin", "https://evil.example").status)
	got := r.send(http.MethodPost, up, large, "Content-Type", "text/plain")
	require.Equal(t, http.StatusOK, got.status, got.body)
	got = r.send(http.MethodGet, "/get-artifact?path=a/b.txt&run_uuid="+run, "")
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.Equal(t, large, got.body)
	got = r.send(http.MethodGet, "/model-versions/get-artifact?path=a&name=none&version=1", "")
	require.Equal(t, http.StatusNotFound, got.status)
	require.Contains(t, got.body, `"error_code":"RESOURCE_DOES_NOT_EXIST"`)
	require.Equal(t, http.StatusMethodNotAllowed, r.send(http.MethodPost, "/get-artifact?path=a/b.txt&run_uuid="+run, "{}", "Content-Type", typeJSON).status)
	require.Equal(t, http.StatusNotFound, r.send(http.MethodGet, "/get-artifact/../get-artifact?run_uuid="+run, "").status)
}

package mlflow_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The classes of faults that let clients of other tracking servers read or remove what is not theirs: each is tried under both
// prefixes, with a file beside the store that must neither come out nor change. Paths of artifacts are tried in
// TestArtifactPathsStayBelowTheirRoot, and what a browser would run in TestArtifactsAreServedSafely.

const canaryText = "canary-9f86d081"

// canary plants a file in a folder beside the store, as a model that anybody could load.
func (w *world) canary() (folder string) {
	w.Helper()
	folder = filepath.Join(filepath.Dir(w.root), "secret")
	require.NoError(w, os.Mkdir(folder, 0o750))
	require.NoError(w, os.WriteFile(filepath.Join(folder, "MLmodel"),
		[]byte("signature: {inputs: '[{\"type\": \"long\", \"name\": \""+canaryText+"\"}]'}"), 0o600))
	return folder
}

// unharmed requires that the canary is as it was.
func (w *world) unharmed(folder string) {
	w.Helper()
	content, err := os.ReadFile(filepath.Join(folder, "MLmodel"))
	require.NoError(w, err)
	require.Contains(w, string(content), canaryText)
}

// hostile gives URIs that lead to a folder of the server, or out of a run's artifacts, in every spelling.
func hostile(folder, run, other string) []string {
	up := strings.Repeat("../", 30)
	root := "mlflow-artifacts:/0/" + run + "/artifacts"
	return []string{
		folder, folder + "/", folder + "/MLmodel", "file://" + folder, "file:" + folder, "FILE://" + folder, "file://localhost" + folder,
		"fIlE:///" + folder, "file:///" + up + folder, "file:///%2e%2e/" + folder, "." + folder, "./secret", "../secret", "secret", "~/secret",
		`\\host\share`, `C:\secret`, "C:/secret", "/", "//" + folder, " " + folder, "\t" + folder,
		"runs:/" + run, "runs:/" + run + "/" + up + folder, "runs:/" + run + "/%2e%2e/%2e%2e/" + folder, "runs:/" + run + "/..%2f..%2f" + folder,
		"runs:/" + run + "/%252e%252e/secret", "runs:/" + run + "//" + folder, "runs:/../secret", "runs://host/" + run + "/model",
		"mlflow-artifacts:" + folder, "mlflow-artifacts:/" + up + folder, "mlflow-artifacts://host/" + up + folder, "mlflow-artifacts:/", "mlflow-artifacts:/0",
		"mlflow-artifacts:///0/" + run + "/artifacts/../../../../secret",
		root + "/../../../../secret", root + "/%2e%2e/%2e%2e/secret", root + "/..%2f..%2fsecret", root + "/%252e%252e/secret", root + "/..%5c..%5csecret",
		root + "/../" + other, root + "/../../" + other + "/artifacts/model", root + "%00/model", root + "/model%00", root + "/a\x00b",
		"models:/../secret", "models:/iris/../secret", "models:/iris/%2e%2e", "models:/m-../secret", "models:/" + up + folder, "models:" + folder,
		"http://host/api/2.0/mlflow-artifacts/artifacts/../../../../", "https://host/%2e%2e%2f%2e%2e/secret", "http://host/a%00", "http://host/a/..;/../b",
		"s3:/bucket/models/path/../../other", "s3://bucket/%252e%252e/x", "s3://bucket/a?../y", "s3://bucket/a#/../y", "ftp://host/../x", "dbfs:/../x",
	}
}

// A version may not name a file of the server as its source, also not when it says that it is a prompt, or names a run or a model.
func TestSourcesOfVersionsStayInside(t *testing.T) {
	each(t, func(w *world) {
		folder := w.canary()
		run, other := w.newRun("0"), w.newRun("0")
		m := w.newModel(object{"experiment_id": "0", "name": "m", "source_run_id": run}).Info
		w.send(http.MethodPut, w.place(run, "model/MLmodel"), "", "flavors: {}").ok()
		w.newRegistered("iris")
		for _, prefix := range []string{"/api", "/ajax-api"} {
			for _, source := range hostile(folder, run, other) {
				for _, more := range []object{
					{}, {"run_id": run}, {"model_id": m.ModelID}, {"run_id": run, "model_id": m.ModelID},
					{"tags": []object{{"key": "mlflow.prompt.is_prompt", "value": "true"}}},
				} {
					body := object{"name": "iris", "source": source}
					for key, value := range more {
						body[key] = value
					}
					a := w.jsonTo(http.MethodPost, prefix+"/2.0/mlflow/model-versions/create", body)
					a.invalid()
					require.NotContains(w, a.body, canaryText, source)
				}
			}
			// A run or a model that is not the source's own.
			for _, body := range []object{
				{"source": "runs:/" + run + "/model", "run_id": other}, {"source": "mlflow-artifacts:/0/" + run + "/artifacts/model", "run_id": other},
				{"source": "models:/" + m.ModelID, "run_id": other}, {"source": m.ArtifactURI, "model_id": "m-" + other},
			} {
				body["name"] = "iris"
				w.jsonTo(http.MethodPost, prefix+"/2.0/mlflow/model-versions/create", body).invalid()
			}
		}
		require.Empty(w, w.registered("iris").Latest, "what was refused made nothing")
		w.unharmed(folder)
	})
}

// An experiment may not have its artifacts in a folder of the server.
func TestArtifactLocationsStayInside(t *testing.T) {
	each(t, func(w *world) {
		folder := w.canary()
		run := w.newRun("0")
		before := len(into[struct {
			Experiments []experimentJSON `json:"experiments"`
		}](w.get("experiments/search?view_type=ALL&max_results=1000")).Experiments)
		for _, prefix := range []string{"/api", "/ajax-api"} {
			for i, location := range hostile(folder, run, run) {
				if location == "mlflow-artifacts:"+folder || location == "mlflow-artifacts:/0" {
					continue // a folder of the store
				}
				a := w.jsonTo(http.MethodPost, prefix+"/2.0/mlflow/experiments/create", object{
					"name": "e" + prefix + strings.Repeat("x", i), "artifact_location": location,
				})
				if a.status == http.StatusOK {
					t.Errorf("%s took %q", prefix, location)
				} else {
					a.invalid()
				}
				require.NotContains(w, a.body, canaryText)
			}
		}
		require.Len(w, into[struct {
			Experiments []experimentJSON `json:"experiments"`
		}](w.get("experiments/search?view_type=ALL&max_results=1000")).Experiments, before)
		w.unharmed(folder)
	})
}

// Names in paths and queries of the registry lead nowhere, however they are written.
func TestNamesAreNoPaths(t *testing.T) {
	each(t, func(w *world) {
		folder := w.canary()
		w.newRegistered("iris")
		w.newVersion("iris", nil)
		for _, prefix := range []string{"/api", "/ajax-api"} {
			base := prefix + "/2.0/mlflow/"
			for _, name := range []string{
				"../iris", "..%2firis", "%2e%2e%2firis", "iris%2f..%2firis", "iris/../iris", "a/b", "%2f", "a:b", "%00", "iris%00", "%0a", strings.Repeat("a", 257),
				strings.Repeat("a", 100_000), folder, url.QueryEscape(folder),
			} {
				for _, path := range []string{
					"registered-models/get?name=", "model-versions/get?version=1&name=", "model-versions/get-download-uri?version=1&name=",
					"registered-models/get-latest-versions?name=", "registered-models/alias?alias=a&name=",
				} {
					a := w.raw(http.MethodGet, base+path+name)
					a.invalid()
					require.NotContains(w, a.body, canaryText)
				}
			}
			// One name is one object: no spelling is another one of the same model.
			for _, name := range []string{"iris%20", "%20iris", "Iris", "iris%252e", "ir%CC%87is"} {
				w.raw(http.MethodGet, base+"registered-models/get?name="+name).notFound()
			}
		}
		w.unharmed(folder)
	})
}

// jsonTo sends JSON to a whole path.
func (w *world) jsonTo(method, path string, body any) answer {
	w.Helper()
	return w.send(method, path, "application/json", jsonText(w.T, body))
}

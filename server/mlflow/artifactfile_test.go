package mlflow_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneFile(t *testing.T) {
	each(t, func(w *world) {
		run := w.newRun("0")
		m := w.newModel(object{"experiment_id": "0", "name": "m", "source_run_id": run}).Info
		base := artifacts + "/" + strings.TrimPrefix(m.ArtifactURI, "mlflow-artifacts:/")
		w.send(http.MethodPut, base+"/data/名 前.txt", "", "of the model").ok()
		w.newRegistered("iris")
		w.newVersion("iris", object{"source": "models:/" + m.ModelID})
		for _, prefix := range []string{"/api", "/ajax-api"} {
			up := query(prefix+"/2.0/mlflow/upload-artifact", "run_uuid", run, "path", "plots/a b.html")
			w.send(http.MethodPost, up, "text/html", "<script>"+prefix).ok()
			get := query("/get-artifact", "run_uuid", run, "path", "plots/a b.html")
			a := w.send(http.MethodGet, get, "", "").ok()
			require.Equal(w, "<script>"+prefix, a.body)
			require.Equal(w, "application/octet-stream", a.header.Get("Content-Type"), "no browser runs it")
			require.Contains(w, a.header.Get("Content-Disposition"), `attachment; filename="a b.html"`)
			require.Equal(w, a.body, w.send(http.MethodGet, strings.Replace(get, "run_uuid", "run_id", 1), "", "").ok().body)
			require.Empty(w, w.send(http.MethodHead, get, "", "").ok().body)

			file := query(prefix+"/2.0/mlflow/logged-models/"+m.ModelID+"/artifacts/files", "artifact_file_path", "data/名 前.txt")
			require.Equal(w, "of the model", w.send(http.MethodGet, file, "", "").ok().body)
			w.send(http.MethodGet, strings.ReplaceAll(file, m.ModelID, "m-"+nobody), "", "").notFound(nobody)
			w.send(http.MethodGet, prefix+"/2.0/mlflow/logged-models/"+m.ModelID+"/artifacts/files", "", "").invalid("artifact_file_path")
		}
		version := query("/model-versions/get-artifact", "name", "iris", "version", "1", "path", "data/名 前.txt")
		require.Equal(w, "of the model", w.send(http.MethodGet, version, "", "").ok().body)
		for _, absent := range []string{
			query("/model-versions/get-artifact", "name", "iris", "version", "2", "path", "x"), query("/model-versions/get-artifact", "name", "none", "version", "1", "path", "x"),
			query("/model-versions/get-artifact", "name", "iris", "version", "1", "path", "x"), query("/get-artifact", "run_id", run, "path", "x"),
			query("/get-artifact", "run_id", run, "path", "plots"), query("/get-artifact", "run_id", nobody, "path", "x"),
		} {
			w.send(http.MethodGet, absent, "", "").notFound()
		}
		w.newVersion("iris", nil)
		w.send(http.MethodGet, query("/model-versions/get-artifact", "name", "iris", "version", "2", "path", "x"), "", "").
			fails(http.StatusNotImplemented, "NOT_IMPLEMENTED", "outside of this server")

		for _, c := range [][]string{{"run_uuid", run}, {"path", "x"}} {
			w.send(http.MethodPost, query(api+"upload-artifact", c...), "", "x").invalid("Missing value")
			w.send(http.MethodGet, query("/get-artifact", c...), "", "").invalid("Missing value")
		}
		w.send(http.MethodPost, query(api+"upload-artifact", "run_uuid", run, "path", "big"), "", strings.Repeat("x", 1<<20+1)).invalid("1048576 bytes")
		w.send(http.MethodPost, query(api+"upload-artifact", "run_uuid", nobody, "path", "x"), "", "x").notFound(nobody)
		w.post("runs/delete", object{"run_id": run}).ok()
		w.send(http.MethodPost, query(api+"upload-artifact", "run_uuid", run, "path", "late"), "", "x").invalid("deleted")
	})
}

// Paths of the calls that take one as a parameter stay below their root, in every spelling.
func TestPathsOfOneFileStayInside(t *testing.T) {
	each(t, func(w *world) {
		folder := w.canary()
		run, other := w.newRun("0"), w.newRun("0")
		w.send(http.MethodPut, w.place(other, "secret"), "", canaryText).ok()
		m := w.newModel(object{"experiment_id": "0", "name": "m", "source_run_id": run}).Info
		w.newRegistered("iris")
		w.newVersion("iris", object{"source": "models:/" + m.ModelID})
		up := strings.Repeat("../", 30)
		for _, path := range []string{
			"..", ".", "/", "../secret/MLmodel", "../../" + other + "/artifacts/secret", folder + "/MLmodel", up + folder + "/MLmodel", "a/../../secret",
			"a//b", "a/./b", "a/", "/a", `..\secret`, `C:\secret`, "C:/secret", "file://" + folder, "a\x00b", "a\nb", "a\rb",
		} {
			for _, spelled := range []string{url.QueryEscape(path), url.QueryEscape(url.QueryEscape(path)), url.QueryEscape(url.QueryEscape(url.QueryEscape(path)))} {
				asked := []string{
					"GET /get-artifact?run_id=" + run + "&path=", "GET /get-artifact?run_uuid=" + run + "&path=",
					"GET /model-versions/get-artifact?name=iris&version=1&path=",
				}
				for _, prefix := range []string{"/api", "/ajax-api"} {
					asked = append(asked, "GET "+prefix+"/2.0/mlflow/logged-models/"+m.ModelID+"/artifacts/files?artifact_file_path=",
						"POST "+prefix+"/2.0/mlflow/upload-artifact?run_uuid="+run+"&path=")
				}
				for _, ask := range asked {
					method, at, _ := strings.Cut(ask, " ")
					a := w.send(method, at+spelled, "", map[bool]string{true: "x"}[method == http.MethodPost])
					a.invalid()
					require.NotContains(w, a.body, canaryText)
				}
			}
		}
		w.unharmed(folder)
		require.Equal(w, canaryText, w.send(http.MethodGet, w.place(other, "secret"), "", "").ok().body)
	})
}

func TestSearchDatasets(t *testing.T) {
	type summaries struct {
		Datasets []struct {
			ExperimentID string `json:"experiment_id"`
			Name         string `json:"name"`
			Digest       string `json:"digest"`
			Context      string `json:"context"`
		} `json:"dataset_summaries"`
	}
	each(t, func(w *world) {
		one, two := w.newExperiment("one"), w.newExperiment("two")
		read := func(experiment, name, context string) {
			w.Helper()
			in := object{"dataset": object{"name": name, "digest": "d-" + name, "source_type": "local", "source": "x"}}
			if context != "" {
				in["tags"] = []object{{"key": "mlflow.data.context", "value": context}}
			}
			w.post("runs/log-inputs", object{"run_id": w.newRun(experiment), "datasets": []object{in}}).ok()
		}
		read(one, "iris", "train")
		read(one, "iris", "train")
		read(one, "iris", "test")
		read(one, "rose", "")
		read(two, "tulip", "train")
		for _, prefix := range []string{"/api", "/ajax-api"} {
			find := func(body any) string {
				w.Helper()
				var out []string
				for _, d := range into[summaries](w.jsonTo(http.MethodPost, prefix+"/2.0/mlflow/experiments/search-datasets", body)).Datasets {
					out = append(out, d.ExperimentID+" "+d.Name+" "+d.Digest+" "+d.Context)
				}
				return strings.Join(out, ", ")
			}
			require.Equal(w, one+" iris d-iris test, "+one+" iris d-iris train, "+one+" rose d-rose ", find(object{"experiment_ids": []string{one}}))
			require.Equal(w, two+" tulip d-tulip train", find(object{"experiment_ids": []string{two, "77777777", "99999999999"}}))
			require.Empty(w, find(object{"experiment_ids": []string{"0"}}))
		}
		w.post("experiments/search-datasets", object{}).invalid("experiment_ids")
		w.post("experiments/search-datasets", object{"experiment_ids": []string{"x"}}).invalid("experiment_ids[0]")
		w.post("experiments/search-datasets", object{"experiment_ids": strings.Split(strings.Repeat("0,", 20)+"0", ",")}).invalid("at most 20")
	})
}

package mlflow_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func (w *world) newModel(body object) loggedModelJSON {
	w.Helper()
	return into[oneLoggedModel](w.post("logged-models", body)).Model
}

func TestLoggedModelsLiveAndDie(t *testing.T) {
	each(t, func(w *world) {
		experiment := w.newExperiment("e")
		run := w.newRun(experiment)
		made := w.newModel(object{
			"experiment_id": experiment, "name": "model", "source_run_id": run, "model_type": "classifier",
			"params": []object{{"key": "depth", "value": "3"}}, "tags": []object{{"key": "a", "value": "1"}},
		})
		id := made.Info.ModelID
		require.Regexp(w, "^m-[0-9a-f]{32}$", id)
		require.Equal(w, "model", made.Info.Name)
		require.Equal(w, experiment, made.Info.ExperimentID)
		require.Equal(w, run, made.Info.SourceRunID)
		require.Equal(w, "classifier", made.Info.ModelType)
		require.Equal(w, "LOGGED_MODEL_PENDING", made.Info.Status)
		require.Equal(w, "mlflow-artifacts:/"+experiment+"/models/"+id+"/artifacts", made.Info.ArtifactURI)
		require.Equal(w, []pairJSON{{"depth", "3"}}, made.Data.Params)
		path := "logged-models/" + id

		w.post("runs/outputs", object{"run_id": run, "models": []object{{"model_id": id, "step": 4}}}).ok()
		outputs := w.run(run).Outputs.ModelOutputs
		require.Len(w, outputs, 1)
		require.Equal(w, id, outputs[0].ModelID)
		require.EqualValues(w, 4, outputs[0].Step)

		ready := into[oneLoggedModel](w.json(http.MethodPatch, path, object{"model_id": id, "status": "LOGGED_MODEL_READY"})).Model
		require.Equal(w, "LOGGED_MODEL_READY", ready.Info.Status)
		require.Equal(w, "LOGGED_MODEL_UPLOAD_FAILED",
			into[oneLoggedModel](w.json(http.MethodPatch, path, object{"status": 3})).Model.Info.Status)
		w.json(http.MethodPatch, path+"/tags", object{"tags": []object{{"key": "b/c d", "value": "2"}}}).ok()
		w.post(path+"/params", object{"model_id": id, "params": []object{{"key": "more", "value": "v"}}}).ok()
		w.send(http.MethodDelete, api+path+"/tags/a", "", "").ok()
		w.send(http.MethodDelete, api+path+"/tags/a", "", "").notFound()
		w.post("runs/log-metric", object{"run_id": run, "key": "acc", "value": 0.5, "timestamp": 7, "step": 1, "model_id": id,
			"dataset_name": "iris", "dataset_digest": "abc"}).ok()
		w.post("runs/log-batch", object{"run_id": run, "metrics": []object{
			{"key": "f1", "value": "NaN", "timestamp": 8, "step": 2, "model_id": id, "run_id": run}}}).ok()

		got := into[oneLoggedModel](w.get(path)).Model
		require.Equal(w, map[string]string{"b/c d": "2"}, tagMap(got.Info.Tags))
		require.Equal(w, map[string]string{"depth": "3", "more": "v"}, tagMap(got.Data.Params))
		require.Equal(w, []metricJSON{
			{Key: "acc", Value: 0.5, Timestamp: 7, Step: 1, ModelID: id, RunID: run, DatasetName: "iris", DatasetDigest: "abc"},
			{Key: "f1", Value: "NaN", Timestamp: 8, Step: 2, ModelID: id, RunID: run},
		}, got.Data.Metrics)
		require.Len(w, w.run(run).Data.Metrics, 2)
		w.send(http.MethodDelete, api+path+"/tags/b%2Fc%20d", "", "").ok()

		w.json(http.MethodDelete, path, object{"model_id": id}).ok()
		w.get(path).notFound(id)
	})
}

func TestSearchLoggedModels(t *testing.T) {
	type page struct {
		Models []loggedModelJSON `json:"models"`
		Next   string            `json:"next_page_token"`
	}
	each(t, func(w *world) {
		experiment := w.newExperiment("e")
		var runs []string
		for i, name := range []string{"first", "second", "third"} {
			run := w.newRun(experiment)
			runs = append(runs, run)
			m := w.newModel(object{"experiment_id": experiment, "name": name, "source_run_id": run})
			dataset := "train"
			if i == 2 {
				dataset = "test"
			}
			w.post("runs/log-metric", object{"run_id": run, "key": "score", "value": i, "timestamp": 1,
				"model_id": m.Info.ModelID, "dataset_name": dataset, "dataset_digest": "d"}).ok()
		}
		search := func(body object) page {
			w.Helper()
			body["experiment_ids"] = []string{experiment}
			return into[page](w.post("logged-models/search", body))
		}
		names := func(p page) (out []string) {
			for _, m := range p.Models {
				out = append(out, m.Info.Name)
			}
			return out
		}
		require.Equal(w, []string{"second"}, names(search(object{"filter": "name = 'second'"})))
		require.Equal(w, []string{"third"}, names(search(object{"filter": "source_run_id = '" + runs[2] + "' and name = 'third'"})))
		byScore := []object{{"field_name": "metrics.score", "ascending": false}}
		require.Equal(w, []string{"third", "second", "first"}, names(search(object{"order_by": byScore})))
		first := search(object{"order_by": byScore, "max_results": 2})
		require.Equal(w, []string{"third", "second"}, names(first))
		require.Equal(w, []string{"first"}, names(search(object{"order_by": byScore, "max_results": 2, "page_token": first.Next})))
		require.Equal(w, []string{"third"}, names(search(object{"filter": "metrics.score >= 0", "datasets": []object{{"dataset_name": "test"}}})))
		require.Equal(w, "{}", w.post("logged-models/search", object{"experiment_ids": []string{"77777"}}).ok().body)
	})
}

func TestLoggedModelsRefuseWhatIsWrong(t *testing.T) {
	each(t, func(w *world) {
		create := func(body object) answer { return w.post("logged-models", body) }
		create(object{}).invalid("Missing value", "'experiment_id'")
		create(object{"experiment_id": "99999", "name": "a"}).notFound("99999")
		create(object{"experiment_id": "0", "source_run_id": nobody}).notFound(nobody)
		create(object{"experiment_id": "0", "source_run_id": "nope"}).notFound("nope")
		create(object{"experiment_id": "0", "params": []object{{"key": "a", "value": 1}}}).invalid("'params[0].value'")
		absent := "m-" + nobody
		w.get("logged-models/x").notFound("x")
		w.get("logged-models/" + absent).notFound(absent)
		w.json(http.MethodPatch, "logged-models/"+absent, object{"status": "LOGGED_MODEL_READY"}).notFound(absent)
		w.json(http.MethodDelete, "logged-models/"+absent, object{}).notFound(absent)
		w.post("runs/outputs", object{"run_id": w.newRun("0"), "models": []object{{"model_id": absent}}}).notFound(absent)
		w.post("runs/outputs", object{"run_id": w.newRun("0"), "models": []object{{"step": 1}}}).invalid("'models[0].model_id'")
		id := w.newModel(object{"experiment_id": "0", "name": "m"}).Info.ModelID
		w.json(http.MethodPatch, "logged-models/"+id, object{}).invalid("Missing value", "'status'")
		w.json(http.MethodPatch, "logged-models/"+id, object{"status": "BAD"}).invalid(`"BAD"`, "'status'", "LOGGED_MODEL_READY")

		search := func(body object) answer { return w.post("logged-models/search", body) }
		zero := []string{"0"}
		search(object{}).invalid("Missing value", "'experiment_ids'")
		search(object{"experiment_ids": zero, "filter": "x y"}).invalid("'filter'", "at 1")
		search(object{"experiment_ids": zero, "max_results": 0}).invalid("'max_results'")
		search(object{"experiment_ids": zero, "max_results": 50_000}).ok() // the client goes on behind what comes
		search(object{"experiment_ids": zero, "page_token": "q"}).invalid("'page_token'")
		search(object{"experiment_ids": zero, "order_by": []object{{"field_name": "zz"}}}).invalid("'order_by[0]'", "zz")
		search(object{"experiment_ids": zero, "order_by": []object{{"ascending": true}}}).invalid("Missing value", "'order_by[0].field_name'")
		search(object{"experiment_ids": zero, "order_by": []object{{"field_name": "name", "dataset_name": "d"}}}).invalid("'order_by[0]'")
		search(object{"experiment_ids": zero, "order_by": []object{{"field_name": "name", "ascending": "no"}}}).invalid("'order_by[0].ascending'")
	})
}

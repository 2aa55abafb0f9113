package mlflow_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunsLiveAndDie(t *testing.T) {
	each(t, func(w *world) {
		experiment := w.newExperiment("e")
		made := into[oneRun](w.post("runs/create", object{
			"experiment_id": experiment, "user_id": "ada", "start_time": 1_700_000_000_000, "run_name": "first",
			"tags": []object{{"key": "team", "value": "vision"}}, "unknown": []any{object{"x": nil}},
		})).Run
		id := made.Info.RunID
		require.Regexp(w, "^[0-9a-f]{32}$", id)
		require.Equal(w, runInfoJSON{
			RunID: id, RunUUID: id, RunName: "first", ExperimentID: experiment, UserID: "ada", Status: "RUNNING",
			StartTime: 1_700_000_000_000, ArtifactURI: "mlflow-artifacts:/" + experiment + "/" + id + "/artifacts",
			LifecycleStage: "active",
		}, made.Info)
		require.Equal(w, map[string]string{"team": "vision", "mlflow.runName": "first"}, tagMap(made.Data.Tags))
		require.Equal(w, made, w.run(id))
		require.Equal(w, made, into[oneRun](w.get("runs/get?run_uuid="+id)).Run)

		type updated struct {
			RunInfo runInfoJSON `json:"run_info"`
		}
		info := into[updated](w.post("runs/update", object{"run_id": id, "status": "FINISHED", "end_time": 1_700_000_000_500})).RunInfo
		require.Equal(w, "FINISHED", info.Status)
		require.EqualValues(w, 1_700_000_000_500, *info.EndTime)
		require.Equal(w, "second", into[updated](w.post("runs/update", object{"run_uuid": id, "run_name": "second"})).RunInfo.RunName)
		require.Equal(w, "FAILED", into[updated](w.post("runs/update", object{"run_id": id, "status": 4, "run_name": ""})).RunInfo.Status)
		require.Equal(w, "second", tagMap(w.run(id).Data.Tags)["mlflow.runName"])
		w.post("runs/set-tag", object{"run_id": id, "key": "mlflow.runName", "value": "third"}).ok()
		require.Equal(w, "third", w.run(id).Info.RunName)

		w.post("runs/delete", object{"run_id": id}).ok()
		require.Equal(w, "deleted", w.run(id).Info.LifecycleStage)
		for path, body := range map[string]object{
			"runs/log-metric":    {"run_id": id, "key": "m", "value": 1, "timestamp": 1},
			"runs/log-parameter": {"run_id": id, "key": "p", "value": "1"},
			"runs/set-tag":       {"run_id": id, "key": "t", "value": "1"},
			"runs/delete-tag":    {"run_id": id, "key": "team"},
			"runs/update":        {"run_id": id, "status": "FINISHED"},
			"runs/log-batch":     {"run_id": id, "metrics": []object{{"key": "m", "value": 1, "timestamp": 1}}},
		} {
			w.post(path, body).invalid("must be in the 'active' state", "deleted")
		}
		w.post("runs/restore", object{"run_id": id}).ok()
		require.Equal(w, "active", w.run(id).Info.LifecycleStage)
	})
}

func TestRunWithoutNameGetsOne(t *testing.T) {
	each(t, func(w *world) {
		r := w.run(w.newRun("0"))
		require.Regexp(w, `^[a-z]+-[a-z]+-\d+$`, r.Info.RunName)
		require.Equal(w, r.Info.RunName, tagMap(r.Data.Tags)["mlflow.runName"])
	})
}

func TestParamsAndTags(t *testing.T) {
	each(t, func(w *world) {
		id := w.newRun("0")
		w.post("runs/log-parameter", object{"run_uuid": id, "key": "学习率", "value": "0.1"}).ok()
		w.post("runs/log-parameter", object{"run_id": id, "key": "学习率", "value": "0.1"}).ok()
		w.post("runs/log-parameter", object{"run_id": id, "key": "学习率", "value": "0.2"}).
			invalid("Changing param values is not allowed", "0.1", "0.2")
		w.post("runs/log-parameter", object{"run_id": id, "key": "empty"}).ok()
		w.post("runs/set-tag", object{"run_id": id, "key": "t", "value": "a\n\"b\"\u2028\U0001F600"}).ok()
		w.post("runs/set-tag", object{"run_id": id, "key": "gone", "value": "x"}).ok()
		w.post("runs/delete-tag", object{"run_id": id, "key": "gone"}).ok()
		w.post("runs/delete-tag", object{"run_id": id, "key": "gone"}).notFound("gone")
		r := w.run(id)
		require.Equal(w, map[string]string{"学习率": "0.1", "empty": ""}, tagMap(r.Data.Params))
		require.Equal(w, "a\n\"b\"\u2028\U0001F600", tagMap(r.Data.Tags)["t"])
		require.NotContains(w, tagMap(r.Data.Tags), "gone")
	})
}

func TestSearchRuns(t *testing.T) {
	type page struct {
		Runs []runJSON `json:"runs"`
		Next string    `json:"next_page_token"`
	}
	each(t, func(w *world) {
		experiment := w.newExperiment("e")
		w.newRun("0") // of another experiment
		for _, r := range []struct {
			name, depth string
			accuracy    float64
		}{{"low", "2", 0.7}, {"high", "8", 0.95}, {"mid", "4", 0.8}} {
			id := into[oneRun](w.post("runs/create", object{"experiment_id": experiment, "run_name": r.name, "start_time": 5})).Run.Info.RunID
			w.post("runs/log-batch", object{
				"run_id": id, "params": []object{{"key": "depth", "value": r.depth}},
				"metrics": []object{{"key": "accuracy", "value": r.accuracy, "timestamp": 1}},
			}).ok()
		}
		search := func(body object) page {
			w.Helper()
			body["experiment_ids"] = []string{experiment}
			return into[page](w.post("runs/search", body))
		}
		names := func(p page) (out []string) {
			for _, r := range p.Runs {
				out = append(out, r.Info.RunName)
			}
			return out
		}
		byAccuracy := []string{"metrics.accuracy DESC"}
		require.Equal(w, []string{"high", "mid", "low"}, names(search(object{"order_by": byAccuracy})))
		require.Equal(w, []string{"high", "mid"}, names(search(object{"order_by": byAccuracy, "filter": "metrics.accuracy > 0.75"})))
		require.Equal(w, []string{"low"}, names(search(object{"filter": "params.depth = '2' and attributes.status = 'RUNNING'"})))
		require.Len(w, search(object{"filter": "params.depth = '2' or params.depth = '4'"}).Runs, 2)
		first := search(object{"order_by": byAccuracy, "max_results": 2})
		require.Equal(w, []string{"high", "mid"}, names(first))
		require.Equal(w, []pairJSON{{"depth", "8"}}, first.Runs[0].Data.Params)
		require.Equal(w, 0.95, first.Runs[0].Data.Metrics[0].Value)
		second := search(object{"order_by": byAccuracy, "max_results": 2, "page_token": first.Next})
		require.Equal(w, []string{"low"}, names(second))
		require.Empty(w, second.Next)

		w.post("runs/delete", object{"run_id": first.Runs[0].Info.RunID}).ok()
		require.Len(w, search(object{}).Runs, 2)
		require.Equal(w, []string{"high"}, names(search(object{"run_view_type": "DELETED_ONLY"})))
		require.Len(w, search(object{"run_view_type": 3}).Runs, 3)
		require.Equal(w, "{}", w.post("runs/search", object{}).ok().body)
		require.Equal(w, "{}", w.post("runs/search", object{"experiment_ids": []string{"77777"}}).ok().body)

		w.post("runs/search", object{"experiment_ids": []string{experiment}, "page_token": first.Next}).invalid("'page_token'")
	})
}

func TestRunsRefuseWhatIsWrong(t *testing.T) {
	each(t, func(w *world) {
		create := func(body any) answer { return w.post("runs/create", body) }
		create(object{}).invalid("Missing value", "'experiment_id'")
		create(object{"experiment_id": 0}).invalid("Invalid value 0 for parameter 'experiment_id'", "a string")
		create(object{"experiment_id": "abc"}).invalid(`"abc"`, "'experiment_id'")
		create(object{"experiment_id": "99999"}).notFound("99999")
		create(object{"experiment_id": "0", "start_time": "x"}).invalid(`"x"`, "'start_time'", "integer")
		create(object{"experiment_id": "0", "start_time": 1.5}).invalid("1.5", "'start_time'", "integer")
		create(object{"experiment_id": "0", "start_time": -1}).invalid("'start_time'")
		create(object{"experiment_id": "0", "run_name": strings.Repeat("n", 501)}).invalid("'run_name'", "500")
		create(object{"experiment_id": "0", "run_name": "y", "tags": []object{{"key": "mlflow.runName", "value": "x"}}}).invalid("mlflow.runName")
		create(object{"experiment_id": "0", "tags": []object{{"key": "a//b", "value": "x"}}}).invalid("'tags[0].key'")
		create(object{"experiment_id": "0", "tags": []object{{"key": "a", "value": 5}}}).invalid("Invalid value 5", "'tags[0].value'")
		require.Equal(w, "{}", w.post("runs/search", object{"experiment_ids": []string{"0"}}).ok().body) // nothing was stored

		w.get("runs/get").invalid("Missing value", "'run_id'")
		w.get("runs/get?run_id=nope").notFound("nope")
		w.get("runs/get?run_id=" + nobody).notFound(nobody)
		w.get("runs/get?run_id=run:" + nobody).notFound()
		id := w.newRun("0")
		w.get("runs/get?run_id=" + strings.ToUpper(id)).notFound()
		for _, path := range []string{"update", "delete", "restore", "delete-tag", "set-tag", "log-parameter", "log-inputs", "outputs"} {
			w.post("runs/"+path, object{"key": "k"}).invalid("Missing value", "'run_id'")
			w.post("runs/"+path, object{"key": "k", "run_id": 5}).invalid("Invalid value 5", "'run_id'")
			w.post("runs/"+path, object{"key": "k", "run_id": nobody, "status": "FINISHED"}).notFound(nobody)
		}
		w.post("runs/update", object{"run_id": id, "status": "NOPE"}).invalid(`"NOPE"`, "'status'", "FINISHED")
		w.post("runs/update", object{"run_id": id, "end_time": "soon"}).invalid("'end_time'")
		w.post("runs/set-tag", object{"run_id": id, "value": "x"}).invalid("'key'")
		w.post("runs/set-tag", object{"run_id": id, "key": strings.Repeat("k", 251), "value": "x"}).invalid("'key'", "250")
		w.post("runs/log-parameter", object{"run_id": id, "key": strings.Repeat("长", 251), "value": "x"}).invalid("'key'", "250")
		w.post("runs/log-parameter", object{"run_id": id, "key": "a?b", "value": "x"}).invalid("'key'", "?")
		w.post("runs/log-parameter", object{"run_id": id, "key": "a", "value": 5}).invalid("Invalid value 5", "'value'")
		w.post("runs/log-parameter", object{"run_id": id, "key": "a", "value": "\x00"}).invalid("'value'", "NUL")

		search := func(body object) answer {
			body["experiment_ids"] = []string{"0"}
			return w.post("runs/search", body)
		}
		search(object{"filter": "metrics.a >"}).invalid("'filter'", "at 12")
		search(object{"filter": "metrics.a > 'x'"}).invalid("'filter'", "at 13")
		search(object{"filter": "blah = 3"}).invalid("'filter'", "at 1", "blah")
		search(object{"filter": strings.Repeat("x", 1<<15)}).invalid("'filter'", "16384")
		search(object{"max_results": 0}).invalid("Invalid value 0", "'max_results'")
		search(object{"max_results": 50_001}).invalid("Invalid value 50001", "'max_results'", "50000")
		search(object{"page_token": "x"}).invalid("'page_token'")
		search(object{"order_by": []string{"metrics.a sideways"}}).invalid("'order_by[0]'", "ASC or DESC")
		search(object{"order_by": "metrics.a"}).invalid("'order_by'", "an array")
		search(object{"run_view_type": "SOME"}).invalid(`"SOME"`, "'run_view_type'")
		w.post("runs/search", object{"experiment_ids": "0"}).invalid(`"0"`, "'experiment_ids'", "an array")
		w.post("runs/search", object{"experiment_ids": []any{"0", 1}}).invalid("'experiment_ids[1]'", "a string")
		w.post("runs/search", object{"experiment_ids": []string{"0", "zzz"}}).invalid(`"zzz"`, "'experiment_ids[1]'")
	})
}

// Bounds are in characters, in every script, and what is over one is never an internal error.
func TestNamesOfEveryScript(t *testing.T) {
	each(t, func(w *world) {
		name := strings.Repeat("长", 500)
		experiment := w.newExperiment(name)
		require.Equal(w, name, into[oneExperiment](w.get("experiments/get?experiment_id="+experiment)).Experiment.Name)
		run := into[oneRun](w.post("runs/create", object{"experiment_id": experiment, "run_name": name})).Run
		require.Equal(w, name, run.Info.RunName)
		id := run.Info.RunID
		key := strings.Repeat("键", 250)
		w.post("runs/log-batch", object{
			"run_id": id, "metrics": []object{{"key": key, "value": 1, "timestamp": 1}},
			"params": []object{{"key": key, "value": name}}, "tags": []object{{"key": key, "value": name}},
		}).ok()
		w.post("experiments/set-experiment-tag", object{"experiment_id": experiment, "key": key, "value": name}).ok()
		model := w.newModel(object{
			"experiment_id": experiment, "name": name, "source_run_id": id,
			"params": []object{{"key": key, "value": name}}, "tags": []object{{"key": key, "value": name}},
		}).Info
		require.Equal(w, name, model.Name)
		w.post("runs/log-metric", object{"run_id": id, "key": key, "value": 1, "timestamp": 2, "model_id": model.ModelID,
			"dataset_name": name, "dataset_digest": "d"}).ok()
		w.post("runs/log-inputs", object{"run_id": id, "datasets": []object{{
			"dataset": object{"name": name, "digest": strings.Repeat("数", 36), "source_type": "local", "source": name},
			"tags":    []object{{"key": "mlflow.data.context", "value": "训练"}, {"key": key, "value": name}},
		}}}).ok()
		got := w.run(id)
		require.Equal(w, name, tagMap(got.Data.Params)[key])
		require.Equal(w, key, got.Data.Metrics[0].Key)
		require.Len(w, w.history(id, key), 2)
		require.Equal(w, name, got.Inputs.DatasetInputs[0].Dataset.Name)

		long := strings.Repeat("长", 5000)
		for path, body := range map[string]object{
			"experiments/create":             {"name": long},
			"experiments/set-experiment-tag": {"experiment_id": experiment, "key": long, "value": "v"},
			"runs/create":                    {"experiment_id": experiment, "user_id": long},
			"runs/update":                    {"run_id": id, "run_name": long},
			"runs/set-tag":                   {"run_id": id, "key": "mlflow.runName", "value": long},
			"runs/log-parameter":             {"run_id": id, "key": long, "value": "v"},
			"runs/log-inputs": {"run_id": id, "datasets": []object{{
				"dataset": object{"name": "n", "digest": long, "source_type": "local", "source": ""}}}},
			"logged-models": {"experiment_id": experiment, "name": long},
			"logged-models/" + model.ModelID + "/params": {"params": []object{{"key": long, "value": "v"}}},
			"runs/log-metric": {"run_id": id, "key": "m", "value": 1, "timestamp": 2, "model_id": model.ModelID, "dataset_name": long},
		} {
			w.post(path, body).invalid()
		}
		w.post("logged-models", object{"experiment_id": experiment, "name": "m", "model_type": long}).invalid()
		w.post("logged-models", object{"experiment_id": experiment, "name": "m", "params": []object{{"key": long, "value": "v"}}}).invalid()
		w.post("logged-models", object{"experiment_id": experiment, "name": "m", "tags": []object{{"key": long, "value": "v"}}}).invalid()
		for _, name := range []string{"a/b", "a:b", `a"b`, "a%b", "a'b"} {
			w.post("logged-models", object{"experiment_id": experiment, "name": name}).invalid("'name'")
		}
	})
}

package mlflow_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLogInputs(t *testing.T) {
	each(t, func(w *world) {
		id := w.newRun("0")
		dataset := object{"name": "iris", "digest": "abc", "source_type": "local", "source": `{"uri":"x"}`, "schema": "{}", "profile": `{"rows":1}`}
		body := object{"run_id": id, "datasets": []object{
			{"dataset": dataset, "tags": []object{{"key": "mlflow.data.context", "value": "training"}, {"key": "split", "value": "a"}}},
			{"dataset": dataset, "tags": []object{{"key": "mlflow.data.context", "value": "test"}}},
			{"dataset": object{"name": "bare", "digest": "d", "source_type": "code", "source": ""}},
		}}
		w.post("runs/log-inputs", body).ok()
		w.post("runs/log-inputs", body).ok()
		inputs := w.run(id).Inputs.DatasetInputs
		require.Len(w, inputs, 3)
		require.Equal(w, map[string]string{"mlflow.data.context": "training", "split": "a"}, tagMap(inputs[0].Tags))
		require.Equal(w, "iris", inputs[0].Dataset.Name)
		require.JSONEq(w, `{"uri":"x"}`, inputs[0].Dataset.Source)
		require.JSONEq(w, `{"rows":1}`, inputs[0].Dataset.Profile)
		require.Equal(w, map[string]string{"mlflow.data.context": "test"}, tagMap(inputs[1].Tags))
		require.Equal(w, "bare", inputs[2].Dataset.Name)
		require.Empty(w, inputs[2].Tags)
		found := w.post("runs/search", object{"experiment_ids": []string{"0"}, "filter": "dataset.name = 'iris' and dataset.context = 'test'"})
		require.Contains(w, found.ok().body, id)

		model := w.newModel(object{"experiment_id": "0", "name": "m"}).Info.ModelID
		w.post("runs/log-inputs", object{"run_id": id, "models": []object{{"model_id": model}}}).ok()
		read := w.run(id).Inputs.ModelInputs
		require.Len(w, read, 1)
		require.Equal(w, model, read[0].ModelID)
		w.post("runs/log-inputs", object{"run_id": id, "models": []object{{"model_id": "m-" + nobody}}}).notFound(nobody)
		w.post("runs/log-inputs", object{"run_id": id}).ok()

		wrong := func(dataset object) answer {
			return w.post("runs/log-inputs", object{"run_id": id, "datasets": []object{{"dataset": dataset}}})
		}
		wrong(object{}).invalid("'datasets[0].dataset.name'")
		wrong(object{"name": strings.Repeat("n", 501), "digest": "d", "source_type": "s"}).invalid("'datasets[0].dataset.name'", "500")
		wrong(object{"name": "n", "digest": 5, "source_type": "s"}).invalid("Invalid value 5", "'datasets[0].dataset.digest'")
		require.Len(w, w.run(id).Inputs.DatasetInputs, 3)
	})
}

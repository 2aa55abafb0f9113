package mlflow_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const historyTag = "mlflow.log-model.history"

// describe is what a client of MLflow 2 sends of a model.
func describe(run, path string) object {
	description := fmt.Sprintf(`{"run_id": %q, "artifact_path": %q, "utc_time_created": "2024-11-25 10:00:00", "model_uuid": "u",
		"flavors": {"sklearn": {"pickled_model": "model.pkl", "config": {"secret": 1}}, "plain": "text"}, "signature": {"inputs": "[]"}}`, run, path)
	return object{"run_id": run, "model_json": description}
}

func TestModelsOfOlderClientsAreKeptInATag(t *testing.T) {
	each(t, func(w *world) {
		run := w.newRun("0")
		w.post("runs/log-model", describe(run, "first")).ok()
		w.post("runs/log-model", describe(run, "second <b>")).ok()
		require.JSONEq(w, fmt.Sprintf(`[
			{"run_id": %[1]q, "artifact_path": "first", "utc_time_created": "2024-11-25 10:00:00", "model_uuid": "u",
				"flavors": {"sklearn": {"pickled_model": "model.pkl"}, "plain": "text"}},
			{"run_id": %[1]q, "artifact_path": "second <b>", "utc_time_created": "2024-11-25 10:00:00", "model_uuid": "u",
				"flavors": {"sklearn": {"pickled_model": "model.pkl"}, "plain": "text"}}]`, run), tagMap(w.run(run).Data.Tags)[historyTag])

		w.post("runs/set-tag", object{"run_id": run, "key": historyTag, "value": "by hand"}).ok()
		w.post("runs/log-model", describe(run, "third")).ok()
		require.Len(w, history(w, run), 1)

		for body, words := range map[string]string{
			`{"model_json": "{}"}`:                        "run_id",
			`{"run_id": "` + run + `"}`:                   "model_json",
			`{"run_id": "` + run + `", "model_json": 3}`:  "must be a string",
			`{"run_id": "` + run + `", "model_json": []}`: "model_json",
		} {
			w.post("runs/log-model", json.RawMessage(body)).invalid(words)
		}
		for description, words := range map[string]string{
			"{bad": "is not a JSON object", "null": `"artifact_path" is missing`, "[]": "is not a JSON object",
			`{"artifact_path": "a", "utc_time_created": "t", "run_id": "r"}`:                `"flavors" is missing`,
			`{"artifact_path": "a", "utc_time_created": "t", "run_id": "r", "flavors": []}`: `"flavors" is not an object`,
		} {
			w.post("runs/log-model", object{"run_id": run, "model_json": description}).invalid("model_json", words)
		}
		w.post("runs/log-model", describe(strings.Repeat("0", 32), "x")).notFound("not found")
		w.post("runs/log-model", describe(run, strings.Repeat("x", 66_000))).invalid("at most 65536 are allowed")
		require.Len(w, history(w, run), 1)
		w.post("runs/delete", object{"run_id": run}).ok()
		w.post("runs/log-model", describe(run, "late")).invalid("must be in the 'active' state")
	})
}

func history(w *world, run string) []object {
	w.Helper()
	var models []object
	require.NoError(w, json.Unmarshal([]byte(tagMap(w.run(run).Data.Tags)[historyTag]), &models))
	return models
}

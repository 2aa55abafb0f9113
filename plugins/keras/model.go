package main

import (
	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

// dataDir is where MLflow looks for model.keras in the model's directory.
const dataDir = "data"

// model records the trained model as a directory in MLflow's format.
func model(f *training.Fit, o sdk.Observation) ([]sdk.Record, error) {
	var m struct {
		training.SavedModel
		Class   string `json:"model_class"`
		Version string `json:"version"`
		Backend string `json:"backend"`
	}
	if err := o.Decode(&m); err != nil {
		return []sdk.Record{}, err
	}
	flavor := training.Flavor{
		Name: framework, Loader: "mlflow.keras",
		Fields: map[string]any{
			"data": dataDir, "keras_version": m.Version, "keras_backend": m.Backend, "save_exported_model": false,
		},
	}
	return f.Model(o, m.SavedModel, m.Class, flavor, sdk.File{Path: dataDir + "/keras_module.txt", Data: []byte(framework)})
}

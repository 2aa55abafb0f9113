package main

import (
	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

// dataDir is where MLflow looks for the model in its directory.
const dataDir = "data"

// model records the trained model as a directory in MLflow's format.
func model(f *training.Fit, o sdk.Observation) ([]sdk.Record, error) {
	var m struct {
		training.SavedModel
		Class        string `json:"model_class"`
		PickleModule string `json:"pickle_module"`
		Version      string `json:"version"`
	}
	if err := o.Decode(&m); err != nil {
		return []sdk.Record{}, err
	}
	flavor := training.Flavor{
		Name: framework, Fields: map[string]any{"code": nil, "model_data": dataDir, "pytorch_version": m.Version},
		Loader: "mlflow.pytorch",
		LoaderFields: map[string]any{
			"data": dataDir, "pickle_module_name": m.PickleModule, "config": map[string]any{"device": nil},
		},
	}
	return f.Model(o, m.SavedModel, m.Class, flavor, sdk.File{Path: dataDir + "/pickle_module_info.txt", Data: []byte(m.PickleModule)})
}

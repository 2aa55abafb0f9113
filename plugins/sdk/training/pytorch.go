package training

import "github.com/cairnml/cairn/plugins/sdk"

// torchDir is where MLflow looks for a module of PyTorch in the model's directory.
const torchDir = "data"

// TorchModel records a module of PyTorch, as cairn.torches tells of it, as a directory that mlflow.pytorch loads.
func TorchModel(f *Fit, o sdk.Observation) ([]sdk.Record, error) {
	var m struct {
		SavedModel
		Class        string `json:"model_class"`
		PickleModule string `json:"pickle_module"`
		Version      string `json:"version"`
	}
	if err := o.Decode(&m); err != nil {
		return []sdk.Record{}, err
	}
	flavor := Flavor{
		Name: "pytorch", Fields: map[string]any{"code": nil, "model_data": torchDir, "pytorch_version": m.Version},
		Loader: "mlflow.pytorch",
		LoaderFields: map[string]any{
			"data": torchDir, "pickle_module_name": m.PickleModule, "config": map[string]any{"device": nil},
		},
	}
	return f.Model(o, m.SavedModel, m.Class, flavor, sdk.File{Path: torchDir + "/pickle_module_info.txt", Data: []byte(m.PickleModule)})
}

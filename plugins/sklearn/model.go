package main

import (
	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

// pickled is the model's file in its directory.
const pickled = "model.pkl"

// model records the fitted model as a directory in MLflow's format.
func (f *fit) model(o sdk.Observation) ([]sdk.Record, error) {
	var m struct {
		training.SavedModel
		Format   string `json:"format"`
		Predicts bool   `json:"predicts"`
	}
	if err := o.Decode(&m); err != nil {
		return []sdk.Record{}, err
	}
	flavor := training.Flavor{Name: framework, Fields: map[string]any{
		"code": nil, "pickled_model": pickled, "serialization_format": m.Format, "sklearn_version": f.version,
		"skops_trusted_types": nil,
	}}
	if m.Predicts {
		flavor.Loader = "mlflow.sklearn"
		flavor.LoaderFields = map[string]any{"model_path": pickled, "predict_fn": "predict"}
	}
	files, err := m.Files(o, flavor)
	if err != nil {
		return []sdk.Record{}, err
	}
	return []sdk.Record{
		sdk.Model{
			Name: training.ModelName, Type: f.class, Files: files, Params: f.params, Metrics: f.metrics,
			Tags: map[string]string{
				"mlflow.autologging": framework, "estimator_name": f.estimator, "estimator_class": f.class,
				"cairn.model.serialization": m.Format,
			},
		},
		sdk.Tag{Key: "cairn.model.serialization", Value: m.Format},
	}, nil
}

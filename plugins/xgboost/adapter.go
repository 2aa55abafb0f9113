package main

import (
	"embed"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

//go:embed hook/*.py
var hook embed.FS

// framework is the flavor of MLflow whose autolog records the same.
const framework = "xgboost"

// adapter knows XGBoost.
type adapter struct{}

// Describe says what this adapter is.
func (adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:           framework,
		Version:        "0.1.0",
		Modules:        []string{"xgboost.training"},
		Distribution:   "xgboost",
		FrameworkRange: ">=2.0,<4",
		HookFiles:      hook,
	}
}

// NewSession begins a training process.
func (adapter) NewSession(sdk.SessionInfo) sdk.Session {
	return training.NewSession(framework, map[string]training.Handler{"fit.model": model})
}

// model records the trained model as a directory in MLflow's format.
func model(f *training.Fit, o sdk.Observation) ([]sdk.Record, error) {
	var m struct {
		training.SavedModel
		Class   string `json:"model_class"`
		Version string `json:"version"`
	}
	if err := o.Decode(&m); err != nil {
		return []sdk.Record{}, err
	}
	return f.Model(o, m.SavedModel, m.Class, training.Flavor{
		Name: framework, Loader: "mlflow.xgboost", LoaderFields: map[string]any{"data": modelFile},
		Fields: map[string]any{
			"code": nil, "data": modelFile, "model_class": m.Class, "model_format": "ubj", "xgb_version": m.Version,
		},
	})
}

// modelFile is XGBoost's binary JSON in a model's directory.
const modelFile = "model.ubj"

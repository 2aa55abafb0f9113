package main

import (
	"embed"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

//go:embed hook/*.py
var hook embed.FS

// framework is the flavor of MLflow whose autolog records the same.
const framework = "lightgbm"

// adapter knows LightGBM.
type adapter struct{}

// Describe says what this adapter is.
func (adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:           framework,
		Version:        "0.1.0",
		Modules:        []string{"lightgbm.engine"},
		Distribution:   "lightgbm",
		FrameworkRange: ">=4.0,<5",
		HookFiles:      hook,
	}
}

// NewSession begins a training process.
func (adapter) NewSession(sdk.SessionInfo) sdk.Session {
	return training.NewSession(framework, map[string]training.Handler{"fit.model": model})
}

// model records the trained model as a directory in MLflow's format: a booster as LightGBM writes it, an estimator pickled.
func model(f *training.Fit, o sdk.Observation) ([]sdk.Record, error) {
	var m struct {
		training.SavedModel
		Class   string `json:"model_class"`
		Format  string `json:"format"`
		Version string `json:"version"`
	}
	if err := o.Decode(&m); err != nil {
		return []sdk.Record{}, err
	}
	file := "model.lgb"
	fields := map[string]any{"code": nil, "model_class": m.Class, "lgb_version": m.Version}
	if m.Format != "" {
		file = "model.pkl"
		fields["serialization_format"], fields["skops_trusted_types"] = m.Format, nil
	}
	fields["data"] = file
	records, err := f.Model(o, m.SavedModel, m.Class, training.Flavor{
		Name: framework, Fields: fields, Loader: "mlflow.lightgbm", LoaderFields: map[string]any{"data": file},
	})
	if err == nil && m.Format != "" {
		records = append(records, sdk.Tag{Key: "cairn.model.serialization", Value: m.Format})
	}
	return records, err
}

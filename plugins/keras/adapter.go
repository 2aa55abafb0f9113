package main

import (
	"embed"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

//go:embed hook/*.py
var hook embed.FS

// framework is the flavor of MLflow that loads the models.
const framework = "keras"

// adapter knows Keras.
type adapter struct{}

// Describe says what this adapter is.
func (adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:           framework,
		Version:        "0.1.0",
		Modules:        []string{"keras.src.models.model"},
		Distribution:   framework,
		FrameworkRange: ">=3.0,<4",
		HookFiles:      hook,
	}
}

// NewSession begins a training process.
func (adapter) NewSession(sdk.SessionInfo) sdk.Session {
	return training.NewSession(framework, map[string]training.Handler{"built": built, "fit.model": model})
}

// built records the model as it is when its fit begins, and all layers have their shapes.
func built(_ *training.Fit, o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Params       map[string]string `json:"params"`
		Summary      string            `json:"summary"`
		Architecture string            `json:"architecture"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	records := training.Params("", p.Params)
	if p.Summary != "" {
		records = append(records, sdk.File{Path: "model_summary.txt", Data: []byte(p.Summary)})
	}
	if p.Architecture != "" {
		records = append(records, sdk.File{Path: "model_architecture.json", Data: []byte(p.Architecture)})
	}
	return records, nil
}

package main

import (
	"embed"
	"encoding/json"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

//go:embed hook/*.py
var hook embed.FS

const framework = "transformers"

// adapter knows the Trainer of transformers.
type adapter struct{}

// Describe says what this adapter is.
func (adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:           framework,
		Version:        "0.1.0",
		Modules:        []string{"transformers.trainer"},
		Distribution:   framework,
		FrameworkRange: ">=4.40,<6",
		HookFiles:      hook,
	}
}

// NewSession begins a training process.
func (adapter) NewSession(sdk.SessionInfo) sdk.Session {
	return training.NewSession(framework, map[string]training.Handler{"fit.start": start, "fit.model": training.TorchModel})
}

// start records what is trained, with a summary of it and its configuration.
func start(f *training.Fit, o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Summary string          `json:"summary"`
		Config  json.RawMessage `json:"config"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	records, err := f.Start(o)
	if err != nil {
		return records, err
	}
	if p.Summary != "" {
		records = append(records, sdk.File{Path: "model_summary.txt", Data: []byte(p.Summary)})
	}
	if len(p.Config) > 0 {
		document, err := training.Document(p.Config)
		if err != nil {
			return records, err
		}
		records = append(records, sdk.File{Path: "model_config.json", Data: document})
	}
	return records, nil
}

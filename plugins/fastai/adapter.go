package main

import (
	"embed"
	"encoding/json"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

//go:embed hook/*.py
var hook embed.FS

const framework = "fastai"

// adapter knows fastai.
type adapter struct{}

// Describe says what this adapter is.
func (adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:           framework,
		Version:        "0.1.0",
		Modules:        []string{"fastai.learner"},
		Distribution:   framework,
		FrameworkRange: ">=2.7,<3",
		HookFiles:      hook,
	}
}

// NewSession begins a training process.
func (adapter) NewSession(sdk.SessionInfo) sdk.Session {
	return training.NewSession(framework, map[string]training.Handler{"fit.start": start, "fit.model": training.TorchModel})
}

// start records what is trained, with a summary of it and of how its data are made.
func start(f *training.Fit, o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Summary string          `json:"summary"`
		Data    json.RawMessage `json:"data"`
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
	if len(p.Data) > 0 {
		document, err := training.Document(p.Data)
		if err != nil {
			return records, err
		}
		records = append(records, sdk.File{Path: "data_block.json", Data: document})
	}
	return records, nil
}

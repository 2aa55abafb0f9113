package main

import (
	"embed"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

//go:embed hook/*.py
var hook embed.FS

// framework is the flavor of MLflow that loads the models.
const framework = "pytorch"

// adapter knows PyTorch.
type adapter struct{}

// Describe says what this adapter is.
func (adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:           framework,
		Version:        "0.1.0",
		Modules:        []string{"torch.optim.lr_scheduler"},
		Distribution:   "torch",
		FrameworkRange: ">=2.0,<3",
		HookFiles:      hook,
	}
}

// NewSession begins a training process.
func (adapter) NewSession(sdk.SessionInfo) sdk.Session {
	return training.NewSession(framework, map[string]training.Handler{
		"fit.start":   start,
		"optimizer":   moreParams,
		"scheduler":   moreParams,
		"loader":      moreParams,
		"fit.model":   training.TorchModel,
		"writer.file": written,
	})
}

// start records what is trained, and its summary.
func start(f *training.Fit, o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Summary string `json:"summary"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	records, err := f.Start(o)
	if err == nil && p.Summary != "" {
		records = append(records, sdk.File{Path: "model_summary.txt", Data: []byte(p.Summary)})
	}
	return records, err
}

// moreParams records what becomes known while the loop goes on.
func moreParams(_ *training.Fit, o sdk.Observation) ([]sdk.Record, error) {
	params := map[string]string{}
	if o.Kind == "optimizer" {
		if err := o.Decode(&params); err != nil {
			return []sdk.Record{}, err
		}
		return training.Params("", params), nil
	}
	var p struct {
		Params map[string]string `json:"params"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	return training.Params("", p.Params), nil
}

package main

import (
	"embed"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

//go:embed hook/*.py
var hook embed.FS

// framework is the flavor of MLflow.
const framework = "tensorflow"

// adapter knows TensorFlow.
type adapter struct{}

// Describe says what this adapter is.
func (adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:           framework,
		Version:        "0.1.0",
		Modules:        []string{"tensorflow.python.eager.backprop"},
		Distribution:   framework,
		FrameworkRange: ">=2.16,<3",
		HookFiles:      hook,
	}
}

// NewSession begins a training process. Models are Keras', whose adapter records them.
func (adapter) NewSession(sdk.SessionInfo) sdk.Session {
	return training.NewSession(framework, map[string]training.Handler{})
}

package main

import (
	"embed"
	"time"

	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/training"
)

//go:embed hook/*.py
var hook embed.FS

// framework is the flavor of MLflow whose autolog records the same.
const framework = "sklearn"

// adapter knows scikit-learn.
type adapter struct{}

// Describe says what this adapter is.
func (adapter) Describe() sdk.Description {
	return sdk.Description{
		Name:           "sklearn",
		Version:        "0.1.0",
		Modules:        []string{"sklearn.base"},
		Distribution:   "scikit-learn",
		FrameworkRange: ">=1.5,<1.10",
		HookFiles:      hook,
	}
}

// NewSession begins a training process.
func (adapter) NewSession(sdk.SessionInfo) sdk.Session {
	return &session{fits: map[string]*fit{}}
}

// session keeps what later observations of a fit need of earlier ones.
type session struct {
	fits map[string]*fit
}

// fit is what is known of one top-level fit.
type fit struct {
	estimator, class string
	params           map[string]string
	version          string
	started          time.Time
	metrics          []string
	calls            map[string]string
	table            candidateTable
}

// Observe dispatches an observation to what handles its kind. An unknown kind gives nothing: a newer hook may send more.
func (s *session) Observe(o sdk.Observation) ([]sdk.Record, error) {
	f := s.fits[o.Fit]
	if f == nil {
		f = &fit{started: o.Time, calls: map[string]string{}}
		s.fits[o.Fit] = f
	}
	switch o.Kind {
	case "fit.start":
		return f.start(o)
	case "fit.data", "eval.data":
		return training.Dataset(o)
	case "fit.metrics":
		return f.trainingMetrics(o)
	case "fit.confusion":
		return confusionMatrix(o)
	case "fit.importance":
		return training.Importance(o)
	case "fit.model":
		return f.model(o)
	case "search.candidates":
		return f.candidates(o)
	case "search.best":
		return bestCandidate(o)
	case "cv.folds":
		return f.folds(o)
	case "cv.point":
		return curvePoint(o)
	case "eval.metric":
		return f.evaluation(o)
	case "fit.end":
		return training.End(o, f.estimator)
	}
	return []sdk.Record{}, nil
}

// Close gives nothing: every record belongs to the fit of an observation.
func (s *session) Close() ([]sdk.Record, error) {
	return []sdk.Record{}, nil
}

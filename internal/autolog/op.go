package autolog

import (
	"encoding/json"

	"github.com/cairnml/cairn/plugins/sdk"
)

// op is one thing to be delivered to the server. Delivering an op twice is the same as once.
type op struct {
	Kind opKind `json:"op"`
	Run  string `json:"run"`

	// Of opCreateRun, TimeMS being the start; of opFinishRun, TimeMS being the end.
	Name       string            `json:"name,omitempty"`
	Experiment string            `json:"experiment,omitempty"`
	Parent     string            `json:"parent,omitempty"`
	User       string            `json:"user,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Status     string            `json:"status,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	TimeMS     int64             `json:"time_ms,omitempty"`

	// Of opParam, opTag, opMetric and opModelMetric.
	Key   string `json:"key,omitempty"`
	Value string `json:"value,omitempty"`
	// KeepExisting is true for params, tags and points of an adapter: a value of the user's wins.
	KeepExisting bool        `json:"keep,omitempty"`
	Number       sdk.Float   `json:"number,omitempty"`
	Step         json.Number `json:"step,omitempty"`
	Measurement  bool        `json:"measurement,omitempty"`
	// ModelID, of opModelMetric: the logged model that the point was measured of.
	ModelID string `json:"model_id,omitempty"`

	Dataset *dataset `json:"dataset,omitempty"`

	// Of opArtifact: the artifact's path, and the blob that has its bytes.
	Path string `json:"path,omitempty"`
	Blob string `json:"blob,omitempty"`

	Model *model `json:"model,omitempty"`

	// Of opLog.
	Stream string `json:"stream,omitempty"`
	Text   string `json:"text,omitempty"`

	Fingerprint *fingerprint `json:"fingerprint,omitempty"`
}

type opKind string

const (
	opCreateRun opKind = "run.create"
	opFinishRun opKind = "run.finish"
	opParam     opKind = "param"
	opTag       opKind = "tag"
	opMetric    opKind = "metric"
	// opModelMetric is a point that an opMetric recorded, of a logged model too. It is apart, so that a model which the
	// server refused costs no metric of the run.
	opModelMetric opKind = "metric.model"
	opDataset     opKind = "dataset"
	opArtifact    opKind = "artifact"
	opModel       opKind = "model"
	opLog         opKind = "log"
	opFingerprint opKind = "fingerprint"
)

// batched tells whether the op goes into a logBatch.
func (o op) batched() bool {
	return o.Kind == opParam || o.Kind == opTag || o.Kind == opMetric || o.Kind == opModelMetric
}

// ofModel gives a point as one of a logged model.
func (o op) ofModel(id string) op {
	o.Kind, o.ModelID = opModelMetric, id
	return o
}

// blobs are the names of the files that the op needs.
func (o op) blobs() []string {
	var names []string
	if o.Blob != "" {
		names = append(names, o.Blob)
	}
	if o.Model != nil {
		for _, file := range o.Model.Files {
			names = append(names, file.Blob)
		}
	}
	return names
}

type dataset struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"`
	SourceType string `json:"source_type"`
	Source     string `json:"source"`
	Schema     string `json:"schema,omitempty"`
	Profile    string `json:"profile,omitempty"`
	Context    string `json:"context,omitempty"`
}

type model struct {
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	Type   string            `json:"type,omitempty"`
	Files  []modelFile       `json:"files"`
	Params map[string]string `json:"params,omitempty"`
	Tags   map[string]string `json:"tags,omitempty"`
}

type modelFile struct {
	Path string `json:"path"`
	Blob string `json:"blob"`
}

// Statuses of runs, as the server names them.
const (
	statusFinished = "FINISHED"
	statusFailed   = "FAILED"
	statusKilled   = "KILLED"
)

package sdk

import "time"

// Record is one thing to be recorded: Param, Metric, Tag, Dataset, File, Model, ChildRun, ChildEnd or Warning.
//
// The field Run says where: empty is the run of the observation's fit, else the reference of a ChildRun that a session
// declared before for the same fit.
type Record interface {
	// record keeps the set closed: the protocol carries these kinds alone.
	record()
}

// Param is a parameter of a run. A value that the user set wins.
type Param struct {
	Run        string
	Key, Value string
}

// Metric is one point of a metric.
type Metric struct {
	Run   string
	Key   string
	Value float64
	// Time is when it was measured; the observation's time when zero.
	Time time.Time
	Step int64
	// Measurement marks times, throughput and memory, which a reproduction does not compare; results are without it.
	Measurement bool
	// Model names a model of this run that it was measured of, recorded before; empty when of none. A model that was not
	// recorded, since it was too large or failed to be saved, leaves it a metric of the run alone.
	Model string
}

// Tag is a tag of a run.
type Tag struct {
	Run        string
	Key, Value string
}

// Dataset is an input of a run.
type Dataset struct {
	Run  string
	Name string
	// Digest of the content, at most 64 characters.
	Digest string
	// SourceType and Source are MLflow's, for example "code" and a JSON object.
	SourceType, Source string
	// Schema and Profile are MLflow's column schema and counts, JSON; empty when unknown.
	Schema, Profile string
	// Context is "train", "eval", "validation" or "test".
	Context string
}

// File is an artifact of a run, or a file of a Model.
type File struct {
	Run string
	// Path is relative and clean, with forward slashes.
	Path string
	// Data is the content, unless Source is set.
	Data []byte
	// Source is the absolute path of a file that an observation named.
	Source string
}

// Placeholders that the agent replaces in the Data of a Model's file "MLmodel": the run that the model belongs to and
// the logged model, whose ids an adapter cannot know.
const (
	RunIDPlaceholder   = "${CAIRN_RUN_ID}"
	ModelIDPlaceholder = "${CAIRN_MODEL_ID}"
)

// Model is a fitted model in MLflow's format.
type Model struct {
	Run string
	// Name of the logged model, for example "model".
	Name string
	// Type is free text, for example the estimator's class.
	Type string
	// Files are those of its directory, MLmodel among them.
	Files  []File
	Params map[string]string
	Tags   map[string]string
	// Metrics are keys of metrics of this run that belong to the model: of each the last point that was recorded before the
	// model, or together with it. Later points name the model themselves.
	Metrics []string
}

// ChildRun opens a run below another.
type ChildRun struct {
	// Run is the reference under which later records name it, unique within the fit.
	Run string
	// Parent is the reference of the run above; empty for the run of the fit.
	Parent string
	Name   string
	// Start is when it began; the observation's time when zero.
	Start time.Time
}

// Statuses of a ChildEnd.
const (
	Finished = "FINISHED"
	Failed   = "FAILED"
	Killed   = "KILLED"
)

// ChildEnd closes a child run.
type ChildEnd struct {
	Run string
	// Status is Finished, Failed or Killed.
	Status string
	// End is when it ended; the observation's time when zero.
	End time.Time
}

// Warning is shown on the run: something was sampled, left out or could not be read.
type Warning struct {
	Run     string
	Message string
}

func (Param) record()    {}
func (Metric) record()   {}
func (Tag) record()      {}
func (Dataset) record()  {}
func (File) record()     {}
func (Model) record()    {}
func (ChildRun) record() {}
func (ChildEnd) record() {}
func (Warning) record()  {}

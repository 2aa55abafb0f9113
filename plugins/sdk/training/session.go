package training

import (
	"cmp"
	"time"

	"github.com/cairnml/cairn/plugins/sdk"
)

// Handler makes records of one kind of observation that only one adapter has.
type Handler func(*Fit, sdk.Observation) ([]sdk.Record, error)

// Session is a training process whose hook sends what all frameworks share: fit.start, fit.data, eval.data, fit.points,
// fit.metrics, fit.params, fit.importance, fit.end, eval.metrics, data.opaque and checkpoint. Of other kinds an adapter gives the handlers; a kind that nobody handles gives
// nothing, since a newer hook may send more.
type Session struct {
	framework string
	special   map[string]Handler
	fits      map[string]*Fit
}

// Fit is what later observations of a top-level fit need of earlier ones.
type Fit struct {
	// Estimator and Class name what is fitted: without and with its module.
	Estimator, Class string
	Params           map[string]string
	// Version is the framework's.
	Version string
	Started time.Time
	// Metrics are the keys that belong to the model as well as to the run.
	Metrics     []string
	framework   string
	checkpoints []checkpoint
}

// NewSession begins a session. framework is what the tag mlflow.autologging says.
func NewSession(framework string, special map[string]Handler) *Session {
	return &Session{framework: framework, special: special, fits: map[string]*Fit{}}
}

// Observe gives the records of an observation.
func (s *Session) Observe(o sdk.Observation) ([]sdk.Record, error) {
	f := s.fits[o.Fit]
	if f == nil {
		f = &Fit{Started: o.Time, framework: s.framework}
		s.fits[o.Fit] = f
	}
	if handle := s.special[o.Kind]; handle != nil {
		return handle(f, o)
	}
	switch o.Kind {
	case "fit.start":
		return f.Start(o)
	case "fit.data", "eval.data":
		return Dataset(o)
	case "data.opaque":
		return OpaqueDataset(o)
	case "fit.points":
		return Points(o)
	case "fit.params":
		return moreParams(o)
	case "checkpoint":
		return f.checkpoint(o)
	case "fit.metrics":
		return f.metrics(o)
	case "eval.metrics":
		return evaluated(o)
	case "fit.importance":
		return Importance(o)
	case "fit.end":
		return End(o, cmp.Or(f.Estimator, "the model"))
	}
	return []sdk.Record{}, nil
}

// Close gives nothing: every record belongs to the fit of an observation.
func (s *Session) Close() ([]sdk.Record, error) {
	return []sdk.Record{}, nil
}

// Start records what is known before a fit: what is fitted, its params, its seeds.
func (f *Fit) Start(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Estimator string            `json:"estimator"`
		Class     string            `json:"class"`
		Params    map[string]string `json:"params"`
		Seeds     map[string]string `json:"seeds"`
		Version   string            `json:"version"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	f.Estimator, f.Class, f.Params, f.Version, f.Started = p.Estimator, p.Class, p.Params, p.Version, o.Time
	records := EstimatorTags("", f.framework, p.Estimator, p.Class)
	records = append(records, Seed(p.Seeds)...)
	return append(records, Params("", p.Params)...), nil
}

// moreParams records what becomes known while a fit goes on.
func moreParams(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Params map[string]string `json:"params"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	return Params("", p.Params), nil
}

// EstimatorTags say what was fitted, as MLflow's autolog does.
func EstimatorTags(run, framework, name, class string) []sdk.Record {
	return []sdk.Record{
		sdk.Tag{Run: run, Key: "mlflow.autologging", Value: framework},
		sdk.Tag{Run: run, Key: "estimator_name", Value: name},
		sdk.Tag{Run: run, Key: "estimator_class", Value: class},
	}
}

// metrics records values that a fit has once; they are the model's too.
func (f *Fit) metrics(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Metrics map[string]sdk.Float `json:"metrics"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	records := make([]sdk.Record, 0, len(p.Metrics))
	for _, name := range Sorted(p.Metrics) {
		key := Key(name)
		f.Metrics = append(f.Metrics, key)
		records = append(records, sdk.Metric{Key: key, Value: float64(p.Metrics[name])})
	}
	return records, nil
}

// evaluated records values that were measured of the model after its fit.
func evaluated(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Metrics map[string]sdk.Float `json:"metrics"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	records := make([]sdk.Record, 0, len(p.Metrics))
	for _, name := range Sorted(p.Metrics) {
		records = append(records, sdk.Metric{Key: Key(name), Value: float64(p.Metrics[name]), Model: ModelName})
	}
	return records, nil
}

// Model records a saved model as a directory in MLflow's format; further files are what the flavor wants beside it.
func (f *Fit) Model(o sdk.Observation, saved SavedModel, class string, flavor Flavor, further ...sdk.File) ([]sdk.Record, error) {
	files, err := saved.Files(o, flavor)
	if err != nil {
		return []sdk.Record{}, err
	}
	files = append(files, further...)
	tags := map[string]string{"mlflow.autologging": f.framework, "estimator_class": class}
	if f.Estimator != "" {
		tags["estimator_name"] = f.Estimator
	}
	return []sdk.Record{
		sdk.Model{Name: ModelName, Type: class, Files: files, Params: f.Params, Metrics: f.Metrics, Tags: tags},
	}, nil
}

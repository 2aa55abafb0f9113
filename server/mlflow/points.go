package mlflow

import (
	"strconv"

	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/tracking"
)

// point is one metric as MLflow sends it.
type point struct {
	key           []byte // valid until the next point
	value         double
	time, step    integer
	model         string
	dataset       string
	datasetDigest string
}

// read reads a member of a metric, or skips what is none.
func (p *point) read(r *reader, key string) (err error) {
	switch key {
	case "key":
		token, _, err := r.bytes()
		p.key = append(p.key[:0], token...)
		return err
	case "value":
		return r.double(&p.value)
	case "timestamp":
		return r.int64(&p.time)
	case "step":
		return r.int64(&p.step)
	case "model_id":
		return r.text(&p.model)
	case "dataset_name":
		return r.text(&p.dataset)
	case "dataset_digest":
		return r.text(&p.datasetDigest)
	}
	return r.skip()
}

// reset forgets a point and keeps its memory.
func (p *point) reset() { *p = point{key: p.key[:0]} }

// points gathers metrics in the order in which they came, and gives them series by series.
type points struct {
	index  map[string]int // key → series
	keys   []string
	counts []int
	series []int // of each point
	steps  []int64
	times  []int64
	values []float64
	models []tracking.ModelMetric
}

func newPoints(capacity int) *points {
	return &points{
		index:  make(map[string]int, 1),
		series: make([]int, 0, capacity),
		steps:  make([]int64, 0, capacity),
		times:  make([]int64, 0, capacity),
		values: make([]float64, 0, capacity),
	}
}

// bytesPerPoint is about what a metric takes in a body: the guess saves growing the columns.
const bytesPerPoint = 64

// points reads an array of metrics.
func (r *reader) points() (*points, error) {
	all := newPoints(min((len(r.data)-r.pos)/bytesPerPoint+1, maxBatchMetrics))
	p := point{}
	member := func(key []byte) error { return p.read(r, string(key)) }
	err := r.array(func(int) error {
		p.reset()
		if err := r.object(member); err != nil {
			return err
		}
		return all.add(&p, r.name)
	})
	return all, err
}

// add takes a point over. Name gives the full name of one of its members, for an error.
func (ps *points) add(p *point, name func(member string) string) error {
	switch {
	case len(p.key) == 0:
		return missing(name("key"))
	case !p.value.set:
		return missing(name("value"))
	case !p.time.set:
		return missing(name("timestamp"))
	case p.time.value < 0:
		return invalidValue(strconv.FormatInt(p.time.value, 10), name("timestamp"),
			"it must be a time in milliseconds since 1970, at least 0")
	}
	i, ok := ps.index[string(p.key)]
	if !ok {
		key := string(p.key)
		if err := tracking.CheckKey("key", key); err != nil {
			return renamed(err, func(string) string { return name("key") })
		}
		i = len(ps.keys)
		ps.index[key] = i
		ps.keys = append(ps.keys, key)
		ps.counts = append(ps.counts, 0)
	}
	ps.counts[i]++
	ps.series = append(ps.series, i)
	ps.steps = append(ps.steps, p.step.value)
	ps.times = append(ps.times, p.time.value)
	ps.values = append(ps.values, p.value.value)
	if p.model != "" {
		ps.models = append(ps.models, tracking.ModelMetric{
			ModelID: p.model, Key: ps.keys[i], Value: p.value.value, Time: p.time.value, Step: p.step.value,
			DatasetName: p.dataset, DatasetDigest: p.datasetDigest,
		})
	}
	return nil
}

func (ps *points) len() int {
	if ps == nil {
		return 0
	}
	return len(ps.values)
}

// columns gives the points series by series, each in the order in which it came.
func (ps *points) columns() []metric.Columns {
	if ps.len() == 0 {
		return nil
	}
	if len(ps.keys) == 1 {
		return []metric.Columns{{Key: ps.keys[0], Steps: ps.steps, Times: ps.times, Values: ps.values}}
	}
	n := len(ps.values)
	steps, times, values := make([]int64, n), make([]int64, n), make([]float64, n)
	columns := make([]metric.Columns, len(ps.keys))
	start := 0
	for i, count := range ps.counts {
		end := start + count
		columns[i] = metric.Columns{
			Key: ps.keys[i], Steps: steps[start:start:end], Times: times[start:start:end], Values: values[start:start:end],
		}
		start = end
	}
	for j, i := range ps.series {
		c := &columns[i]
		c.Steps = append(c.Steps, ps.steps[j])
		c.Times = append(c.Times, ps.times[j])
		c.Values = append(c.Values, ps.values[j])
	}
	return columns
}

// modelMetrics are the points that were measured of a logged model too.
func (ps *points) modelMetrics() []tracking.ModelMetric {
	if ps == nil {
		return nil
	}
	return ps.models
}

package mlflow

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
)

// Bounds of histories: MLflow's own.
const (
	// maxHistoryPage is how many points one answer of get-history or get-history-bulk may hold.
	maxHistoryPage = 25_000
	maxBulkRuns    = 100
	// maxSampled is how many points of each run get-history-bulk-interval gives.
	maxSampled = 2_500
)

func (c *call) metricHistory() error {
	id, err := c.queryRunID()
	if err != nil {
		return err
	}
	key := c.query("metric_key")
	if key == "" {
		return missing("metric_key")
	}
	limit, err := c.historyLimit()
	if err != nil {
		return err
	}
	from, err := parseHistoryToken(c.query("page_token"))
	if err != nil {
		return err
	}
	found, err := c.Tracking.Run(c, id)
	if err != nil {
		return err
	}
	history, err := c.Metrics.History(c, found.ID, key, from, limit)
	if err != nil {
		return err
	}
	c.markIncomplete(history.Incomplete)
	*c.out = appendHistory(*c.out, key, history.Columns, history.Next)
	return nil
}

// historyLimit reads max_results of calls whose server takes any number and gives as many as it likes to at once.
func (c *call) historyLimit() (int, error) {
	results, err := c.queryInteger("max_results")
	if err != nil {
		return 0, err
	}
	if results.set && results.value > maxHistoryPage {
		results.value = maxHistoryPage
	}
	return page(results, maxHistoryPage, maxHistoryPage)
}

// metricHistoryBulk gives the first points by time of some runs, one run after the other in the order of their ids.
func (c *call) metricHistoryBulk() error {
	key, runs, err := c.bulkRuns("run_id")
	if err != nil {
		return err
	}
	limit, err := c.historyLimit()
	if err != nil {
		return err
	}
	slices.SortFunc(runs, func(a, b *ent.Run) int { return strings.Compare(a.RunID, b.RunID) })
	found, err := c.Metrics.FirstPoints(c, runs, key, limit)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.key("metrics")
	o.b = append(o.b, '[')
	o.b = c.appendRuns(o.b, found)
	o.b = append(o.b, ']')
	*c.out = o.end()
	return nil
}

// metricHistoryBulkInterval gives a sample of each run.
func (c *call) metricHistoryBulkInterval() error {
	key, runs, err := c.bulkRuns("run_ids")
	if err != nil {
		return err
	}
	results, err := c.queryInteger("max_results")
	if err != nil {
		return err
	}
	q := metric.SampleQuery{Runs: runs, Key: key}
	if q.MaxPoints, err = page(results, maxSampled, maxSampled); err != nil {
		return err
	}
	if q.From, q.To, err = c.stepInterval(); err != nil {
		return err
	}
	samples, err := c.Metrics.Samples(c, q)
	if err != nil {
		return err
	}
	byRun := make(map[int]metric.RunPoints, len(samples))
	for _, one := range samples {
		byRun[one.Run.ID] = one
	}
	named := make([]metric.RunPoints, 0, len(runs))
	for _, run := range runs { // a run that is named twice stands there twice, as in MLflow
		if one, ok := byRun[run.ID]; ok {
			named = append(named, one)
		}
	}
	o := newObject(*c.out)
	if slices.ContainsFunc(named, func(one metric.RunPoints) bool { return one.Len() > 0 }) {
		o.key("metrics")
		o.b = append(o.b, '[')
		o.b = c.appendRuns(o.b, named)
		o.b = append(o.b, ']')
	}
	*c.out = o.end()
	return nil
}

// bulkRuns reads the metric and the runs of a call about many. As in MLflow, runs that are not there have no points.
func (c *call) bulkRuns(parameter string) (key string, runs []*ent.Run, err error) {
	ids := c.queries(parameter)
	switch {
	case len(ids) == 0:
		return "", nil, missing(parameter)
	case len(ids) > maxBulkRuns:
		return "", nil, errs.Field(parameter, "names %d runs: at most %d may be named", len(ids), maxBulkRuns)
	}
	if key = c.query("metric_key"); key == "" {
		return "", nil, missing("metric_key")
	}
	found, err := c.Tracking.RunsByID(c, ids)
	if err != nil {
		return "", nil, err
	}
	for _, id := range ids {
		if run, ok := found[id]; ok {
			runs = append(runs, run)
		}
	}
	return key, runs, nil
}

// stepInterval reads the range of steps, both ends or none.
func (c *call) stepInterval() (from, to *metric.Step, err error) {
	start, err := c.queryInteger("start_step")
	if err != nil {
		return nil, nil, err
	}
	end, err := c.queryInteger("end_step")
	if err != nil {
		return nil, nil, err
	}
	switch {
	case !start.set && !end.set:
		return nil, nil, nil
	case start.set != end.set:
		return nil, nil, errs.New(errs.Invalid, "If either start_step or end_step are specified, both must be specified")
	}
	first, last := metric.IntStep(start.value), metric.IntStep(end.value)
	return &first, &last, nil
}

// markIncomplete tells the client that points are missing, for which MLflow's answers have no place.
func (c *call) markIncomplete(incomplete bool) {
	if incomplete {
		c.w.Header().Set("Cairn-Incomplete", "true")
	}
}

func appendHistory(b []byte, key string, history metric.Columns, next int) []byte {
	o := newObject(b)
	if history.Len() > 0 {
		o.key("metrics")
		o.b = append(o.b, '[')
		o.b = appendPoints(o.b, key, &history, "}")
		o.b = append(o.b, ']')
	}
	if next >= 0 {
		o.text("next_page_token", historyToken(next))
	}
	return o.end()
}

func (c *call) appendRuns(b []byte, runs []metric.RunPoints) []byte {
	first := true
	for i := range runs {
		one := &runs[i]
		c.markIncomplete(one.Incomplete)
		if one.Len() == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendPoints(b, one.Key, &one.Columns, `,"run_id":"`+one.Run.RunID+`"}`)
	}
	return b
}

// appendPoints appends points of one metric, each with an end that all have.
func appendPoints(b []byte, key string, points *metric.Columns, end string) []byte {
	prefix := append(appendString([]byte(`{"key":`), key), `,"value":`...)
	for i, v := range points.Values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, prefix...)
		b = appendDouble(b, v)
		b = append(b, `,"timestamp":`...)
		b = strconv.AppendInt(b, points.Times[i], 10)
		b = append(b, `,"step":`...)
		b = strconv.AppendInt(b, points.At(i).Step.Int(), 10)
		b = append(b, end...)
	}
	return b
}

//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

const api = "/api/2.0/mlflow/"

// workload is one kind of request, repeated on one or more connections.
type workload struct {
	name        string
	connections int
	path        string
	// points is how many metric points a request carries; 0 where it writes none.
	points int
	// newBody returns what writes the body of request number n, for one connection.
	// Its bodies depend on the run id, of one length everywhere, and on n alone: every
	// server is sent the same bytes.
	newBody func(runID string) func(n int) []byte
	// check looks at an answer; nil where its status says all.
	check func(answer []byte) error
	// warm, if there is one, is called when every connection has had its first answer.
	warm func()
}

// started is the time of the first point; fixed, so that bodies are the same everywhere.
const started = 1_700_000_000_000

// The workloads that limits are about.
const (
	oneMetric   = "log-metric, 1 connection"
	manyMetrics = "log-metric, 16 connections"
	oneBatch    = "log-batch, 1,000 points"
)

// workloads returns what is measured, by the row's order.
func workloads() []workload {
	create := func(string) func(int) []byte {
		return func(n int) []byte {
			return fmt.Appendf(nil, `{"experiment_id":"0","user_id":"bench","start_time":%d,"run_name":"run-%06d","tags":[{"key":"mlflow.user","value":"bench"},{"key":"mlflow.source.name","value":"train.py"}]}`, started+n, n)
		}
	}
	return []workload{
		{name: "create run", connections: 1, path: api + "runs/create", newBody: create},
		{name: oneMetric, connections: 1, path: api + "runs/log-metric", points: 1, newBody: logMetric},
		{name: manyMetrics, connections: 16, path: api + "runs/log-metric", points: 1, newBody: logMetric},
		{name: oneBatch, connections: 1, path: api + "runs/log-batch", points: 1000, newBody: batches(10, 100)},
		{name: "log-batch, a step of 20 keys", connections: 1, path: api + "runs/log-batch", points: 20, newBody: batches(20, 1)},
		{name: "search, 1,000 runs", connections: 1, path: api + "runs/search", newBody: searches},
	}
}

// logMetric returns the bodies of log-metric requests.
func logMetric(runID string) func(int) []byte {
	return func(n int) []byte {
		return fmt.Appendf(nil, `{"run_uuid":"%s","run_id":"%s","key":"loss","value":%.6f,"timestamp":%d,"step":%d}`, runID, runID, 1/(1+float64(n)), started+n, n)
	}
}

// batches returns the bodies of log-batch requests of so many steps of so many keys.
func batches(keys, steps int) func(string) func(int) []byte {
	return func(runID string) func(int) []byte {
		// Writing 1,000 points anew costs more than a fast server needs to take them
		// in, so the body is written once and its steps and times are overwritten.
		body := fmt.Appendf(nil, `{"run_id":"%s","metrics":[`, runID)
		var stepAt, timeAt []int
		for step := range steps {
			for key := range keys {
				if step+key > 0 {
					body = append(body, ',')
				}
				value := float64((step*keys+key)*7919%10007) / 10007
				body = fmt.Appendf(body, `{"key":"metric_%02d","value":%.6f,"timestamp":`, key, value)
				timeAt = append(timeAt, len(body))
				body = fmt.Appendf(body, `%013d,"step":`, started)
				stepAt = append(stepAt, len(body))
				body = append(body, "1000000}"...)
			}
		}
		body = append(body, `],"params":[],"tags":[]}`...)
		return func(n int) []byte {
			for i := range stepAt {
				step := n*steps + i/keys
				// Seven digits from the start: a number must not begin with 0.
				overwrite(body[stepAt[i]:stepAt[i]+7], 1_000_000+step)
				overwrite(body[timeAt[i]:timeAt[i]+13], started+step)
			}
			return body
		}
	}
}

// overwrite writes value into digits, filling all of it.
func overwrite(digits []byte, value int) {
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + value%10)
		value /= 10
	}
}

// filters are what a search page asks, in turn.
var filters = []struct{ filter, order string }{
	{"", "attributes.start_time DESC"},
	{"metrics.accuracy > 0.9", "metrics.accuracy DESC"},
	{"params.max_depth = '8'", "metrics.loss ASC"},
	{"metrics.accuracy > 0.5 AND params.model = 'forest' AND tags.team = 'red'", "metrics.accuracy DESC"},
	{"attributes.status = 'FINISHED' AND params.model LIKE 'bo%'", "params.max_depth ASC"},
}

func searches(string) func(int) []byte {
	return func(n int) []byte {
		f := filters[n%len(filters)]
		body, err := json.Marshal(map[string]any{
			"experiment_ids": []string{seedExperiment}, "filter": f.filter, "run_view_type": "ACTIVE_ONLY",
			"max_results": 100, "order_by": []string{f.order},
		})
		if err != nil {
			panic(err) // strings and numbers always encode
		}
		return body
	}
}

// measure runs w against s for about duration, each connection on a run of its own.
func (w workload) measure(ctx context.Context, s *server, duration time.Duration, roots ...int) (sample, error) {
	c, err := dial(s.addr)
	if err != nil {
		return sample{}, err
	}
	defer c.close()
	requests := make([]request, w.connections)
	for i := range requests {
		runID := fmt.Sprintf("%032x", i)
		if !s.throwsAway {
			if runID, err = createRun(c, "0", fmt.Sprintf("%s %d", w.name, i), started, nil); err != nil {
				return sample{}, err
			}
		}
		requests[i] = posts(w.path, w.newBody(runID), w.check)
	}
	out, err := drive(ctx, s.addr, append(roots, s.pid()), load{requests: requests, duration: duration, warm: w.warm})
	if err != nil {
		return sample{}, fmt.Errorf("%s on %s: %w", w.name, s.name, err)
	}
	return out, nil
}

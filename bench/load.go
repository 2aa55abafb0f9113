//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
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
}

// started is the time of the first point; fixed, so that bodies are the same everywhere.
const started = 1_700_000_000_000

// workloads returns what is measured, by the row's order.
func workloads() []workload {
	create := func(string) func(int) []byte {
		return func(n int) []byte {
			return fmt.Appendf(nil, `{"experiment_id":"0","user_id":"bench","start_time":%d,"run_name":"run-%06d","tags":[{"key":"mlflow.user","value":"bench"},{"key":"mlflow.source.name","value":"train.py"}]}`, started+n, n)
		}
	}
	logMetric := func(runID string) func(int) []byte {
		return func(n int) []byte {
			return fmt.Appendf(nil, `{"run_uuid":"%s","run_id":"%s","key":"loss","value":%.6f,"timestamp":%d,"step":%d}`, runID, runID, 1/(1+float64(n)), started+n, n)
		}
	}
	return []workload{
		{"create run", 1, api + "runs/create", 0, create},
		{"log-metric, 1 connection", 1, api + "runs/log-metric", 1, logMetric},
		{"log-metric, 16 connections", 16, api + "runs/log-metric", 1, logMetric},
		{"log-batch, 1,000 points", 1, api + "runs/log-batch", 1000, batches(10, 100)},
		{"log-batch, a step of 20 keys", 1, api + "runs/log-batch", 20, batches(20, 1)},
		{"search, 1,000 runs", 1, api + "runs/search", 0, searches},
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

// sample is what one round of one workload on one server gave.
type sample struct {
	operations int
	elapsed    time.Duration
	cpu        time.Duration
}

// perSecond is the rate of operations.
func (s sample) perSecond() float64 { return float64(s.operations) / s.elapsed.Seconds() }

// cpuPerThousand is the CPU time, in seconds, of the server's process tree for 1,000 operations.
func (s sample) cpuPerThousand() float64 {
	return s.cpu.Seconds() / float64(s.operations) * 1000
}

// measure runs w against s for about duration.
func (w workload) measure(ctx context.Context, s *server, duration time.Duration) (sample, error) {
	clients := make([]*client, w.connections)
	for i := range clients {
		c, err := dial(s.addr)
		if err != nil {
			return sample{}, err
		}
		defer c.close()
		runID, err := createRun(c, "0", fmt.Sprintf("%s %d", w.name, i), started, nil)
		if err != nil {
			return sample{}, err
		}
		clients[i] = &client{conn: c, path: w.path, body: w.newBody(runID)}
		// The first request pays for what later ones find ready: caches, prepared statements.
		if err := clients[i].send(); err != nil {
			return sample{}, err
		}
	}
	before, err := cpuOf(s.pid())
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	failures := make([]error, len(clients))
	var group sync.WaitGroup
	for i, c := range clients {
		group.Go(func() {
			for ctx.Err() == nil && failures[i] == nil {
				failures[i] = c.send()
			}
		})
	}
	group.Wait()
	out := sample{elapsed: time.Since(began)}
	after, err := cpuOf(s.pid())
	if err != nil {
		return sample{}, err
	}
	out.cpu = after - before
	for _, c := range clients {
		out.operations += c.sent - 1
	}
	if err := errors.Join(failures...); err != nil {
		return sample{}, fmt.Errorf("%s on %s: %w", w.name, s.name, err)
	}
	return out, nil
}

// client sends the requests of one connection.
type client struct {
	conn *conn
	path string
	body func(int) []byte
	sent int
}

// send sends the next request. Any answer but 200 is an error: a server must not
// look fast by refusing.
func (c *client) send() error {
	status, answer, err := c.conn.post(c.path, c.body(c.sent))
	if err != nil {
		return err
	}
	if status != 200 {
		return fmt.Errorf("status %d: %.300s", status, answer)
	}
	c.sent++
	return nil
}

//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
)

const (
	// seedExperiment is the id of the first experiment made on an empty server.
	seedExperiment = "1"
	seedRuns       = 1000
	// seedConnections fill a server at a time: MLflow takes minutes over one.
	seedConnections = 4
)

type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type point struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
	Step      int64   `json:"step"`
}

// call sends a request and decodes its answer into out, if that is not nil.
func call(c *conn, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	status, answer, err := c.post(api+path, body)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if status != 200 {
		return fmt.Errorf("%s: status %d: %.300s", path, status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// createRun makes a run and returns its id.
func createRun(c *conn, experiment, name string, start int64, tags []pair) (string, error) {
	var answer struct {
		Run struct {
			Info struct {
				RunID string `json:"run_id"`
			} `json:"info"`
		} `json:"run"`
	}
	err := call(c, "runs/create", map[string]any{
		"experiment_id": experiment, "run_name": name, "start_time": start, "tags": tags,
	}, &answer)
	return answer.Run.Info.RunID, err
}

// seededRun is one of the runs that searches look through.
type seededRun struct {
	name     string
	start    int64
	tags     []pair
	params   []pair
	metrics  []point
	finished bool
}

// seededRuns returns the runs, the same ones each time: 10 params, 10 metrics of 3
// points each, 3 tags, and every other one finished.
func seededRuns() []seededRun {
	random := rand.New(rand.NewPCG(1, 2))
	models, teams := []string{"forest", "boosting", "linear"}, []string{"red", "green", "blue"}
	names := []string{"accuracy", "loss"}
	for m := range 8 {
		names = append(names, fmt.Sprintf("metric_%d", m))
	}
	out := make([]seededRun, seedRuns)
	for i := range out {
		run := seededRun{
			name: fmt.Sprintf("seeded-%04d", i), start: started + int64(i), finished: i%2 == 0,
			tags:   []pair{{"team", teams[random.IntN(3)]}, {"mlflow.user", "bench"}, {"host", fmt.Sprintf("node-%d", random.IntN(20))}},
			params: []pair{{"model", models[random.IntN(3)]}, {"max_depth", fmt.Sprint(1 + random.IntN(16))}},
		}
		for p := range 8 {
			run.params = append(run.params, pair{fmt.Sprintf("param_%d", p), fmt.Sprint(random.IntN(1000))})
		}
		for step := range int64(3) {
			for _, name := range names {
				run.metrics = append(run.metrics, point{name, random.Float64(), started + step, step})
			}
		}
		out[i] = run
	}
	return out
}

// write records the run.
func (r seededRun) write(c *conn, experiment string) error {
	runID, err := createRun(c, experiment, r.name, r.start, r.tags)
	if err != nil {
		return err
	}
	err = call(c, "runs/log-batch", map[string]any{"run_id": runID, "metrics": r.metrics, "params": r.params, "tags": []pair{}}, nil)
	if err != nil || !r.finished {
		return err
	}
	return call(c, "runs/update", map[string]any{"run_id": runID, "status": "FINISHED", "end_time": r.start + 1000}, nil)
}

// seed fills an empty server with the runs that searches look through.
func seed(addr string) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	var experiment struct {
		ID string `json:"experiment_id"`
	}
	if err := call(c, "experiments/create", map[string]any{"name": "seeded"}, &experiment); err != nil {
		return err
	}
	if experiment.ID != seedExperiment {
		return fmt.Errorf("the first experiment has id %s, not %s: the server was not empty", experiment.ID, seedExperiment)
	}
	runs := make(chan seededRun, seedRuns)
	for _, run := range seededRuns() {
		runs <- run
	}
	close(runs)
	failures := make([]error, seedConnections)
	var group sync.WaitGroup
	for i := range failures {
		group.Go(func() { failures[i] = writeAll(addr, seedExperiment, runs) })
	}
	group.Wait()
	return errors.Join(failures...)
}

// writeAll writes runs over a connection of its own until there are no more.
func writeAll(addr, experiment string, runs <-chan seededRun) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	for run := range runs {
		if err := run.write(c, experiment); err != nil {
			return err
		}
	}
	return nil
}

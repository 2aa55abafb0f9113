//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

const (
	// seedExperiment is the id of the first experiment made on an empty server.
	seedExperiment = "1"
	seedRuns       = 1000
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

// seed fills an empty server with the runs that searches look through: the same
// ones everywhere, of 10 params, 10 metrics of 3 points each, and 3 tags.
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
	// Seeded by constants: every server gets the same runs.
	random := rand.New(rand.NewPCG(1, 2))
	models, teams := []string{"forest", "boosting", "linear"}, []string{"red", "green", "blue"}
	for i := range seedRuns {
		tags := []pair{{"team", teams[random.IntN(3)]}, {"mlflow.user", "bench"}, {"host", fmt.Sprintf("node-%d", random.IntN(20))}}
		runID, err := createRun(c, seedExperiment, fmt.Sprintf("seeded-%04d", i), started+int64(i), tags)
		if err != nil {
			return err
		}
		params := []pair{{"model", models[random.IntN(3)]}, {"max_depth", fmt.Sprint(1 + random.IntN(16))}}
		for p := range 8 {
			params = append(params, pair{fmt.Sprintf("param_%d", p), fmt.Sprint(random.IntN(1000))})
		}
		names := []string{"accuracy", "loss"}
		for m := range 8 {
			names = append(names, fmt.Sprintf("metric_%d", m))
		}
		var points []point
		for step := range int64(3) {
			for _, name := range names {
				points = append(points, point{name, random.Float64(), started + step, step})
			}
		}
		if err := call(c, "runs/log-batch", map[string]any{"run_id": runID, "metrics": points, "params": params, "tags": []pair{}}, nil); err != nil {
			return err
		}
		err = call(c, "runs/update", map[string]any{"run_id": runID, "status": "FINISHED", "end_time": started + 10_000}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

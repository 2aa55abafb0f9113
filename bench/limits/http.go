package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// metric is a point as MLflow's REST API has it.
type metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
	Step      int64   `json:"step"`
}

// pair is a param or a tag.
type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// logMetric is the body of runs/log-metric.
type logMetric struct {
	RunUUID   string  `json:"run_uuid"`
	RunID     string  `json:"run_id"`
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
	Step      int64   `json:"step"`
}

// logBatch is the body of runs/log-batch.
type logBatch struct {
	RunID   string   `json:"run_id"`
	Metrics []metric `json:"metrics"`
	Params  []pair   `json:"params"`
	Tags    []pair   `json:"tags"`
}

// operation is the body of a GraphQL request that logs packed columns: base64 of 8 bytes a number.
type operation struct {
	Query     string `json:"query"`
	Variables struct {
		Input struct {
			RunID   string `json:"runId"`
			Columns []struct {
				Key    string `json:"key"`
				Steps  []byte `json:"steps"`
				Times  []byte `json:"times"`
				Values []byte `json:"values"`
			} `json:"columns"`
		} `json:"input"`
	} `json:"variables"`
}

// serve answers /health and the paths of writes until ctx ends.
func serve(ctx context.Context, address string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK") })
	mux.HandleFunc("POST /api/2.0/mlflow/runs/log-metric", discard[logMetric])
	mux.HandleFunc("POST /api/2.0/mlflow/runs/log-batch", discard[logBatch])
	mux.HandleFunc("POST /graphql", discard[operation])
	return serveMux(ctx, address, mux)
}

func serveMux(ctx context.Context, address string, mux *http.ServeMux) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = errors.Join(server.Close(), <-done)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// discard decodes a body into a T, forgets it and answers {}.
func discard[T any](w http.ResponseWriter, r *http.Request) {
	var body T
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}")
}

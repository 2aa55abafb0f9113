package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestServe(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, address) }()
	send := func(path, body string) string {
		answer, err := http.Post("http://"+address+path, "application/json", strings.NewReader(body))
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return fmt.Sprint(answer.StatusCode, " ", string(text))
	}
	require.Eventually(t, func() bool {
		answer, err := http.Get("http://" + address + "/health")
		return err == nil && answer.Body.Close() == nil
	}, 10*time.Second, 5*time.Millisecond)
	const runs = "/api/2.0/mlflow/runs/"
	require.Equal(t, "200 {}", send(runs+"log-metric", `{"run_id":"r","key":"k","value":1.5,"timestamp":1,"step":1}`))
	require.Equal(t, "200 {}", send(runs+"log-batch", `{"run_id":"r","metrics":[{"key":"k","value":1,"timestamp":1,"step":1}]}`))
	require.Equal(t, "200 {}", send("/graphql", `{"query":"mutation","variables":{"input":{"columns":[{"key":"k","steps":"AAAAAAAAAAA="}]}}}`))
	// It looks at what it throws away: else it would be no limit.
	require.Contains(t, send(runs+"log-metric", `{"value":"x"}`), "400 ")
	require.Contains(t, send(runs+"log-batch", `{"metrics":[{"step":"x"}]}`), "400 ")
	require.Contains(t, send("/graphql", `{"variables":{"input":{"columns":[{"steps":"?"}]}}}`), "400 ")
	cancel()
	require.NoError(t, <-ended)
}

func TestSQLiteRates(t *testing.T) {
	t.Parallel()
	found, err := sqliteRates(t.Context(), t.TempDir(), 20*time.Millisecond)
	require.NoError(t, err)
	require.Positive(t, found.Commits)
	require.Positive(t, found.Inserts)
	_, err = sqliteRates(t.Context(), "", time.Millisecond)
	require.ErrorContains(t, err, "is not a folder")
}

//go:build linux

package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"

	"github.com/cairnml/cairn/internal/gc"
)

// TestWorkLog reads what the compactor and the collector say themselves, also when a line comes in parts.
func TestWorkLog(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "cairn.db"), Logger: log})
	require.NoError(t, err)
	defer db.Close()
	service := tracking.New(db, live.NewHub())
	defer service.Close()
	run, err := service.CreateRun(ctx, tracking.CreateRun{})
	require.NoError(t, err)
	_, err = service.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{
		{Key: "loss", Steps: []int64{1}, Times: []int64{1}, Values: []float64{1}}}})
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, metric.CompactAll(ctx, db, log, nil))
	_, err = service.DeleteRun(ctx, run.RunID)
	require.NoError(t, err)
	_, _, err = gc.New(db, nil).Collect(ctx, gc.Options{Before: time.Now().Add(time.Second)})
	require.NoError(t, err)
	took := time.Since(began)

	name := filepath.Join(t.TempDir(), "server.log")
	file, err := os.Create(name)
	require.NoError(t, err)
	defer file.Close()
	l, err := openWorkLog(name)
	require.NoError(t, err)
	defer l.close()
	var folded []work
	for _, part := range bytes.SplitAfter(said.Bytes(), []byte("held")) {
		_, err = file.Write(part)
		require.NoError(t, err)
		news, err := l.news(foldedLine)
		require.NoError(t, err)
		folded = append(folded, news...)
	}
	again, err := openWorkLog(name)
	require.NoError(t, err)
	defer again.close()
	collected, err := again.news(collectedLine)
	require.NoError(t, err)
	for _, found := range [][]work{folded, collected} {
		require.Len(t, found, 1)
		require.Equal(t, 1, found[0].runs)
		require.Positive(t, found[0].held)
		require.Less(t, found[0].held, took)
	}
	_, err = parseWork(foldedLine + " runs=1")
	require.ErrorContains(t, err, "without runs and held_writer")
}

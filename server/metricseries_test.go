package server_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/server"
)

// logColumn logs points of a metric, the steps from first on, each with its step as its value.
func (r *running) logColumn(run, key string, first, n int, adapter bool) {
	r.t.Helper()
	pack := func(value func(i int) uint64) string {
		b := make([]byte, 0, 8*n)
		for i := range n {
			b = binary.LittleEndian.AppendUint64(b, value(first+i))
		}
		return base64.StdEncoding.EncodeToString(b)
	}
	body, err := json.Marshal(map[string]any{
		"query": `mutation($i: LogBatchInput!) { logBatch(input: $i) { stored } }`,
		"variables": map[string]any{"i": map[string]any{"runId": run, "columns": []any{map[string]any{
			"key": key, "keepExisting": adapter, "steps": pack(func(i int) uint64 { return uint64(i) }),
			"times":  pack(func(i int) uint64 { return uint64(1_700_000_000_000 + i) }),
			"values": pack(func(i int) uint64 { return math.Float64bits(float64(i)) }),
		}}}},
	})
	require.NoError(r.t, err)
	got := r.send(http.MethodPost, "/graphql", string(body), "Content-Type", typeJSON)
	require.Contains(r.t, got.body, `"stored":true`)
}

func TestMetricSeriesAsFiles(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	run := r.createRun()
	empty := r.createRun()
	r.logColumn(run, "loss", 0, 5000, false)
	r.logColumn(run, "val acc", 3, 2, false)
	path := "/metric-series/" + run

	got := r.send(http.MethodGet, path+"?format=csv", "")
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "text/csv; charset=utf-8", got.header.Get("Content-Type"))
	require.Equal(t, `attachment; filename="`+run+`-metrics.csv"`, got.header.Get("Content-Disposition"))
	require.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"))
	require.Equal(t, "5002", got.header.Get("Cairn-Points"))
	lines, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 5003)
	require.Equal(t, []string{run, "loss", "4999", "2023-11-14T22:13:24.999Z", "4999"}, lines[5000])
	require.Equal(t, []string{run, "val acc", "3", "2023-11-14T22:13:20.003Z", "3"}, lines[5001])

	some := r.send(http.MethodGet, path+"?format=csv&key=val+acc", "")
	require.Equal(t, 3, strings.Count(some.body, "\n"))
	require.Equal(t, "2", some.header.Get("Cairn-Points"))
	require.Equal(t, "run_id,key,step,time,value\n", r.send(http.MethodGet, "/metric-series/run:"+empty+"?format=csv", "").body)

	got = r.send(http.MethodGet, path+"?format=parquet", "")
	require.Equal(t, "application/vnd.apache.parquet", got.header.Get("Content-Type"))
	file, err := parquet.OpenFile(strings.NewReader(got.body), int64(len(got.body)))
	require.NoError(t, err)
	require.EqualValues(t, 5002, file.NumRows())

	got = r.send(http.MethodGet, path+"?format=arrow", "")
	require.Equal(t, "application/vnd.apache.arrow.stream", got.header.Get("Content-Type"))
	stream, err := ipc.NewReader(strings.NewReader(got.body))
	require.NoError(t, err)
	require.True(t, stream.Next())
	require.EqualValues(t, 5002, stream.RecordBatch().NumRows())

	head := r.send(http.MethodHead, path+"?format=arrow", "")
	require.Equal(t, http.StatusOK, head.status)
	require.Empty(t, head.body)
	require.Equal(t, "5002", head.header.Get("Cairn-Points"))
}

func TestMetricSeriesRefusals(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	run := r.createRun()
	r.logColumn(run, "loss", 0, 1, false)
	for _, c := range []struct {
		method, path string
		status       int
		says         string
	}{
		{http.MethodGet, run + "?format=xlsx", http.StatusBadRequest, "csv, parquet or arrow"},
		{http.MethodGet, run, http.StatusBadRequest, "csv, parquet or arrow"},
		{http.MethodGet, run + "?format=csv&keys=loss", http.StatusBadRequest, "key once for each metric"},
		{http.MethodGet, run + "?format=csv&key=%zz", http.StatusBadRequest, "not well formed"},
		{http.MethodGet, run + "?format=csv&key=%ff", http.StatusBadRequest, "UTF-8"},
		{http.MethodGet, run + "?format=csv&key=a%00b", http.StatusBadRequest, "NUL"},
		{http.MethodGet, run + "?format=csv&key=loss&key=nothing", http.StatusNotFound, "nothing"},
		{http.MethodGet, run + "?format=csv" + strings.Repeat("&key=k", 1001), http.StatusBadRequest, "at most 1000"},
		{http.MethodGet, strings.Repeat("0", 32) + "?format=csv", http.StatusNotFound, strings.Repeat("0", 32)},
		{http.MethodGet, "../" + run + "?format=csv", http.StatusBadRequest, "32 lower-case hex digits"},
		{http.MethodGet, "?format=csv", http.StatusBadRequest, "32 lower-case hex digits"},
		{http.MethodPost, run + "?format=csv", http.StatusMethodNotAllowed, "GET, HEAD"},
	} {
		got := r.raw(c.method, "/metric-series/"+c.path, "")
		require.Equal(t, c.status, got.status, "%s %s: %s", c.method, c.path, got.body)
		require.Contains(t, got.body, c.says, "%s %s", c.method, c.path)
	}
	foreign := r.send(http.MethodGet, "/metric-series/"+run+"?format=csv", "", "Origin", "https://evil.example")
	require.Equal(t, http.StatusForbidden, foreign.status)
	r.graphql(`mutation { createToken(input: {name: "admin", role: ADMIN}) { secret } }`)
	require.Equal(t, http.StatusUnauthorized, r.send(http.MethodGet, "/metric-series/"+run+"?format=csv", "").status)
}

// A file has no place to say that points are missing: it is said behind it, and in the log.
func TestMetricSeriesThatLackPointsSaySo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log bytes.Buffer
	r := start(t, server.Config{DataDir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	run := r.createRun()
	r.logColumn(run, "loss", 0, 10, false)
	r.logColumn(run, "学习率", 0, 20, false)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "cairn.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Exec("PRAGMA busy_timeout = 10000; UPDATE metric_batches SET payload = substr(payload, 1, 20) WHERE points = 20")
	require.NoError(t, err)
	for key, incomplete := range map[string]string{"": `"\u5b66\u4e60\u7387"`, "&key=loss": ""} {
		response, err := http.Get(r.url + "/metric-series/" + run + "?format=csv" + key)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, 11, bytes.Count(body, []byte("\n")), "the rest is served")
		require.Equal(t, incomplete, response.Trailer.Get("Cairn-Incomplete"))
	}
	require.NoError(t, r.stop()) // and with it all that writes the log
	require.Contains(t, log.String(), "series were downloaded that lack points")
}

// A download that fails when a part of it is sent is cut off, so that no one takes it for whole.
func TestMetricSeriesThatAreReplacedAreCutOff(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	run := r.createRun()
	for part := range 10 {
		r.logColumn(run, "loss", part*100_000, 100_000, true)
	}
	response, err := http.Get(r.url + "/metric-series/" + run + "?format=csv")
	require.NoError(t, err)
	body := bufio.NewReader(response.Body)
	_, err = body.ReadString('\n')
	require.NoError(t, err)
	r.logColumn(run, "loss", -1, 1, false) // the user's own takes the place of the adapter's
	_, err = io.Copy(io.Discard, body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, response.Body.Close())

	again := r.send(http.MethodGet, "/metric-series/"+run+"?format=csv", "")
	require.Equal(t, fmt.Sprintf("run_id,key,step,time,value\n%s,loss,-1,2023-11-14T22:13:19.999Z,-1\n", run), again.body)
}

// A client that leaves ends its download, and is no error of the server's.
func TestMetricSeriesWhoseClientLeaves(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := start(t, server.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	run := r.createRun()
	for part := range 10 {
		r.logColumn(run, "loss", part*100_000, 100_000, false)
	}
	for _, format := range []string{"csv", "parquet", "arrow"} {
		response, err := http.Get(r.url + "/metric-series/" + run + "?format=" + format)
		require.NoError(t, err)
		_, err = io.ReadFull(response.Body, make([]byte, 1))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	require.NoError(t, r.stop()) // within the time that requests in flight get
	require.NotContains(t, log.String(), "level=ERROR")
	require.NotContains(t, log.String(), "cut off")
}

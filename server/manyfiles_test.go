package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/server"
)

// One folder takes as many files as a training leaves in it: neither the upload nor a list holds more of them the more there are.
// test/full.py sets CAIRN_TEST_FILES for 100,000.
func TestManyFilesInAFolder(t *testing.T) { // alone, since it measures memory
	files := 1_500
	if text := os.Getenv("CAIRN_TEST_FILES"); text != "" {
		var err error
		files, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	t.Run("sqlite", func(t *testing.T) { manyFiles(t, start(t, server.Config{}), files) })
	t.Run("postgres", func(t *testing.T) { manyFiles(t, start(t, server.Config{Database: storetest.PostgresURL(t)}), files) })
}

func manyFiles(t *testing.T, r *running, files int) {
	// A list of all would be 6 MB, and as objects 30 MB; what waits for the disk is in the database.
	const most = 24 << 20
	run := r.createRun()
	folder := "/api/2.0/mlflow-artifacts/artifacts/0/" + run + "/artifacts/many"
	before := live()
	uploads, _ := errgroup.WithContext(t.Context())
	uploads.SetLimit(8)
	for i := range files {
		uploads.Go(func() error {
			if got := r.send(http.MethodPut, fmt.Sprintf("%s/file-%06d", folder, i*7919%files), strconv.Itoa(i)); got.status != http.StatusOK {
				return fmt.Errorf("file %d: %d %s", i, got.status, got.body)
			}
			return nil
		})
	}
	require.NoError(t, uploads.Wait())
	require.Less(t, live()-before, int64(most), "bytes more after the upload")

	response, err := http.Get(r.url + "/api/2.0/mlflow-artifacts/artifacts?path=0/" + run + "/artifacts/many")
	require.NoError(t, err)
	var all struct {
		Files []struct{ Path string }
	}
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(response.Body, head)
	require.NoError(t, err)
	require.Less(t, live()-before, int64(most), "bytes more in the middle of a list")
	require.NoError(t, json.NewDecoder(io.MultiReader(bytes.NewReader(head[:n]), response.Body)).Decode(&all))
	require.NoError(t, response.Body.Close())
	require.Len(t, all.Files, files)
	for i, f := range all.Files {
		require.Equal(t, fmt.Sprintf("file-%06d", i), f.Path)
	}

	seen, after := 0, "null"
	for after != "" {
		answer := r.graphql(`{ run(id: "` + run + `") { artifacts(path: "many", first: 1000, after: ` + after + `) {
			edges { node { path sha256 } } pageInfo { hasNextPage endCursor }
		} } }`)
		page := answer["data"].(map[string]any)["run"].(map[string]any)["artifacts"].(map[string]any)
		for _, edge := range page["edges"].([]any) {
			node := edge.(map[string]any)["node"].(map[string]any)
			require.Equal(t, fmt.Sprintf("many/file-%06d", seen), node["path"])
			require.Len(t, node["sha256"], 64)
			seen++
		}
		info := page["pageInfo"].(map[string]any)
		after = ""
		if info["hasNextPage"].(bool) {
			after = strconv.Quote(info["endCursor"].(string))
		}
	}
	require.Equal(t, files, seen)

	require.Equal(t, http.StatusOK, r.send(http.MethodDelete, folder, "").status)
	require.JSONEq(t, `{}`, r.send(http.MethodGet, "/api/2.0/mlflow-artifacts/artifacts?path=0/"+run+"/artifacts", "").body)
}

// live is how many bytes the program holds, its garbage aside.
func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

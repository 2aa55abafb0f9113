package mlflowimport_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/mlflowimport"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// write makes files, by their paths.
func write(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
}

// TestImportFilesThatAreBroken imports a file store of which some is not understood, and some leads out of it.
func TestImportFilesThatAreBroken(t *testing.T) {
	t.Parallel()
	canary := filepath.Join(t.TempDir(), "canary")
	require.NoError(t, os.WriteFile(canary, []byte("secret"), 0o600))
	folder := t.TempDir()
	const ok, cut, odd, led, twice = "0123456789abcdef0123456789abcde0", "0123456789abcdef0123456789abcde1", "0123456789abcdef0123456789abcde2",
		"0123456789abcdef0123456789abcde3", "0123456789abcdef0123456789abcde4"
	meta := "lifecycle_stage: active\nstatus: 3\nstart_time: 5\nend_time: 6\nrun_name: n\ntags: []\n"
	files := map[string]string{
		"7/meta.yaml":                      "name: iris\ncreation_time: 1\nlast_update_time: 2\nlifecycle_stage: active\n",
		"7/" + ok + "/meta.yaml":           meta,
		"7/" + ok + "/params/a/b":          "x\ny",
		"7/" + ok + "/metrics/loss":        "11 0.5 1\n11 0.5 1\n12 nan 2\n13 -inf 3\n14 7\n\n",
		"7/" + cut + "/meta.yaml":          meta,
		"7/" + cut + "/metrics/loss":       "11 0.5 1\n12 0.",
		"7/" + odd + "/meta.yaml":          "status: [",
		"7/" + led + "/meta.yaml":          meta,
		"7/" + led + "/params/plain":       "x",
		"7/" + twice + "/meta.yaml":        meta,
		".trash/8/meta.yaml":               "name: gone\nlifecycle_stage: deleted\n",
		".trash/8/" + twice + "/meta.yaml": meta,
		"models/m/meta.yaml":               "name: m\ncreation_timestamp: 3\n",
		"models/m/version-1/meta.yaml":     "version: '1'\nsource: s3://models/1\ncurrent_stage: Staging\nstatus: READY\n",
		"models/m/aliases/best":            "1",
		"models/bad/meta.yaml":             "name: bad\n",
		"models/bad/aliases/best":          "one",
	}
	files["7/"+cut+"/metrics/loss"] = "11 0.5 1\n12 0.5 x"
	write(t, folder, files)
	require.NoError(t, os.Symlink(canary, filepath.Join(folder, "7", led, "params", "led")))

	into := "sqlite:" + filepath.Join(t.TempDir(), "cairn.db")
	report := importAll(t, folder, into, false)
	require.Equal(t, mlflowimport.Count{MLflow: 2, Cairn: 2, New: 2}, report.Runs)
	require.Equal(t, mlflowimport.Count{MLflow: 4, Cairn: 4, New: 4}, report.Points)
	require.Equal(t, mlflowimport.Count{MLflow: 1, Cairn: 1, New: 1}, report.Versions)
	var found []string
	for _, p := range report.Problems {
		found = append(found, p.What+" "+p.ID+": "+p.Why)
		require.NotContains(t, p.Why, "secret")
	}
	all := strings.Join(found, "\n")
	for _, want := range []string{
		"run 7/" + cut + `: is left out: line 2 of 7/` + cut + `/metrics/loss is not understood: "12 0.5 x"`,
		"run 7/" + odd + ": is left out: meta.yaml is not understood",
		"run 7/" + led + ": is left out: ",
		"run .trash/8/" + twice + ": is left out: ",
		`registered model bad: is left out: the alias "best" names no version: "one"`,
	} {
		require.Contains(t, all, want)
	}
	again := importAll(t, folder, into, false)
	require.Zero(t, again.Runs.New+again.Versions.New+again.Experiments.New)

	db := storetest.Open(t, store.Config{URL: into})
	r := db.Ent().Run.Query().Where(run.RunID(ok)).WithParams().OnlyX(ctx)
	require.Equal(t, []any{"n", run.StatusFINISHED, "a/b", "x\ny"}, []any{r.Name, r.Status, r.Edges.Params[0].Key, r.Edges.Params[0].Value})
	require.Equal(t, "[[1 11 0.5] [2 12 NaN] [3 13 -Inf] [0 14 7]]", history(t, db, r, "loss"))
}

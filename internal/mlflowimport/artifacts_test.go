package mlflowimport_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/artifactreference"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/artifact/artifacttest"
	"github.com/cairnml/cairn/internal/mlflowimport"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

const (
	elsewhere = "4123456789abcdef0123456789abcdef"
	moved     = "6123456789abcdef0123456789abcdef"
	odd       = "7123456789abcdef0123456789abcdef"
	mlmodel   = "signature:\n  inputs: '[{\"type\": \"double\", \"name\": \"x\"}]'\n  outputs: null\n"
)

// withFiles are rows of runs with artifacts: on the disk, in the store of MLflow's server, elsewhere, in a folder that was moved.
func withFiles(t *testing.T, postgres bool, root string) string {
	t.Helper()
	name, db := source(t, postgres, rows, newer, fmt.Sprintf("INSERT INTO runs VALUES "+
		"('%s', 'e', 'u', 'FINISHED', 1, 2, NULL, 'active', 's3://other/7/%[1]s/artifacts', 7), "+
		"('%s', 'm', 'u', 'FINISHED', 1, 2, NULL, 'active', 'file:///old/mlruns/7/%[2]s/artifacts', 7), "+
		"('%s', 'o', 'u', 'FINISHED', 1, 2, NULL, 'active', '%[4]s/7/%[3]s/artifacts', 7)", elsewhere, moved, odd, root))
	for _, change := range []string{
		"DELETE FROM inputs WHERE input_uuid = 'i4'", "DELETE FROM logged_models WHERE model_id = 'm-bad' OR experiment_id = 88",
		fmt.Sprintf("UPDATE runs SET artifact_uri = 'file://%s/7/%s/artifacts' WHERE run_uuid = '%[2]s'", root, first),
		fmt.Sprintf("UPDATE runs SET artifact_uri = 'mlflow-artifacts:/0/%s/artifacts' WHERE run_uuid = '%[1]s'", running),
		fmt.Sprintf("UPDATE runs SET artifact_uri = '%s/0/%s/artifacts' WHERE run_uuid = '%s'", root, first, deleted), // another's
		fmt.Sprintf("UPDATE logged_models SET artifact_location = '%s/7/models/%s/artifacts' WHERE model_id = '%[2]s'", root, model),
		fmt.Sprintf("UPDATE model_versions SET source = 'file://%s/7/%s/artifacts/model', run_id = '%[2]s' WHERE version = 3", root, first),
	} {
		_, err := db.ExecContext(ctx, change)
		require.NoError(t, err)
	}
	write(t, root, map[string]string{
		"7/" + first + "/artifacts/model/MLmodel":             mlmodel,
		"7/" + first + "/artifacts/学习 率.png":                  strings.Repeat("p", 100_000),
		"7/models/" + model + "/artifacts/MLmodel":            mlmodel,
		"7/models/" + model + "/artifacts/data/model.pkl":     "pickle",
		"0/" + running + "/artifacts/plot.html":               "<html>",
		"0/" + running + "/artifacts/empty":                   "",
		"7/" + moved + "/artifacts/a":                         "a",
		"7/" + odd + "/artifacts/good":                        "g",
		"7/" + odd + `/artifacts/a\b`:                         "no name",
		"0/" + first + "/artifacts/of-another":                "x",
		"7/" + first + "/other/not-an-artifact":               "x",
		"7/models/" + model + "/meta.yaml":                    "x",
		"7/models/" + goneModel + "/artifacts/is-not-its-own": "x",
	})
	return name
}

func copying(t *testing.T, name string, o mlflowimport.Options) mlflowimport.Report {
	t.Helper()
	s, err := mlflowimport.Open(ctx, name, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	report, err := mlflowimport.Import(ctx, s, o)
	require.NoError(t, err)
	return report
}

// TestCopyArtifacts copies what lies in a folder, first with the import and then behind it, and names what cannot come.
func TestCopyArtifacts(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, postgres bool, into string) {
		root := t.TempDir()
		name := withFiles(t, postgres, root)
		canary := filepath.Join(t.TempDir(), "canary")
		require.NoError(t, os.WriteFile(canary, []byte("secret"), 0o600))
		require.NoError(t, os.Symlink(canary, filepath.Join(root, "7", odd, "artifacts", "led")))
		require.NoError(t, os.Symlink("good", filepath.Join(root, "7", odd, "artifacts", "within")))
		o := mlflowimport.Options{Into: store.Config{URL: into}, Artifacts: t.TempDir()}
		linked := copying(t, name, o)
		require.Zero(t, linked.Artifacts)
		o.CopyArtifacts = []string{filepath.Join(t.TempDir()), "file://" + root}
		o.DryRun = true
		dry := copying(t, name, o)
		require.Equal(t, mlflowimport.Count{MLflow: 11, New: 9}, dry.Artifacts)
		o.DryRun = false
		var last mlflowimport.Progress
		o.Progress = func(p mlflowimport.Progress) { last = p }
		report := copying(t, name, o)
		require.Equal(t, mlflowimport.Count{MLflow: 11, Cairn: 9, New: 9}, report.Artifacts)
		require.Equal(t, []int64{8, 8, 9}, []int64{last.Runs, last.Of, last.Files})
		require.EqualValues(t, 2, report.Elsewhere, "one in another bucket, one that names the folder of another")
		require.Len(t, report.Problems, 1)
		require.Equal(t, []string{"artifacts of run", odd}, []string{report.Problems[0].What, report.Problems[0].ID})
		require.Contains(t, report.Problems[0].Why, "not all were copied, and it goes on naming "+root+"/7/"+odd+"/artifacts: path: ")
		require.Contains(t, report.Problems[0].Why, "; and 1 more")
		require.True(t, report.Missing())
		require.Equal(t, mlflowimport.Count{MLflow: 11, Cairn: 9}, copying(t, name, o).Artifacts, "a second time changes nothing")
		o.DryRun = true
		require.Equal(t, mlflowimport.Count{MLflow: 11, Cairn: 9}, copying(t, name, o).Artifacts)
		o.DryRun = false
		write(t, root, map[string]string{"7/" + first + "/artifacts/model/MLmodel": "changed in MLflow"})
		again := copying(t, name, o)
		require.Equal(t, mlflowimport.Count{MLflow: 11, Cairn: 8}, again.Artifacts)
		require.Len(t, again.Problems, 2)
		require.Contains(t, again.Problems[0].Why+again.Problems[1].Why, "nothing of it was changed")

		db := storetest.Open(t, store.Config{URL: into})
		files, err := artifact.Open(o.Artifacts)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, files.Close()) })
		service := artifact.NewService(files, db)
		has := func(location string, want map[string]string) {
			t.Helper()
			for within, content := range want {
				at, err := artifact.Root(location)
				require.NoError(t, err)
				f, info, err := service.Open(ctx, at+"/"+within)
				require.NoError(t, err, within)
				got, err := io.ReadAll(f)
				require.NoError(t, err)
				require.NoError(t, f.Close())
				require.Equal(t, content, string(got))
				require.NotEmpty(t, info.SHA256)
			}
			at, err := artifact.Root(location)
			require.NoError(t, err)
			n, err := db.Ent().ArtifactReference.Query().Where(artifactreference.LocationHasPrefix(at + "/")).Count(ctx)
			require.NoError(t, err)
			require.Equal(t, len(want), n)
		}
		get := func(id string) string { return db.Ent().Run.Query().Where(run.RunID(id)).OnlyX(ctx).ArtifactLocation }
		iris := db.Ent().Run.Query().Where(run.RunID(first)).OnlyX(ctx).ExperimentID
		require.Equal(t, fmt.Sprintf("mlflow-artifacts:/%d/%s/artifacts", iris, first), get(first))
		has(get(first), map[string]string{"model/MLmodel": mlmodel, "学习 率.png": strings.Repeat("p", 100_000)})
		has(get(running), map[string]string{"plot.html": "<html>", "empty": ""})
		has(get(moved), map[string]string{"a": "a"})
		require.Equal(t, root+"/7/"+odd+"/artifacts", get(odd))
		require.Equal(t, "s3://other/7/"+elsewhere+"/artifacts", get(elsewhere))
		require.Equal(t, root+"/0/"+first+"/artifacts", get(deleted))
		m := db.Ent().LoggedModel.Query().Where(loggedmodel.ModelID(model)).OnlyX(ctx)
		has(m.ArtifactLocation, map[string]string{"MLmodel": mlmodel, "data/model.pkl": "pickle"})
		for version, location := range map[int]string{1: "s3://bucket/m/1", 3: get(first) + "/model", 5: m.ArtifactLocation} {
			v := db.Ent().ModelVersion.Query().Where(modelversion.Version(version)).WithManifest().OnlyX(ctx)
			require.Equal(t, location, v.ArtifactLocation)
			if version == 1 {
				require.Nil(t, v.Edges.Manifest)
				continue
			}
			require.Contains(t, v.Edges.Manifest.Signature, `"x"`, "what the files of the version say was read")
		}
		require.Equal(t, "file://"+root+"/7/"+first+"/artifacts/model", db.Ent().ModelVersion.Query().Where(modelversion.Version(3)).OnlyX(ctx).Source)
	})
}

// TestCopyArtifactsAtOnce copies with the import itself, from a bucket: versions are registered with what their files say.
func TestCopyArtifactsAtOnce(t *testing.T) {
	t.Parallel()
	location, _ := artifacttest.S3(t)
	bucket, err := artifact.Open(location)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bucket.Close()) })
	for name, content := range map[string]string{"7/models/" + model + "/artifacts/MLmodel": mlmodel, "7/" + first + "/artifacts/dir/x": "x"} {
		_, err := bucket.Put(ctx, name, strings.NewReader(content), 1<<20)
		require.NoError(t, err)
	}
	at, _, _ := strings.Cut(location, "?")
	name, db := source(t, false, rows, newer)
	for _, change := range []string{
		"UPDATE runs SET artifact_uri = '" + at + "/7/" + first + "/artifacts' WHERE run_uuid = '" + first + "'",
		"UPDATE logged_models SET artifact_location = '" + at + "/7/models/" + model + "/artifacts' WHERE model_id = '" + model + "'",
	} {
		_, err := db.ExecContext(ctx, change)
		require.NoError(t, err)
	}
	into := "sqlite:" + filepath.Join(t.TempDir(), "cairn.db")
	o := mlflowimport.Options{Into: store.Config{URL: into}, Artifacts: t.TempDir(), CopyArtifacts: []string{location}}
	require.Equal(t, mlflowimport.Count{MLflow: 2, Cairn: 2, New: 2}, copying(t, name, o).Artifacts)
	require.Equal(t, mlflowimport.Count{MLflow: 2, Cairn: 2}, copying(t, name, o).Artifacts)
	s, err := mlflowimport.Open(ctx, name, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	wrong := o
	wrong.CopyArtifacts = []string{filepath.Join(t.TempDir(), "none")}
	_, err = mlflowimport.Import(ctx, s, wrong)
	require.ErrorContains(t, err, "cannot be read: no such file or directory")
	here := storetest.Open(t, store.Config{URL: into})
	v := here.Ent().ModelVersion.Query().Where(modelversion.Version(5)).WithManifest().OnlyX(ctx)
	require.True(t, strings.HasPrefix(v.ArtifactLocation, "mlflow-artifacts:/"), v.ArtifactLocation)
	require.Contains(t, v.Edges.Manifest.Signature, `"x"`)
}

package registry_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/lineageedge"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// mlmodel is a file as MLflow 3 writes it.
const mlmodel = `artifact_path: model
flavors:
  python_function:
    loader_module: mlflow.sklearn
    python_version: 3.11.9
model_size_bytes: 1234
signature:
  inputs: '[{"type": "double", "name": "sepal length", "required": true}, {"type":
    "string", "name": "note", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: '[{"name": "threshold", "type": "double", "default": 0.5, "shape": null}]'
utc_time_created: '2026-11-25 10:00:00.000000'
`

func (w *world) signature(v *ent.ModelVersion) *registry.Signature {
	w.Helper()
	manifests, err := w.ManifestsOf(ctx, []int{v.ID})
	require.NoError(w, err)
	require.NotNil(w, manifests[v.ID])
	sig, err := registry.SignatureOf(manifests[v.ID])
	require.NoError(w, err)
	return sig
}

// TestSources: where versions come from, and what is read there.
func TestSources(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		create := func(in registry.CreateVersion) *ent.ModelVersion {
			t.Helper()
			in.Name, in.CreateModel = "iris", true
			v, err := w.CreateVersion(ctx, in)
			require.NoError(t, err)
			return v
		}
		run := w.newRun()
		w.put(run.ArtifactLocation, "model/MLmodel", mlmodel)
		w.put(run.ArtifactLocation, "model/requirements.txt", "mlflow==3.18.0\nscikit-learn==1.9.0\n")

		v := create(registry.CreateVersion{Source: "runs:/" + run.RunID + "/model"})
		require.Equal(t, run.RunID, v.RunID)
		require.Equal(t, run.ArtifactLocation+"/model", v.ArtifactLocation)
		sig := w.signature(v)
		require.Equal(t, "sepal length", sig.Inputs[0].Name)
		require.True(t, sig.Inputs[0].Required)
		require.False(t, sig.Inputs[1].Required)
		require.Equal(t, "tensor<int64>[-1]", sig.Outputs[0].Type.String())
		require.Equal(t, registry.Param{Name: "threshold", Type: registry.Type{Kind: "double"}, Default: "0.5"}, sig.Params[0])
		manifests, err := w.ManifestsOf(ctx, []int{v.ID})
		require.NoError(t, err)
		require.Equal(t, "mlflow==3.18.0\nscikit-learn==1.9.0\n", manifests[v.ID].Requirements)

		// A URI in the store, and another version: the same files, and the same run.
		require.Equal(t, run.RunID, create(registry.CreateVersion{Source: run.ArtifactLocation + "/model"}).RunID)
		copied := create(registry.CreateVersion{Source: "models:/iris/1"})
		require.Equal(t, v.ArtifactLocation, copied.ArtifactLocation)
		require.Equal(t, run.RunID, copied.RunID)

		// A logged model; and as clients of MLflow 3 name it, by its run.
		m, err := w.runs.CreateLoggedModel(ctx, tracking.CreateLoggedModel{SourceRunID: run.RunID, Name: "forest"})
		require.NoError(t, err)
		w.put(m.ArtifactLocation, "MLmodel", mlmodel)
		for _, source := range []string{"models:/" + m.ModelID, "runs:/" + run.RunID + "/forest", m.ArtifactLocation} {
			v := create(registry.CreateVersion{Source: source})
			require.Equal(t, m.ModelID, v.ModelID, source)
			require.Equal(t, run.RunID, v.RunID, source)
			require.Equal(t, m.ArtifactLocation, v.ArtifactLocation, source)
			require.Len(t, w.signature(v).Inputs, 2, source)
		}

		edges, err := db.Ent().LineageEdge.Query().Where(lineageedge.ToTypeEQ(lineageedge.ToTypeMODEL_VERSION)).Order(ent.Asc(lineageedge.FieldID)).All(ctx)
		require.NoError(t, err)
		require.Len(t, edges, 6)
		require.Equal(t, run.RunID, edges[0].FromID)
		require.Equal(t, m.ModelID, edges[5].FromID)

		// What lies elsewhere is not read; its signature may be given. Its run may be another server's.
		elsewhere := create(registry.CreateVersion{Source: far, RunID: strings.Repeat("ab", 16), RunLink: "https://other/run", Signature: oneColumn})
		require.Equal(t, far, elsewhere.ArtifactLocation)
		require.Equal(t, "long", w.signature(elsewhere).Inputs[0].Type.String())

		// A file that is not understood keeps no version from being registered, and says why.
		for content, want := range map[string]string{
			"a: [": "MLmodel: is not understood", "signature: {inputs: '{}'}": "MLmodel: inputs: is no list", "a: \x00": "MLmodel is no text",
			"signature: {inputs: '[{}]'}":                 "inputs[0]: has no type",
			strings.Repeat("a: &a [*a]\n", 3) + "b: [*a]": "MLmodel: is not understood",
		} {
			r := w.newRun()
			w.put(r.ArtifactLocation, "m/MLmodel", content)
			v := create(registry.CreateVersion{Source: "runs:/" + r.RunID + "/m"})
			manifests, err := w.ManifestsOf(ctx, []int{v.ID})
			require.NoError(t, err)
			require.Contains(t, manifests[v.ID].Problem, want, content)
			require.Empty(t, manifests[v.ID].Signature)
		}
	})
}

// TestSourcesThatAreRefused: no source names a file of the machine, or leads out of what it names.
func TestSourcesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	canary := filepath.Join(t.TempDir(), "MLmodel")
	require.NoError(t, os.WriteFile(canary, []byte("signature: {inputs: '[{\"type\": \"long\", \"name\": \"canary\"}]'}"), 0o600))
	run, other := w.newRun(), w.newRun()
	folder := filepath.Dir(canary)
	up := strings.Repeat("../", 30)
	for _, source := range []string{
		folder, "file://" + folder, "FILE:" + folder, "C:/models", "models", "./models", `\\host\share`, "",
		"runs:/" + run.RunID + "/" + up + folder, "runs:/" + run.RunID + "/..%2f..%2f" + folder, "runs:/" + run.RunID, "runs:/x/model",
		"mlflow-artifacts:/" + up + folder, "mlflow-artifacts:" + folder, "mlflow-artifacts://host/1/" + run.RunID + "/artifacts/m",
		run.ArtifactLocation + "/../" + other.RunID + "/artifacts", run.ArtifactLocation + "/%2e%2e/x", "mlflow-artifacts:/0",
		"s3://b/../c", "s3://b/%2e%2e/c", "s3://b/%252e%252e/c", "s3://b/%2e%2e%2f%zz", "s3://b/%00", "https://h/a\\..\\b", "models:/", "models:/iris/Sideways", "models:/m-xyz",
		far + strings.Repeat("x", 2048),
	} {
		_, err := w.CreateVersion(ctx, registry.CreateVersion{Name: "iris", Source: source, CreateModel: true})
		require.Equal(t, errs.Invalid, errs.KindOf(err), "%q: %v", source, err)
		require.NotContains(t, err.Error(), "canary")
	}
	for _, c := range []struct {
		in   registry.CreateVersion
		kind errs.Kind
		want string
	}{
		{registry.CreateVersion{Source: "runs:/" + strings.Repeat("0", 32) + "/m"}, errs.NotFound, "Run with id="},
		{registry.CreateVersion{Source: "models:/m-" + strings.Repeat("0", 32)}, errs.NotFound, "Logged model with ID"},
		{registry.CreateVersion{Source: "models:/none/1"}, errs.NotFound, "none"},
		{registry.CreateVersion{Source: "runs:/" + run.RunID + "/m", RunID: other.RunID}, errs.Invalid, "the source is of " + run.RunID},
		{registry.CreateVersion{Source: run.ArtifactLocation + "/m", RunID: other.RunID}, errs.Invalid, "the source is of " + run.RunID},
		{registry.CreateVersion{Source: far, RunID: "x"}, errs.Invalid, "not a run's id"},
		{registry.CreateVersion{Source: far, Signature: "[1]"}, errs.Invalid, "signature:"},
		{registry.CreateVersion{Source: far, Tags: []tracking.Tag{{Key: "../x"}}}, errs.Invalid, "not clean as a path"},
	} {
		c.in.Name, c.in.CreateModel = "iris", true
		_, err := w.CreateVersion(ctx, c.in)
		refused(t, c.kind, err, c.want)
	}
	_, err := w.Model(ctx, "iris")
	refused(t, errs.NotFound, err, "iris") // what was refused made nothing
	_, err = w.runs.DeleteRun(ctx, run.RunID)
	require.NoError(t, err)
	_, err = w.CreateVersion(ctx, registry.CreateVersion{Name: "iris", Source: "runs:/" + run.RunID + "/m", CreateModel: true})
	refused(t, errs.Conflict, err, "is deleted")
}

// TestSourcesThatAreVersions: a version of a version keeps which one that was, and nobody says that it is of another run.
func TestSourcesThatAreVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	run := strings.Repeat("ab", 16)
	_, err := w.CreateVersion(ctx, registry.CreateVersion{Name: "iris", Source: far, RunID: run, CreateModel: true})
	require.NoError(t, err)
	w.register("iris")
	w.transition("iris", 1, registry.StageProduction)
	_, err = w.SetAlias(ctx, "iris", "best", 1)
	require.NoError(t, err)
	for source, want := range map[string]string{
		"models:/iris/Production": "models:/iris/1", "models:/iris@best": "models:/iris/1", "models:/iris/latest": "models:/iris/2",
		"models:/iris@Latest": "models:/iris/2",
	} {
		v, err := w.CreateVersion(ctx, registry.CreateVersion{Name: "copy", Source: source, CreateModel: true})
		require.NoError(t, err, source)
		require.Equal(t, want, v.Source)
		require.Equal(t, want == "models:/iris/1", v.RunID == run, source)
	}
	for source, want := range map[string]string{"models:/iris/1": "the source is of " + run, "models:/iris/2": "the source is of none"} {
		_, err = w.CreateVersion(ctx, registry.CreateVersion{Name: "copy", Source: source, RunID: strings.Repeat("cd", 16)})
		refused(t, errs.Invalid, err, want)
	}
}

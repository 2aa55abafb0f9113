package registry_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// loadVersion is a version that comes from elsewhere.
func loadVersion(number int, stage, source, location string) registry.LoadVersion {
	return registry.LoadVersion{CreateVersion: registry.CreateVersion{Source: source}, Location: location, Version: number, Stage: stage,
		Status: modelversion.StatusREADY, CreatedAt: 100, UpdatedAt: 200}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		model := registry.LoadModel{Name: "iris", CreatedAt: 100, UpdatedAt: 200, NextVersion: 9, Aliases: map[string]int{"best": 5},
			Versions: []registry.LoadVersion{
				loadVersion(5, "production", far, ""), loadVersion(2, "None", "models:/m-"+"0123456789abcdef0123456789abcdef", "/mlruns/1/m/artifacts"),
			}}
		require.NoError(t, w.Load(ctx, model, "moved"))
		w.sound()
		v, err := w.Resolve(ctx, registry.Ref{Name: "iris", Alias: "best"})
		require.NoError(t, err)
		require.Equal(t, []any{5, registry.StageProduction, int64(100)}, []any{v.Version, v.Stage, v.CreatedAt})
		v, err = w.Resolve(ctx, registry.Ref{Name: "iris", Version: 2})
		require.NoError(t, err)
		require.Equal(t, "/mlruns/1/m/artifacts", v.ArtifactLocation, "its source names nothing here")

		// It goes on like any other.
		require.Equal(t, 9, w.register("iris").Version)
		w.transition("iris", 9, registry.StageProduction)
		v, err = w.Resolve(ctx, registry.Ref{Name: "iris", Stage: "Production"})
		require.NoError(t, err)
		require.Equal(t, 9, v.Version)
		w.sound()

		refused(t, errs.Exists, w.Load(ctx, model, ""), "already exists")
		for want, versions := range map[string][]registry.LoadVersion{
			"twice":                {loadVersion(1, "None", far, ""), loadVersion(1, "None", far, "")},
			"not positive":         {loadVersion(0, "None", far, "")},
			"Invalid Model Versi":  {loadVersion(1, "Live", far, "")},
			"holds ..":             {loadVersion(1, "None", far, ""), loadVersion(2, "None", "/mlruns/%2e%2e/secret", "")},
			"artifacts of no run":  {loadVersion(1, "None", "mlflow-artifacts:/1/other/artifacts/model", "")},
			"name what to registe": {loadVersion(1, "None", "", "")},
		} {
			err := w.Load(ctx, registry.LoadModel{Name: "rose", Versions: versions}, "")
			require.ErrorContains(t, err, want)
			require.NotEqual(t, errs.Internal, errs.KindOf(err), want)
		}
		_, err = w.Model(ctx, "rose")
		require.True(t, errs.Is(err, errs.NotFound), "all or nothing")
		refused(t, errs.Invalid, w.Load(ctx, registry.LoadModel{Name: "rose", Aliases: map[string]int{"best": 1}}, ""), "which is not there")
	})
}

func TestRelocate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		run := w.newRun()
		require.NoError(t, w.Load(ctx, registry.LoadModel{Name: "iris", CreatedAt: 100, UpdatedAt: 200, Versions: []registry.LoadVersion{
			loadVersion(1, "Production", "/mlruns/1/r/artifacts/m", ""), loadVersion(2, "None", "/mlruns/1/r/artifacts/m", ""),
		}}, "moved"))
		w.put(run.ArtifactLocation, "m/MLmodel", "signature:\n  inputs: '[{\"type\": \"double\", \"name\": \"x\"}]'\n")
		get := func(version int) *ent.ModelVersion {
			v, err := w.Resolve(ctx, registry.Ref{Name: "iris", Version: version})
			require.NoError(t, err)
			return v
		}
		unread := func(version int) {
			manifests, err := w.ManifestsOf(ctx, []int{get(version).ID})
			require.NoError(t, err)
			require.Empty(t, manifests)
		}
		unread(1)
		for range 2 { // a second time changes nothing
			require.NoError(t, w.Relocate(ctx, get(1).ID, run.ArtifactLocation+"/m"))
			v := get(1)
			require.Equal(t, []any{run.ArtifactLocation + "/m", "/mlruns/1/r/artifacts/m", registry.StageProduction}, []any{v.ArtifactLocation, v.Source, v.Stage})
			require.Equal(t, "x", w.signature(v).Inputs[0].Name)
			require.Equal(t, "/mlruns/1/r/artifacts/m", get(2).ArtifactLocation)
			unread(2)
		}
		w.sound()
	})
}

package tracking_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// TestReadsOfMany: what the shells read for many owners at once, on both databases.
func TestReadsOfMany(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		e, err := s.CreateExperiment(ctx, tracking.CreateExperiment{Name: "many"})
		require.NoError(t, err)
		_, err = s.SetExperimentTag(ctx, e.ID, "team", "a")
		require.NoError(t, err)
		byName, err := s.ExperimentByName(ctx, "many")
		require.NoError(t, err)
		require.Equal(t, e.ID, byName.ID)
		_, err = s.ExperimentByName(ctx, "none")
		requireKind(t, errs.NotFound, err, `Could not find experiment with name "none"`)
		tags, err := s.ExperimentTagsOf(ctx, []int{e.ID, 0})
		require.NoError(t, err)
		require.Equal(t, "a", tags[e.ID][0].Value)
		require.Empty(t, tags[0])
		experiments, err := s.ExperimentsByID(ctx, []int{e.ID, 0, 999})
		require.NoError(t, err)
		require.Len(t, experiments, 2)
		renamed, err := s.RenameExperiment(ctx, e.ID, "renamed")
		require.NoError(t, err)
		require.Equal(t, "renamed", renamed.Name)

		a, b := newRunIn(t, s, e.ID), newRunIn(t, s, e.ID)
		runs, err := s.Runs(ctx, []string{b.RunID, a.RunID, b.RunID})
		require.NoError(t, err)
		require.Equal(t, []int{b.ID, a.ID, b.ID}, []int{runs[0].ID, runs[1].ID, runs[2].ID})
		_, err = s.Runs(ctx, []string{a.RunID, someRunID})
		requireKind(t, errs.NotFound, err, someRunID)
		found, err := s.RunsByID(ctx, []string{a.RunID, someRunID})
		require.NoError(t, err)
		require.Len(t, found, 1)

		m, err := s.CreateLoggedModel(ctx, tracking.CreateLoggedModel{SourceRunID: a.RunID, Name: "model"})
		require.NoError(t, err)
		_, err = s.LogLoggedModelParams(ctx, m.ModelID, []tracking.Param{{Key: "depth", Value: "3"}})
		require.NoError(t, err)
		_, err = s.SetLoggedModelTags(ctx, m.ModelID, []tracking.Tag{{Key: "x", Value: "1"}, {Key: "y", Value: "2"}})
		require.NoError(t, err)
		_, err = s.DeleteLoggedModelTag(ctx, m.ModelID, "x")
		require.NoError(t, err)
		_, err = s.DeleteLoggedModelTag(ctx, m.ModelID, "x")
		requireKind(t, errs.NotFound, err, "No tag with key")
		params, err := s.ModelParamsOf(ctx, []int{m.ID})
		require.NoError(t, err)
		require.Equal(t, "3", params[m.ID][0].Value)
		modelTags, err := s.ModelTagsOf(ctx, []int{m.ID})
		require.NoError(t, err)
		require.Len(t, modelTags[m.ID], 1)
		outputs, err := s.OutputsOf(ctx, []int{a.ID, b.ID})
		require.NoError(t, err)
		require.Equal(t, m.ModelID, outputs[a.ID][0].Edges.LoggedModel.ModelID)
		require.Empty(t, outputs[b.ID])

		_, err = s.LogInputs(ctx, a.RunID, []tracking.Input{{Dataset: tracking.Dataset{Name: "d", Digest: "1", SourceType: "code"}}}, []string{m.ModelID})
		require.NoError(t, err)
		inputs, err := s.InputsOf(ctx, []int{a.ID})
		require.NoError(t, err)
		data, err := s.Dataset(ctx, inputs[a.ID][0].DatasetID)
		require.NoError(t, err)
		require.Equal(t, "d", data.Name)
		_, err = s.Dataset(ctx, 999)
		requireKind(t, errs.NotFound, err, "No dataset with id=999 exists")
	})
}

// TestSuiteIsWhole: every method of the core's service is called by its own tests, which run on both databases.
func TestSuiteIsWhole(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var text strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		text.Write(b)
	}
	service := reflect.TypeFor[*tracking.Service]()
	for i := range service.NumMethod() {
		name := service.Method(i).Name
		require.True(t, strings.Contains(text.String(), "."+name+"(") || strings.Contains(text.String(), "s."+name+")"), "%s is tested", name)
	}
}

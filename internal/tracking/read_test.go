package tracking_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
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
		_, err = s.LogBatch(ctx, tracking.Batch{
			RunID: a.RunID, Params: []tracking.Param{{Key: "b", Value: "x"}, {Key: "a", Value: "1e3"}}, Tags: []tracking.Tag{{Key: "k", Value: "v"}},
			Columns: []metric.Columns{
				{Key: "loss", Steps: []int64{1, 2}, Times: []int64{5, 6}, Values: []float64{0.5, 0.25}},
				{Key: "acc", StepScale: 1, Steps: []int64{15}, Times: []int64{7}, Values: []float64{math.NaN()}},
			},
		})
		require.NoError(t, err)
		_, err = s.LogBatch(ctx, tracking.Batch{RunID: b.RunID, Params: []tracking.Param{{Key: "a", Value: ""}}})
		require.NoError(t, err)
		ids := []int{b.ID, a.ID}
		for unknown := range 40 { // many runs are read in halves
			ids = slices.Insert(ids, 1, 999+unknown)
		}
		contents, err := s.ContentsOf(ctx, ids)
		require.NoError(t, err)
		pair := func(kv *tracking.KeyValue) string { return kv.Key + "=" + kv.Value }
		require.Equal(t, []string{"a=1e3", "b=x"}, texts(contents.Params[a.ID], pair))
		require.Equal(t, []string{"a="}, texts(contents.Params[b.ID], pair))
		require.Contains(t, texts(contents.Tags[a.ID], pair), "k=v")
		require.Equal(t, []string{"acc NaN 1.5 7", "loss 0.25 2 6"}, texts(contents.Latest[a.ID], func(m *tracking.LatestMetric) string {
			return fmt.Sprintf("%s %v %v %d", m.Key, m.Value, m.Step, m.Time)
		}))
		require.Empty(t, contents.Latest[b.ID])
		require.Len(t, contents.Inputs[a.ID], 1)
		require.Len(t, contents.Outputs[a.ID], 1)
		latest, err := s.LatestOf(ctx, []int{b.ID})
		require.NoError(t, err)
		require.Empty(t, latest)
		some, err := s.ParamsOf(ctx, []int{a.ID, b.ID}, []string{"a", "none", "\x00", "\xff"})
		require.NoError(t, err, "texts that no database takes name no key")
		require.Len(t, some[a.ID], 1)
		require.InDelta(t, 1000, *some[a.ID][0].Number, 0)
		require.Len(t, some[b.ID], 1)
		_, err = s.Dataset(ctx, 999)
		requireKind(t, errs.NotFound, err, "No dataset with id=999 exists")
	})
}

func texts[T any](list []T, text func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = text(v)
	}
	return out
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

package registry_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/modelrule"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// scored registers a version of a run with a value of acc.
func (w *world) scored(name string, acc float64, signature string) int {
	w.Helper()
	r := w.newRun()
	_, err := w.runs.LogBatch(ctx, tracking.Batch{RunID: r.RunID, Columns: []metric.Columns{
		{Key: "acc", Steps: []int64{0, 1}, Times: []int64{1, 2}, Values: []float64{0, acc}}}})
	require.NoError(w, err)
	v, err := w.CreateVersion(ctx, registry.CreateVersion{
		Name: name, Source: far, RunID: r.RunID, CreateModel: true, Signature: signature,
	})
	require.NoError(w, err)
	return v.Version
}

const (
	oneColumn  = `{"inputs": "[{\"type\": \"long\", \"name\": \"x\", \"required\": true}]"}`
	twoColumns = `{"inputs": "[{\"type\": \"long\", \"name\": \"x\"}, {\"type\": \"long\", \"name\": \"y\"}]"}`
)

// TestRules: a transition that breaks a rule is refused, says which and why, and changes nothing.
func TestRules(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		good := w.scored("iris", 0.9, oneColumn)
		worse := w.scored("iris", 0.8, oneColumn)
		other := w.scored("iris", 0.95, twoColumns)
		unknown := w.register("iris").Version
		value := "yes"
		promote := func(version int) error {
			_, err := w.TransitionStage(ctx, registry.Transition{Name: "iris", Version: version, Stage: "Production", ArchiveExisting: true})
			return err
		}
		refuses := func(version int, text string) {
			t.Helper()
			before := w.entries("iris")
			err := promote(version)
			refused(t, errs.Conflict, err, text)
			require.Equal(t, before, w.entries("iris"))
			v, err := w.Version(ctx, "iris", version)
			require.NoError(t, err)
			require.Equal(t, registry.StageNone, v.Stage)
		}
		set := func(r registry.Rule) {
			t.Helper()
			r.Name, r.Stage = "iris", "production"
			_, err := w.SetRule(ctx, r)
			require.NoError(t, err)
		}
		unset := func(kind modelrule.Kind, key string) {
			t.Helper()
			_, err := w.DeleteRule(ctx, "iris", "Production", kind, key)
			require.NoError(t, err)
		}

		set(registry.Rule{Kind: modelrule.KindMETRIC, Key: "acc"})
		refuses(unknown, `metric "acc" at least that of the replaced version (version 4 has no value of it)`)
		require.NoError(t, promote(good), "there is nothing to compare with")
		refuses(worse, "(it is 0.8, and 0.9 of version 1)")
		set(registry.Rule{Kind: modelrule.KindMETRIC, Key: "acc", Margin: -0.2})
		require.NoError(t, promote(worse), "it may be a little worse")
		_, err := w.Rollback(ctx, "iris", "Production", "")
		require.NoError(t, err)
		set(registry.Rule{Kind: modelrule.KindMETRIC, Key: "acc", Margin: 0.2})
		refuses(other, "plus 0.2")
		set(registry.Rule{Kind: modelrule.KindMETRIC, Key: "acc", Goal: modelrule.GoalMINIMIZE})
		refuses(other, "at most that of the replaced version")
		unset(modelrule.KindMETRIC, "acc")

		set(registry.Rule{Kind: modelrule.KindSIGNATURE})
		refuses(other, "(it differs from that of version 1)")
		refuses(unknown, "(it has none, and version 1 has)")
		unset(modelrule.KindSIGNATURE, "")

		set(registry.Rule{Kind: modelrule.KindTAG, Key: "reviewed", Value: &value})
		refuses(other, `tag "reviewed" with the value "yes" (it is not set)`)
		tag := func(v string) {
			_, err := w.SetVersionTags(ctx, "iris", other, []tracking.Tag{{Key: "reviewed", Value: v}})
			require.NoError(t, err)
		}
		tag("no")
		refuses(other, `(it is "no")`)

		set(registry.Rule{Kind: modelrule.KindAPPROVAL})
		refuses(other, "approval by another principal (nobody has approved), and for tag")
		tag("yes")
		_, err = w.Approve(ctx, "iris", other, "Production", "mine")
		require.NoError(t, err)
		refuses(other, "only token:alice has approved, who asks for the transition")
		_, err = w.Approve(as("bob"), "iris", other, "Staging", "for another stage")
		require.NoError(t, err)
		refuses(other, "only token:alice has approved")
		_, err = w.Approve(as("bob"), "iris", other, "Production", "looks good")
		require.NoError(t, err)
		_, err = w.Approve(as("bob"), "iris", other, "Production", "again changes nothing")
		require.NoError(t, err)
		_, err = w.WithdrawApproval(as("bob"), "iris", other, "Production", "I was wrong")
		require.NoError(t, err)
		refuses(other, "only token:alice has approved")
		_, err = w.WithdrawApproval(as("bob"), "iris", other, "Production", "")
		refused(t, errs.Conflict, err, "token:bob has not approved of version 3")
		_, err = w.Approve(as("carol"), "iris", other, "Production", "")
		require.NoError(t, err)
		require.NoError(t, promote(other))

		// A rollback is not held against rules.
		_, err = w.Rollback(ctx, "iris", "Production", "")
		require.NoError(t, err)

		m, err := w.Model(ctx, "iris")
		require.NoError(t, err)
		approvals, err := w.ApprovalsOf(ctx, []int{m.ID})
		require.NoError(t, err)
		require.Len(t, approvals[m.ID], 3, "alice's, carol's, and bob's for Staging")
		w.sound()
	})
}

// TestRuleOfLoggedModel: a metric that was measured of the logged model counts before that of its run, which has several.
func TestRuleOfLoggedModel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		r := w.newRun()
		for _, acc := range []float64{0.9, 0.7} {
			m, err := w.runs.CreateLoggedModel(ctx, tracking.CreateLoggedModel{SourceRunID: r.RunID, Name: "checkpoint"})
			require.NoError(t, err)
			_, err = w.runs.LogBatch(ctx, tracking.Batch{RunID: r.RunID, Models: []tracking.ModelMetric{
				{ModelID: m.ModelID, Key: "acc", Value: acc, Time: 1}}})
			require.NoError(t, err)
			v, err := w.CreateVersion(ctx, registry.CreateVersion{Name: "iris", Source: "models:/" + m.ModelID, CreateModel: true})
			require.NoError(t, err)
			require.Equal(t, r.RunID, v.RunID)
		}
		_, err := w.SetRule(ctx, registry.Rule{Name: "iris", Stage: "Production", Kind: modelrule.KindMETRIC, Key: "acc"})
		require.NoError(t, err)
		w.transition("iris", 1, registry.StageProduction)
		_, err = w.TransitionStage(ctx, registry.Transition{Name: "iris", Version: 2, Stage: "Production"})
		refused(t, errs.Conflict, err, "(it is 0.7, and 0.9 of version 1)")
	})
}

func TestRulesThatAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	w.register("iris")
	value := "x"
	for want, r := range map[string]registry.Rule{
		"is none of":             {Kind: "HOPE"},
		"the name is missing":    {Kind: modelrule.KindMETRIC},
		"key: is for rules":      {Kind: modelrule.KindAPPROVAL, Key: "x"},
		"value: is for rules":    {Kind: modelrule.KindMETRIC, Key: "x", Value: &value},
		"margin: is a finite":    {Kind: modelrule.KindMETRIC, Key: "x", Margin: math.NaN()},
		"margin: is a finite nu": {Kind: modelrule.KindTAG, Key: "x", Margin: 1},
		"neither MINIMIZE":       {Kind: modelrule.KindMETRIC, Key: "x", Goal: "BEST"},
	} {
		r.Name, r.Stage = "iris", "Production"
		_, err := w.SetRule(ctx, r)
		refused(t, errs.Invalid, err, want)
	}
	_, err := w.SetRule(ctx, registry.Rule{Name: "iris", Stage: "None", Kind: modelrule.KindAPPROVAL})
	refused(t, errs.Invalid, err, "None is where it begins")
	_, err = w.DeleteRule(ctx, "iris", "Production", modelrule.KindAPPROVAL, "")
	refused(t, errs.NotFound, err, "no rule APPROVAL")
}

package registry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestTampering: whatever is changed in a history by others than the registry is found, with the model and the entry.
func TestTampering(t *testing.T) {
	t.Parallel()
	const of = " WHERE registered_model_id = (SELECT id FROM registered_models WHERE name = 'iris')"
	for name, c := range map[string]struct {
		statements []string
		fault      registry.Fault
	}{
		"who changed":     {[]string{"UPDATE model_history SET principal = 'token:eve'" + of + " AND sequence = 2"}, registry.Fault{Entry: 2, Message: "it was changed"}},
		"when changed":    {[]string{"UPDATE model_history SET created_at = created_at - 1" + of + " AND sequence = 1"}, registry.Fault{Entry: 1, Message: "it was changed"}},
		"why changed":     {[]string{"UPDATE model_history SET reason = 'because'" + of + " AND sequence = 5"}, registry.Fault{Entry: 5, Message: "it was changed"}},
		"stage changed":   {[]string{"UPDATE model_history SET to_stage = 'Staging'" + of + " AND sequence = 3"}, registry.Fault{Entry: 3, Message: "it was changed"}},
		"version changed": {[]string{"UPDATE model_history SET version = 3" + of + " AND sequence = 3"}, registry.Fault{Entry: 3, Message: "it was changed"}},
		"removed":         {[]string{"DELETE FROM model_history" + of + " AND sequence = 2"}, registry.Fault{Entry: 2, Message: "it is missing"}},
		"first removed":   {[]string{"DELETE FROM model_history" + of + " AND sequence = 1"}, registry.Fault{Entry: 1, Message: "it is missing"}},
		"last removed":    {[]string{"DELETE FROM model_history" + of + " AND sequence = 5"}, registry.Fault{Entry: 5, Message: "the history ends before it"}},
		"all removed":     {[]string{"DELETE FROM model_history" + of}, registry.Fault{Entry: 1, Message: "the history ends before it"}},
		"removed and closed up": {[]string{
			"DELETE FROM model_history" + of + " AND sequence = 5",
			"UPDATE registered_models SET history_length = 4 WHERE name = 'iris'",
		}, registry.Fault{Entry: 4, Message: "names another head"}},
		"moved": {[]string{
			"UPDATE model_history SET sequence = 99" + of + " AND sequence = 2",
			"UPDATE model_history SET sequence = 2" + of + " AND sequence = 3",
			"UPDATE model_history SET sequence = 3" + of + " AND sequence = 99",
		}, registry.Fault{Entry: 2, Message: "it was changed"}},
		"added": {[]string{
			"INSERT INTO model_history (registered_model_id, sequence, model_name, action, version, from_stage, to_stage, principal, created_at, previous_hash, hash) " +
				"SELECT registered_model_id, 6, model_name, 'TRANSITION', 3, 'None', 'Production', principal, created_at, hash, 'f00' FROM model_history" + of + " AND sequence = 5",
		}, registry.Fault{Entry: 6, Message: "it was changed"}},
		"copied from another model": {[]string{
			"UPDATE model_history SET hash = (SELECT hash FROM model_history h WHERE h.model_name = 'rose' AND h.sequence = 1)" + of + " AND sequence = 1",
		}, registry.Fault{Entry: 1, Message: "it was changed"}},
		"head changed":      {[]string{"UPDATE registered_models SET history_head = 'f00' WHERE name = 'iris'"}, registry.Fault{Entry: 5, Message: "names another head"}},
		"length changed":    {[]string{"UPDATE registered_models SET history_length = 3 WHERE name = 'iris'"}, registry.Fault{Entry: 5, Message: "beyond the 3 entries"}},
		"version's stage":   {[]string{"UPDATE model_versions SET stage = 'Production'" + of + " AND version = 3"}, registry.Fault{Message: "version 3 is in Production, and its history ends in None"}},
		"chain disregarded": {[]string{"UPDATE model_history SET previous_hash = ''" + of + " AND sequence = 4"}, registry.Fault{Entry: 4, Message: "it was changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				w := newWorld(t, db)
				for range 3 {
					w.register("iris")
					w.register("rose")
				}
				for _, name := range []string{"iris", "rose"} {
					w.transition(name, 1, registry.StageStaging)
					w.transition(name, 1, registry.StageProduction)
					w.transition(name, 2, registry.StageProduction) // and 1 is archived
					w.transition(name, 1, registry.StageStaging)
				}
				w.sound()
				require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
					for _, s := range c.statements {
						if _, err := tx.ExecContext(ctx, s); err != nil {
							return err
						}
					}
					return nil
				}))
				report, err := registry.Check(ctx, db.Read())
				require.NoError(t, err)
				require.NotEmpty(t, report.Faults)
				for _, f := range report.Faults {
					require.Equal(t, "iris", f.Model)
				}
				require.Equal(t, c.fault.Entry, report.Faults[0].Entry, "%v", report.Faults)
				require.Contains(t, report.Faults[0].String(), c.fault.Message)
			})
		})
	}
}

// TestRowRemoved: a model's row cannot be taken away with its history left behind.
func TestRowRemoved(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.register("iris")
		w.transition("iris", 1, registry.StageProduction)
		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, "DELETE FROM registered_models")
			return err
		}))
		report, err := registry.Check(ctx, db.Read())
		require.NoError(t, err)
		require.Equal(t, []registry.Fault{{Model: "iris", Entry: 1, Message: "the model's row was removed"}}, report.Faults)
	})
}

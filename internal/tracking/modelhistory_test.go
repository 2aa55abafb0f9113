package tracking_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/runtag"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

func TestRecordModel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		r := newRun(t, s)
		record := func(path string) error {
			return s.RecordModel(ctx, r.RunID, fmt.Appendf(nil,
				`{"artifact_path": %q, "flavors": {}, "utc_time_created": "now", "run_id": %q}`, path, r.RunID))
		}
		const models = 12
		var together sync.WaitGroup
		failed := make([]error, models)
		for i := range models {
			together.Go(func() { failed[i] = record(fmt.Sprint(i)) })
		}
		together.Wait()
		for _, err := range failed {
			require.NoError(t, err)
		}
		tag, err := db.Ent().RunTag.Query().Where(runtag.RunID(r.ID), runtag.Key("mlflow.log-model.history")).Only(ctx)
		require.NoError(t, err)
		var history []map[string]any
		require.NoError(t, json.Unmarshal([]byte(tag.Value), &history))
		require.Len(t, history, models, "those that were recorded at the same time are all there")

		requireKind(t, errs.Invalid, s.RecordModel(ctx, r.RunID, []byte("{")), "model_json: is not a JSON object")
		requireKind(t, errs.NotFound, s.RecordModel(ctx, someRunID, []byte(`{"artifact_path": "", "flavors": {}, "utc_time_created": "", "run_id": ""}`)), "not found")
		_, err = s.DeleteRun(ctx, r.RunID)
		require.NoError(t, err)
		requireKind(t, errs.Conflict, record("late"), "must be in the 'active' state")
	})
}

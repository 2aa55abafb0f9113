package mlflow_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
)

// MLflow's answers have no place to say that points are missing: a header says it, and the points that are left come.
func TestHistoriesThatLackPointsSaySo(t *testing.T) {
	each(t, func(w *world) {
		id := w.newRun("0")
		for step := range 2 {
			w.post("runs/log-metric", object{"run_id": id, "key": "loss", "value": step, "timestamp": 1, "step": step}).ok()
		}
		paths := []string{
			"metrics/get-history?metric_key=loss&run_id=" + id,
			"metrics/get-history-bulk?metric_key=loss&run_id=" + id,
			"metrics/get-history-bulk-interval?metric_key=loss&run_ids=" + id,
		}
		for _, path := range paths {
			answer := w.get(path)
			require.Len(w, into[historyPage](answer).Metrics, 2, path)
			require.Empty(w, answer.header.Get("Cairn-Incomplete"), path)
		}
		w.damageFirstBatch()
		for _, path := range paths {
			answer := w.get(path)
			metrics := into[historyPage](answer).Metrics
			require.Len(w, metrics, 1, path)
			require.EqualValues(w, 1, metrics[0].Step)
			require.Equal(w, "true", answer.header.Get("Cairn-Incomplete"), path)
		}
	})
}

// damageFirstBatch changes a byte of the oldest points.
func (w *world) damageFirstBatch() {
	w.Helper()
	ctx := context.Background()
	var id int64
	var payload []byte
	require.NoError(w, store.EachRow(ctx, w.db.Read(), "SELECT id, payload FROM metric_batches ORDER BY id LIMIT 1", nil, func(rows *sql.Rows) error {
		return rows.Scan(&id, &payload)
	}))
	payload[len(payload)/2] ^= 1
	require.NoError(w, w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE metric_batches SET payload = ? WHERE id = ?", payload, id)
		return err
	}))
}

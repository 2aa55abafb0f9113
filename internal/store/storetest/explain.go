package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
)

// Explain says how a database runs a query, a step a line.
func Explain(t *testing.T, db *store.DB, query string, args []any) []string {
	t.Helper()
	word := "EXPLAIN QUERY PLAN "
	if db.Postgres() {
		word = "EXPLAIN "
	}
	var steps []string
	err := store.EachRow(context.Background(), db.Read(), word+query, args, func(rows *sql.Rows) error {
		var id, parent, unused int
		var step string
		into := []any{&id, &parent, &unused, &step}
		if db.Postgres() {
			into = into[3:]
		}
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("scan plan: %w", err)
		}
		steps = append(steps, strings.TrimSpace(step))
		return nil
	})
	require.NoError(t, err, query)
	return steps
}

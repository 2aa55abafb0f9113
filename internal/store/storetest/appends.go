package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// WatchAppends counts how often points are appended by one statement to the runs of a PostgreSQL database. Each time it first
// runs a statement of PL/pgSQL, if any.
func WatchAppends(t *testing.T, url, before string) (count func() int) {
	t.Helper()
	db, err := sql.Open("postgres", url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	ctx := context.Background()
	var arguments string
	var n int
	require.NoError(t, db.QueryRowContext(ctx, "SELECT pg_get_function_identity_arguments(oid), pronargs FROM pg_proc WHERE proname = 'append_points'").
		Scan(&arguments, &n))
	numbers := make([]string, n)
	for i := range numbers {
		numbers[i] = fmt.Sprintf("$%d", i+1)
	}
	for _, statement := range []string{
		"ALTER FUNCTION append_points RENAME TO watched_append_points",
		"CREATE SEQUENCE watched_appends MINVALUE 0 START 0",
		"SELECT nextval('watched_appends')",
		fmt.Sprintf("CREATE FUNCTION append_points(%s) RETURNS bigint[] LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('watched_appends'); %s "+
			"RETURN watched_append_points(%s); END $$", arguments, before, strings.Join(numbers, ", ")),
	} {
		_, err := db.ExecContext(ctx, statement)
		require.NoError(t, err, statement)
	}
	return func() int {
		var n int
		require.NoError(t, db.QueryRowContext(ctx, "SELECT last_value FROM watched_appends").Scan(&n)) // also those that were rolled back
		return n
	}
}

package storetest

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store/storetest/cluster"
)

// PgBouncerURL starts a PgBouncer in transaction mode before the PostgreSQL of a URL, and gives the URL of the same database
// through it. It ends with the test. Without PgBouncer the test fails and names the command that installs it.
func PgBouncerURL(t *testing.T, behind string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pooler, err := cluster.StartPgBouncer(ctx, behind)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pooler.Stop()) })
	u, err := url.Parse(behind)
	require.NoError(t, err)
	return pooler.URL(strings.TrimPrefix(u.Path, "/"))
}

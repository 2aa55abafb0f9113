package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

func TestPostgresWithoutTLSIsSaidToAnswer(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	require.Contains(t, url, "sslmode=disable")
	_, err := store.Open(context.Background(), store.Config{URL: strings.Replace(url, "sslmode=disable", "sslmode=require", 1)})
	require.Equal(t, errs.Invalid, errs.KindOf(err))
	require.ErrorContains(t, err, "PostgreSQL answers, but does not speak TLS")
}

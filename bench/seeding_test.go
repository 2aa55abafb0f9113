//go:build linux

package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestSeeds fills databases at a very small size and finds in them what the seeds say.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for name := range seeds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := "sqlite:" + filepath.Join(t.TempDir(), "cairn.db")
			done, err := seedDatabase(t.Context(), []string{name, "1/5000", url})
			require.NoError(t, err)
			require.Positive(t, done.Points)
			db := storetest.Open(t, store.Config{URL: url})
			for query, want := range map[string]int{
				"SELECT COUNT(*) FROM runs": done.Runs, "SELECT COUNT(*) FROM metric_series": done.Series,
				"SELECT SUM(count) FROM metric_series": done.Points, "SELECT COUNT(*) FROM params": done.Params,
				"SELECT COUNT(*) FROM run_tags WHERE key <> 'mlflow.runName'":   done.Tags,
				"SELECT COUNT(*) FROM runs WHERE run_id = '" + done.RunID + "'": 1,
				"SELECT COUNT(*) FROM metric_series s JOIN params p ON p.run_id = s.run_id " +
					"WHERE s.key = 'acc' AND s.last_value > 0.9 AND p.key = 'p1' AND p.value = '3'": done.Matches,
			} {
				var found int
				require.NoError(t, db.Read().QueryRowContext(t.Context(), query).Scan(&found), query)
				require.Equal(t, want, found, query)
			}
		})
	}
	for _, bad := range [][]string{nil, {"step", "1", "sqlite:x"}, {"long", "2", "sqlite:x"}, {"long", "1", "mysql:x"}} {
		_, err := seedDatabase(t.Context(), bad)
		require.Error(t, err, bad)
	}
}

// TestSeedRegistry does so for registered models, and asks a database of them what the profile asks a server.
func TestSeedRegistry(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "cairn.db")
	done, err := seedDatabase(t.Context(), []string{registryProfile.name, "1/500", url})
	require.NoError(t, err)
	require.Equal(t, []int{20, 200}, []int{done.Models, done.Versions})
	db := storetest.Open(t, store.Config{URL: url})
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM registered_models": done.Models, "SELECT COUNT(*) FROM model_versions": done.Versions,
		"SELECT COUNT(*) FROM model_version_tags WHERE key = 'ticket' AND value = '" + versionTicket(0, 1) + "'": done.Matches,
		"SELECT COUNT(*) FROM model_versions WHERE stage = 'Production'":                                         done.Models,
		"SELECT COUNT(*) FROM model_aliases WHERE alias = 'champion'":                                            done.Models,
	} {
		var found int
		require.NoError(t, db.Read().QueryRowContext(t.Context(), query).Scan(&found), query)
		require.Equal(t, want, found, query)
	}
}

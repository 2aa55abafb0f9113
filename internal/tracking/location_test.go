package tracking_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// Clients that have their artifacts in a store of their own go on doing so: the server names the place, and never goes there.
func TestExperimentsElsewhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		for _, location := range []string{
			"s3://bucket/team/x", "s3://bucket/team/x/", "gs://bucket", "abfss://files@account.dfs.core.windows.net/x", "hdfs:///x", "hdfs://name:8020/x", "dbfs:/x",
		} {
			e, err := s.CreateExperiment(t.Context(), tracking.CreateExperiment{Name: location, ArtifactLocation: location})
			require.NoError(t, err)
			require.Equal(t, location, e.ArtifactLocation)
			r := newRunIn(t, s, e.ID)
			m, err := s.CreateLoggedModel(t.Context(), tracking.CreateLoggedModel{SourceRunID: r.RunID, Name: "m"})
			require.NoError(t, err)
			for _, at := range []string{r.ArtifactLocation, m.ArtifactLocation} {
				_, err = artifact.Root(at)
				requireKind(t, errs.Unsupported, err, "outside of this server")
			}
			if location == "s3://bucket/team/x/" {
				require.Equal(t, "s3://bucket/team/x/"+r.RunID+"/artifacts", r.ArtifactLocation)
				require.Equal(t, "s3://bucket/team/x/models/"+m.ModelID+"/artifacts", m.ArtifactLocation)
			}
			_, err = s.DeleteExperiment(t.Context(), e.ID)
			require.NoError(t, err)
			_, err = s.CreateLoggedModel(t.Context(), tracking.CreateLoggedModel{ExperimentID: &e.ID, Name: "late"})
			requireKind(t, errs.Conflict, err, "must be in the 'active' state")
		}
		zero := 0
		_, err := s.CreateLoggedModel(t.Context(), tracking.CreateLoggedModel{
			ExperimentID: &zero, Params: []tracking.Param{{Key: "a", Value: "1"}, {Key: "a", Value: "1"}},
		})
		requireKind(t, errs.Invalid, err, "Duplicate parameter keys")
	})
}

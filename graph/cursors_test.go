package graph_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/gc"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// forged makes a cursor of a sequence, of a run where it is one's.
func forged(t *testing.T, version byte, run string, sequence uint64) string {
	t.Helper()
	raw, err := hex.DecodeString(run)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(append([]byte{version}, raw...), sequence))
}

// TestCursorsThatLeadNowhereAreRefused: whatever would pass over what comes is refused before anything is sent.
func TestCursorsThatLeadNowhereAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		run := s.newRun(tracking.CreateRun{})
		s.logPoints(run, "loss", 0, 1, 2, 3)
		s.appendLog(run, "epoch 1\n")
		const ahead = 1 << 40
		for name, c := range map[string]struct {
			query string
			v     vars
			says  string
		}{
			"runs, ahead":        {runsChanged, vars{"after": forged(t, 1, "", ahead)}, "behind the newest change"},
			"runs, the largest":  {runsChanged, vars{"after": forged(t, 1, "", 1<<63-1)}, "behind the newest change"},
			"runs, too large":    {runsChanged, vars{"after": forged(t, 1, "", 1<<63)}, "not a cursor"},
			"runs, a log's":      {runsChanged, vars{"after": forged(t, 2, run, 1)}, "not a cursor"},
			"runs, no base64":    {runsChanged, vars{"after": "?"}, "not a cursor"},
			"versions, ahead":    {modelVersionsChanged, vars{"after": forged(t, 1, "", ahead)}, "behind the newest change"},
			"versions, points'":  {modelVersionsChanged, vars{"after": metric.Cursor{run: 1}.String()}, "not a cursor"},
			"points, ahead":      {metricsAppended, vars{"runs": []string{run}, "after": metric.Cursor{run: 2}.String()}, "behind the newest points of run " + run},
			"points, far ahead":  {metricsAppended, vars{"runs": []string{run}, "after": metric.Cursor{run: ahead}.String()}, "behind the newest points"},
			"points, a change's": {metricsAppended, vars{"runs": []string{run}, "after": forged(t, 1, "", 1)}, "not a cursor"},
			"log, ahead":         {runLogAppended, vars{"run": run, "after": forged(t, 2, run, 2)}, "behind the newest output"},
			"log, points'":       {runLogAppended, vars{"run": run, "after": metric.Cursor{run: 1}.String()}, "not a cursor"},
		} {
			for transport, open := range transports() {
				got := open(t, s, c.query, c.v)
				r, done := got.next(t)
				require.False(t, done)
				require.Len(t, r.Errors, 1, "%s, %s: %s", transport, name, r.Data)
				require.Equal(t, "INVALID_ARGUMENT", r.Errors[0].Extensions.Code, "%s, %s", transport, name)
				require.Equal(t, "after", r.Errors[0].Extensions.Field, "%s, %s", transport, name)
				require.Contains(t, r.Errors[0].Message, c.says, "%s, %s", transport, name)
				_, done = got.next(t)
				require.True(t, done, "%s, %s: completed behind the error", transport, name)
			}
		}
		require.Zero(t, s.deps.Hub.Len(), "nothing is followed")
	})
}

// TestCursorFromBeforeAPurge: of a run that was removed for good nobody can tell any more that it left, so who did not read that before
// is told to begin again; who follows other experiments is not disturbed.
func TestCursorFromBeforeAPurge(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		other := must[struct{ CreateExperiment struct{ ExperimentID string } }](s,
			`mutation { createExperiment(input: {name: "other"}) { experimentId } }`, nil).CreateExperiment.ExperimentID
		before := nextChange(t, s.connect(t).subscribe(t, "1", runsChanged, nil)).RunsChanged.Cursor
		run := s.newRun(tracking.CreateRun{})
		_, err := s.deps.Tracking.DeleteRun(admin(), run)
		require.NoError(t, err)
		behind := nextChange(t, s.connect(t).subscribe(t, "1", runsChanged, vars{"after": before}))
		require.Len(t, behind.RunsChanged.Changes, 1)
		require.Equal(t, "LEFT", behind.RunsChanged.Changes[0].Kind)

		removed, _, err := s.deps.Garbage.Collect(admin(), gc.Options{Before: time.Now().Add(time.Second)})
		require.NoError(t, err)
		require.EqualValues(t, 1, removed.Runs)
		for name, experiments := range map[string][]string{"all": nil, "the run's": {"0"}, "several": {other, "0"}} {
			for transport, open := range transports() {
				r, _ := open(t, s, runsChanged, vars{"after": before, "experiments": experiments}).next(t)
				require.Len(t, r.Errors, 1, "%s, %s: %s", transport, name, r.Data)
				require.Equal(t, "INVALID_ARGUMENT", r.Errors[0].Extensions.Code)
				require.Contains(t, r.Errors[0].Message, "too old", "%s, %s", transport, name)
			}
		}
		next := s.newRun(tracking.CreateRun{ExperimentName: "other"})
		for name, v := range map[string]vars{
			"what was read": {"after": behind.RunsChanged.Cursor}, "another experiment": {"after": before, "experiments": []string{other}},
		} {
			e := nextChange(t, s.connect(t).subscribe(t, "1", runsChanged, v))
			require.Equal(t, next, e.RunsChanged.Changes[0].RunID, name)
		}
		versions := s.connect(t).subscribe(t, "1", modelVersionsChanged, vars{"after": before})
		_, err = s.deps.Registry.CreateVersion(admin(), registry.CreateVersion{Name: "iris", Source: "s3://b/iris", CreateModel: true})
		require.NoError(t, err)
		r, _ := versions.next(t)
		require.Empty(t, r.Errors, "runs that were removed do not matter to those who follow versions")
	})
}

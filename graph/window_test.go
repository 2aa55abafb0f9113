package graph_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/metricgoal"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

const shownFields = ` { runId name status stage: tag(key: "stage") acc: metric(key: "acc") { last { value } max { value } } }`

const windowChanged = `subscription($experiments: [ID!], $filter: String, $topLevel: Boolean! = false, $first: Int, $orderBy: [String!], $maxRate: Float) {
	runsChanged(experiments: $experiments, filter: $filter, topLevel: $topLevel, first: $first, orderBy: $orderBy, maxRate: $maxRate) {
		cursor reset changes { kind runId index run` + shownFields + ` } } }`

const windowSearched = `query($experiments: [ID!], $filter: String, $topLevel: Boolean! = false, $first: Int, $orderBy: [String!]) {
	runs(experiments: $experiments, filter: $filter, topLevel: $topLevel, first: $first, orderBy: $orderBy) { edges { node` + shownFields + ` } } }`

// shownRun is what a client shows of a run.
type shownRun struct {
	RunID, Name, Status string
	Stage               *string
	Acc                 *struct {
		Last struct{ Value any }
		Max  struct{ Value any }
	}
}

// leaderboard is a client that keeps a list by the rule of the schema.
type leaderboard struct {
	stream
	query vars
	list  []shownRun
	begun bool
	// events counts those that came.
	events int
}

func (l *leaderboard) apply(t *testing.T) {
	t.Helper()
	r, done := l.next(t)
	require.False(t, done)
	require.Empty(t, r.Errors)
	var event struct {
		RunsChanged struct {
			Reset   bool
			Changes []struct {
				Kind, RunID string
				Index       *int
				Run         *shownRun
			}
		}
	}
	require.NoError(t, json.Unmarshal(r.Data, &event))
	l.events++
	require.Equal(t, !l.begun, event.RunsChanged.Reset, "the first event begins the list, and no other")
	if event.RunsChanged.Reset {
		l.list = nil
	}
	l.begun = true
	for _, c := range event.RunsChanged.Changes {
		at := slices.IndexFunc(l.list, func(r shownRun) bool { return r.RunID == c.RunID })
		require.Equal(t, c.Kind == "ENTERED", at < 0, "%s %s", c.Kind, c.RunID)
		if at >= 0 {
			l.list = slices.Delete(l.list, at, at+1)
		}
	}
	last := -1
	for _, c := range event.RunsChanged.Changes {
		require.Equal(t, c.Kind == "LEFT", c.Index == nil)
		require.Equal(t, c.Kind == "LEFT", c.Run == nil)
		if c.Index != nil {
			require.Greater(t, *c.Index, last, "by their index")
			last = *c.Index
			l.list = slices.Insert(l.list, *c.Index, *c.Run)
		}
	}
}

// follow reads events until the list is what a search gives.
func (l *leaderboard) follow(t *testing.T, s *server) {
	t.Helper()
	found := must[struct {
		Runs struct{ Edges []struct{ Node shownRun } }
	}](s, windowSearched, l.query)
	want := make([]shownRun, len(found.Runs.Edges))
	for i, e := range found.Runs.Edges {
		want[i] = e.Node
	}
	for !l.begun || !slices.EqualFunc(want, l.list, sameShown) {
		l.apply(t)
	}
}

func sameShown(a, b shownRun) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// TestFirstRunsOfAnOrder: whatever happens to runs, a client that applies the events has the list that a search gives, with all
// that is shown of each run.
func TestFirstRunsOfAnOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		w := newRunWorld(t, s, rand.New(rand.NewPCG(seed, 0)))
		mine, both := []any{w.experiments[0]}, []any{w.experiments[0], w.experiments[1]}
		for range 4 {
			w.change(t)
		}
		var boards []*leaderboard
		for _, query := range []vars{
			{"experiments": mine, "first": 5, "orderBy": []string{"metrics.acc DESC"}},
			{"experiments": mine, "first": 3, "filter": "tags.stage = 'a'"},
			{"experiments": both, "first": 4, "orderBy": []string{"best(metrics.acc) DESC"}},
			{"experiments": mine, "first": 4, "topLevel": true, "orderBy": []string{"start_time ASC"}, "maxRate": 8},
			{"experiments": both, "first": 500, "filter": "status = 'RUNNING' or metrics.acc > 0.5"},
			{"first": 1, "orderBy": []string{"attributes.run_name"}},
		} {
			boards = append(boards, &leaderboard{stream: s.connect(t).subscribe(t, "1", windowChanged, query), query: query})
		}
		for range 12 {
			for range w.random.IntN(6) {
				w.change(t)
			}
			for _, b := range boards {
				b.follow(t, s)
			}
		}
	})
}

// runWorld changes runs at random.
type runWorld struct {
	server      *server
	random      *rand.Rand
	experiments []int
	deleted     [2]bool
	runs        []string
	step        int64
}

func newRunWorld(t *testing.T, s *server, random *rand.Rand) *runWorld {
	t.Helper()
	w := &runWorld{server: s, random: random}
	for _, name := range []string{"mine", "other"} {
		e, err := s.deps.Tracking.CreateExperiment(admin(), tracking.CreateExperiment{Name: name})
		require.NoError(t, err)
		w.experiments = append(w.experiments, e.ID)
		_, err = s.deps.Tracking.SetMetricGoal(admin(), e.ID, "acc", metricgoal.GoalMAXIMIZE)
		require.NoError(t, err)
	}
	return w
}

// change does something; what cannot be done, as of what is deleted, is refused and changes nothing.
func (w *runWorld) change(t *testing.T) {
	t.Helper()
	core, which := w.server.deps.Tracking, w.random.IntN(2)
	pick := func() string { return w.runs[w.random.IntN(len(w.runs))] }
	kind := w.random.IntN(20)
	if kind < 4 || len(w.runs) == 0 {
		if w.deleted[which] {
			return
		}
		in := tracking.CreateRun{ExperimentID: &w.experiments[which], Name: string(rune('a' + w.random.IntN(26)))}
		if len(w.runs) > 0 && w.random.IntN(3) == 0 {
			in.ParentRunID = pick()
		}
		w.runs = append(w.runs, w.server.newRun(in))
		return
	}
	id, stage := pick(), string(rune('a'+w.random.IntN(2)))
	status := []run.Status{run.StatusRUNNING, run.StatusFINISHED}[w.random.IntN(2)]
	switch {
	case kind < 10:
		r, err := core.Run(admin(), id)
		require.NoError(t, err)
		if r.LifecycleStage == run.LifecycleStageActive {
			w.server.logPoints(id, "acc", w.step, float64(w.random.IntN(8))/8, float64(w.random.IntN(8))/8)
			w.step += 2
		}
	case kind < 12:
		_ = core.SetTag(admin(), id, "stage", stage)
	case kind < 14:
		_, _ = core.UpdateRun(admin(), tracking.UpdateRun{RunID: id, Name: &stage, Status: &status})
	case kind < 16:
		_, err := core.DeleteRun(admin(), id)
		require.NoError(t, err)
	case kind < 18:
		_, _ = core.RestoreRun(admin(), id)
	case kind < 19:
		goal := []metricgoal.Goal{metricgoal.GoalMINIMIZE, metricgoal.GoalMAXIMIZE}[w.random.IntN(2)]
		for _, e := range w.experiments { // best() of two experiments needs one direction
			_, _ = core.SetMetricGoal(admin(), e, "acc", goal)
		}
	case w.deleted[which]:
		_, err := core.RestoreExperiment(admin(), w.experiments[which])
		require.NoError(t, err)
		w.deleted[which] = false
	default:
		_, err := core.DeleteExperiment(admin(), w.experiments[which])
		require.NoError(t, err)
		w.deleted[which] = true
	}
}

func TestWindowArguments(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	const query = `subscription($first: Int, $orderBy: [String!], $after: String, $maxRate: Float) {
		runsChanged(first: $first, orderBy: $orderBy, after: $after, maxRate: $maxRate) { cursor } }`
	for name, c := range map[string]struct {
		v           vars
		field, says string
	}{
		"order alone":       {vars{"orderBy": []string{"start_time"}}, "orderBy", "goes with first alone"},
		"cursor":            {vars{"first": 3, "after": "AQE"}, "after", "does not go with first"},
		"wrong order":       {vars{"first": 3, "orderBy": []string{"metrics."}}, "orderBy[0]", "expected"},
		"rate of nothing":   {vars{"maxRate": 0}, "maxRate", "at least 0.01 events a second"},
		"rate that is less": {vars{"first": 3, "maxRate": -1}, "maxRate", "at least 0.01 events a second"},
	} {
		got := s.connect(t).subscribe(t, "1", query, c.v)
		r, _ := got.next(t)
		require.Len(t, r.Errors, 1, "%s: %s", name, r.Data)
		require.Equal(t, "INVALID_ARGUMENT", r.Errors[0].Extensions.Code, name)
		require.Equal(t, c.field, r.Errors[0].Extensions.Field, name)
		require.Contains(t, r.Errors[0].Message, c.says, name)
	}
	refused, _ := s.fails(query, vars{"first": 501})
	require.Equal(t, "first: is 501; it is from 1 to 500", refused.Message)
	eventually(t, func() bool { return s.deps.Hub.Len() == 0 }, "nothing is followed any more")
}

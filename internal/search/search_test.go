package search

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/dataset"
	"github.com/cairnml/cairn/ent/experiment"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/metricseries"
	"github.com/cairnml/cairn/ent/predicate"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

func datasetNamed(experiment int, name string) predicate.Dataset {
	return dataset.And(dataset.ExperimentID(experiment), dataset.Name(name))
}

// Whatever is asked, in whatever order and size of pages, both databases find what the plain evaluation finds.
func TestRunsEqualNaiveSearch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newWorld(t, db, 60)
		experiments := experimentsOf(n)
		key := func(from []string) *rapid.Generator[string] {
			return rapid.SampledFrom(append(slices.Clone(from), "missing"))
		}
		gen := filterGen{
			metrics: key(metricKeys), params: key(paramKeys), tags: key(tagKeys),
			texts:   rapid.SampledFrom(append(append(slices.Clone(texts), patterns...), "RUNNING", "data1", "d0", "train", n.runs[0].id)),
			numbers: rapid.SampledFrom([]float64{0, 1, -1, 0.5, 2, 1e300, -1e300, 3, 0.1, 1.5, 10, 1e18, -1e19, 2.5}),
		}
		rapid.Check(t, func(t *rapid.T) {
			e := randomFilter(t, gen)
			order := randomOrder(t, gen)
			q := RunsQuery{
				Filter: e.String(), OrderBy: make([]string, len(order)),
				View:         rapid.SampledFrom([]View{Active, Deleted, All}).Draw(t, "view"),
				ParamsAsText: rapid.Bool().Draw(t, "params as text"),
				TopLevel:     rapid.Bool().Draw(t, "top level"),
			}
			for i, term := range order {
				q.OrderBy[i] = term.String()
			}
			if rapid.Bool().Draw(t, "some experiments") {
				q.Experiments = rapid.SliceOfDistinct(rapid.SampledFrom(experiments), rapid.ID).Draw(t, "experiments")
			}
			want := n.find(e, order, q.View, q.Experiments, q.ParamsAsText)
			if q.TopLevel {
				want = slices.DeleteFunc(want, n.isChild)
			}
			// Pieces of a few runs show at 60 what else shows at a million.
			s := New(db)
			s.pieces = rapid.SampledFrom([]pieces{
				s.pieces, {least: 3, most: 3, sorted: 3, counted: 1}, {least: 4, most: 16, sorted: 5, counted: 20}, {least: 5, most: 50, sorted: 2},
			}).Draw(t, "pieces")
			got := allPages(t, s, q, rapid.SampledFrom([]int{2, 7, 20, 100}).Draw(t, "page size"))
			require.Equal(t, want, got, "%s ORDER BY %v", q.Filter, q.OrderBy)
			count, err := s.CountRuns(context.Background(), q)
			require.NoError(t, err)
			require.Equal(t, len(want), count)

			var asked []string
			for i, r := range n.runs {
				if i%3 == 0 {
					asked = append(asked, r.id)
				}
			}
			matching, err := s.MatchRuns(context.Background(), q, asked)
			require.NoError(t, err)
			require.Equal(t, slices.DeleteFunc(asked, func(id string) bool { return !slices.Contains(want, id) }), idsOf(matching))
		})
	})
}

func randomOrder(t *rapid.T, gen filterGen) []OrderTerm {
	var order []OrderTerm
	for range rapid.IntRange(0, 3).Draw(t, "order terms") {
		term := OrderTerm{Operand: gen.operand(t, false), Desc: rapid.Bool().Draw(t, "desc")}
		if !slices.ContainsFunc(order, func(o OrderTerm) bool { return o.Operand == term.Operand }) {
			order = append(order, term)
		}
	}
	return order
}

func TestRunsDefaults(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newWorld(t, db, 9)
		s := New(db)
		page, err := s.Runs(context.Background(), RunsQuery{First: 100})
		require.NoError(t, err)
		require.False(t, page.HasNext)
		require.Equal(t, n.find(&And{}, nil, Active, nil, false), idsOf(page.Runs))

		none, err := s.Runs(context.Background(), RunsQuery{First: 1, Experiments: []int{}})
		require.NoError(t, err)
		require.Empty(t, none.Runs, "an empty list of experiments is none, not all")
	})
}

// A run that nobody touches stands on exactly one page while others are made, removed and moved, however its place is found: in
// the order of an index, piece by piece or at once, from a set, or by a look at all.
func TestPagesAreStableUnderWrites(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newWorld(t, db, 30)
		s := New(db)
		few := New(db)
		few.pieces = pieces{least: 3, most: 5, sorted: 3, counted: 40}
		r := rand.New(rand.NewPCG(3, 3))
		for _, q := range []RunsQuery{
			{OrderBy: []string{"metrics.acc DESC", "params.depth"}, View: All},
			{OrderBy: []string{"params.depth", "tags.team DESC"}, View: All},
			{Filter: "metrics.acc is not null", OrderBy: []string{"user_id"}, View: All},
			{OrderBy: []string{"run_id"}, View: All},
		} {
			for _, s := range []*Searcher{s, few} {
				pagesAmongWrites(t, s, db, n, r, q)
			}
		}
	})
}

func pagesAmongWrites(t *testing.T, s *Searcher, db *store.DB, n *naive, r *rand.Rand, q RunsQuery) {
	t.Helper()
	filter, err := Parse(OfRuns, q.Filter)
	require.NoError(t, err)
	touched, seen, all := map[string]bool{}, map[string]int{}, slices.Clone(n.runs)
	q.First = 4
	for {
		page, err := s.Runs(context.Background(), q)
		require.NoError(t, err)
		for _, found := range page.Runs {
			seen[found.RunID]++
		}
		if !page.HasNext {
			break
		}
		q.After = page.Cursors[len(page.Cursors)-1]
		moved, removed := n.runs[r.IntN(len(n.runs))], n.runs[r.IntN(len(n.runs))]
		touched[moved.id], touched[removed.id] = true, true
		added := []*naiveRun{randomRun(r, moved.experiment), randomRun(r, moved.experiment)}
		all = append(all, added...)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.Ent().Run.Update().Where(run.RunID(moved.id)).SetStartTime(99).SetUserID("moved").Exec(ctx); err != nil {
				return err
			}
			if err := tx.Ent().MetricSeries.Update().Where(metricseries.HasRunWith(run.RunID(moved.id))).SetLastValue(0.5).
				Exec(ctx); err != nil {
				return err
			}
			if _, err := tx.Ent().Run.Delete().Where(run.RunID(removed.id)).Exec(ctx); err != nil {
				return err
			}
			return errors.Join(storeRun(ctx, tx, added[0]), storeRun(ctx, tx, added[1]))
		})
	}
	untouched := 0
	for _, nr := range n.runs {
		if !touched[nr.id] && n.matches(nr, filter) {
			untouched++
			require.Equal(t, 1, seen[nr.id], "%+v", q)
		}
	}
	require.Positive(t, untouched)
	// The next goes on with those that are as they are known.
	n.runs = slices.DeleteFunc(all, func(nr *naiveRun) bool { return touched[nr.id] })
}

// The dearest pattern that is allowed, on the longest value that is stored, takes a moment.
func TestPatternsAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			long := strings.Repeat("a", 65_536)
			return storeRun(ctx, tx, &naiveRun{id: strings.Repeat("0", 32), status: "FINISHED", tags: map[string]string{"long": long}})
		})
		for _, pattern := range []string{
			"%" + strings.Repeat("a", MaxPatternBytes-2) + "b", strings.Repeat("%a", MaxPatternBytes/2-1) + "b",
			strings.Repeat("%_a", MaxPatternBytes/3-1) + "b",
		} {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			count, err := New(db).CountRuns(ctx, RunsQuery{Filter: "tags.long like '" + pattern + "'"})
			cancel()
			require.NoError(t, err)
			require.Zero(t, count)
		}
	})
}

// A filter of patterns each of which is allowed takes as long as many of them on many runs: what takes too long ends, and says so.
func TestSearchesAreBoundedInTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			long := strings.Repeat("a", 65_536)
			for n := range 20 {
				run := &naiveRun{id: fmt.Sprintf("%032x", n), status: "FINISHED", tags: map[string]string{"long": long}}
				if err := storeRun(ctx, tx, run); err != nil {
					return err
				}
			}
			return nil
		})
		ctx := context.Background()
		unmet := "not tags.long like '%" + strings.Repeat("a", 100) + "b%'"
		q := RunsQuery{First: 1, Filter: strings.Repeat(unmet+" and ", MaxComparisons-1) + "tags.long = 'b'"}
		s := New(db)
		s.most = time.Nanosecond // whatever the machine, nothing is that fast
		_, err := s.Runs(ctx, q)
		require.Equal(t, errs.Exhausted, errs.KindOf(err), "%v", err)
		require.ErrorContains(t, err, "the search took longer than 1ns, which is all that one may take: search fewer experiments")
		_, err = s.CountRuns(ctx, q)
		require.Equal(t, errs.Exhausted, errs.KindOf(err), "%v", err)
		_, err = s.MatchRuns(ctx, q, []string{strings.Repeat("0", 32)})
		require.Equal(t, errs.Exhausted, errs.KindOf(err), "%v", err)
		_, err = s.CountRunsByExperiment(ctx, q, []int{1})
		require.Equal(t, errs.Exhausted, errs.KindOf(err), "%v", err)

		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err = s.Runs(ended, q)
		require.ErrorIs(t, err, context.Canceled, "who went away is told nothing")
		require.NotEqual(t, errs.Exhausted, errs.KindOf(err))
	})
}

func TestCursorsAreChecked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newWorld(t, db, 9)
		s := New(db)
		q := RunsQuery{First: 2, Filter: "start_time >= 0", OrderBy: []string{"metrics.acc", "tags.team"}}
		page, err := s.Runs(context.Background(), q)
		require.NoError(t, err)
		cursor := page.Cursors[1]

		same := q
		same.Filter, same.After, same.First = "  attributes.start_time>=0 ", cursor, 5
		_, err = s.Runs(context.Background(), same)
		require.NoError(t, err, "the same query written otherwise, and another size of the page")

		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		require.NoError(t, err)
		encode := func(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
		changed := func(i int, b byte) string {
			c := slices.Clone(raw)
			c[i] = b
			return encode(c)
		}
		for name, c := range map[string]struct {
			change func(*RunsQuery)
			want   string
		}{
			"other filter":     {func(q *RunsQuery) { q.Filter = "start_time >= 1" }, "of another query"},
			"other order":      {func(q *RunsQuery) { q.OrderBy = q.OrderBy[:1] }, "of another query"},
			"other view":       {func(q *RunsQuery) { q.View = All }, "of another query"},
			"other experiment": {func(q *RunsQuery) { q.Experiments = []int{1} }, "of another query"},
			"not base64":       {func(q *RunsQuery) { q.After = "$$$" }, "this is not a cursor"},
			"empty":            {func(q *RunsQuery) { q.After = "AA" }, "this is not a cursor"},
			"version":          {func(q *RunsQuery) { q.After = changed(0, 9) }, "this is not a cursor"},
			"cut off":          {func(q *RunsQuery) { q.After = encode(raw[:len(raw)-1]) }, "damaged"},
			"longer":           {func(q *RunsQuery) { q.After = encode(append(slices.Clone(raw), 0)) }, "damaged"},
			"NUL in a text":    {func(q *RunsQuery) { q.After = changed(len(raw)-1, 0) }, "damaged"},
			"too long":         {func(q *RunsQuery) { q.After = strings.Repeat("A", maxCursorBytes+1) }, "too long"},
		} {
			q := q
			q.After = cursor
			c.change(&q)
			_, err := s.Runs(context.Background(), q)
			require.ErrorContains(t, err, c.want, name)
			require.ErrorContains(t, err, "after: ", name)
			require.Equal(t, errs.Invalid, errs.KindOf(err), name)
		}

		// Any bytes are an error or a place, never a failure of the database.
		rapid.Check(t, func(t *rapid.T) {
			q := q
			forged := append(slices.Clone(raw[:13]), rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "bytes")...)
			q.After = encode(forged)
			_, err := s.Runs(context.Background(), q)
			require.True(t, err == nil || errs.Is(err, errs.Invalid), "%v", err)
		})
	})
}

func TestQueriesAreChecked(t *testing.T) {
	t.Parallel()
	s := New(storetest.SQLite(t))
	for want, q := range map[string]RunsQuery{
		"first: is 0; it is from 1 to 50000":         {},
		"first: is 50001; it is from 1 to 50000":     {First: MaxFirst + 1},
		"view: is \"SOME\"":                          {First: 1, View: "SOME"},
		"experiments: names 10001; at most 10000":    {First: 1, Experiments: make([]int, MaxExperiments+1)},
		"filter: at 1: unknown attribute x":          {First: 1, Filter: "x = 1"},
		"orderBy[0]: at 1: unknown attribute x":      {First: 1, OrderBy: []string{"x"}},
		"orderBy[1]: at 11: expected ASC or DESC":    {First: 1, OrderBy: []string{"run_id", "metrics.a down"}},
		"filter: at 15: expected a number to compar": {First: 1, Filter: "metrics.acc > 'a'"},
	} {
		_, err := s.Runs(context.Background(), q)
		require.ErrorContains(t, err, want)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	}
	_, err := s.MatchRuns(context.Background(), RunsQuery{}, make([]string, maxMatchRuns+1))
	require.ErrorContains(t, err, "runs: names 10001; at most 10000")
}

// The largest filter that is allowed is no more than both databases take.
func TestBounds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newWorld(t, db, 6)
		s := New(db)
		list := "run_id NOT IN (" + strings.TrimSuffix(strings.Repeat("'',", MaxListValues), ",") + ")"
		filter := strings.Repeat(list+" and ", 4) + list
		for range MaxComparisons - 5 {
			filter += " and end_time<9"
		}
		require.LessOrEqual(t, len(filter), MaxFilterBytes+600)
		filter = filter[:strings.LastIndex(filter[:min(len(filter), MaxFilterBytes)], " and")]
		deep := strings.Repeat("not (", MaxFilterDepth/2) + "metrics.acc > 1" + strings.Repeat(")", MaxFilterDepth/2)
		for _, f := range []string{filter, deep} {
			_, err := s.Runs(context.Background(), RunsQuery{
				Experiments: make([]int, MaxExperiments), Filter: f, First: MaxFirst,
				OrderBy: []string{
					"metrics.a", "metrics.b", "metrics.c", "params.a", "params.b", "params.c", "tags.a", "tags.b", "tags.c", "run_id",
				},
			})
			require.NoError(t, err)
		}
		require.NotEmpty(t, n.runs)
	})
}

func TestBestNeedsAGoal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newWorld(t, db, 30)
		s := New(db)
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			other := *n.runs[0]
			other.id, other.metrics = strings.Repeat("a", 32), map[string]series{"f1": {First: 1, Last: 1, Min: 1, Max: 2}}
			return storeRun(ctx, tx, &other)
		})
		for _, q := range []RunsQuery{
			{First: 5, Filter: "best(metrics.f1) > 0"},
			{First: 5, OrderBy: []string{"best(metrics.f1)"}},
			{First: 5, Filter: "best(metrics.f1) > 0", Experiments: []int{n.runs[0].experiment}},
		} {
			_, err := s.Runs(context.Background(), q)
			require.ErrorContains(t, err, fmt.Sprintf("setMetricGoal(experimentId: \"%d\", key: \"f1\"", n.runs[0].experiment))
			require.Equal(t, errs.Invalid, errs.KindOf(err))
		}
		others := slices.DeleteFunc(experimentsOf(n), func(id int) bool { return id == n.runs[0].experiment })
		page, err := s.Runs(context.Background(), RunsQuery{First: 5, Filter: "best(metrics.f1) > 0", Experiments: others})
		require.NoError(t, err, "an experiment without the metric needs no goal")
		require.Empty(t, page.Runs)
	})
}

func TestExperiments(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var ids []int
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			ids = nil
			// The others are made up to be of 1970: so is this one, and older.
			if _, err := tx.ExecContext(ctx, "UPDATE experiments SET created_at = 0, updated_at = 0 WHERE id = 0"); err != nil {
				return err
			}
			for i, name := range []string{"alpha", "Beta", "gamma%", "Ärger"} {
				stage := experiment.LifecycleStageActive
				if i == 2 {
					stage = experiment.LifecycleStageDeleted
				}
				e, err := tx.Ent().Experiment.Create().SetName(name).SetArtifactLocation("x").SetLifecycleStage(stage).
					SetCreatedAt(int64(10 + i/2)).SetUpdatedAt(int64(50 - i)).Save(ctx)
				if err != nil {
					return err
				}
				ids = append(ids, e.ID)
				if i != 1 {
					if err := tx.Ent().ExperimentTag.Create().SetExperimentID(e.ID).SetKey("team").
						SetValue([]string{"red", "", "blue", "Red"}[i]).Exec(ctx); err != nil {
						return err
					}
				}
			}
			return nil
		})
		s := New(db)
		for _, c := range []struct {
			q    ExperimentsQuery
			want []string
		}{
			{ExperimentsQuery{}, []string{"Ärger", "alpha", "Beta", "Default"}},
			{ExperimentsQuery{View: Deleted}, []string{"gamma%"}},
			{ExperimentsQuery{View: All}, []string{"gamma%", "Ärger", "alpha", "Beta", "Default"}},
			{ExperimentsQuery{OrderBy: []string{"name"}}, []string{"Beta", "Default", "alpha", "Ärger"}},
			{ExperimentsQuery{OrderBy: []string{"tags.team desc"}}, []string{"alpha", "Ärger", "Beta", "Default"}},
			{ExperimentsQuery{OrderBy: []string{"last_update_time DESC"}}, []string{"alpha", "Beta", "Ärger", "Default"}},
			{ExperimentsQuery{OrderBy: []string{"experiment_id"}}, []string{"Default", "alpha", "Beta", "Ärger"}},
			{ExperimentsQuery{Filter: "name LIKE '%a'"}, []string{"alpha", "Beta"}},
			{ExperimentsQuery{Filter: "name ILIKE 'b%'"}, []string{"Beta"}},
			{ExperimentsQuery{Filter: "tags.team ilike 'RED'"}, []string{"Ärger", "alpha"}},
			{ExperimentsQuery{Filter: "tag.team IS NULL"}, []string{"Beta", "Default"}},
			{ExperimentsQuery{Filter: "creation_time < 11 and creation_time >= 9.5"}, []string{"alpha", "Beta"}},
			{ExperimentsQuery{Filter: "experiment_id IN ('0', " + quote(ids[1]) + ")"}, []string{"Beta", "Default"}},
			{ExperimentsQuery{Filter: "attribute.name = 'alpha' or experiment_id = " + quote(ids[1])}, []string{"alpha", "Beta"}},
		} {
			var got []string
			for _, size := range []int{1, 3, 50} {
				got = nil
				c.q.First, c.q.After = size, ""
				for {
					page, err := s.Experiments(context.Background(), c.q)
					require.NoError(t, err)
					for _, e := range page.Experiments {
						got = append(got, e.Name)
					}
					if !page.HasNext {
						break
					}
					c.q.After = page.Cursors[len(page.Cursors)-1]
				}
				require.Equal(t, c.want, got, "%+v", c.q)
			}
			count, err := s.CountExperiments(context.Background(), c.q)
			require.NoError(t, err)
			require.Equal(t, len(c.want), count)
		}
		for _, q := range []ExperimentsQuery{{}, {First: 1, View: "x"}, {First: 1, Filter: "metrics.a > 1"}, {First: 1, After: "x"}} {
			_, err := s.Experiments(context.Background(), q)
			require.Equal(t, errs.Invalid, errs.KindOf(err))
		}
	})
}

func TestLoggedModels(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			for i, name := range []string{"a", "b", "c", "deleted"} {
				if err := storeModel(ctx, tx, i, name); err != nil {
					return err
				}
			}
			return nil
		})
		s := New(db)
		train, test := DatasetFilter{Name: "train", Digest: "d"}, DatasetFilter{Name: "test"}
		for _, c := range []struct {
			q    LoggedModelsQuery
			want string
		}{
			{LoggedModelsQuery{}, "cab"}, // newest first; a and b of the same time by model id
			{LoggedModelsQuery{Filter: "name != 'a'"}, "cb"},
			{LoggedModelsQuery{Filter: "source_run_id = 'run0' and status = 'READY'"}, "a"},
			{LoggedModelsQuery{Filter: "model_id IN ('m-0', 'm-2')"}, "ca"},
			{LoggedModelsQuery{Filter: "params.p = '1'"}, "b"},
			{LoggedModelsQuery{Filter: "tags.t LIKE 'v%' and tags.t != 'v0'"}, "cb"},
			{LoggedModelsQuery{Filter: "creation_time > 100"}, "c"},
			{LoggedModelsQuery{Filter: "metrics.acc > 0.5"}, "ab"}, // one point that matches is enough
			{LoggedModelsQuery{Filter: "metrics.acc > 0.5", Datasets: []DatasetFilter{test}}, "b"},
			{LoggedModelsQuery{Filter: "metrics.acc > 0.5 or name = 'c'", Datasets: []DatasetFilter{test}}, "cb"},
			{LoggedModelsQuery{Filter: "name != 'zzz'", Datasets: []DatasetFilter{train}}, "ab"},
			{LoggedModelsQuery{Datasets: []DatasetFilter{{Name: "train", Digest: "other"}}}, ""},
			{LoggedModelsQuery{Filter: "metrics.nan != 1"}, "c"},
			{LoggedModelsQuery{Filter: "metrics.nan < 1 or metrics.nan >= 1"}, ""},
			{LoggedModelsQuery{OrderBy: []string{"metrics.acc"}}, "abc"}, // newest points: 0.1, 0.6, none
			{LoggedModelsQuery{OrderBy: []string{"metrics.acc DESC"}}, "bac"},
			{LoggedModelsQuery{OrderBy: []string{"metrics.acc"}, OrderDatasets: map[int]DatasetFilter{0: train}}, "bac"},
			{LoggedModelsQuery{OrderBy: []string{"metrics.nan"}}, "cab"}, // NaN before none
			{LoggedModelsQuery{OrderBy: []string{"name DESC"}}, "cba"},
			{LoggedModelsQuery{OrderBy: []string{"tags.t"}}, "abc"},
			{LoggedModelsQuery{Experiments: []int{0}}, "cab"},
			{LoggedModelsQuery{Experiments: []int{1}}, ""},
		} {
			for _, size := range []int{1, 2, 50} {
				got := ""
				c.q.First, c.q.After = size, ""
				for {
					page, err := s.LoggedModels(context.Background(), c.q)
					require.NoError(t, err)
					for _, m := range page.LoggedModels {
						got += m.Name
					}
					if !page.HasNext {
						break
					}
					c.q.After = page.Cursors[len(page.Cursors)-1]
				}
				require.Equal(t, c.want, got, "%+v", c.q)
			}
		}
		for want, q := range map[string]LoggedModelsQuery{
			"datasets[0]: needs the name":        {First: 1, Datasets: []DatasetFilter{{Digest: "x"}}},
			"datasets: names 101; at most 100":   {First: 1, Datasets: make([]DatasetFilter, 101)},
			"orderBy[0]: names a dataset, which": {First: 1, OrderBy: []string{"name"}, OrderDatasets: map[int]DatasetFilter{0: train}},
			"filter: at 1: max() is for runs":    {First: 1, Filter: "max(metrics.a) > 1"},
			"datasets[0]: holds a NUL":           {First: 1, Datasets: []DatasetFilter{{Name: "\x00"}}},
		} {
			_, err := s.LoggedModels(context.Background(), q)
			require.ErrorContains(t, err, want)
		}
	})
}

func storeModel(ctx context.Context, tx *store.Tx, i int, name string) error {
	stage := loggedmodel.LifecycleStageActive
	if name == "deleted" {
		stage = loggedmodel.LifecycleStageDeleted
	}
	m, err := tx.Ent().LoggedModel.Create().SetModelID(fmt.Sprintf("m-%d", i)).SetExperimentID(0).SetName(name).
		SetSourceRunID(fmt.Sprintf("run%d", i)).SetStatus(loggedmodel.StatusREADY).SetArtifactLocation("x").
		SetLifecycleStage(stage).SetCreatedAt(int64(100 + i/2)).SetUpdatedAt(1).Save(ctx)
	if err != nil {
		return err
	}
	if err := tx.Ent().LoggedModelParam.Create().SetLoggedModelID(m.ID).SetKey("p").SetValue(fmt.Sprint(i)).Exec(ctx); err != nil {
		return err
	}
	if err := tx.Ent().LoggedModelTag.Create().SetLoggedModelID(m.ID).SetKey("t").SetValue(fmt.Sprintf("v%d", i)).Exec(ctx); err != nil {
		return err
	}
	point := func(key string, time int64, dataset string) *ent.LoggedModelMetricCreate {
		return tx.Ent().LoggedModelMetric.Create().SetLoggedModelID(m.ID).SetRunID("r").SetKey(key).SetTimestamp(time).SetStep(0).
			SetDatasetName(dataset).SetDatasetDigest("d")
	}
	var points []*ent.LoggedModelMetricCreate
	switch i {
	case 0:
		points = append(points, point("acc", 1, "train").SetValue(0.9), point("acc", 2, "test").SetValue(0.1))
	case 1:
		points = append(points, point("acc", 1, "train").SetValue(0.2), point("acc", 2, "test").SetValue(0.6))
	case 2:
		points = append(points, point("nan", 1, ""))
	}
	return tx.Ent().LoggedModelMetric.CreateBulk(points...).Exec(ctx)
}

// A fraction compared with whole numbers, and a number that fits none, mean what they mean in arithmetic.
func TestFractionsOfIntegers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			for start := range int64(5) {
				nr := &naiveRun{id: fmt.Sprintf("%032x", start), start: start - 2, status: "FINISHED"}
				if err := storeRun(ctx, tx, nr); err != nil {
					return err
				}
			}
			return nil
		})
		s := New(db)
		for filter, want := range map[string]int{
			"start_time > 0.5":                              2,
			"start_time >= 0.5":                             2,
			"start_time < 0.5":                              3,
			"start_time <= 0.5":                             3,
			"start_time < -0.5":                             2,
			"start_time > -0.5":                             3,
			"start_time = 0.5":                              0,
			"start_time != 0.5":                             5,
			"start_time = 1.0":                              1,
			"start_time <= 1e0":                             4,
			"start_time < 1e300":                            5,
			"start_time > 1e300":                            0,
			"start_time > -1e300":                           5,
			"start_time <= -1e300":                          0,
			"start_time >= 9223372036854775807":             0,
			"start_time < 99999999999999999999":             5,
			"start_time > -9223372036854775808":             5,
			"start_time in (0.5, 1)":                        1,
			"start_time in (0.5)":                           0,
			"start_time not in (0.5)":                       5,
			"start_time not in (0.5, 1, 2.0)":               3,
			"end_time > -1e300":                             0,
			"not (end_time > -1e300)":                       5,
			"end_time is null and end_time != 3":            0,
			"run_id in ('" + strings.Repeat("0", 32) + "')": 1,
		} {
			n, err := s.CountRuns(context.Background(), RunsQuery{Filter: filter})
			require.NoError(t, err, filter)
			require.Equal(t, want, n, filter)
		}
	})
}

// Texts are ordered alike on every PostgreSQL, whatever language its databases were made for.
func TestTextsAreOrderedByTheirBytes(t *testing.T) {
	t.Parallel()
	order, err := ParseOrder(OfRuns, []string{"params.a", "tags.a", "run_name", "run_id"})
	require.NoError(t, err)
	a := arranger{subject: subjects[OfRuns], guide: store.Guide{Postgres: true}}
	for i, term := range order {
		a.term(i, term)
	}
	collated := 0
	for _, c := range a.columns {
		if c.typ == textKey && strings.HasSuffix(c.expr, ` COLLATE "C"`) {
			collated++
		}
	}
	require.Equal(t, 3, collated, "all but run_id, whose digits every collation orders alike")
}

// The pages of many parents at once are those that each gives alone.
func TestPartitionsEqualSearchesOneByOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newWorld(t, db, 45)
		s := New(db)
		ctx := context.Background()
		experiments := append(experimentsOf(n), 0)
		q := RunsQuery{First: 4, View: All, TopLevel: true, Filter: "best(metrics.acc) > -5 or params.depth is null", OrderBy: []string{"params.model DESC", "tags.team"}}
		pages, err := s.RunsByExperiment(ctx, q, experiments)
		require.NoError(t, err)
		counts, err := s.CountRunsByExperiment(ctx, q, experiments)
		require.NoError(t, err)
		for _, id := range experiments {
			q.Experiments = []int{id}
			alone, err := s.Runs(ctx, q)
			require.NoError(t, err)
			require.Equal(t, idsOf(alone.Runs), idsOf(pages[id].Runs))
			require.Equal(t, alone.HasNext, pages[id].HasNext)
			require.Len(t, pages[id].Cursors, len(alone.Cursors))
			for i, c := range alone.Cursors {
				require.Equal(t, c, pages[id].Cursors[i])
			}
			count, err := s.CountRuns(ctx, q)
			require.NoError(t, err)
			require.Equal(t, count, counts[id])
		}

		var parents []string
		write(t, db, func(ctx context.Context, tx *store.Tx) error {
			parents = nil
			for i, nr := range n.runs {
				parents = append(parents, nr.id)
				if err := tx.Ent().Run.Update().Where(run.RunID(nr.id)).SetParentRunID(n.runs[i/5].id).Exec(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		each, err := s.ChildrenOfEach(ctx, parents, 3)
		require.NoError(t, err)
		number, err := s.CountChildren(ctx, parents)
		require.NoError(t, err)
		for i, parent := range parents {
			alone, err := s.Children(ctx, parent, 3, "")
			require.NoError(t, err)
			require.Equal(t, idsOf(alone.Runs), idsOf(each[parent].Runs))
			require.Equal(t, alone.HasNext, each[parent].HasNext)
			got, after := 0, ""
			for more := true; more; {
				page, err := s.Children(ctx, parent, 2, after)
				require.NoError(t, err)
				got, more = got+len(page.Runs), page.HasNext
				if more {
					after = page.Cursors[len(page.Cursors)-1]
				}
			}
			require.Equal(t, number[parent], got)
			if i >= 9 {
				require.Zero(t, got)
			}
		}
	})
}

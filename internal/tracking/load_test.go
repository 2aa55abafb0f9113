package tracking_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// loaded is a run both as it is loaded and as a sequence of requests.
type loaded struct {
	tracking.LoadRun
	batches [][]metric.Columns
}

func (l loaded) metrics() iter.Seq2[[]metric.Columns, error] {
	return func(yield func([]metric.Columns, error) bool) {
		for _, b := range l.batches {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// someRuns makes runs of all sorts: points that repeat, go back and change their scale; NaN, infinities and roles; no points
// at all; deleted and failed runs; parents, odd names, params that are numbers and those of an adapter.
func someRuns(n int) []loaded {
	random := rand.New(rand.NewPCG(3, 4))
	values := []float64{0.25, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, 5e-324, math.Copysign(0, -1), 3}
	var out []loaded
	for i := range n {
		l := loaded{LoadRun: tracking.LoadRun{
			RunID: fmt.Sprintf("%032x", random.Uint64()), Name: fmt.Sprintf("лауф %d", i), UserID: "ada", StartTime: int64(1000 + i),
			Status:       []run.Status{run.StatusRUNNING, run.StatusFINISHED, run.StatusFAILED}[i%3],
			StatusReason: []string{"", "", "out of memory\t\\N\n"}[i%3],
			Params: []tracking.Param{{Key: "z", Value: "text\twith\n\\"}, {Key: "depth", Value: fmt.Sprint(i)},
				{Key: "rate", Value: "1e-3", KeepExisting: i%2 == 0}},
			Tags: []tracking.Tag{{Key: "team", Value: "red"}, {Key: "team", Value: "blue"}, {Key: "host", Value: "", KeepExisting: true}},
		}}
		if l.Status != run.StatusRUNNING {
			end := int64(5000 + i)
			l.EndTime = &end
		}
		if i%5 == 4 {
			gone := int64(9000)
			l.DeletedAt, l.ParentRunID = &gone, out[0].RunID
		}
		for range i % 4 {
			var batch []metric.Columns
			for _, key := range []string{"loss", "学习率", "loss", "time/step"}[:1+random.IntN(4)] {
				c := metric.Columns{Key: key, StepScale: int8(random.IntN(2) * 3)}
				if key == "time/step" {
					c.Role, c.KeepExisting = "MEASUREMENT", true
				}
				for range random.IntN(6) {
					c.Steps = append(c.Steps, int64(random.IntN(20)-2))
					c.Times = append(c.Times, int64(random.IntN(3)))
					c.Values = append(c.Values, values[random.IntN(len(values))])
				}
				batch = append(batch, c)
			}
			l.batches = append(l.batches, batch)
		}
		out = append(out, l)
	}
	return out
}

// record stores runs as clients do.
func record(t *testing.T, s *tracking.Service, experiment string, runs []loaded) {
	t.Helper()
	e, err := s.CreateExperiment(ctx, tracking.CreateExperiment{Name: experiment, Tags: []tracking.Tag{{Key: "a", Value: "b"}}})
	require.NoError(t, err)
	for _, l := range runs {
		_, err := s.CreateRun(ctx, tracking.CreateRun{ExperimentID: &e.ID, RunID: l.RunID, Name: l.Name, ParentRunID: l.ParentRunID,
			UserID: l.UserID, StartTime: l.StartTime, Tags: l.Tags})
		require.NoError(t, err)
		_, err = s.LogBatch(ctx, tracking.Batch{RunID: l.RunID, Params: l.Params})
		require.NoError(t, err)
		for _, columns := range l.batches {
			_, err = s.LogBatch(ctx, tracking.Batch{RunID: l.RunID, Columns: columns})
			require.NoError(t, err)
		}
		if l.Status != run.StatusRUNNING {
			_, err = s.UpdateRun(ctx, tracking.UpdateRun{RunID: l.RunID, Status: &l.Status, StatusReason: &l.StatusReason, EndTime: l.EndTime})
			require.NoError(t, err)
		}
		if l.DeletedAt != nil {
			_, err = s.DeleteRun(ctx, l.RunID)
			require.NoError(t, err)
		}
	}
}

// load stores runs by a Loader.
func load(t *testing.T, url, experiment string, runs []loaded) {
	t.Helper()
	l, err := tracking.OpenLoader(ctx, store.Config{URL: url})
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close(ctx)) }()
	e, err := l.CreateExperiment(ctx, tracking.CreateExperiment{Name: experiment, Tags: []tracking.Tag{{Key: "a", Value: "b"}}})
	require.NoError(t, err)
	for _, r := range runs {
		r.ExperimentID, r.Metrics = e.ID, r.metrics()
		id, err := l.Run(ctx, r.LoadRun)
		require.NoError(t, err)
		require.Equal(t, r.RunID, id)
	}
	require.NoError(t, l.Finish(ctx))
}

// dump reads every table that recording a run writes, without what is a number of the database's own or the time of writing.
// Rows that refer to others have them by their names.
func dump(t *testing.T, db *store.DB) map[string][]string {
	t.Helper()
	const ofRun = " x JOIN runs r ON r.id = x.run_id"
	out := map[string][]string{}
	for table, query := range map[string]string{
		"experiments":     "SELECT name, artifact_location, lifecycle_stage, created_by, updated_by FROM experiments",
		"experiment_tags": "SELECT e.name, t.key, t.value FROM experiment_tags t JOIN experiments e ON e.id = t.experiment_id",
		"runs": "SELECT r.run_id, e.name, r.name, r.status, r.status_reason, r.start_time, r.end_time, r.lifecycle_stage, " +
			"r.deleted_at IS NULL, r.deleted_with_experiment, r.user_id, r.artifact_location, r.parent_run_id, " +
			"r.log_sequence, r.lease_expires_at, r.created_by, r.updated_by FROM runs r JOIN experiments e ON e.id = r.experiment_id",
		"params":   "SELECT r.run_id, x.experiment_id, x.key, x.value, x.number, x.provisional FROM params" + ofRun,
		"run_tags": "SELECT r.run_id, x.experiment_id, x.key, x.value, x.provisional FROM run_tags" + ofRun,
		"metric_series": "SELECT r.run_id, x.experiment_id, x.key, x.role, x.step_scale, x.count, x.nan_count, x.first_value, x.first_nan, " +
			"x.first_step, x.first_time, x.last_value, x.last_nan, x.last_step, x.last_time, x.min_value, x.min_step, x.max_value, " +
			"x.max_step, x.provisional FROM metric_series" + ofRun,
		"metric_batches": "SELECT r.run_id, x.id & 17179869183, x.points, x.payload FROM metric_batches x JOIN runs r ON r.id = x.id >> 34",
		"changes":        "SELECT entity, entity_id, scope FROM changes",
	} {
		require.NoError(t, store.EachRow(ctx, db.Read(), query, nil, func(rows *sql.Rows) error {
			columns, err := rows.Columns()
			values := make([]sql.NullString, len(columns))
			targets := make([]any, len(columns))
			for i := range values {
				targets[i] = &values[i]
			}
			err = errors.Join(err, rows.Scan(targets...))
			out[table] = append(out[table], fmt.Sprintf("%+v", values))
			return err
		}))
		slices.Sort(out[table])
	}
	runs, err := db.Ent().Run.Query().Order(ent.Asc(run.FieldRunID)).All(ctx)
	require.NoError(t, err)
	pks := make([]int, len(runs))
	for i, r := range runs {
		pks[i] = r.ID
	}
	heads, err := store.Heads(ctx, db.Read(), pks)
	require.NoError(t, err)
	for _, r := range runs {
		out["heads"] = append(out["heads"], fmt.Sprint(r.RunID, heads[r.ID]))
	}
	return out
}

// shape is the schema of a database: its indexes, its references and the tables.
func shape(t *testing.T, db *store.DB) []string {
	t.Helper()
	query := "SELECT COALESCE(sql, name) FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'"
	if db.Postgres() {
		query = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL " +
			"SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE contype = 'f'"
	}
	var out []string
	require.NoError(t, store.EachRow(ctx, db.Read(), query, nil, func(rows *sql.Rows) error {
		var line string
		err := rows.Scan(&line)
		out = append(out, line)
		return err
	}))
	slices.Sort(out)
	return out
}

// eachURL runs a test on the URLs of two fresh databases of each kind.
func eachURL(t *testing.T, fn func(t *testing.T, one, other string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		fn(t, "sqlite:"+filepath.Join(t.TempDir(), "cairn.db"), "sqlite:"+filepath.Join(t.TempDir(), "cairn.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		fn(t, storetest.PostgresURL(t), storetest.PostgresURL(t))
	})
}

// TestLoadStoresWhatRequestsStore loads runs into an empty database, and more into the same, and records the same ones.
func TestLoadStoresWhatRequestsStore(t *testing.T) {
	t.Parallel()
	eachURL(t, func(t *testing.T, recorded, bulk string) {
		runs := someRuns(30)
		load(t, bulk, "first", runs[:20])
		load(t, bulk, "second", runs[20:])
		got := storetest.Open(t, store.Config{URL: bulk})

		want := storetest.Open(t, store.Config{URL: recorded})
		s := newService(t, want)
		empty := shape(t, want)
		record(t, s, "first", runs[:20])
		record(t, s, "second", runs[20:])
		s.Close() // what only appended points is noted now

		wanted, found := dump(t, want), dump(t, got)
		require.NotEmpty(t, wanted["metric_batches"])
		for table, rows := range wanted {
			require.Equal(t, rows, found[table], table)
		}
		require.Equal(t, empty, shape(t, got))
		requireChangesCounted(t, got)

		// The database goes on as if nothing else had ever been done with it.
		after := newService(t, got)
		_, err := after.LogBatch(ctx, tracking.Batch{RunID: runs[0].RunID, Params: []tracking.Param{{Key: "new", Value: "1"}}})
		require.NoError(t, err)
		newRun(t, after)
	})
}

// requireChangesCounted checks that changes are numbered 1, 2, 3 … up to the counter.
func requireChangesCounted(t *testing.T, db *store.DB) {
	t.Helper()
	var count, least, most, head int64
	require.NoError(t, db.Read().QueryRowContext(ctx, "SELECT COUNT(*), MIN(sequence), MAX(sequence) FROM changes").Scan(&count, &least, &most))
	require.NoError(t, db.Read().QueryRowContext(ctx, "SELECT value FROM change_sequence").Scan(&head))
	require.Equal(t, []int64{count, 1, count}, []int64{head, least, most})
}

// TestLoadOfManyPoints loads a run whose points are written in parts, the last of which goes back to the first.
func TestLoadOfManyPoints(t *testing.T) {
	t.Parallel()
	eachURL(t, func(t *testing.T, url, _ string) {
		const batches, size = 10, metric.MaxPoints
		many := loaded{LoadRun: tracking.LoadRun{RunID: strings.Repeat("a", 32)}}
		for b := range batches {
			c := metric.Columns{Key: "loss", Steps: make([]int64, size), Times: make([]int64, size), Values: make([]float64, size)}
			for i := range size {
				c.Steps[i], c.Times[i], c.Values[i] = int64(b*size+i), int64(i), float64(b)
			}
			many.batches = append(many.batches, []metric.Columns{c})
		}
		first := many.batches[0][0]
		many.batches = append(many.batches, []metric.Columns{{Key: "loss", Steps: first.Steps[:10], Times: first.Times[:10],
			Values: append(slices.Clone(first.Values[:5]), -1, -1, -1, -1, -1)}})
		other := loaded{LoadRun: tracking.LoadRun{RunID: strings.Repeat("b", 32)}}
		load(t, url, "other", []loaded{other}) // so that the database has runs, and the references are checked
		load(t, url, "many", []loaded{many})

		db := storetest.Open(t, store.Config{URL: url})
		var count, sequence, stored int64
		require.NoError(t, db.Read().QueryRowContext(ctx, "SELECT s.count, r.metric_sequence FROM metric_series s JOIN runs r ON r.id = s.run_id").
			Scan(&count, &sequence))
		require.NoError(t, db.Read().QueryRowContext(ctx, "SELECT COUNT(*) FROM metric_batches").Scan(&stored))
		require.Equal(t, []int64{batches*size + 5, batches + 1, batches + 1}, []int64{count, sequence, stored})
	})
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	end := int64(-1)
	eachURL(t, func(t *testing.T, url, _ string) {
		l, err := tracking.OpenLoader(ctx, store.Config{URL: url})
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close(ctx)) }()
		for name, tc := range map[string]struct {
			run  tracking.LoadRun
			want string
		}{
			"an id that is none":      {tracking.LoadRun{RunID: "xyz"}, "run_id"},
			"no such experiment":      {tracking.LoadRun{ExperimentID: 77}, "No experiment with id=77"},
			"no such status":          {tracking.LoadRun{Status: "DONE"}, "status"},
			"an end without ending":   {tracking.LoadRun{EndTime: new(int64)}, "end_time"},
			"ended without an end":    {tracking.LoadRun{Status: run.StatusFAILED}, "end_time"},
			"an end before 1970":      {tracking.LoadRun{Status: run.StatusFAILED, EndTime: &end}, "end_time"},
			"a param twice":           {tracking.LoadRun{Params: []tracking.Param{{Key: "a"}, {Key: "a"}}}, "Duplicate parameter"},
			"a tag of no name":        {tracking.LoadRun{Tags: []tracking.Tag{{Value: "x"}}}, "tags[0].key"},
			"a reason that is binary": {tracking.LoadRun{StatusReason: "\x00"}, "NUL"},
			"a metric of no name": {loaded{batches: [][]metric.Columns{{{Key: "a//b", Steps: []int64{1}, Times: []int64{1},
				Values: []float64{1}}}}}.asLoadRun(), "metrics.key"},
			"points of an adapter's and of the user's": {loaded{batches: [][]metric.Columns{
				{{Key: "a", Steps: []int64{1}, Times: []int64{1}, Values: []float64{1}}},
				{{Key: "a", Steps: []int64{2}, Times: []int64{1}, Values: []float64{1}, KeepExisting: true}}}}.asLoadRun(), "adapter"},
		} {
			_, err := l.Run(ctx, tc.run)
			require.ErrorContains(t, err, tc.want, name)
			require.NotEqual(t, errs.Internal, errs.KindOf(err), name)
		}
	})
}

func (l loaded) asLoadRun() tracking.LoadRun {
	l.Metrics = l.metrics()
	return l.LoadRun
}

func TestLoadFindsTheSameRunTwice(t *testing.T) {
	t.Parallel()
	eachURL(t, func(t *testing.T, url, _ string) {
		l, err := tracking.OpenLoader(ctx, store.Config{URL: url})
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close(ctx)) }()
		for range 2 {
			_, err = l.Run(ctx, tracking.LoadRun{RunID: strings.Repeat("c", 32)})
			require.NoError(t, err)
		}
		require.Equal(t, errs.Exists, errs.KindOf(l.Finish(ctx)))
	})
}

// TestLoadCutShort ends a load that was not finished: on PostgreSQL nothing of it is there, on SQLite what was committed,
// and in both the indexes are.
func TestLoadCutShort(t *testing.T) {
	t.Parallel()
	eachURL(t, func(t *testing.T, url, other string) {
		want := shape(t, storetest.Open(t, store.Config{URL: other}))
		l, err := tracking.OpenLoader(ctx, store.Config{URL: url})
		require.NoError(t, err)
		// More than one transaction of SQLite holds.
		text := strings.Repeat("x", tracking.MaxValue)
		const runs = 1200
		for range runs {
			_, err := l.Run(ctx, tracking.LoadRun{Params: []tracking.Param{{Key: "p", Value: text}}})
			require.NoError(t, err)
		}
		require.NoError(t, l.Close(context.Background()))

		db := storetest.Open(t, store.Config{URL: url})
		require.Equal(t, want, shape(t, db))
		dumped := dump(t, db)
		if db.Postgres() {
			require.Empty(t, dumped["runs"])
			return
		}
		require.NotEmpty(t, dumped["runs"])
		require.Less(t, len(dumped["runs"]), runs)
		require.Len(t, dumped["params"], len(dumped["runs"]), "runs are whole")
		require.Len(t, dumped["changes"], len(dumped["runs"]))
	})
}

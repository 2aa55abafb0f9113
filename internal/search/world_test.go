package search

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/metricgoal"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/store"
)

// What the runs of the test are made of: few of each, so that random filters meet them, and the odd ones.
var (
	metricKeys = []string{"acc", "val loss", "学习率", "a/b-c"}
	paramKeys  = []string{"depth", "my lr", "model"}
	tagKeys    = []string{"team", "mlflow.note", "ключ"}
	// Texts hold what LIKE, quotes, letter case and collations could trip over.
	texts = []string{"", "a", "A", "ab", "aB", "a%b", "a_b", "axb", `a\b`, "it's", `say "hi"`, "ä", "Ä", "学习", "10", "9", "1.50", "1e1",
		"nan", "inf", "-3", "line\nbreak", "z", "Z", "_", "%"}
	patterns = []string{"%", "_", "a%", "%b", "a_b", "A%", "%x%", `a\%`, `%\b`, "", "ä", "_b", "__", "%'%", "%学%", "%%", "Ä"}
	values   = []float64{0, 1, -1, 0.5, 2, 1e300, -1e300, math.Inf(1), math.Inf(-1), math.NaN(), 0.1, 3}
	statuses = []run.Status{run.StatusRUNNING, run.StatusFINISHED, run.StatusFAILED, run.StatusKILLED, run.StatusSCHEDULED}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// newWorld stores runs in three experiments, and keeps them as plain values too. Two of the experiments see the goal of
// "acc" in opposite ways.
func newWorld(t *testing.T, db *store.DB, runs int) *naive {
	t.Helper()
	r := rand.New(rand.NewPCG(1, uint64(runs)))
	n := &naive{minimize: map[int]map[string]bool{}}
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		*n = naive{minimize: map[int]map[string]bool{}}
		for i := range 3 {
			e, err := tx.Ent().Experiment.Create().SetName(fmt.Sprintf("experiment %d", i)).SetArtifactLocation("x").
				SetCreatedAt(int64(i)).SetUpdatedAt(int64(i)).Save(ctx)
			if err != nil {
				return err
			}
			n.minimize[e.ID] = map[string]bool{}
			for _, key := range metricKeys {
				goal := metricgoal.GoalMAXIMIZE
				if n.minimize[e.ID][key] = key == "acc" && i == 1 || key == "val loss"; n.minimize[e.ID][key] {
					goal = metricgoal.GoalMINIMIZE
				}
				if err := tx.Ent().MetricGoal.Create().SetExperimentID(e.ID).SetKey(key).SetGoal(goal).Exec(ctx); err != nil {
					return err
				}
			}
			for d := range 2 {
				if err := tx.Ent().Dataset.Create().SetExperimentID(e.ID).SetName(fmt.Sprintf("data%d", d)).
					SetDigest(fmt.Sprintf("d%d", d)).SetSourceType("local").SetSource("{}").SetCreatedAt(1).Exec(ctx); err != nil {
					return err
				}
			}
			for range runs / 3 {
				nr := randomRun(r, e.ID)
				if err := storeRun(ctx, tx, nr); err != nil {
					return err
				}
				n.runs = append(n.runs, nr)
			}
		}
		return nil
	})
	return n
}

func write(t *testing.T, db *store.DB, fn store.WriteFunc) {
	t.Helper()
	require.NoError(t, db.Write(context.Background(), fn))
}

func randomRun(r *rand.Rand, experiment int) *naiveRun {
	nr := &naiveRun{
		experiment: experiment, id: fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()), name: pick(r, texts), user: pick(r, texts),
		status: string(pick(r, statuses)), uri: "mlflow-artifacts:/" + pick(r, texts), start: int64(r.IntN(8)),
		deleted: r.IntN(10) == 0, params: map[string]string{}, tags: map[string]string{}, metrics: map[string]series{},
	}
	if r.IntN(3) == 0 {
		nr.parent = fmt.Sprintf("%032x", r.Uint64())
	}
	if r.IntN(2) == 0 {
		end := int64(r.IntN(8))
		nr.end = &end
	}
	for _, key := range paramKeys {
		if r.IntN(4) > 0 {
			nr.params[key] = pick(r, texts)
		}
	}
	for _, key := range tagKeys {
		if r.IntN(4) > 0 {
			nr.tags[key] = pick(r, texts)
		}
	}
	for _, key := range metricKeys {
		if r.IntN(4) > 0 {
			nr.metrics[key] = series{First: pick(r, values), Last: pick(r, values), Min: pick(r, values), Max: pick(r, values)}
		}
	}
	for d := range 2 {
		if r.IntN(2) == 0 {
			nr.datasets = append(nr.datasets, map[string]string{
				"name": fmt.Sprintf("data%d", d), "digest": fmt.Sprintf("d%d", d), "context": pick(r, []string{"", "train", "test"}),
			})
		}
	}
	return nr
}

func storeRun(ctx context.Context, tx *store.Tx, nr *naiveRun) error {
	stage := run.LifecycleStageActive
	if nr.deleted {
		stage = run.LifecycleStageDeleted
	}
	r, err := tx.Ent().Run.Create().SetRunID(nr.id).SetExperimentID(nr.experiment).SetName(nr.name).SetUserID(nr.user).
		SetStatus(run.Status(nr.status)).SetArtifactLocation(nr.uri).SetStartTime(nr.start).SetNillableEndTime(nr.end).
		SetLifecycleStage(stage).SetParentRunID(nr.parent).SetCreatedAt(1).SetUpdatedAt(1).Save(ctx)
	if err != nil {
		return err
	}
	nr.pk = r.ID
	for key, value := range nr.params {
		c := tx.Ent().Param.Create().SetRunID(r.ID).SetExperimentID(nr.experiment).SetKey(key).SetValue(value).
			SetValuePrefix(store.ValuePrefix(value))
		if f, ok := store.Number(value); ok {
			c.SetNumber(f)
		}
		if err := c.Exec(ctx); err != nil {
			return err
		}
	}
	for key, value := range nr.tags {
		if err := tx.Ent().RunTag.Create().SetRunID(r.ID).SetExperimentID(nr.experiment).SetKey(key).SetValue(value).
			SetValuePrefix(store.ValuePrefix(value)).Exec(ctx); err != nil {
			return err
		}
	}
	for key, s := range nr.metrics {
		if err := storeSeries(ctx, tx, r, key, s); err != nil {
			return err
		}
	}
	for _, d := range nr.datasets {
		id, err := tx.Ent().Dataset.Query().Where(datasetNamed(nr.experiment, d["name"])).OnlyID(ctx)
		if err != nil {
			return err
		}
		if err := tx.Ent().RunInput.Create().SetRunID(r.ID).SetDatasetID(id).SetContext(d["context"]).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func storeSeries(ctx context.Context, tx *store.Tx, r *ent.Run, key string, s series) error {
	value := func(fn Func) *float64 {
		if v := s[fn]; !math.IsNaN(v) {
			return &v
		}
		return nil
	}
	return tx.Ent().MetricSeries.Create().SetRunID(r.ID).SetExperimentID(r.ExperimentID).SetKey(key).SetCount(1).
		SetNillableFirstValue(value(First)).SetFirstStep(0).SetFirstTime(0).SetFirstNan(value(First) == nil).
		SetNillableLastValue(value(Last)).SetLastStep(0).SetLastTime(0).SetLastNan(value(Last) == nil).
		SetNillableMinValue(value(Min)).SetNillableMaxValue(value(Max)).Exec(ctx)
}

func idsOf(runs []*ent.Run) []string {
	ids := make([]string, len(runs))
	for i, r := range runs {
		ids[i] = r.RunID
	}
	return ids
}

// allPages reads a query to its end, in pages of a size.
func allPages(t require.TestingT, s *Searcher, q RunsQuery, size int) []string {
	ids := []string{}
	q.First, q.After = size, ""
	for {
		page, err := s.Runs(context.Background(), q)
		require.NoError(t, err, "%+v", q)
		require.LessOrEqual(t, len(page.Runs), size)
		require.Len(t, page.Cursors, len(page.Runs))
		ids = append(ids, idsOf(page.Runs)...)
		if !page.HasNext {
			return ids
		}
		q.After = page.Cursors[len(page.Cursors)-1]
	}
}

func experimentsOf(n *naive) []int {
	var ids []int
	for _, r := range n.runs {
		if !slices.Contains(ids, r.experiment) {
			ids = append(ids, r.experiment)
		}
	}
	return ids
}

func quote(i int) string { return "'" + strconv.Itoa(i) + "'" }

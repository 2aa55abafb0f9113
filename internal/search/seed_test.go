package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/store"
)

// seed gives experiment 0 runs with params p0 (the texts of ten models), p1 (the numbers 0 to 9), p2 (a number that is each run's
// own) and further ones, with metrics m0, m1 and further ones between 0 and 1, and four tags of a hundred values each. One run in 20
// is deleted, one in 100 has failed.
func seed(tb testing.TB, db *store.DB, runs, params, metrics int) {
	tb.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	require.NoError(tb, db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		all := make([]int, runs)
		for i := range all {
			all[i] = i
		}
		for part := range slices.Chunk(all, 50) {
			if err := seedPart(ctx, tx, r, part, params, metrics); err != nil {
				return err
			}
		}
		return nil
	}))
}

func seedPart(ctx context.Context, tx *store.Tx, r *rand.Rand, part []int, params, metrics int) error {
	creates := make([]*ent.RunCreate, len(part))
	for i, n := range part {
		creates[i] = tx.Ent().Run.Create().SetRunID(fmt.Sprintf("%032x", n)).SetExperimentID(0).SetName(fmt.Sprintf("run-%d", n)).
			SetStartTime(int64(n)).SetArtifactLocation("x").SetCreatedAt(1).SetUpdatedAt(1)
		if n%20 == 7 {
			creates[i].SetLifecycleStage(run.LifecycleStageDeleted)
		}
		if n%100 == 3 {
			creates[i].SetStatus(run.StatusFAILED)
		}
	}
	made, err := tx.Ent().Run.CreateBulk(creates...).Save(ctx)
	if err != nil {
		return err
	}
	var values []*ent.ParamCreate
	var series []*ent.MetricSeriesCreate
	var tags []*ent.RunTagCreate
	for i, m := range made {
		for k := range params {
			value := strconv.Itoa(r.IntN(10))
			switch k {
			case 0:
				value = "model-" + value
			case 2:
				value = strconv.Itoa(part[i])
			}
			c := tx.Ent().Param.Create().SetRunID(m.ID).SetExperimentID(0).SetKey(fmt.Sprintf("p%d", k)).SetValue(value).
				SetValuePrefix(store.ValuePrefix(value))
			if number, ok := store.Number(value); ok {
				c.SetNumber(number)
			}
			values = append(values, c)
		}
		for k := range metrics {
			v := r.Float64()
			series = append(series, tx.Ent().MetricSeries.Create().SetRunID(m.ID).SetExperimentID(0).SetKey(fmt.Sprintf("m%d", k)).
				SetCount(1).SetFirstStep(0).SetFirstTime(0).SetFirstValue(v).SetLastStep(0).SetLastTime(0).SetLastValue(v).
				SetMinValue(v).SetMaxValue(v))
		}
		for _, key := range []string{"host", "source", "team", "user"} {
			value := fmt.Sprintf("node-%d", r.IntN(100))
			tags = append(tags, tx.Ent().RunTag.Create().SetRunID(m.ID).SetExperimentID(0).SetKey(key).SetValue(value).
				SetValuePrefix(store.ValuePrefix(value)))
		}
	}
	if err := tx.Ent().Param.CreateBulk(values...).Exec(ctx); err != nil {
		return err
	}
	if err := tx.Ent().RunTag.CreateBulk(tags...).Exec(ctx); err != nil {
		return err
	}
	return tx.Ent().MetricSeries.CreateBulk(series...).Exec(ctx)
}

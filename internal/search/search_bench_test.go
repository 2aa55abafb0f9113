package search

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/store"
)

// BenchmarkRuns searches 1,000 runs of 20 params and 30 metrics.
func BenchmarkRuns(b *testing.B) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(b.TempDir(), "cairn.db")})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	r := rand.New(rand.NewPCG(1, 1))
	require.NoError(b, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for i := range 1000 {
			run, err := tx.Ent().Run.Create().SetRunID(fmt.Sprintf("%032x", i)).SetExperimentID(0).SetName("run").SetStartTime(int64(i)).
				SetArtifactLocation("x").SetCreatedAt(1).SetUpdatedAt(1).Save(ctx)
			if err != nil {
				return err
			}
			params := make([]*ent.ParamCreate, 20)
			for k := range params {
				v := r.IntN(10)
				params[k] = tx.Ent().Param.Create().SetRunID(run.ID).SetExperimentID(0).SetKey(fmt.Sprintf("p%d", k)).
					SetValue(fmt.Sprint(v)).SetValuePrefix(store.ValuePrefix(fmt.Sprint(v))).SetNumber(float64(v))
			}
			if err := tx.Ent().Param.CreateBulk(params...).Exec(ctx); err != nil {
				return err
			}
			series := make([]*ent.MetricSeriesCreate, 30)
			for k := range series {
				series[k] = tx.Ent().MetricSeries.Create().SetRunID(run.ID).SetExperimentID(0).SetKey(fmt.Sprintf("m%d", k)).SetCount(1).
					SetFirstStep(0).SetFirstTime(0).SetLastStep(0).SetLastTime(0).SetLastValue(r.Float64())
			}
			if err := tx.Ent().MetricSeries.CreateBulk(series...).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	}))
	s := New(db)
	for name, q := range map[string]RunsQuery{
		"newest":           {First: 100},
		"filter and order": {First: 50, Filter: "metrics.m1 > 0.9 and params.p1 = '3'", OrderBy: []string{"metrics.m1 DESC"}},
		"order":            {First: 50, OrderBy: []string{"metrics.m1 DESC"}},
		"page of 1000":     {First: 1000},
	} {
		q.Experiments = []int{0}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := s.Runs(ctx, q)
				require.NoError(b, err)
			}
		})
	}
}

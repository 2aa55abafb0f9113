package registry_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// BenchmarkRegistry is the core's own cost, at 10,000 models with 10 versions each, without any shell.
func BenchmarkRegistry(b *testing.B) {
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return "sqlite:" + filepath.Join(b.TempDir(), "cairn.db") },
		"postgres": func() string { return storetest.BenchPostgresURL(b) },
	} {
		b.Run(name, func(b *testing.B) {
			db, err := store.Open(ctx, store.Config{URL: url()})
			require.NoError(b, err)
			defer db.Close()
			const models, versions = 10_000, 10
			seed(b, db, models, versions)
			disk, err := artifact.Open(b.TempDir())
			require.NoError(b, err)
			defer disk.Close()
			r := registry.New(db, live.NewHub(), artifact.NewService(disk, db))
			call := func(name string, do func(i int) error) {
				b.Run(name, func(b *testing.B) {
					var took []time.Duration
					for i := 0; b.Loop(); i++ {
						began := time.Now()
						require.NoError(b, do(i))
						took = append(took, time.Since(began))
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
				})
			}
			model := func(i int) string { return fmt.Sprintf("model-%d", 1+i*7919%models) }
			call("transition", func(i int) error {
				_, err := r.TransitionStage(ctx, registry.Transition{
					Name: model(i / versions), Version: 1 + i%versions, Stage: registry.StageProduction, ArchiveExisting: true})
				return err
			})
			call("rollback", func(i int) error {
				if i == 0 {
					for n := 1; n <= 2; n++ {
						if _, err := r.TransitionStage(ctx, registry.Transition{Name: "model-1", Version: n, Stage: registry.StageProduction}); err != nil {
							return err
						}
					}
				}
				if _, err := r.Rollback(ctx, "model-1", registry.StageProduction, ""); err != nil {
					return err
				}
				_, err := r.TransitionStage(ctx, registry.Transition{Name: "model-1", Version: 2, Stage: registry.StageProduction})
				return err
			})
			call("alias", func(i int) error {
				_, err := r.SetAlias(ctx, model(i), "champion", 1+i%versions)
				return err
			})
			call("tag", func(i int) error {
				_, err := r.SetVersionTags(ctx, model(i), 1+i%versions, []tracking.Tag{{Key: "k", Value: fmt.Sprint(i)}})
				return err
			})
			call("register", func(i int) error {
				_, err := r.CreateVersion(ctx, registry.CreateVersion{Name: model(i), Source: far})
				return err
			})
			for _, ref := range []registry.Ref{{Version: 3}, {Stage: "None"}, {Latest: true}} {
				call(fmt.Sprintf("resolve/%+v", ref), func(i int) error {
					ref.Name = model(i)
					_, err := r.Resolve(ctx, ref)
					return err
				})
			}
		})
	}
}

// seed writes models with so many versions each.
func seed(b *testing.B, db *store.DB, models, versions int) {
	b.Helper()
	insert := func(table string, columns int, names string, rows [][]any) {
		for part := range slices.Chunk(rows, 500) {
			var values []any
			for _, row := range part {
				values = append(values, row...)
			}
			require.NoError(b, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO "+table+" ("+names+") VALUES "+store.Tuples(len(part), columns), values...)
				return err
			}))
		}
	}
	var m, v [][]any
	for i := 1; i <= models; i++ {
		m = append(m, []any{i, fmt.Sprintf("model-%d", i), versions + 1, 1, 1})
		for n := 1; n <= versions; n++ {
			id := (i-1)*versions + n
			v = append(v, []any{1_000_000 + id, i, n, far, far, "None", id, id})
		}
	}
	insert("registered_models", 5, "id, name, next_version, created_at, updated_at", m)
	insert("model_versions", 8, "id, registered_model_id, version, source, artifact_location, stage, created_at, updated_at", v)
}

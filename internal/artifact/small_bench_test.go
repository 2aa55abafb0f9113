//go:build unix

package artifact

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
)

// BenchmarkSmallFiles uploads files of 4 KiB, no two alike, over 16 connections at a time, into one folder.
func BenchmarkSmallFiles(b *testing.B) {
	for name, settling := range map[string]bool{"synced": false, "settling": true} {
		b.Run(name, func(b *testing.B) {
			ctx, stop := context.WithCancel(context.Background())
			dir := b.TempDir()
			db, err := store.Open(ctx, store.Config{URL: "sqlite:" + dir + "/cairn.db"})
			require.NoError(b, err)
			defer db.Close()
			require.NoError(b, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				return tx.Ent().Run.Create().SetRunID(runA).SetExperimentID(0).SetName("a").SetStartTime(1).SetCreatedAt(1).SetUpdatedAt(1).
					SetArtifactLocation("mlflow-artifacts:/" + RunRoot(0, runA)).Exec(ctx)
			}))
			files, err := Open(dir + "/artifacts")
			require.NoError(b, err)
			defer files.Close()
			s := NewService(files, db)
			var group sync.WaitGroup
			if settling {
				group.Go(func() { s.Settle(ctx) })
			}
			defer group.Wait()
			defer stop()
			content := strings.Repeat("x", 4<<10)
			b.ResetTimer()
			var next atomic.Int64
			var uploads sync.WaitGroup
			for range 16 {
				uploads.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						number := fmt.Sprint(n)
						_, err := s.Put(ctx, fmt.Sprintf("%s/folder/%d", RunRoot(0, runA), n), strings.NewReader(number+content[len(number):]), 1<<20)
						if err != nil {
							b.Error(err)
						}
					}
				})
			}
			uploads.Wait()
		})
	}
}

package registry_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/ent/modelversion"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestAtOnce: 32 clients register versions of one model and bring them into Production, some delete and roll back, on one SQLite
// and through two replicas of one PostgreSQL. Versions are 1..N, at most one is in Production, nobody gets an internal error, and
// the history tells it all.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		atOnce(t, newWorld(t, storetest.SQLite(t)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := storetest.PostgresURL(t)
		atOnce(t, newWorld(t, storetest.Open(t, store.Config{URL: url})), newWorld(t, storetest.Open(t, store.Config{URL: url})))
	})
}

func atOnce(t *testing.T, replicas ...*world) {
	t.Helper()
	const clients, rounds = 32, 4
	var mu sync.Mutex
	var numbers []int
	var failures []error
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			w := replicas[i%len(replicas)]
			who := as(fmt.Sprint("client", i))
			for round := range rounds {
				v, err := w.CreateVersion(who, registry.CreateVersion{Name: "iris", Source: far, CreateModel: true})
				if err == nil {
					_, err = w.TransitionStage(who, registry.Transition{
						Name: "iris", Version: v.Version, Stage: registry.StageProduction, ArchiveExisting: true,
					})
				}
				if err == nil && (i+round)%4 == 0 {
					_, err = w.Rollback(who, "iris", registry.StageProduction, "")
					if errs.Is(err, errs.Conflict) { // it is the first
						err = nil
					}
				}
				if err == nil && (i+round)%8 == 1 {
					_, err = w.DeleteVersion(who, "iris", v.Version, "")
				}
				mu.Lock()
				failures = append(failures, err)
				if v != nil {
					numbers = append(numbers, v.Version)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, err := range failures {
		require.NoError(t, err)
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		require.Equal(t, i+1, n, "each number is given once, without a gap")
	}
	require.Len(t, numbers, clients*rounds)
	for _, w := range replicas {
		n, err := w.db.Ent().ModelVersion.Query().Where(modelversion.Stage(registry.StageProduction)).Count(ctx)
		require.NoError(t, err)
		require.LessOrEqual(t, n, 1)
		w.sound()
	}

	// Whoever asked for a version to come into Production is in the history, once, and nobody was in it with another.
	entries, err := replicas[0].db.Ent().ModelHistory.Query().Order(ent.Asc(modelhistory.FieldSequence)).All(ctx)
	require.NoError(t, err)
	inside, came := map[int]bool{}, map[int]int{}
	for _, e := range entries {
		if e.FromStage == registry.StageProduction {
			require.True(t, inside[e.Version])
			delete(inside, e.Version)
		}
		if e.ToStage == registry.StageProduction {
			inside[e.Version] = true
			if e.Action == modelhistory.ActionTRANSITION {
				came[e.Version]++
			}
		}
		require.LessOrEqual(t, len(inside), 1, "after entry %d", e.Sequence)
	}
	require.Len(t, came, clients*rounds)
}

// TestTwoTransitionsAtOnce: both are done, one after the other, and the history tells which was first.
func TestTwoTransitionsAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.register("iris")
		w.register("iris")
		var wg sync.WaitGroup
		results := make([]error, 2)
		for i := range results {
			wg.Go(func() {
				_, results[i] = w.TransitionStage(ctx, registry.Transition{
					Name: "iris", Version: i + 1, Stage: registry.StageProduction, ArchiveExisting: true})
			})
		}
		wg.Wait()
		require.NoError(t, results[0])
		require.NoError(t, results[1])
		history := w.entries("iris")
		require.Len(t, history, 3)
		latest, err := w.LatestVersions(ctx, "iris", []string{"Production"})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("TRANSITION %d None Production", latest[0].Version), history[2])
	})
}

package registry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	"github.com/cairnml/cairn/internal/tracking"
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

// TestVersionsOfOneLoggedModelAtOnce: however many registered models get versions of one logged model at once, its tag names each
// version, once, as MLflow's clients read it.
func TestVersionsOfOneLoggedModelAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		versionsOfOneLoggedModel(t, newWorld(t, storetest.SQLite(t)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := storetest.PostgresURL(t)
		versionsOfOneLoggedModel(t, newWorld(t, storetest.Open(t, store.Config{URL: url})), newWorld(t, storetest.Open(t, store.Config{URL: url})))
	})
}

func versionsOfOneLoggedModel(t *testing.T, replicas ...*world) {
	t.Helper()
	const clients, names, rounds = 16, 4, 3
	runs := replicas[0].runs
	m, err := runs.CreateLoggedModel(ctx, tracking.CreateLoggedModel{ExperimentID: new(int), Name: "model"})
	require.NoError(t, err)
	failures := make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for range rounds {
				_, err := replicas[i%len(replicas)].CreateVersion(ctx, registry.CreateVersion{
					Name: fmt.Sprint("model", i%names), Source: "models:/" + m.ModelID, CreateModel: true})
				failures[i] = errors.Join(failures[i], err)
			}
		})
	}
	wg.Wait()
	for _, err := range failures {
		require.NoError(t, err)
	}
	versions := func() (named []string) {
		tags, err := runs.ModelTagsOf(ctx, []int{m.ID})
		require.NoError(t, err)
		require.Len(t, tags[m.ID], 1)
		require.Equal(t, "mlflow.modelVersions", tags[m.ID][0].Key)
		var list []struct{ Name, Version string }
		require.NoError(t, json.Unmarshal([]byte(tags[m.ID][0].Value), &list))
		for _, v := range list {
			named = append(named, v.Name+"/"+v.Version)
		}
		slices.Sort(named)
		return named
	}
	var want []string
	for name := range names {
		for n := range clients / names * rounds {
			want = append(want, fmt.Sprintf("model%d/%d", name, n+1))
		}
	}
	slices.Sort(want)
	require.Equal(t, want, versions())

	// A client adds the version that it has registered to what it has read; a list is none when it was set by hand.
	set := func(value string) {
		_, err := runs.SetLoggedModelTags(ctx, m.ModelID, []tracking.Tag{{Key: "mlflow.modelVersions", Value: value}})
		require.NoError(t, err)
	}
	set(`[{"name": "model0", "version": 1}, {"name": "model0", "version": "2"}, {"name": "model0", "version": "1"}]`)
	require.Equal(t, []string{"model0/1", "model0/2"}, versions())
	set("mine")
	_, err = replicas[0].CreateVersion(ctx, registry.CreateVersion{Name: "late", Source: "models:/" + m.ModelID, CreateModel: true})
	require.NoError(t, err)
	require.Equal(t, []string{"late/1"}, versions())

	// What is of another server is left to that one.
	_, err = replicas[0].CreateVersion(ctx, registry.CreateVersion{Name: "late", Source: far, ModelID: "m-" + strings.Repeat("ab", 16)})
	require.NoError(t, err)
}

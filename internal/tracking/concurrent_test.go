package tracking_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// TestReplicasThatMakeTheSame: two servers on one PostgreSQL are asked at once for runs of an experiment that is not there
// yet, and for one thing by one idempotency key. Everybody gets what was made, and it was made once.
func TestReplicasThatMakeTheSame(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	services := make([]*tracking.Service, 2)
	for i := range services {
		services[i] = tracking.New(storetest.Open(t, store.Config{URL: url}), live.NewHub())
		t.Cleanup(services[i].Close)
	}
	const n = 16
	together := func(make func(s *tracking.Service, i int) (string, error)) map[string]int {
		made, failures := map[string]int{}, []error{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				id, err := make(services[i%2], i)
				mu.Lock()
				defer mu.Unlock()
				made[id]++
				failures = append(failures, err)
			})
		}
		wg.Wait()
		for _, err := range failures {
			require.NoError(t, err)
		}
		return made
	}
	for round := range 10 { // which of them is first is chance: one round would rarely meet them in every order
		experiments := together(func(s *tracking.Service, _ int) (string, error) {
			r, err := s.CreateRun(ctx, tracking.CreateRun{ExperimentName: fmt.Sprint("sweep ", round)})
			if err != nil {
				return "", err
			}
			return fmt.Sprint(r.ExperimentID), nil
		})
		require.Len(t, experiments, 1)
		named := together(func(s *tracking.Service, _ int) (string, error) {
			e, err := s.CreateExperiment(ctx, tracking.CreateExperiment{Name: fmt.Sprint("named ", round), IdempotencyKey: fmt.Sprint("name ", round)})
			if err != nil {
				return "", err
			}
			return fmt.Sprint(e.ID), nil
		})
		require.Len(t, named, 1)
		runs := together(func(s *tracking.Service, _ int) (string, error) {
			r, err := s.CreateRun(ctx, tracking.CreateRun{Name: "one", IdempotencyKey: fmt.Sprint("key ", round)})
			if err != nil {
				return "", err
			}
			return r.RunID, nil
		})
		require.Len(t, runs, 1)
		chosen := together(func(s *tracking.Service, _ int) (string, error) {
			r, err := s.CreateRun(ctx, tracking.CreateRun{Name: "chosen", RunID: fmt.Sprintf("%032x", round)})
			if err != nil {
				return "", err
			}
			return r.RunID, nil
		})
		require.Len(t, chosen, 1)
	}
}

// TestUsersValueWins: what an adapter recorded never makes a call of the user's fail, whichever came first.
func TestUsersValueWins(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run := newRun(t, s)
		log := func(value string, adapter bool) error {
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Params: []tracking.Param{{Key: "depth", Value: value, KeepExisting: adapter}}})
			return err
		}
		value := func() string {
			params, err := s.ParamsOf(ctx, []int{run.ID}, nil)
			require.NoError(t, err)
			return params[run.ID][0].Value
		}
		require.NoError(t, log("2", true))
		require.NoError(t, log("3", true), "adapters do not mind each other")
		require.Equal(t, "2", value())
		require.NoError(t, log("deep", false))
		require.Equal(t, "deep", value())
		require.NoError(t, log("4", true))
		require.Equal(t, "deep", value())
		require.ErrorContains(t, log("deeper", false), "Changing param values is not allowed")
	})
}

// TestUsersTagWins is the same for tags.
func TestUsersTagWins(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run := newRun(t, s)
		for _, step := range []struct {
			value   string
			adapter bool
			want    string
		}{{"a", true, "a"}, {"b", true, "b"}, {"mine", false, "mine"}, {"c", true, "mine"}, {"mine too", false, "mine too"}} {
			_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID,
				Tags: []tracking.Tag{{Key: "estimator_name", Value: step.value, KeepExisting: step.adapter}}})
			require.NoError(t, err)
			tags, err := s.TagsOf(ctx, []int{run.ID}, []string{"estimator_name"})
			require.NoError(t, err)
			require.Equal(t, step.want, tags[run.ID][0].Value)
		}
	})
}

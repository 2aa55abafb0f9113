package mlflow_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// TestRegistryRace: 32 clients make one model, register versions of it and bring them into Production, through one server on SQLite
// and two on one PostgreSQL. Whoever looks meanwhile sees at most one version in Production; versions are 1..N.
func TestRegistryRace(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		registryRace(t, newWorld(t, storetest.SQLite(t), token.RoleEDITOR))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		location := storetest.PostgresURL(t)
		open := func() *world {
			return newWorld(t, storetest.Open(t, store.Config{URL: location}), token.RoleEDITOR)
		}
		registryRace(t, open(), open())
	})
}

func registryRace(t *testing.T, replicas ...*world) {
	t.Helper()
	const clients, rounds = 32, 4
	var running, watching sync.WaitGroup
	var mu sync.Mutex
	var numbers []int
	made := 0
	var wrong []string
	report := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		wrong = append(wrong, fmt.Sprintf(format, args...))
	}
	client := func(i int) {
		w := replicas[i%len(replicas)]
		switch a := w.post("registered-models/create", object{"name": "iris"}); {
		case a.status == http.StatusOK:
			mu.Lock()
			made++
			mu.Unlock()
		case !strings.Contains(a.body, "RESOURCE_ALREADY_EXISTS"):
			report("create: %d %s", a.status, a.body)
		}
		for range rounds {
			var v oneVersion
			a := w.post("model-versions/create", object{"name": "iris", "source": far})
			if err := json.Unmarshal([]byte(a.body), &v); err != nil || a.status != http.StatusOK {
				report("register: %d %s", a.status, a.body)
				return
			}
			n, err := strconv.Atoi(v.Version.Version)
			if err != nil {
				report("register: %s", a.body)
			}
			mu.Lock()
			numbers = append(numbers, n)
			mu.Unlock()
			if a := w.transition("iris", v.Version.Version, "Production", true); a.status != http.StatusOK || !strings.Contains(a.body, `"current_stage":"Production"`) {
				report("transition: %d %s", a.status, a.body)
			}
		}
	}
	over := make(chan struct{})
	looks := make([]int, len(replicas))
	for i, w := range replicas {
		watching.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				a := w.get("model-versions/search?max_results=200000")
				if n := strings.Count(a.body, `"current_stage":"Production"`); n > 1 || a.status != http.StatusOK {
					report("%d versions in Production: %d %s", n, a.status, a.body)
				}
				looks[i]++
			}
		})
	}
	for i := range clients {
		running.Go(func() { client(i) })
	}
	running.Wait()
	close(over)
	watching.Wait()
	require.Empty(t, wrong)
	require.Equal(t, 1, made, "one of them made the model")
	slices.Sort(numbers)
	require.Len(t, numbers, clients*rounds)
	for i, n := range numbers {
		require.Equal(t, i+1, n, "each number is given once, without a gap")
	}
	for i, w := range replicas {
		require.Positive(t, looks[i])
		list := into[versionList](w.post("registered-models/get-latest-versions", object{"name": "iris"}))
		require.Len(t, list.Versions, 2, list.numbers())
		faults, err := registry.Check(t.Context(), w.db.Read())
		require.NoError(t, err)
		require.Empty(t, faults.Faults)
	}
}

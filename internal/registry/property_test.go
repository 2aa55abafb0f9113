package registry_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// naive is what a registered model must be like, in the plainest words: a stage for each version, and for each live stage the
// stack of who came into it, from which a rollback takes.
type naive struct {
	stages  map[int]string
	stack   map[string][]int
	history []string
}

func (n *naive) move(action string, version int, to string) {
	n.history = append(n.history, fmt.Sprintf("%s %d %s %s", action, version, n.stages[version], to))
	n.stages[version] = to
}

func (n *naive) inStage(stage string) (out []int) {
	for v, s := range n.stages {
		if s == stage {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

func (n *naive) transition(version int, stage string, archive bool) {
	if archive {
		for _, other := range n.inStage(stage) {
			if other != version {
				n.move("TRANSITION", other, registry.StageArchived)
			}
		}
	}
	if n.stages[version] != stage {
		n.move("TRANSITION", version, stage)
		n.stack[stage] = append(n.stack[stage], version)
	}
}

// rollback goes down the stack: above the present one nothing counts, and it goes itself.
func (n *naive) rollback(stage string) bool {
	stack := slices.Clone(n.stack[stage])
	present := 0
	for i := len(stack) - 1; i >= 0; i-- {
		if n.stages[stack[i]] == stage {
			present, stack = stack[i], stack[:i]
			break
		}
	}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		if top != present && n.stages[top] != "Deleted" {
			if present != 0 {
				n.move("TRANSITION", present, registry.StageArchived)
			}
			n.move("ROLLBACK", top, stage)
			n.stack[stage] = stack
			return true
		}
		stack = stack[:len(stack)-1]
	}
	return false
}

// TestHistoryIsThatOfANaiveModel: after any operations, the stages, the history and what a rollback finds are those of the naive
// model, and the chain is whole.
func TestHistoryIsThatOfANaiveModel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		models := 0
		rapid.Check(t, func(r *rapid.T) {
			models++
			name := fmt.Sprint("model", models)
			n := &naive{stages: map[int]string{}, stack: map[string][]int{}}
			for range rapid.IntRange(2, 4).Draw(r, "versions") {
				n.stages[w.register(name).Version] = registry.StageNone
			}
			live := rapid.SampledFrom([]string{registry.StageStaging, registry.StageProduction})
			version := rapid.IntRange(1, len(n.stages))
			r.Repeat(map[string]func(*rapid.T){
				"transition": func(r *rapid.T) {
					v, stage := version.Draw(r, "version"), rapid.SampledFrom(registry.Stages()).Draw(r, "stage")
					archive := (stage == registry.StageStaging || stage == registry.StageProduction) && rapid.Bool().Draw(r, "archive")
					_, err := w.TransitionStage(ctx, registry.Transition{Name: name, Version: v, Stage: stage, ArchiveExisting: archive})
					if n.stages[v] == "Deleted" {
						require.Equal(r, errs.NotFound, errs.KindOf(err))
						return
					}
					require.NoError(r, err)
					n.transition(v, stage, archive)
				},
				"rollback": func(r *rapid.T) {
					stage := live.Draw(r, "stage")
					_, err := w.Rollback(ctx, name, stage, "")
					if n.rollback(stage) {
						require.NoError(r, err)
					} else {
						require.Equal(r, errs.Conflict, errs.KindOf(err), "%v", err)
					}
				},
				"delete": func(r *rapid.T) {
					if rapid.IntRange(0, 4).Draw(r, "dice") > 0 { // now and then
						return
					}
					v := version.Draw(r, "version")
					_, err := w.DeleteVersion(ctx, name, v, "")
					if n.stages[v] == "Deleted" {
						require.Equal(r, errs.NotFound, errs.KindOf(err))
						return
					}
					require.NoError(r, err)
					n.move("DELETION", v, "Deleted")
				},
				"": func(r *rapid.T) {
					require.Equal(r, n.history, notNil(w.entries(name), n.history))
					for v, stage := range n.stages {
						found, err := w.Version(ctx, name, v)
						if stage == "Deleted" {
							require.Equal(r, errs.NotFound, errs.KindOf(err))
							continue
						}
						require.NoError(r, err)
						require.Equal(r, stage, found.Stage, "version %d", v)
					}
				},
			})
		})
		w.sound()
	})
}

// notNil gives nil for an empty history where one is expected.
func notNil(got, want []string) []string {
	if len(got) == 0 && want == nil {
		return nil
	}
	return got
}

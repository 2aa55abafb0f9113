package registry_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/modelrule"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// TestManyAtOnce: what belongs to several models or versions is read at once, and each gets its own.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for range 3 {
			w.register("iris")
		}
		w.register("rose")
		iris, err := w.DescribeModel(as("bob"), "iris", "flowers")
		require.NoError(t, err)
		require.Equal(t, "flowers", iris.Description)
		require.Equal(t, "token:bob", iris.UpdatedBy)
		rose, err := w.SetModelTags(ctx, "rose", []tracking.Tag{{Key: "b", Value: "2"}, {Key: "a", Value: "1"}, {Key: "c"}})
		require.NoError(t, err)
		_, err = w.DeleteModelTag(ctx, "rose", "c")
		require.NoError(t, err)
		for alias, n := range map[string]int{"x": 1, "y": 2, "z": 2} {
			_, err = w.SetAlias(ctx, "iris", alias, n)
			require.NoError(t, err)
		}
		_, err = w.DeleteAlias(ctx, "iris", "z")
		require.NoError(t, err)
		_, err = w.DeleteAlias(ctx, "iris", "z")
		require.NoError(t, err, "it is gone already")
		_, err = w.SetRule(ctx, registry.Rule{Name: "rose", Stage: "Staging", Kind: modelrule.KindSIGNATURE})
		require.NoError(t, err)
		w.transition("iris", 2, registry.StageProduction)
		both := []int{iris.ID, rose.ID}

		models, err := w.ModelsByID(ctx, both)
		require.NoError(t, err)
		require.Equal(t, "rose", models[rose.ID].Name)
		aliases, err := w.AliasesOf(ctx, both)
		require.NoError(t, err)
		require.Len(t, aliases[iris.ID], 2)
		require.Equal(t, "x", aliases[iris.ID][0].Alias)
		require.Empty(t, aliases[rose.ID])
		tags, err := w.ModelTagsOf(ctx, both)
		require.NoError(t, err)
		require.Len(t, tags[rose.ID], 2)
		require.Equal(t, "a", tags[rose.ID][0].Key)
		rules, err := w.RulesOf(ctx, both)
		require.NoError(t, err)
		require.Len(t, rules[rose.ID], 1)
		require.Empty(t, rules[iris.ID])
		counts, err := w.CountVersions(ctx, both)
		require.NoError(t, err)
		require.Equal(t, map[int]int{iris.ID: 3, rose.ID: 1}, counts)
		latest, err := w.LatestVersionsOf(ctx, both, []string{"production", "None", "Production"})
		require.NoError(t, err)
		require.Len(t, latest[iris.ID], 2)
		require.Equal(t, 2, latest[iris.ID][0].Version)
		require.Equal(t, 3, latest[iris.ID][1].Version)

		byID, err := w.VersionsByID(ctx, []int{latest[iris.ID][0].ID, latest[rose.ID][0].ID, 9999})
		require.NoError(t, err)
		require.Len(t, byID, 2)
		require.Equal(t, "rose", byID[latest[rose.ID][0].ID].Edges.RegisteredModel.Name)

		pages, err := w.VersionsOf(ctx, both, 0, 2)
		require.NoError(t, err)
		require.True(t, pages[iris.ID].HasNext)
		require.Equal(t, 3, pages[iris.ID].Versions[0].Version)
		require.False(t, pages[rose.ID].HasNext)
		pages, err = w.VersionsOf(ctx, []int{iris.ID}, 2, 2)
		require.NoError(t, err)
		require.Len(t, pages[iris.ID].Versions, 1)
		histories, err := w.HistoriesOf(ctx, both, 0, 5)
		require.NoError(t, err)
		require.Len(t, histories[iris.ID].Entries, 1)
		require.Len(t, histories[rose.ID].Entries, 1)
		for _, err := range []error{
			second(w.VersionsOf(ctx, both, 0, 0)), second(w.VersionsOf(ctx, both, 0, 1001)), second(w.HistoriesOf(ctx, both, 0, 0)),
			second(w.History(ctx, "iris", 0, 1001)),
		} {
			refused(t, errs.Invalid, err, "it is from 1 to 1000")
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestChangesSince: a version that changed several times is told once, as it is now, also of a deleted model by its name.
func TestChangesSince(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for range 2 {
			w.register("iris")
			w.register("rose")
		}
		w.transition("iris", 1, registry.StageProduction)
		told := func(names []string, after int64, limit int) (out []string, next int64) {
			t.Helper()
			versions, next, err := w.ChangesSince(ctx, names, after, limit)
			require.NoError(t, err)
			for _, v := range versions {
				out = append(out, registry.NameOf(v)+" "+string(rune('0'+v.Version))+" "+v.Stage)
			}
			return out, next
		}
		all, _ := told(nil, 0, 10)
		require.Equal(t, []string{"rose 1 None", "iris 2 None", "rose 2 None", "iris 1 Production"}, all)
		first, next := told([]string{"iris"}, 0, 1)
		require.Equal(t, []string{"iris 2 None"}, first)
		rest, next := told([]string{"iris"}, next, 10)
		require.Equal(t, []string{"iris 1 Production"}, rest)
		none, _ := told([]string{"iris", "none"}, next, 10)
		require.Empty(t, none)
		_, err := w.DeleteModel(ctx, "iris", "")
		require.NoError(t, err)
		gone, _ := told([]string{"iris"}, next, 10)
		require.Equal(t, []string{"iris 1 Deleted", "iris 2 Deleted"}, gone)
	})
}

// TestSuiteIsWhole: every method of the service is called by its own tests.
func TestSuiteIsWhole(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var text strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		text.Write(b)
	}
	service := reflect.TypeFor[*registry.Service]()
	var missing []string
	for i := range service.NumMethod() {
		if name := service.Method(i).Name; !strings.Contains(text.String(), "."+name+"(") {
			missing = append(missing, name)
		}
	}
	require.Empty(t, missing)
}

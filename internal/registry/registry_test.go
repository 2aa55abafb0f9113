package registry_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/modelhistory"
	"github.com/cairnml/cairn/ent/modelrule"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// world is a registry with what it needs around it.
type world struct {
	*testing.T
	*registry.Service
	db    *store.DB
	runs  *tracking.Service
	files *artifact.Service
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	hub := live.NewHub()
	runs := tracking.New(db, hub)
	t.Cleanup(runs.Close)
	disk, err := artifact.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, disk.Close()) })
	files := artifact.NewService(disk, db)
	return &world{T: t, Service: registry.New(db, hub, files), db: db, runs: runs, files: files}
}

// as is a context in which somebody asks.
func as(name string) context.Context {
	return auth.With(context.Background(), auth.Principal{Name: "token:" + name, Role: token.RoleEDITOR})
}

var ctx = as("alice")

// far is a source that the server does not read.
const far = "s3://models/iris"

// register makes a version of a model, and the model if need be.
func (w *world) register(name string) *ent.ModelVersion {
	w.Helper()
	v, err := w.CreateVersion(ctx, registry.CreateVersion{Name: name, Source: far, CreateModel: true})
	require.NoError(w, err)
	return v
}

func (w *world) transition(name string, version int, stage string) {
	w.Helper()
	_, err := w.TransitionStage(ctx, registry.Transition{
		Name: name, Version: version, Stage: stage, ArchiveExisting: stage == registry.StageProduction,
	})
	require.NoError(w, err)
}

// refused requires an error of a kind.
func refused(t *testing.T, kind errs.Kind, err error, text string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind, errs.KindOf(err), "%v", err)
	require.ErrorContains(t, err, text)
}

// entries gives the history of a model, oldest first, as "action version from to".
func (w *world) entries(name string) []string {
	w.Helper()
	page, err := w.History(ctx, name, 0, registry.MaxHistory)
	require.NoError(w, err)
	out := make([]string, len(page.Entries))
	for i, e := range page.Entries {
		out[len(out)-1-i] = strings.TrimSpace(strings.Join([]string{
			string(e.Action), string(rune('0' + e.Version)), e.FromStage, e.ToStage}, " "))
	}
	return out
}

// sound requires that a check finds no fault.
func (w *world) sound() {
	w.Helper()
	report, err := registry.Check(ctx, w.db.Read())
	require.NoError(w, err)
	require.Empty(w, report.Faults)
}

func TestModelsAndVersions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		m, err := w.CreateModel(ctx, registry.CreateModel{Name: "iris", Description: "flowers", Tags: []tracking.Tag{{Key: "team", Value: "a"}}})
		require.NoError(t, err)
		require.Equal(t, "token:alice", m.CreatedBy)
		_, err = w.CreateModel(ctx, registry.CreateModel{Name: "iris"})
		refused(t, errs.Exists, err, "Registered Model (name=iris) already exists")
		_, err = w.CreateVersion(ctx, registry.CreateVersion{Name: "other", Source: far})
		refused(t, errs.NotFound, err, "Registered Model with name=other not found")

		for n := 1; n <= 3; n++ {
			v := w.register("iris")
			require.Equal(t, n, v.Version)
			require.Equal(t, registry.StageNone, v.Stage)
		}
		// A number is never given again.
		for _, n := range []int{1, 3} {
			_, err := w.DeleteVersion(ctx, "iris", n, "")
			require.NoError(t, err)
		}
		require.Equal(t, 4, w.register("iris").Version)
		_, err = w.Version(ctx, "iris", 3)
		refused(t, errs.NotFound, err, "Model Version (name=iris, version=3) not found")
		_, err = w.DescribeVersion(ctx, "iris", 3, "gone")
		refused(t, errs.NotFound, err, "version=3")

		v, err := w.SetVersionTags(as("bob"), "iris", 4, []tracking.Tag{{Key: "git_sha", Value: "6c2da07"}})
		require.NoError(t, err)
		require.Equal(t, "token:bob", v.UpdatedBy)
		_, err = w.SetVersionTags(ctx, "iris", 4, []tracking.Tag{{Key: "git_sha", Value: "f00"}, {Key: "data", Value: "x"}})
		require.NoError(t, err)
		_, err = w.DeleteVersionTag(ctx, "iris", 4, "data")
		require.NoError(t, err)
		tags, err := w.VersionTagsOf(ctx, []int{v.ID})
		require.NoError(t, err)
		require.Len(t, tags[v.ID], 1)
		require.Equal(t, "f00", tags[v.ID][0].Value)

		// The same key gives the same version.
		in := registry.CreateVersion{Name: "iris", Source: far, IdempotencyKey: "k"}
		first, err := w.CreateVersion(ctx, in)
		require.NoError(t, err)
		again, err := w.CreateVersion(ctx, in)
		require.NoError(t, err)
		require.Equal(t, first.Version, again.Version)

		_, err = w.RenameModel(ctx, "iris", "flower")
		require.NoError(t, err)
		_, err = w.Model(ctx, "iris")
		refused(t, errs.NotFound, err, "iris")
		require.Equal(t, 6, w.register("flower").Version)
		w.register("taken")
		_, err = w.RenameModel(ctx, "flower", "taken")
		refused(t, errs.Exists, err, "taken")
		w.sound()

		// A deleted model's name is free, and the model that gets it begins anew.
		_, err = w.DeleteModel(ctx, "flower", "")
		require.NoError(t, err)
		_, err = w.Version(ctx, "flower", 4)
		refused(t, errs.NotFound, err, "flower")
		require.Equal(t, 1, w.register("flower").Version)
		w.sound()
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "cannot be empty", "  ": "cannot be empty", "a/b": "cannot contain '/' or ':'", "a:b": "cannot contain '/' or ':'",
		".": "not clean", "..": "not clean", "..a": "not clean", "a\x00b": "control character", "a\xffb": "not UTF-8",
		strings.Repeat("x", 257): "257 characters: at most 256",
	} {
		refused(t, errs.Invalid, registry.CheckName("name", name), want)
	}
	for _, name := range []string{"iris", "学习 率", "a@b", "a.b", strings.Repeat("学", 256), "%2e%2e"} {
		require.NoError(t, registry.CheckName("name", name))
	}
	for alias, want := range map[string]string{
		"": "cannot be empty", "a b": "Invalid alias name", "a/b": "Invalid alias name", "Latest": "reserved", "v12": "reserved",
		strings.Repeat("a", 256): "256 characters: at most 255",
	} {
		refused(t, errs.Invalid, registry.CheckAlias("alias", alias), want)
	}
	for _, alias := range []string{"champion", "v1x", "v", "冠军", "a-b_c"} {
		require.NoError(t, registry.CheckAlias("alias", alias))
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for range 5 {
			w.register("a@b")
		}
		w.transition("a@b", 2, registry.StageProduction)
		for _, n := range []int{1, 3} {
			_, err := w.TransitionStage(ctx, registry.Transition{Name: "a@b", Version: n, Stage: "staging"})
			require.NoError(t, err)
		}
		_, err := w.SetAlias(ctx, "a@b", "champion", 1)
		require.NoError(t, err)
		_, err = w.DeleteVersion(ctx, "a@b", 5, "")
		require.NoError(t, err)
		for uri, want := range map[string]int{
			"models:/a@b/3": 3, "models:/a@b/Production": 2, "models:/a@b/STAGING": 3, "models:/a@b@champion": 1,
			"models:/a@b/latest": 4, "models:/a@b/Latest": 4, "models:/a@b/None": 4,
		} {
			ref, err := registry.ParseURI(uri)
			require.NoError(t, err, uri)
			v, err := w.Resolve(ctx, ref)
			require.NoError(t, err, uri)
			require.Equal(t, want, v.Version, uri)
		}
		for uri, want := range map[string]string{
			"models:/a@b/5": "version=5", "models:/a@b/Archived": "no version in Archived", "models:/a@b@other": "alias other not found",
			"models:/none/1": "name=none not found",
		} {
			ref, err := registry.ParseURI(uri)
			require.NoError(t, err, uri)
			_, err = w.Resolve(ctx, ref)
			refused(t, errs.NotFound, err, want)
		}
		for _, uri := range []string{
			"", "models:", "models:/", "models:/a", "models:/a/", "models:/a/1/2", "models:/a/0", "models:/a/99999999999", "models:/a/Sideways",
			"models:/a@", "models:/a@v1", "runs:/a/1", "models:/m-0123456789abcdef0123456789abcdef", "models:/@x",
		} {
			_, err := registry.ParseURI(uri)
			require.Equal(t, errs.Invalid, errs.KindOf(err), uri)
		}
		_, err = w.Resolve(ctx, registry.Ref{Name: "a@b"})
		refused(t, errs.Invalid, err, "in one way")
		_, err = w.Resolve(ctx, registry.Ref{Name: "a@b", Version: 1, Latest: true})
		refused(t, errs.Invalid, err, "in one way")

		// An alias goes with its version, and moves.
		_, err = w.SetAlias(ctx, "a@b", "champion", 2)
		require.NoError(t, err)
		_, err = w.SetAlias(ctx, "a@b", "champion", 9)
		refused(t, errs.NotFound, err, "version=9")
		_, err = w.DeleteVersion(ctx, "a@b", 2, "")
		require.NoError(t, err)
		_, err = w.Resolve(ctx, registry.Ref{Name: "a@b", Alias: "champion"})
		refused(t, errs.NotFound, err, "champion")

		latest, err := w.LatestVersions(ctx, "a@b", nil)
		require.NoError(t, err)
		var got []string
		for _, v := range latest {
			got = append(got, v.Stage+" "+string(rune('0'+v.Version)))
		}
		require.Equal(t, []string{"None 4", "Staging 3"}, got)
	})
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for range 3 {
			w.register("iris")
		}
		w.transition("iris", 1, registry.StageProduction)
		w.transition("iris", 2, registry.StageProduction)
		v, err := w.TransitionStage(ctx, registry.Transition{Name: "iris", Version: 2, Stage: "production"})
		require.NoError(t, err, "it is there already")
		require.Equal(t, registry.StageProduction, v.Stage)
		require.Equal(t, []string{
			"TRANSITION 1 None Production", "TRANSITION 1 Production Archived", "TRANSITION 2 None Production",
		}, w.entries("iris"))

		for _, c := range []struct {
			in   registry.Transition
			kind errs.Kind
			want string
		}{
			{registry.Transition{Name: "iris", Version: 3, Stage: "Sideways"}, errs.Invalid, "Invalid Model Version stage: Sideways"},
			{registry.Transition{Name: "iris", Version: 3, Stage: "Deleted"}, errs.Invalid, "Invalid Model Version stage"},
			{registry.Transition{Name: "iris", Version: 9, Stage: "Production"}, errs.NotFound, "version=9"},
			{registry.Transition{Name: "rose", Version: 1, Stage: "Production"}, errs.NotFound, "rose"},
			{registry.Transition{Name: "iris", Version: 3, Stage: "Archived", ArchiveExisting: true}, errs.Invalid, "not for Archived"},
			{registry.Transition{Name: "iris", Version: 3, Stage: "Staging", Reason: strings.Repeat("x", 8193)}, errs.Invalid, "at most 8192"},
		} {
			_, err := w.TransitionStage(ctx, c.in)
			refused(t, c.kind, err, c.want)
		}
		_, err = w.DeleteVersion(ctx, "iris", 3, "broken")
		require.NoError(t, err)
		_, err = w.TransitionStage(ctx, registry.Transition{Name: "iris", Version: 3, Stage: "Staging"})
		refused(t, errs.NotFound, err, "version=3")
		require.Len(t, w.entries("iris"), 4, "what was refused is in no history")
		w.sound()
	})
}

// TestHistoryByDate: what was in a stage at a time, across a renaming, a deletion, and another model of the same name.
func TestHistoryByDate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		moment := func() time.Time { // between two entries
			before := time.Now().UnixMilli()
			require.Eventually(t, func() bool { return time.Now().UnixMilli() > before+1 }, time.Minute, time.Millisecond)
			return time.UnixMilli(before + 1)
		}
		in := func(name string, at time.Time) (versions []int) {
			found, err := w.StageAt(ctx, name, "production", at)
			require.NoError(t, err)
			for _, e := range found {
				versions = append(versions, e.Version)
			}
			return versions
		}
		w.register("iris")
		w.register("iris")
		start := moment()
		w.transition("iris", 1, registry.StageProduction)
		first := moment()
		w.transition("iris", 2, registry.StageProduction)
		second := moment()
		_, err := w.RenameModel(ctx, "iris", "flower")
		require.NoError(t, err)
		renamed := moment()
		_, err = w.Rollback(ctx, "flower", "Production", "two is bad")
		require.NoError(t, err)
		back := moment()
		_, err = w.DeleteModel(ctx, "flower", "")
		require.NoError(t, err)
		deleted := moment()
		w.register("flower")
		w.transition("flower", 1, registry.StageProduction)
		anew := moment()

		require.Empty(t, in("iris", start))
		require.Equal(t, []int{1}, in("iris", first))
		require.Equal(t, []int{2}, in("iris", second))
		require.Empty(t, in("iris", renamed), "it has another name then")
		require.Equal(t, []int{2}, in("flower", renamed))
		require.Equal(t, []int{1}, in("flower", back))
		require.Empty(t, in("flower", deleted))
		require.Equal(t, []int{1}, in("flower", anew))
		_, err = w.StageAt(ctx, "rose", "Production", anew)
		refused(t, errs.NotFound, err, "rose")
		_, err = w.StageAt(ctx, "flower", "None", anew)
		refused(t, errs.Invalid, err, "None is where they begin")

		page, err := w.History(ctx, "iris", 0, 100)
		require.NoError(t, err)
		require.Equal(t, modelhistory.ActionMODEL_DELETION, page.Entries[0].Action)
		rollback := page.Entries[1]
		require.Equal(t, "two is bad", rollback.Reason)
		require.Equal(t, "token:alice", rollback.Principal)
		page, err = w.History(ctx, "iris", 3, 1)
		require.NoError(t, err)
		require.True(t, page.HasNext)
		require.Equal(t, int64(2), page.Entries[0].Sequence)
		w.sound()
	})
}

func TestRollback(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for range 5 {
			w.register("iris")
		}
		back := func(want int) {
			t.Helper()
			before := w.entries("iris")
			tried, err := w.TryRollback(ctx, "iris", "production")
			require.NoError(t, err)
			require.Equal(t, want, tried.Version)
			require.Equal(t, before, w.entries("iris"), "trying changes nothing")
			v, err := w.Rollback(ctx, "iris", "production", "")
			require.NoError(t, err)
			require.Equal(t, want, v.Version)
			inStage, err := w.LatestVersions(ctx, "iris", []string{"Production"})
			require.NoError(t, err)
			require.Equal(t, want, inStage[0].Version)
		}
		none := func(text string) {
			t.Helper()
			before := w.entries("iris")
			_, err := w.Rollback(ctx, "iris", "Production", "")
			refused(t, errs.Conflict, err, text)
			require.Equal(t, before, w.entries("iris"))
		}
		none("nothing is in it, and nothing was")
		w.transition("iris", 1, registry.StageProduction)
		none("no version was before it")
		w.transition("iris", 2, registry.StageProduction)
		w.transition("iris", 3, registry.StageProduction)
		back(2)
		back(1)
		none("version 1 is in it, and no version was before it")
		w.transition("iris", 4, registry.StageProduction)
		back(1) // and never to 2 or 3, which were rolled back
		w.transition("iris", 4, registry.StageProduction)
		w.transition("iris", 5, registry.StageProduction)
		_, err := w.DeleteVersion(ctx, "iris", 4, "")
		require.NoError(t, err)
		back(1) // 4 is deleted

		// Who empties the stage by hand gets back what was there.
		w.transition("iris", 5, registry.StageProduction)
		_, err = w.TransitionStage(ctx, registry.Transition{Name: "iris", Version: 5, Stage: "Archived"})
		require.NoError(t, err)
		back(5)
		back(1)

		// Of several in the stage, the last that came makes way, and the one before stays.
		for _, n := range []int{2, 3} {
			_, err = w.TransitionStage(ctx, registry.Transition{Name: "iris", Version: n, Stage: "Production"})
			require.NoError(t, err)
		}
		v, err := w.Rollback(ctx, "iris", "Production", "")
		require.NoError(t, err)
		require.Equal(t, 2, v.Version)
		v3, err := w.Version(ctx, "iris", 3)
		require.NoError(t, err)
		require.Equal(t, registry.StageArchived, v3.Stage)

		_, err = w.Rollback(ctx, "iris", "Archived", "")
		refused(t, errs.Invalid, err, "not in Archived")
		_, err = w.Rollback(ctx, "rose", "Production", "")
		refused(t, errs.NotFound, err, "rose")
		w.sound()
	})
}

func TestTriedTransition(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.register("iris")
		w.register("iris")
		w.transition("iris", 1, registry.StageProduction)
		before := w.entries("iris")
		try := registry.Transition{Name: "iris", Version: 2, Stage: "Production", ArchiveExisting: true, DryRun: true}
		v, err := w.TransitionStage(ctx, try)
		require.NoError(t, err)
		require.Equal(t, registry.StageProduction, v.Stage, "as it would be")
		require.Equal(t, before, w.entries("iris"))
		for n, want := range map[int]string{1: registry.StageProduction, 2: registry.StageNone} {
			v, err := w.Version(ctx, "iris", n)
			require.NoError(t, err)
			require.Equal(t, want, v.Stage)
		}
		_, err = w.SetRule(ctx, registry.Rule{Name: "iris", Stage: "Production", Kind: modelrule.KindTAG, Key: "reviewed"})
		require.NoError(t, err)
		_, err = w.TransitionStage(ctx, try)
		refused(t, errs.Conflict, err, "the rules of this stage ask for tag")
		w.sound()
	})
}

// put stores a file of a run or a logged model.
func (w *world) put(location, path, content string) {
	w.Helper()
	root, err := artifact.Root(location)
	require.NoError(w, err)
	_, err = w.files.Put(ctx, root+"/"+path, bytes.NewReader([]byte(content)), 1<<20)
	require.NoError(w, err)
}

func (w *world) newRun() *ent.Run {
	w.Helper()
	r, err := w.runs.CreateRun(ctx, tracking.CreateRun{})
	require.NoError(w, err)
	return r
}

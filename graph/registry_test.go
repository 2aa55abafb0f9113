package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

const versionFields = `id name version stage aliases status description source artifactLocation runId createdBy updatedBy
	run { runId status } loggedModel { modelId tags { key } } tags { key value } sha: tag(key: "git_sha") model { id name tags { key } aliases { alias version } }
	signature { inputs { name type required } outputs { type } params { name default shape } } requirements manifestProblem approvals { stage principal }
	artifacts(first: 5) { edges { node { path downloadUrl } } }`

// fillModels makes models of so many versions, with something in every list.
func fillModels(t *testing.T, s *server, models, versions int) {
	t.Helper()
	ctx, core := admin(), s.deps.Registry
	for i := range models {
		name := fmt.Sprintf("model %d", i)
		_, err := core.CreateModel(ctx, registry.CreateModel{Name: name, Tags: []tracking.Tag{{Key: "team", Value: "a"}}})
		require.NoError(t, err)
		for n := 1; n <= versions; n++ {
			run, err := s.deps.Tracking.CreateRun(ctx, tracking.CreateRun{})
			require.NoError(t, err)
			m, err := s.deps.Tracking.CreateLoggedModel(ctx, tracking.CreateLoggedModel{SourceRunID: run.RunID, Name: "m", Tags: []tracking.Tag{{Key: "k"}}})
			require.NoError(t, err)
			root, err := artifact.Root(m.ArtifactLocation)
			require.NoError(t, err)
			_, err = s.deps.Artifacts.Put(ctx, root+"/MLmodel", bytes.NewReader([]byte("signature:\n  inputs: '[{\"type\": \"long\", \"name\": \"x\"}]'\n")), 1<<20)
			require.NoError(t, err)
			_, err = core.CreateVersion(ctx, registry.CreateVersion{
				Name: name, Source: "models:/" + m.ModelID, Tags: []tracking.Tag{{Key: "git_sha", Value: fmt.Sprint(n)}}})
			require.NoError(t, err)
			_, err = core.SetAlias(ctx, name, fmt.Sprint("a", n), n)
			require.NoError(t, err)
			_, err = core.Approve(ctx, name, n, "Production", "")
			require.NoError(t, err)
			_, err = core.TransitionStage(ctx, registry.Transition{Name: name, Version: n, Stage: "Production", ArchiveExisting: true})
			require.NoError(t, err)
		}
		_, err = core.SetRule(ctx, registry.Rule{Name: name, Stage: "Production", Kind: "APPROVAL"})
		require.NoError(t, err)
	}
}

// TestRegistryFlow is the story of a model: registered, promoted, refused, rolled back, and looked up.
func TestRegistryFlow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		run := s.newRun(tracking.CreateRun{})
		version := func(source string) int {
			made := must[struct{ CreateModelVersion struct{ Version int } }](s, `mutation($source: String!) {
				createModelVersion(input: {name: "iris", source: $source, createModel: true, tags: [{key: "git_sha", value: "6c2da07"}]}) { version } }`,
				vars{"source": source})
			return made.CreateModelVersion.Version
		}
		require.Equal(t, 1, version("runs:/"+run+"/model"))
		require.Equal(t, 2, version("s3://models/iris"))
		promote := `mutation($v: Int!) { transitionModelVersionStage(input: {name: "iris", version: $v, stage: "production",
			archiveExistingVersions: true, reason: "better"}) { version stage updatedBy } }`
		for _, v := range []int{1, 2} {
			must[any](s, promote, vars{"v": v})
		}
		must[any](s, `mutation { setRegisteredModelAlias(name: "iris", alias: "champion", version: 1) { aliases } }`, nil)
		resolved := func(arguments string) int {
			t.Helper()
			found := must[struct{ ModelVersion *struct{ Version int } }](s, `{ modelVersion(`+arguments+`) { version } }`, nil)
			if found.ModelVersion == nil {
				return 0
			}
			return found.ModelVersion.Version
		}
		for arguments, want := range map[string]int{
			`name: "iris", stage: "Production"`: 2, `name: "iris", alias: "champion"`: 1, `name: "iris", latest: true`: 2, `name: "iris", version: 1`: 1,
			`uri: "models:/iris/Production"`: 2, `uri: "models:/iris@champion"`: 1, `uri: "models:/iris/latest"`: 2, `uri: "models:/iris/1"`: 1,
			`name: "iris", version: 7`: 0, `name: "rose", version: 1`: 0, `uri: "models:/iris/Staging"`: 0,
		} {
			require.Equal(t, want, resolved(arguments), arguments)
		}
		for _, arguments := range []string{`name: "iris"`, `uri: "x"`, `uri: "models:/iris/1", name: "iris"`, `name: "iris", version: -1`, `name: "a/b", version: 1`} {
			e, _ := s.fails(`{ modelVersion(`+arguments+`) { version } }`, nil)
			require.Equal(t, "INVALID_ARGUMENT", e.Extensions.Code, arguments)
		}

		rolled := must[struct{ RollbackModelStage struct{ Version int } }](s, `mutation { rollbackModelStage(name: "iris", reason: "two is bad") { version } }`, nil)
		require.Equal(t, 1, rolled.RollbackModelStage.Version)
		e, _ := s.fails(`mutation { rollbackModelStage(name: "iris") { version } }`, nil)
		require.Equal(t, "CONFLICT", e.Extensions.Code)

		rule := must[struct{ SetModelRule struct{ Text, Goal string } }](s,
			`mutation { setModelRule(input: {name: "iris", stage: "Production", kind: TAG, key: "reviewed"}) { text goal } }`, nil)
		require.Equal(t, `tag "reviewed"`, rule.SetModelRule.Text)
		e, _ = s.fails(promote, vars{"v": 2})
		require.Equal(t, "CONFLICT", e.Extensions.Code)
		require.Contains(t, e.Message, `tag "reviewed" (it is not set)`)
		must[any](s, `mutation { deleteModelRule(name: "iris", stage: "Production", kind: TAG, key: "reviewed") { rules { text } } }`, nil)

		at := time.Now().UTC().Format(time.RFC3339Nano)
		then := must[struct{ ModelStageAt []struct{ Version int } }](s, `query($at: Time!) { modelStageAt(name: "iris", stage: "Production", time: $at) { version principal reason } }`, vars{"at": at})
		require.Len(t, then.ModelStageAt, 1)
		require.Equal(t, 1, then.ModelStageAt[0].Version)

		type history struct {
			Edges []struct {
				Node   struct{ Action, Reason, Hash, PreviousHash string }
				Cursor string
			}
			PageInfo struct{ HasNextPage bool }
		}
		page := must[struct{ ModelHistory history }](s, `{ modelHistory(name: "iris", first: 2) { edges { node { action reason hash previousHash } cursor } pageInfo { hasNextPage } } }`, nil).ModelHistory
		require.True(t, page.PageInfo.HasNextPage)
		require.Equal(t, "RULE_REMOVAL", page.Edges[0].Node.Action)
		rest := must[struct {
			RegisteredModel struct {
				HistoryHead string
				History     history
			}
		}](s, `query($after: String) { registeredModel(name: "iris") { historyHead history(after: $after) { edges { node { action reason hash previousHash } } pageInfo { hasNextPage } } } }`,
			vars{"after": page.Edges[1].Cursor}).RegisteredModel
		require.Equal(t, page.Edges[0].Node.Hash, rest.HistoryHead)
		require.Equal(t, page.Edges[1].Node.PreviousHash, rest.History.Edges[0].Node.Hash)
		require.Equal(t, "two is bad", rest.History.Edges[0].Node.Reason)
		require.False(t, rest.History.PageInfo.HasNextPage)

		node := must[struct{ ModelVersion struct{ ID string } }](s, `{ modelVersion(name: "iris", version: 1) { id } }`, nil).ModelVersion.ID
		found := must[struct{ Node struct{ Version int } }](s, `query($id: ID!) { node(id: $id) { ... on ModelVersion { version model { id } } } }`, vars{"id": node})
		require.Equal(t, 1, found.Node.Version)

		compared := must[struct{ CompareModelVersions struct{ Verdict string } }](s,
			`{ compareModelVersions(from: {uri: "models:/iris/1"}, to: {name: "iris", version: 2}) { verdict schema { why } params { key } metrics { key from to } data { name } dependencies { key } parts complete from { version } to { run { runId } } } }`, nil)
		require.Equal(t, "UNKNOWN", compared.CompareModelVersions.Verdict)

		must[any](s, `mutation { renameRegisteredModel(name: "iris", newName: "flower") { name } }`, nil)
		must[any](s, `mutation { deleteModelVersion(name: "flower", version: 2) { name versions { totalCount } } }`, nil)
		must[any](s, `mutation { deleteRegisteredModel(name: "flower") }`, nil)
		gone := must[struct{ RegisteredModel, ModelVersion, Node *struct{ ID string } }](s,
			`query($id: ID!) { registeredModel(name: "flower") { id } modelVersion(name: "flower", version: 1) { id } node(id: $id) { id } }`, vars{"id": node})
		require.Nil(t, gone.RegisteredModel)
		require.Nil(t, gone.ModelVersion)
		require.Nil(t, gone.Node)
	})
}

// TestRegistryRoles: who may only read changes nothing, and who may only write binds nobody with rules.
func TestRegistryRoles(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	fillModels(t, s, 1, 1)
	_, _, err := s.deps.Auth.CreateToken(admin(), "root", token.RoleADMIN, nil)
	require.NoError(t, err)
	_, viewer, err := s.deps.Auth.CreateToken(admin(), "viewer", token.RoleVIEWER, nil)
	require.NoError(t, err)
	_, editor, err := s.deps.Auth.CreateToken(admin(), "editor", token.RoleEDITOR, nil)
	require.NoError(t, err)
	transition := `mutation { transitionModelVersionStage(input: {name: "model 0", version: 1, stage: "Archived"}) { stage updatedBy } }`
	rule := `mutation { setModelRule(input: {name: "model 0", stage: "Archived", kind: APPROVAL}) { text } }`
	for _, c := range []struct{ query, secret string }{
		{transition, viewer}, {rule, viewer}, {rule, editor},
		{`mutation { rollbackModelStage(name: "model 0") { version } }`, viewer},
		{`mutation { approveModelVersion(name: "model 0", version: 1, stage: "Production") { version } }`, viewer},
	} {
		e, _ := s.fails(c.query, nil, "Authorization", "Bearer "+c.secret)
		require.Equal(t, "PERMISSION_DENIED", e.Extensions.Code, c.query)
	}
	res := s.try(`{ modelVersion(name: "model 0", version: 1) { stage } }`, nil, "Authorization", "Bearer "+viewer)
	require.JSONEq(t, `{"modelVersion": {"stage": "Production"}}`, string(res.Data), "nothing was changed")
	res = s.try(transition, nil, "Authorization", "Bearer "+editor)
	require.JSONEq(t, `{"transitionModelVersionStage": {"stage": "Archived", "updatedBy": "token:editor"}}`, string(res.Data))
	_, err = s.deps.Registry.TransitionStage(auth.With(admin(), auth.Principal{Name: "token:x", Role: token.RoleADMIN}),
		registry.Transition{Name: "model 0", Version: 1, Stage: "Staging"})
	require.NoError(t, err)
}

const modelVersionsChanged = `subscription($names: [String!], $after: String) { modelVersionsChanged(names: $names, after: $after) {
	cursor changes { kind name version modelVersion { stage tags { key } aliases model { name } } } } }`

type versionsChanged struct {
	ModelVersionsChanged struct {
		Cursor  string
		Changes []struct {
			Kind, Name   string
			Version      int
			ModelVersion *struct {
				Stage   string
				Aliases []string
			}
		}
	}
}

// TestModelVersionsChanged: every change is told, live and after a pause, of the models that are named and of no others.
func TestModelVersionsChanged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		core, ctx := s.deps.Registry, admin()
		register := func(name string) {
			_, err := core.CreateVersion(ctx, registry.CreateVersion{Name: name, Source: "s3://b/" + name, CreateModel: true})
			require.NoError(t, err)
		}
		for name, open := range transports() {
			t.Run(name, func(t *testing.T) {
				iris, rose := "iris "+name, "rose "+name
				register(rose)
				v := vars{"names": []string{iris}}
				events := open(t, s, modelVersionsChanged, v)
				var cursor string
				next := func() versionsChanged {
					t.Helper()
					r, done := events.next(t)
					require.False(t, done)
					require.Empty(t, r.Errors)
					var e versionsChanged
					require.NoError(t, json.Unmarshal(r.Data, &e))
					cursor = e.ModelVersionsChanged.Cursor
					return e
				}
				// until reads events until one says what a version is like.
				until := func(want string) {
					t.Helper()
					for {
						for _, c := range next().ModelVersionsChanged.Changes {
							require.Equal(t, iris, c.Name)
							got := fmt.Sprintf("%s %d", c.Kind, c.Version)
							if c.ModelVersion != nil {
								got += fmt.Sprintf(" %s %s", c.ModelVersion.Stage, c.ModelVersion.Aliases)
							}
							if got == want {
								return
							}
						}
					}
				}
				require.Empty(t, next().ModelVersionsChanged.Changes, "the first event is the cursor")
				register(rose)
				register(iris) // which was not there yet
				until("UPDATED 1 None []")
				_, err := core.TransitionStage(ctx, registry.Transition{Name: iris, Version: 1, Stage: "Production"})
				require.NoError(t, err)
				until("UPDATED 1 Production []")
				events.close()

				register(iris)
				_, err = core.SetAlias(ctx, iris, "champion", 1)
				require.NoError(t, err)
				_, err = core.DeleteVersion(ctx, iris, 2, "")
				require.NoError(t, err)
				v["after"] = cursor
				events = open(t, s, modelVersionsChanged, v)
				until("UPDATED 1 Production [champion]")
				events.close()
				v["after"] = cursor
				events = open(t, s, modelVersionsChanged, v)
				_, err = core.DeleteModel(ctx, iris, "")
				require.NoError(t, err)
				until("DELETED 1")
				events.close()
			})
		}
		bad := s.connect(t).subscribe(t, "1", modelVersionsChanged, vars{"names": []string{"a/b"}})
		r, _ := bad.next(t)
		require.Len(t, r.Errors, 1)
		require.Equal(t, "INVALID_ARGUMENT", r.Errors[0].Extensions.Code)
	})
}

package search_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

var ctx = context.Background()

func newRegistry(t *testing.T, db *store.DB) *registry.Service {
	t.Helper()
	files, err := artifact.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, files.Close()) })
	return registry.New(db, live.NewHub(), artifact.NewService(files, db))
}

// fillRegistry makes models of three versions each: of each third model, the versions have a tag team.
func fillRegistry(t *testing.T, r *registry.Service, names ...string) {
	t.Helper()
	for i, name := range names {
		in := registry.CreateModel{Name: name, Tags: []tracking.Tag{{Key: "kind", Value: []string{"tree", "net"}[i%2]}}}
		if strings.HasPrefix(name, "prompt") {
			in.Tags = append(in.Tags, tracking.Tag{Key: "mlflow.prompt.is_prompt", Value: "true"})
		}
		_, err := r.CreateModel(ctx, in)
		require.NoError(t, err)
		for n := 1; n <= 3; n++ {
			in := registry.CreateVersion{
				Name: name, Source: fmt.Sprintf("s3://b/%s/%d", name, n), RunID: fmt.Sprintf("%032x", 16*i+n),
				Tags: []tracking.Tag{{Key: "n", Value: fmt.Sprint(n)}},
			}
			if i%3 == 0 {
				in.Tags = append(in.Tags, tracking.Tag{Key: "team", Value: "a"})
			}
			_, err := r.CreateVersion(ctx, in)
			require.NoError(t, err)
		}
		_, err = r.TransitionStage(ctx, registry.Transition{Name: name, Version: 2, Stage: "Production"})
		require.NoError(t, err)
	}
}

func TestRegistrySearch(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r, s := newRegistry(t, db), search.New(db)
		fillRegistry(t, r, "iris", "Rose", "学习", "prompt one", "iris_2", "gone")
		_, err := r.DeleteModel(ctx, "gone", "")
		require.NoError(t, err)
		_, err = r.DeleteVersion(ctx, "Rose", 3, "")
		require.NoError(t, err)

		for filter, want := range map[string]string{
			"":                                   "Rose,iris,iris_2,prompt one,学习",
			"name = 'iris'":                      "iris",
			"name != 'iris'":                     "Rose,iris_2,prompt one,学习",
			"name LIKE 'iris%'":                  "iris,iris_2",
			"name ILIKE '%ROSE%'":                "Rose",
			"name LIKE 'rose'":                   "",
			"name IN ('iris', '学习')":             "iris,学习",
			"tags.kind = 'tree'":                 "iris,iris_2,学习",
			"tags.kind != 'tree'":                "Rose,prompt one",
			"tag.kind LIKE 'n%'":                 "Rose,prompt one",
			"tags.none = 'x'":                    "",
			"tags.none != 'x'":                   "",
			"tags.none IS NULL":                  "Rose,iris,iris_2,prompt one,学习",
			"name = 'gone'":                      "",
			"creation_timestamp > 0":             "Rose,iris,iris_2,prompt one,学习",
			"tags.kind = 'net' OR name = 'iris'": "Rose,iris,prompt one",
			// MLflow's client asks so in each search: what has no such tag is no prompt.
			"tag.`mlflow.prompt.is_prompt` != 'true'":                     "Rose,iris,iris_2,学习",
			"name LIKE '%o%' AND tag.`mlflow.prompt.is_prompt` != 'true'": "Rose",
			"tag.`mlflow.prompt.is_prompt` = 'true'":                      "prompt one",
			"NOT (tag.`mlflow.prompt.is_prompt` != 'true')":               "prompt one",
		} {
			q := search.RegistryQuery{Filter: filter, First: 10}
			page, err := s.RegisteredModels(ctx, q)
			require.NoError(t, err, filter)
			var got []string
			for _, m := range page.Models {
				got = append(got, m.Name)
			}
			require.Equal(t, want, strings.Join(got, ","), filter)
			n, err := s.CountRegisteredModels(ctx, q)
			require.NoError(t, err, filter)
			require.Equal(t, len(got), n, filter)
		}

		versions := func(q search.RegistryQuery) string {
			t.Helper()
			q.First = 50
			page, err := s.ModelVersions(ctx, q)
			require.NoError(t, err, q)
			n, err := s.CountModelVersions(ctx, q)
			require.NoError(t, err, q)
			require.Len(t, page.Versions, n, q)
			return versionNames(page.Versions)
		}
		byName := []string{"name", "version_number"}
		for filter, want := range map[string]string{
			"name = 'iris'":                              "iris/1,iris/2,iris/3",
			"name='Rose' and version_number > 1":         "Rose/2",
			"name = 'gone'":                              "",
			"name LIKE 'iris%' and stage = 'Production'": "iris/2,iris_2/2",
			"run_id = '" + fmt.Sprintf("%032x", 2) + "'": "iris/2",
			"run_id IN ('" + fmt.Sprintf("%032x", 2) + "', '" + fmt.Sprintf("%032x", 17) + "')": "Rose/1,iris/2",
			"source_path LIKE '%学习/3'":                                  "学习/3",
			"tags.team = 'a'":                                           "iris/1,iris/2,iris/3,prompt one/1,prompt one/2,prompt one/3",
			"tags.team = 'a' and tags.n = '2'":                          "iris/2,prompt one/2",
			"tags.n = '3' and name != 'iris'":                           "iris_2/3,prompt one/3,学习/3",
			"tags.team = 'a' or name = '学习'":                            "iris/1,iris/2,iris/3,prompt one/1,prompt one/2,prompt one/3,学习/1,学习/2,学习/3",
			"not (tags.team = 'a') and tags.n = '1'":                    "Rose/1,iris_2/1,学习/1",
			"tags.n = '1' and tags.`mlflow.prompt.is_prompt` != 'true'": "Rose/1,iris/1,iris_2/1,prompt one/1,学习/1",
		} {
			require.Equal(t, want, versions(search.RegistryQuery{Filter: filter, OrderBy: byName}), filter)
		}
		require.Equal(t, "iris/3,iris/2,iris/1", versions(search.RegistryQuery{Filter: "name = 'iris'", OrderBy: []string{"version_number DESC"}}))
		_, err = r.SetVersionTags(ctx, "iris", 1, []tracking.Tag{{Key: "late", Value: "x"}})
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(versions(search.RegistryQuery{}), "iris/1,"), "the last updated comes first")

		for filter, want := range map[string]string{
			"metrics.acc > 1":      "unknown entity metrics",
			"nonsense = 'x'":       "unknown attribute nonsense",
			"version_number = 'x'": "expected a number",
		} {
			_, err := s.ModelVersions(ctx, search.RegistryQuery{Filter: filter, First: 1})
			require.Equal(t, errs.Invalid, errs.KindOf(err), filter)
			require.ErrorContains(t, err, want)
		}
		_, err = s.RegisteredModels(ctx, search.RegistryQuery{First: 0})
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	})
}

func versionNames(versions []*ent.ModelVersion) string {
	out := make([]string, len(versions))
	for i, v := range versions {
		out[i] = fmt.Sprintf("%s/%d", v.Edges.RegisteredModel.Name, v.Version)
	}
	return strings.Join(out, ",")
}

// TestRegistryPages: pages stay whole while versions are changed: what was not changed stands on one page, once.
func TestRegistryPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r, s := newRegistry(t, db), search.New(db)
		fillRegistry(t, r, "a", "b", "c", "d")
		seen := map[string]int{}
		q := search.RegistryQuery{First: 2}
		for pages := 0; ; pages++ {
			page, err := s.ModelVersions(ctx, q)
			require.NoError(t, err)
			for _, v := range page.Versions {
				seen[versionNames([]*ent.ModelVersion{v})]++
			}
			if !page.HasNext {
				break
			}
			require.Less(t, pages, 20)
			q.After = page.Cursors[len(page.Cursors)-1]
			_, err = r.DescribeVersion(ctx, "a", 1+pages%3, fmt.Sprint("page ", pages)) // it comes to the front
			require.NoError(t, err)
		}
		for _, name := range []string{"b", "c", "d"} {
			for n := 1; n <= 3; n++ {
				require.Equal(t, 1, seen[fmt.Sprintf("%s/%d", name, n)])
			}
		}
		q.OrderBy = byNames
		_, err := s.ModelVersions(ctx, q)
		require.ErrorContains(t, err, "the cursor is of another query")

		var names []string
		m := search.RegistryQuery{First: 1}
		for {
			page, err := s.RegisteredModels(ctx, m)
			require.NoError(t, err)
			names = append(names, page.Models[0].Name)
			if !page.HasNext {
				break
			}
			m.After = page.Cursors[0]
		}
		require.Equal(t, []string{"a", "b", "c", "d"}, names)
	})
}

var byNames = []string{"name"}

// TestRegistryPlans: at some thousand versions, a tag that few have is looked up, and a page of what many have, or of all, is
// read in its order.
func TestRegistryPlans(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/cairn.db" }, //nolint:thelper // no helper
		"postgres": storetest.PostgresURL,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var queries []string
			var args [][]any
			db := storetest.Open(t, store.Config{URL: url(t), OnQuery: func(q string, a []any) { queries, args = append(queries, q), append(args, a) }})
			seedRegistry(t, db, 2000, 10)
			s := search.New(db)
			explain := func(q search.RegistryQuery) string {
				queries, args = nil, nil
				page, err := s.ModelVersions(ctx, q)
				require.NoError(t, err)
				require.NotEmpty(t, page.Versions)
				var steps []string
				asked, values := slices.Clone(queries), slices.Clone(args)
				for i, query := range asked {
					steps = append(steps, storetest.Explain(t, db, query, values[i])...)
				}
				return strings.Join(steps, "\n")
			}
			few := explain(search.RegistryQuery{Filter: "tags.sha = 'v77-3'", First: 50})
			require.Contains(t, few, "modelversiontag_search")
			require.NotContains(t, few, "Seq Scan on model_versions")
			require.NotContains(t, few, "SCAN r")
			many := explain(search.RegistryQuery{Filter: "tags.team = 'b'", First: 50})
			require.Contains(t, many, "modelversion_updated_at", many)
			all := explain(search.RegistryQuery{First: 50})
			require.Contains(t, all, "modelversion_updated_at", all)
			one := explain(search.RegistryQuery{Filter: "name = 'model-77' and tags.team = 'a'", First: 50})
			require.NotContains(t, one, "Seq Scan on model_versions", one)
			require.NotContains(t, one, "SCAN r", one)
			require.NotContains(t, one, "modelversion_updated_at", one)
		})
	}
}

// seedRegistry writes models with so many versions each, with a tag of its own for each version and one of two teams.
func seedRegistry(t testing.TB, db *store.DB, models, versions int) {
	t.Helper()
	insert := func(table string, columns int, names string, rows [][]any) {
		for part := range slices.Chunk(rows, 500) {
			var values []any
			for _, row := range part {
				values = append(values, row...)
			}
			require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO "+table+" ("+names+") VALUES "+store.Tuples(len(part), columns), values...)
				return err
			}))
		}
	}
	var m, v, tags [][]any
	for i := 1; i <= models; i++ {
		m = append(m, []any{i, fmt.Sprintf("model-%d", i), versions + 1, 1, 1})
		for n := 1; n <= versions; n++ {
			id := (i-1)*versions + n
			v = append(v, []any{id, i, n, "s3://b", "s3://b", "None", id, id})
			sha, team := fmt.Sprintf("v%d-%d", i, n), string(rune('a'+id%2))
			tags = append(tags, []any{id, "sha", sha, store.ValuePrefix(sha)}, []any{id, "team", team, store.ValuePrefix(team)})
		}
	}
	insert("registered_models", 5, "id, name, next_version, created_at, updated_at", m)
	insert("model_versions", 8, "id, registered_model_id, version, source, artifact_location, stage, created_at, updated_at", v)
	insert("model_version_tags", 4, "model_version_id, key, value, value_prefix", tags)
	if db.Postgres() { // as the server does by itself after a while
		require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.ExecContext(ctx, "ANALYZE registered_models, model_versions, model_version_tags")
			return err
		}))
	}
}

// BenchmarkRegistrySearch is at 10,000 models with 10 versions each.
func BenchmarkRegistrySearch(b *testing.B) {
	db, err := store.Open(ctx, store.Config{URL: "sqlite:" + b.TempDir() + "/cairn.db"})
	require.NoError(b, err)
	defer db.Close()
	seedRegistry(b, db, 10_000, 10)
	s := search.New(db)
	for name, filter := range map[string]string{
		"own tag": "tags.sha = 'v7777-3'", "tag of half": "tags.team = 'b'", "name": "name = 'model-77'", "all": "",
		"name and tag": "name = 'model-77' and tags.team = 'a'",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				page, err := s.ModelVersions(ctx, search.RegistryQuery{Filter: filter, First: 100})
				require.NoError(b, err)
				require.NotEmpty(b, page.Versions)
			}
		})
	}
}

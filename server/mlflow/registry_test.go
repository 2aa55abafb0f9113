package mlflow_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/modelrule"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/registry"
)

type (
	versionJSON struct {
		Name        string     `json:"name"`
		Version     string     `json:"version"`
		Created     int64      `json:"creation_timestamp"`
		Updated     int64      `json:"last_updated_timestamp"`
		User        string     `json:"user_id"`
		Stage       string     `json:"current_stage"`
		Description string     `json:"description"`
		Source      string     `json:"source"`
		RunID       string     `json:"run_id"`
		Status      string     `json:"status"`
		Tags        []pairJSON `json:"tags"`
		RunLink     string     `json:"run_link"`
		Aliases     []string   `json:"aliases"`
		ModelID     string     `json:"model_id"`
	}
	oneVersion struct {
		Version versionJSON `json:"model_version"`
	}
	versionList struct {
		Versions []versionJSON `json:"model_versions"`
		Next     string        `json:"next_page_token"`
	}
	aliasJSON struct {
		Alias   string `json:"alias"`
		Version string `json:"version"`
	}
	registeredJSON struct {
		Name        string        `json:"name"`
		Created     int64         `json:"creation_timestamp"`
		Updated     int64         `json:"last_updated_timestamp"`
		User        string        `json:"user_id"`
		Description string        `json:"description"`
		Latest      []versionJSON `json:"latest_versions"`
		Tags        []pairJSON    `json:"tags"`
		Aliases     []aliasJSON   `json:"aliases"`
	}
	oneRegistered struct {
		Model registeredJSON `json:"registered_model"`
	}
	registeredList struct {
		Models []registeredJSON `json:"registered_models"`
		Next   string           `json:"next_page_token"`
	}
)

// far is a source that the server does not read.
const far = "s3://models/iris"

// query makes a path with a query string.
func query(path string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return path + "?" + values.Encode()
}

func (w *world) registered(name string) registeredJSON {
	w.Helper()
	return into[oneRegistered](w.get(query("registered-models/get", "name", name))).Model
}

func (w *world) version(name, version string) versionJSON {
	w.Helper()
	return into[oneVersion](w.get(query("model-versions/get", "name", name, "version", version))).Version
}

func (w *world) newRegistered(name string) {
	w.Helper()
	w.post("registered-models/create", object{"name": name}).ok()
}

func (w *world) newVersion(name string, more object) versionJSON {
	w.Helper()
	body := object{"name": name, "source": far}
	for key, value := range more {
		body[key] = value
	}
	return into[oneVersion](w.post("model-versions/create", body)).Version
}

func (w *world) transition(name, version, stage string, archive bool) answer {
	w.Helper()
	return w.post("model-versions/transition-stage", object{"name": name, "version": version, "stage": stage, "archive_existing_versions": archive})
}

// numbers gives what versions there are in a list, as "1 Production, 2 None".
func (l versionList) numbers() string {
	out := make([]string, len(l.Versions))
	for i, v := range l.Versions {
		out[i] = v.Version + " " + v.Stage
	}
	return strings.Join(out, ", ")
}

func TestRegisteredModels(t *testing.T) {
	each(t, func(w *world) {
		made := into[oneRegistered](w.post("registered-models/create", object{
			"name": "iris", "description": "flowers", "tags": []object{{"key": "team", "value": "a"}}, "deployment_job_id": "x",
		})).Model
		require.Equal(w, []any{"iris", "flowers", "local:tester"}, []any{made.Name, made.Description, made.User})
		require.Equal(w, []pairJSON{{"team", "a"}}, made.Tags)
		require.Positive(w, made.Created)
		require.Equal(w, made, w.registered("iris"))
		w.post("registered-models/create", object{"name": "iris"}).fails(400, "RESOURCE_ALREADY_EXISTS", "iris")
		w.get("registered-models/get?name=none").notFound("none")

		w.json(http.MethodPatch, "registered-models/update", object{"name": "iris", "description": "blossoms"}).ok()
		require.Equal(w, "blossoms", into[oneRegistered](w.json(http.MethodPatch, "registered-models/update", object{"name": "iris"})).Model.Description)
		w.json(http.MethodPatch, "registered-models/update", object{"name": "iris", "description": ""}).ok()
		require.Empty(w, w.registered("iris").Description)
		w.post("registered-models/set-tag", object{"name": "iris", "key": "team", "value": "b"}).ok()
		w.post("registered-models/set-tag", object{"name": "iris", "key": "empty"}).ok()
		require.Equal(w, []pairJSON{{"empty", ""}, {"team", "b"}}, w.registered("iris").Tags)
		for range 2 { // what is not there is deleted already
			require.Equal(w, "{}", w.json(http.MethodDelete, "registered-models/delete-tag", object{"name": "iris", "key": "empty"}).ok().body)
		}

		w.newVersion("iris", nil)
		w.post("registered-models/alias", object{"name": "iris", "alias": "best", "version": "1"}).ok()
		w.newRegistered("taken")
		w.post("registered-models/rename", object{"name": "iris", "new_name": "taken"}).fails(400, "RESOURCE_ALREADY_EXISTS", "taken")
		w.post("registered-models/rename", object{"name": "iris", "new_name": "a/b"}).invalid("new_name")
		renamed := into[oneRegistered](w.post("registered-models/rename", object{"name": "iris", "new_name": "rose"})).Model
		require.Equal(w, "rose", renamed.Latest[0].Name)
		w.get("registered-models/get?name=iris").notFound("iris")
		require.Equal(w, []aliasJSON{{"best", "1"}}, w.registered("rose").Aliases)
		require.Equal(w, []string{"best"}, w.version("rose", "1").Aliases)

		require.Equal(w, "{}", w.json(http.MethodDelete, "registered-models/delete", object{"name": "rose"}).ok().body)
		w.json(http.MethodDelete, "registered-models/delete", object{"name": "rose"}).notFound("rose")
		w.get("model-versions/get?name=rose&version=1").notFound("rose")
		w.newRegistered("rose")
		require.Equal(w, "1", w.newVersion("rose", nil).Version, "another model has its own numbers")
	})
}

func TestModelVersions(t *testing.T) {
	each(t, func(w *world) {
		w.newRegistered("iris")
		run := w.newRun("0")
		w.send(http.MethodPut, w.place(run, "model/MLmodel"), "", "flavors: {}").ok()
		first := w.newVersion("iris", object{
			"source": "mlflow-artifacts:/0/" + run + "/artifacts/model", "run_id": run, "run_link": "https://other/run", "description": "one",
			"tags": []object{{"key": "git_sha", "value": "6c2da07"}}, "model_id": "", "local_model_path": "x", "unknown": []int{1},
		})
		require.Equal(w, []any{"iris", "1", "None", "READY", run, "one", "https://other/run", "local:tester"},
			[]any{first.Name, first.Version, first.Stage, first.Status, first.RunID, first.Description, first.RunLink, first.User})
		require.Equal(w, []pairJSON{{"git_sha", "6c2da07"}}, first.Tags)
		require.Equal(w, first, w.version("iris", "1"))
		require.Equal(w, run, w.newVersion("iris", object{"source": "runs:/" + run + "/model", "run_id": run}).RunID)
		where := func(version string) string {
			return into[map[string]string](w.get("model-versions/get-download-uri?name=iris&version=" + version))["artifact_uri"]
		}
		require.Equal(w, "mlflow-artifacts:/0/"+run+"/artifacts/model", where("1"))
		require.Equal(w, where("1"), where("2"))

		// A logged model, as the newest clients register it; and the tag that they set on it then.
		m := w.newModel(object{"experiment_id": "0", "name": "m", "source_run_id": run}).Info
		third := w.newVersion("iris", object{"source": "models:/" + m.ModelID, "run_id": run, "model_id": m.ModelID})
		require.Equal(w, []string{m.ModelID, run, "models:/" + m.ModelID}, []string{third.ModelID, third.RunID, third.Source})
		require.Equal(w, m.ArtifactURI, where("3"))
		versions := `[{"name": "iris", "version": "3"}]`
		w.json(http.MethodPatch, "logged-models/"+m.ModelID+"/tags", object{"tags": []object{{"key": "mlflow.modelVersions", "value": versions}}}).ok()
		require.Contains(w, into[oneLoggedModel](w.get("logged-models/"+m.ModelID)).Model.Info.Tags, pairJSON{"mlflow.modelVersions", versions})

		// Another version: the one that is named, whatever the name stands for later.
		w.post("registered-models/alias", object{"name": "iris", "alias": "best", "version": 3}).ok()
		fourth := w.newVersion("iris", object{"source": "models:/iris@best"})
		require.Equal(w, []string{"models:/iris/3", m.ModelID, run}, []string{fourth.Source, fourth.ModelID, fourth.RunID})
		w.post("model-versions/create", object{"name": "iris", "source": "models:/iris/3", "run_id": w.newRun("0")}).invalid("'run_id'")

		w.json(http.MethodPatch, "model-versions/update", object{"name": "iris", "version": "1", "description": "first"}).ok()
		require.Equal(w, "first", into[oneVersion](w.json(http.MethodPatch, "model-versions/update", object{"name": "iris", "version": 1})).Version.Description)
		w.post("model-versions/set-tag", object{"name": "iris", "version": "1", "key": "data_hash", "value": "ab"}).ok()
		w.json(http.MethodDelete, "model-versions/delete-tag", object{"name": "iris", "version": "1", "key": "git_sha"}).ok()
		w.json(http.MethodDelete, "model-versions/delete-tag", object{"name": "iris", "version": "1", "key": "git_sha"}).ok()
		require.Equal(w, []pairJSON{{"data_hash", "ab"}}, w.version("iris", "1").Tags)

		// Numbers are not given again, and aliases of a deleted version are gone.
		w.post("registered-models/alias", object{"name": "iris", "alias": "best", "version": "4"}).ok()
		require.Equal(w, "{}", w.json(http.MethodDelete, "model-versions/delete", object{"name": "iris", "version": "4"}).ok().body)
		w.json(http.MethodDelete, "model-versions/delete", object{"name": "iris", "version": "4"}).notFound("version=4")
		w.get("registered-models/alias?name=iris&alias=best").invalid("alias best not found")
		require.Equal(w, "5", w.newVersion("iris", nil).Version)

		for _, number := range []string{"0", "-1", "99", "2147483648", "9223372036854775807"} {
			w.get("model-versions/get?name=iris&version=" + number).notFound("version=" + number)
			w.get("model-versions/get-download-uri?name=iris&version=" + number).notFound("version=" + number)
			w.transition("iris", number, "Staging", false).notFound("version=" + number)
			w.post("registered-models/alias", object{"name": "iris", "alias": "x", "version": number}).notFound("version=" + number)
			w.json(http.MethodDelete, "model-versions/delete", object{"name": "iris", "version": number}).notFound("version=" + number)
		}
		for _, number := range []string{"one", "1.5", "1e99", "99999999999999999999"} {
			w.get("model-versions/get?name=iris&version=" + number).invalid("version")
			w.transition("iris", number, "Staging", false).invalid("version")
		}
		w.post("model-versions/create", object{"name": "none", "source": far}).notFound("none")
		w.post("model-versions/create", object{"name": "iris", "source": "runs:/" + nobody + "/m", "run_id": nobody}).notFound(nobody)
		w.post("runs/delete", object{"run_id": run}).ok()
		w.post("model-versions/create", object{"name": "iris", "source": "runs:/" + run + "/model"}).fails(409, "RESOURCE_CONFLICT", "is deleted")
	})
}

func TestStages(t *testing.T) {
	each(t, func(w *world) {
		w.newRegistered("iris")
		latest := func(stages ...string) string {
			w.Helper()
			asked := into[versionList](w.post("registered-models/get-latest-versions", object{"name": "iris", "stages": stages}))
			values := url.Values{"name": {"iris"}, "stages": stages}
			require.Equal(w, asked, into[versionList](w.get("registered-models/get-latest-versions?"+values.Encode())))
			return asked.numbers()
		}
		require.Empty(w, latest())
		for range 5 {
			w.newVersion("iris", nil)
		}
		require.Equal(w, "Production", into[oneVersion](w.transition("iris", "1", "pRODUCTION", false)).Version.Stage)
		w.transition("iris", "2", "Production", false).ok()
		w.transition("iris", "3", "staging", true).ok()
		require.Equal(w, "5 None, 3 Staging, 2 Production", latest())
		before := w.version("iris", "1").Updated
		w.transition("iris", "4", "PRODUCTION", true).ok()
		require.Equal(w, "5 None, 3 Staging, 4 Production, 2 Archived", latest())
		require.Equal(w, "Archived", w.version("iris", "1").Stage)
		require.GreaterOrEqual(w, w.version("iris", "1").Updated, before)
		require.Equal(w, "4 Production", latest("production"))
		require.Equal(w, "5 None, 2 Archived", latest("none", "Archived"))
		require.Len(w, w.registered("iris").Latest, 4)

		w.transition("iris", "4", "Sideways", false).invalid("Sideways", "None, Staging, Production, Archived")
		w.transition("iris", "4", "Deleted", false).invalid("Deleted")
		w.transition("iris", "4", "None", true).invalid("archive_existing_versions")
		w.transition("iris", "4", "Archived", true).invalid("archive_existing_versions")
		w.transition("none", "1", "Staging", false).notFound("none")
		w.post("registered-models/get-latest-versions", object{"name": "iris", "stages": []string{"Sideways"}}).invalid("Sideways")
		w.get("registered-models/get-latest-versions?name=none").notFound("none")

		// A rule of the model, which only GraphQL can set: the client is told that it is no mistake of its own.
		admin := auth.With(w.Context(), auth.Principal{Name: "token:admin", Role: token.RoleADMIN})
		_, err := w.models.SetRule(admin, registry.Rule{Name: "iris", Stage: "Production", Kind: modelrule.KindTAG, Key: "reviewed"})
		require.NoError(w, err)
		w.transition("iris", "5", "Production", true).fails(409, "RESOURCE_CONFLICT", "reviewed")
		require.Equal(w, "4 Production", latest("Production"), "nothing changed")
		w.post("model-versions/set-tag", object{"name": "iris", "version": "5", "key": "reviewed", "value": "yes"}).ok()
		w.transition("iris", "5", "Production", true).ok()
		w.json(http.MethodDelete, "model-versions/delete", object{"name": "iris", "version": "5"}).ok()
		require.Empty(w, latest("Production"))
		w.transition("iris", "5", "Production", false).notFound("version=5")
	})
}

func TestAliases(t *testing.T) {
	each(t, func(w *world) {
		w.newRegistered("iris")
		by := func(alias string) answer {
			return w.get(query("registered-models/alias", "name", "iris", "alias", alias))
		}
		set := func(alias string, version any) answer {
			return w.post("registered-models/alias", object{"name": "iris", "alias": alias, "version": version})
		}
		by("latest").notFound("no version")
		w.newVersion("iris", nil)
		w.newVersion("iris", nil)
		require.Equal(w, "{}", set("champion", "1").ok().body)
		set("挑战者_1-x", "2").ok()
		require.Equal(w, "1", into[oneVersion](by("champion")).Version.Version)
		require.Equal(w, []string{"挑战者_1-x"}, into[oneVersion](by("挑战者_1-x")).Version.Aliases)
		set("champion", "2").ok()
		require.Equal(w, []string{"champion", "挑战者_1-x"}, w.version("iris", "2").Aliases)
		require.Empty(w, w.version("iris", "1").Aliases)
		require.Equal(w, []aliasJSON{{"champion", "2"}, {"挑战者_1-x", "2"}}, w.registered("iris").Aliases)

		// latest is no alias that anybody sets, and yet clients ask for it: models:/iris@latest.
		require.Equal(w, "2", into[oneVersion](by("LATEST")).Version.Version)
		for _, alias := range []string{"latest", "Latest", "v1", "V12", "a b", "a.b", "a/b", "a:b", "a\nb", "", strings.Repeat("a", 256)} {
			set(alias, "1").invalid("alias")
		}
		set("v1x", "1").ok()
		set(strings.Repeat("a", 255), "1").ok()
		by("none").invalid("alias none")
		by("a b").invalid("alias")
		set("champion", "9").notFound("version=9")
		w.post("registered-models/alias", object{"name": "none", "alias": "a", "version": "1"}).notFound("none")
		w.get("registered-models/alias?name=none&alias=a").notFound("none")
		for range 2 {
			w.json(http.MethodDelete, "registered-models/alias", object{"name": "iris", "alias": "champion"}).ok()
		}
		by("champion").invalid("champion")
		w.json(http.MethodDelete, "registered-models/alias", object{"name": "none", "alias": "champion"}).notFound("none")
	})
}

func TestSearchRegistry(t *testing.T) {
	each(t, func(w *world) {
		for _, name := range []string{"iris", "Rose", "tulip"} {
			w.newRegistered(name)
			for n := range 3 {
				w.newVersion(name, object{"tags": []object{{"key": "n", "value": strconv.Itoa(n)}}})
			}
		}
		w.post("registered-models/create", object{"name": "prompt", "tags": []object{{"key": "mlflow.prompt.is_prompt", "value": "true"}}}).ok()
		models := func(pairs ...string) (names string, next string) {
			w.Helper()
			found := into[registeredList](w.get(query("registered-models/search", pairs...)))
			for _, m := range found.Models {
				names += " " + m.Name
			}
			return strings.TrimSpace(names), found.Next
		}
		const noPrompt = "tag.`mlflow.prompt.is_prompt` != 'true'"
		for _, c := range [][]string{
			{"Rose iris prompt tulip"}, {"Rose iris tulip", "filter", noPrompt}, {"prompt", "filter", "tags.`mlflow.prompt.is_prompt` = 'true'"},
			{"iris", "filter", "name LIKE '%i%s' AND " + noPrompt}, {"Rose", "filter", "name ILIKE 'ROSE'"},
			{"tulip prompt iris Rose", "order_by", "name DESC"}, {"", "filter", "name = 'none'"},
		} {
			names, next := models(c[1:]...)
			require.Equal(w, c[0], names, c)
			require.Empty(w, next)
		}
		names, next := models("max_results", "2", "filter", noPrompt)
		require.Equal(w, "Rose iris", names)
		names, last := models("max_results", "2", "filter", noPrompt, "page_token", next)
		require.Equal(w, "tulip", names)
		require.Empty(w, last)
		w.get(query("registered-models/search", "page_token", next, "max_results", "2")).invalid("'page_token'")
		found := into[registeredList](w.get(query("registered-models/search", "filter", "name = 'iris'")))
		require.Equal(w, "3", found.Models[0].Latest[0].Version)
		require.Equal(w, []pairJSON{{"n", "2"}}, found.Models[0].Latest[0].Tags)

		versions := func(pairs ...string) versionList {
			w.Helper()
			return into[versionList](w.get(query("model-versions/search", pairs...)))
		}
		require.Len(w, versions().Versions, 9)
		require.Equal(w, "3 None, 2 None, 1 None", versions("filter", "name = 'iris'", "order_by", "version_number DESC").numbers())
		require.Equal(w, "1 None", versions("filter", "name = 'iris' AND tags.n = '0'").numbers())
		w.post("model-versions/set-tag", object{"name": "Rose", "version": "2", "key": "late", "value": "x"}).ok()
		require.Equal(w, "Rose", versions().Versions[0].Name, "the last updated comes first")
		page := versions("max_results", "7", "order_by", "name", "order_by", "version_number")
		rest := versions("max_results", "7", "order_by", "name", "order_by", "version_number", "page_token", page.Next)
		require.Equal(w, "1 None, 2 None, 3 None, 1 None, 2 None, 3 None, 1 None, 2 None, 3 None",
			versionList{Versions: append(page.Versions, rest.Versions...)}.numbers())
		require.Empty(w, rest.Next)

		w.get("registered-models/search?max_results=1000").ok()
		w.get("model-versions/search?max_results=200000").ok()
		for path, limit := range map[string]string{"registered-models/search": "1000", "model-versions/search": "200000"} {
			w.get(query(path, "max_results", limit+"1")).invalid("max_results", limit)
			for _, wrong := range []string{"0", "-1", "x", "1.5"} {
				w.get(query(path, "max_results", wrong)).invalid("max_results")
			}
			w.get(query(path, "filter", "name == ")).invalid("filter")
			w.get(query(path, "filter", "name = 'x' UNION SELECT")).invalid("filter")
			w.get(query(path, "order_by", "nonsense")).invalid("order_by[0]")
			w.get(query(path, "page_token", "nonsense")).invalid("page_token")
		}
	})
}

// A client must be able to tell what it did wrong: each call without a thing that it needs, and with things of the wrong type.
func TestRegistryIsAskedWrongly(t *testing.T) {
	each(t, func(w *world) {
		w.newRegistered("iris")
		w.newVersion("iris", nil)
		whole := object{
			"name": "iris", "new_name": "rose", "source": far, "version": "1", "alias": "a", "key": "k", "value": "v", "stage": "Staging",
			"description": "d",
		}
		for path, needed := range map[string][]string{
			"POST registered-models/create": {"name"}, "PATCH registered-models/update": {"name"}, "POST registered-models/rename": {"name", "new_name"},
			"DELETE registered-models/delete": {"name"}, "POST registered-models/get-latest-versions": {"name"},
			"POST registered-models/set-tag": {"name", "key"}, "DELETE registered-models/delete-tag": {"name", "key"},
			"POST registered-models/alias": {"name", "alias", "version"}, "DELETE registered-models/alias": {"name", "alias"},
			"POST model-versions/create": {"name", "source"}, "PATCH model-versions/update": {"name", "version"},
			"DELETE model-versions/delete": {"name", "version"}, "POST model-versions/set-tag": {"name", "version", "key"},
			"DELETE model-versions/delete-tag": {"name", "version", "key"}, "POST model-versions/transition-stage": {"name", "version", "stage"},
		} {
			method, path, _ := strings.Cut(path, " ")
			for _, name := range needed {
				body := object{}
				for key, value := range whole {
					body[key] = value
				}
				for _, absent := range []any{nil, ""} {
					if body[name] = absent; name != "version" || absent == nil {
						w.json(method, path, body).invalid("Missing value for required parameter '" + name + "'")
					}
				}
				for _, wrong := range []any{true, []string{"x"}, object{"a": 1}, 1.5} {
					body[name] = wrong
					w.json(method, path, body).invalid("for parameter '" + name + "'")
				}
			}
			w.json(method, path, "{").invalid("not valid JSON")
			w.json(method, path, "[]").invalid("must be an object")
			w.send(method, api+path, "text/plain", `{"name": "iris"}`).invalid("Content-Type")
		}
		for path, needed := range map[string][]string{
			"registered-models/get": {"name"}, "registered-models/get-latest-versions": {"name"}, "registered-models/alias": {"name", "alias"},
			"model-versions/get": {"name", "version"}, "model-versions/get-download-uri": {"name", "version"},
		} {
			for i, name := range needed {
				var pairs []string
				for j, other := range needed {
					if i != j {
						pairs = append(pairs, other, whole[other].(string))
					}
				}
				w.get(query(path, pairs...)).invalid("Missing value for required parameter '" + name + "'")
			}
		}

		// Names: no two that look like one path, none that break out of a URI, none that fill the memory.
		for _, name := range []string{
			"a/b", "a:b", "/", "..", ".", "../iris", "iris/", "iris/../iris", "a\nb", "a\u0000b", " ", strings.Repeat("a", 257), strings.Repeat("a", 1<<20),
		} {
			w.post("registered-models/create", object{"name": name}).invalid()
			w.post("registered-models/rename", object{"name": "iris", "new_name": name}).invalid()
			w.post("model-versions/create", object{"name": name, "source": far}).invalid()
		}
		w.post("registered-models/create", object{"name": strings.Repeat("名", 256)}).ok()
		for _, key := range []string{"../x", "a//b", "/a", "a/", strings.Repeat("k", 251), "a\u0001"} {
			w.post("registered-models/set-tag", object{"name": "iris", "key": key, "value": "v"}).invalid("key")
			w.post("model-versions/set-tag", object{"name": "iris", "version": "1", "key": key, "value": "v"}).invalid("key")
		}
		w.post("registered-models/set-tag", object{"name": "iris", "key": "k", "value": strings.Repeat("v", 100_000)}).ok()
		w.post("registered-models/set-tag", object{"name": "iris", "key": "k", "value": strings.Repeat("v", 100_001)}).invalid("100000")
		w.post("model-versions/set-tag", object{"name": "iris", "version": "1", "key": "k", "value": strings.Repeat("v", 100_001)}).invalid("100000")
		require.Equal(w, "1", w.registered("iris").Latest[0].Version, "what was refused changed nothing")
	})
}

package mlflow_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExperimentsLiveAndDie(t *testing.T) {
	each(t, func(w *world) {
		id := w.newExperiment("first")
		e := into[oneExperiment](w.get("experiments/get?experiment_id=" + id)).Experiment
		require.Equal(w, "first", e.Name)
		require.Equal(w, "mlflow-artifacts:/"+id, e.ArtifactLocation)
		require.Equal(w, "active", e.LifecycleStage)
		require.Positive(w, e.CreationTime)
		require.Equal(w, e, into[oneExperiment](w.get("experiments/get-by-name?experiment_name=first")).Experiment)

		w.post("experiments/set-experiment-tag", object{"experiment_id": id, "key": "owner", "value": "me"}).ok()
		w.post("experiments/set-experiment-tag", object{"experiment_id": id, "key": "owner", "value": "you"}).ok()
		w.post("experiments/update", object{"experiment_id": id, "new_name": "second"}).ok()
		e = into[oneExperiment](w.get("experiments/get?experiment_id=" + id)).Experiment
		require.Equal(w, "second", e.Name)
		require.Equal(w, []pairJSON{{"owner", "you"}}, e.Tags)
		w.post("experiments/delete-experiment-tag", object{"experiment_id": id, "key": "owner"}).ok()
		w.post("experiments/delete-experiment-tag", object{"experiment_id": id, "key": "owner"}).notFound("owner")

		kept, gone := w.newRun(id), w.newRun(id)
		w.post("runs/delete", object{"run_id": gone}).ok()
		w.post("experiments/delete", object{"experiment_id": id}).ok()
		require.Equal(w, "deleted", w.run(kept).Info.LifecycleStage)
		w.post("runs/create", object{"experiment_id": id}).invalid("'active' state")
		w.post("experiments/set-experiment-tag", object{"experiment_id": id, "key": "a", "value": "b"}).invalid("'active' state")
		w.post("experiments/update", object{"experiment_id": id, "new_name": "third"}).invalid("'active' state")
		w.post("experiments/create", object{"name": "second"}).fails(400, "RESOURCE_ALREADY_EXISTS", "second", "restore")
		w.post("experiments/restore", object{"experiment_id": id}).ok()
		require.Equal(w, "active", w.run(kept).Info.LifecycleStage)
		require.Equal(w, "deleted", w.run(gone).Info.LifecycleStage)
	})
}

func TestSearchExperiments(t *testing.T) {
	type page struct {
		Experiments []experimentJSON `json:"experiments"`
		Next        string           `json:"next_page_token"`
	}
	names := func(p page) (out []string) {
		for _, e := range p.Experiments {
			out = append(out, e.Name)
		}
		return out
	}
	each(t, func(w *world) {
		for _, name := range []string{"a", "b", "c"} {
			w.post("experiments/create", object{"name": name, "tags": []object{{"key": "is", "value": name}}}).ok()
		}
		w.post("experiments/delete", object{"experiment_id": w.newExperiment("deleted")}).ok()
		all := into[page](w.post("experiments/search", object{"max_results": 10, "order_by": []string{"name DESC"}}))
		require.Equal(w, []string{"c", "b", "a", "Default"}, names(all))
		require.Empty(w, all.Next)
		tagged := into[page](w.post("experiments/search", object{"max_results": 10, "filter": "tags.is = 'b'"}))
		require.Equal(w, []string{"b"}, names(tagged))
		require.Equal(w, []pairJSON{{"is", "b"}}, tagged.Experiments[0].Tags)
		deleted := into[page](w.post("experiments/search", object{"max_results": 10, "view_type": "DELETED_ONLY"}))
		require.Equal(w, []string{"deleted"}, names(deleted))

		first := into[page](w.get("experiments/search?max_results=3&order_by=name"))
		require.Equal(w, []string{"Default", "a", "b"}, names(first))
		second := into[page](w.get("experiments/search?max_results=3&order_by=name&page_token=" + first.Next))
		require.Equal(w, []string{"c"}, names(second))
		require.Empty(w, second.Next)
		require.Len(w, into[page](w.get("experiments/search?view_type=ALL")).Experiments, 5)
	})
}

func TestExperimentsRefuseWhatIsWrong(t *testing.T) {
	each(t, func(w *world) {
		create := func(body any) answer { return w.post("experiments/create", body) }
		create(object{}).invalid("Missing value", "'name'")
		create(object{"name": ""}).invalid("Missing value", "'name'")
		create(object{"name": 5}).invalid("Invalid value 5 for parameter 'name'", "a string")
		create(object{"name": strings.Repeat("x", 501)}).invalid("'name'", "500")
		create(object{"name": "a\x00b"}).invalid("'name'", "NUL")
		create(object{"name": "Default"}).fails(400, "RESOURCE_ALREADY_EXISTS", "Default")
		create(object{"name": "x", "tags": object{"a": "b"}}).invalid("'tags'", "an array")
		create(object{"name": "x", "tags": []any{5}}).invalid("'tags[0]'", "an object")
		create(object{"name": "x", "tags": []object{{"value": "b"}}}).invalid("Missing value", "'tags[0].key'")
		for _, location := range []string{
			"file:///etc", "/etc", "etc", "C:/x", "mlflow-artifacts:/../x", "mlflow-artifacts://host/x", "runs:/x/y", "http://host/x", "ftp://host/x",
			"s3://bucket/../x", "s3://bucket/%2e%2e/x", "s3://bucket/x?y=z", "s3://bucket/x#y", "s3://", "s3:", "s3://key:secret@bucket/x", "S3://bucket/x",
			"s3://bucket/\nx", "s3://bucket/" + strings.Repeat("x", 2048),
		} {
			create(object{"name": "x", "artifact_location": location}).invalid("artifact_location")
		}
		w.get("experiments/get-by-name?experiment_name=x").notFound("x") // nothing of all that was stored

		w.get("experiments/get").invalid("Missing value", "'experiment_id'")
		w.get("experiments/get?experiment_id=abc").invalid(`"abc"`, "'experiment_id'")
		w.get("experiments/get?experiment_id=01").invalid("'experiment_id'")
		w.get("experiments/get?experiment_id=77777").notFound("77777")
		w.get("experiments/get?experiment_id=99999999999999999999").invalid("'experiment_id'")
		w.get("experiments/get?experiment_id=9999999999999").notFound("9999999999999")
		w.get("experiments/get?experiment_id=1%00").invalid("NUL")
		w.get("experiments/get?experiment_id=0;x=1").invalid("query string", "%3B")
		w.get("experiments/get?experiment_id=0&x=%zz").invalid("query string", "%XX")
		w.get("experiments/get-by-name").invalid("'experiment_name'")
		w.get("experiments/get-by-name?experiment_name=%ff").invalid("UTF-8")
		w.post("experiments/update", object{"experiment_id": "0"}).invalid("'new_name'")
		w.post("experiments/update", object{"new_name": "x"}).invalid("'experiment_id'")
		w.post("experiments/delete", object{"experiment_id": "77777"}).notFound("77777")
		w.post("experiments/set-experiment-tag", object{"experiment_id": "0", "value": "x"}).invalid("'key'")
		w.post("experiments/set-experiment-tag", object{"experiment_id": "0", "key": strings.Repeat("k", 251), "value": "x"}).
			invalid("'key'", "250")

		search := func(body any) answer { return w.post("experiments/search", body) }
		search(object{"max_results": 0}).invalid("Invalid value 0", "'max_results'")
		search(object{"max_results": 50001}).invalid("Invalid value 50001", "'max_results'", "50000")
		search(object{"max_results": "x"}).invalid(`"x"`, "'max_results'")
		search(object{"filter": "name ="}).invalid("'filter'", "at 7")
		search(object{"page_token": "x"}).invalid("'page_token'")
		search(object{"order_by": []string{"name", "size"}}).invalid("'order_by[1]'")
		search(object{"view_type": "SOME"}).invalid(`"SOME"`, "'view_type'")
		w.get("experiments/search?max_results=x").invalid("'max_results'")
	})
}

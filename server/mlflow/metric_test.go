package mlflow_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type historyPage struct {
	Metrics []metricJSON `json:"metrics"`
	Next    string       `json:"next_page_token"`
}

func (w *world) history(run, key string) []metricJSON {
	w.Helper()
	return into[historyPage](w.get("metrics/get-history?run_id=" + run + "&metric_key=" + url.QueryEscape(key))).Metrics
}

func TestLogMetricAndHistory(t *testing.T) {
	each(t, func(w *world) {
		id := w.newRun("0")
		for _, body := range []string{
			`{"run_id":"RUN","key":"m","value":1.5,"timestamp":10,"step":2}`,
			`{"run_uuid":"RUN","key":"m","value":"0.1","timestamp":"11","step":"-3"}`,
			`{"run_id":"RUN","key":"m","value":1e-310,"timestamp":12.0}`,
			`{"run_id":"RUN","key":"m","value":"NaN","timestamp":13,"step":1}`,
			`{"run_id":"RUN","key":"m","value":-Infinity,"timestamp":14,"step":1,"extra":{"a":[NaN,{}]}}`,
			`{"run_id":"RUN","key":"m","value":"Infinity","timestamp":15,"step":null}`,
			`{"run_id":"RUN","key":"m","value":1.5,"timestamp":10,"step":2}`, // the first one again
			`{"run_id":"RUN","key":"m","value":9007199254740993,"timestamp":16,"step":9223372036854775807}`,
		} {
			w.post("runs/log-metric", strings.ReplaceAll(body, "RUN", id)).ok()
		}
		require.Equal(w, []metricJSON{
			{Key: "m", Value: 1.5, Timestamp: 10, Step: 2},
			{Key: "m", Value: 0.1, Timestamp: 11, Step: -3},
			{Key: "m", Value: 1e-310, Timestamp: 12},
			{Key: "m", Value: "NaN", Timestamp: 13, Step: 1},
			{Key: "m", Value: "-Infinity", Timestamp: 14, Step: 1},
			{Key: "m", Value: "Infinity", Timestamp: 15},
			{Key: "m", Value: 9007199254740992.0, Timestamp: 16, Step: 9223372036854775807},
		}, w.history(id, "m"))
		require.Equal(w, []metricJSON{{Key: "m", Value: 9007199254740992.0, Timestamp: 16, Step: 9223372036854775807}}, w.run(id).Data.Metrics)
		require.Equal(w, "{}", w.get("metrics/get-history?metric_key=other&run_id="+id).ok().body)
	})
}

func TestLastNaN(t *testing.T) {
	each(t, func(w *world) {
		id := w.newRun("0")
		w.post("runs/log-metric", object{"run_id": id, "key": "m", "value": "NaN", "timestamp": 1}).ok()
		require.Equal(w, []metricJSON{{Key: "m", Value: "NaN", Timestamp: 1}}, w.run(id).Data.Metrics)
	})
}

func TestLogBatch(t *testing.T) {
	each(t, func(w *world) {
		id := w.newRun("0")
		w.post("runs/log-batch", object{
			"run_id": id,
			"metrics": repeat(800, func(i int) object {
				return object{"key": fmt.Sprint("m/", i%7), "value": float64(i) / 3, "timestamp": 1000 + i, "step": i / 7}
			}),
			"params": numbered("p", 100), "tags": append(numbered("t", 99), object{"key": "t0", "value": "last wins"}),
		}).ok()
		r := w.run(id)
		require.Len(w, r.Data.Params, 100)
		require.Equal(w, "last wins", tagMap(r.Data.Tags)["t0"])
		require.Len(w, r.Data.Metrics, 7)
		history := w.history(id, "m/3")
		require.Len(w, history, 114)
		for n, m := range history {
			i := 3 + 7*n
			require.Equal(w, metricJSON{Key: "m/3", Value: float64(i) / 3, Timestamp: int64(1000 + i), Step: int64(i / 7)}, m)
		}
		w.post("runs/log-batch", object{"run_id": id}).ok()
	})
}

func TestHistoryInPages(t *testing.T) {
	each(t, func(w *world) {
		id := w.newRun("0")
		for part := range 3 {
			w.post("runs/log-batch", object{"run_id": id, "metrics": repeat(1000, func(i int) object {
				n := part*1000 + i
				return object{"key": "loss", "value": n, "timestamp": n, "step": n}
			})}).ok()
		}
		token, got := "", 0
		for pages := 1; ; pages++ {
			page := into[historyPage](w.get("metrics/get-history?metric_key=loss&max_results=700&run_id=" + id + "&page_token=" + token))
			for _, m := range page.Metrics {
				require.EqualValues(w, got, m.Step)
				got++
			}
			if token = page.Next; token == "" {
				require.Equal(w, 5, pages)
				break
			}
		}
		require.Equal(w, 3000, got)
		require.Len(w, into[historyPage](w.get("metrics/get-history?metric_key=loss&max_results=30000&run_id="+id)).Metrics, 3000)
	})
}

// A batch that is wrong anywhere is refused with the parameter and the rule, and nothing of it is stored.
func TestLogBatchRefusesWhatIsWrong(t *testing.T) {
	good := object{"key": "good", "value": 1, "timestamp": 1}
	pair := func(key string) object { return object{"key": key, "value": "v"} }
	cases := []struct {
		name  string
		batch object
		words []string
	}{
		{"value abc", object{"metrics": []object{good, {"key": "a", "value": "abc", "timestamp": 1}}}, []string{`Invalid value "abc" for parameter 'metrics[1].value' supplied`, "a number"}},
		{"value true", object{"metrics": []object{good, {"key": "a", "value": true, "timestamp": 1}}}, []string{"true", "'metrics[1].value'"}},
		{"value null", object{"metrics": []object{good, {"key": "a", "value": nil, "timestamp": 1}}}, []string{"Missing value", "'metrics[1].value'"}},
		{"value object", object{"metrics": []object{good, {"key": "a", "value": object{"b": 1}, "timestamp": 1}}}, []string{`{"b":1}`, "'metrics[1].value'"}},
		{"value hex", object{"metrics": []object{good, {"key": "a", "value": "0x10", "timestamp": 1}}}, []string{"'metrics[1].value'"}},
		{"value underscore", object{"metrics": []object{good, {"key": "a", "value": "1_0", "timestamp": 1}}}, []string{"'metrics[1].value'"}},
		{"value inf", object{"metrics": []object{good, {"key": "a", "value": "inf", "timestamp": 1}}}, []string{"'metrics[1].value'"}},
		{"value empty", object{"metrics": []object{good, {"key": "a", "value": "", "timestamp": 1}}}, []string{"'metrics[1].value'"}},
		{"no value", object{"metrics": []object{good, {"key": "a", "timestamp": 1}}}, []string{"Missing value", "'metrics[1].value'"}},
		{"no time", object{"metrics": []object{good, {"key": "a", "value": 1}}}, []string{"Missing value", "'metrics[1].timestamp'"}},
		{"no key", object{"metrics": []object{good, {"value": 1, "timestamp": 1}}}, []string{"Missing value", "'metrics[1].key'"}},
		{"time before 1970", object{"metrics": []object{good, {"key": "a", "value": 1, "timestamp": -1}}}, []string{"-1", "'metrics[1].timestamp'"}},
		{"time in seconds", object{"metrics": []object{good, {"key": "a", "value": 1, "timestamp": 1.25}}}, []string{"1.25", "'metrics[1].timestamp'", "integer"}},
		{"half a step", object{"metrics": []object{good, {"key": "a", "value": 1, "timestamp": 1, "step": 1.5}}}, []string{"1.5", "'metrics[1].step'", "integer"}},
		{"name too long", object{"metrics": []object{good, {"key": strings.Repeat("k", 251), "value": 1, "timestamp": 1}}}, []string{"'metrics[1].key'", "251", "250"}},
		{"name a path out", object{"metrics": []object{good, {"key": "../a", "value": 1, "timestamp": 1}}}, []string{"'metrics[1].key'"}},
		{"name not clean", object{"metrics": []object{good, {"key": "a//b", "value": 1, "timestamp": 1}}}, []string{"'metrics[1].key'", "a/b"}},
		{"name with ?", object{"metrics": []object{good, {"key": "a?b", "value": 1, "timestamp": 1}}}, []string{"'metrics[1].key'", "?"}},
		{"metric is a number", object{"metrics": []any{good, 5}}, []string{"Invalid value 5", "'metrics[1]'", "an object"}},
		{"metrics are an object", object{"metrics": object{"a": 1}}, []string{`{"a":1}`, "'metrics'", "an array"}},
		{"1,001 metrics", object{"metrics": repeat(1001, func(i int) object { return object{"key": "m", "value": i, "timestamp": i} })}, []string{"at most 1000 metrics", "1001"}},
		{"101 params", object{"metrics": []object{good}, "params": numbered("p", 101)}, []string{"at most 100 params", "101"}},
		{"101 tags", object{"metrics": []object{good}, "tags": numbered("t", 101)}, []string{"at most 100 tags", "101"}},
		{"1,001 in all", object{"metrics": repeat(950, func(i int) object { return object{"key": "m", "value": i, "timestamp": i} }), "params": numbered("p", 51)}, []string{"at most 1000", "1001"}},
		{"param changes", object{"metrics": []object{good}, "tags": []object{pair("t")}, "params": []object{pair("new"), {"key": "depth", "value": "4"}}}, []string{"Changing param values is not allowed", "depth"}},
		{"param twice", object{"metrics": []object{good}, "params": []object{pair("p"), pair("p")}}, []string{"'params[1].key'", "Duplicate parameter keys"}},
		{"param is a number", object{"metrics": []object{good}, "params": []object{{"key": "p", "value": 1}}}, []string{"Invalid value 1", "'params[0].value'", "a string"}},
		{"param without key", object{"metrics": []object{good}, "params": []object{{"value": "1"}}}, []string{"Missing value", "'params[0].key'"}},
		{"param too long", object{"metrics": []object{good}, "params": []object{{"key": "p", "value": strings.Repeat("v", 70_000)}}}, []string{"'params[0].value'", "65536"}},
		{"tag name too long", object{"metrics": []object{good}, "tags": []object{pair("t"), pair(strings.Repeat("k", 251))}}, []string{"'tags[1].key'", "250"}},
		{"unknown model", object{"metrics": []object{{"key": "a", "value": 1, "timestamp": 1, "model_id": "m-" + nobody}}}, nil},
	}
	each(t, func(w *world) {
		id := w.newRun("0")
		w.post("runs/log-parameter", object{"run_id": id, "key": "depth", "value": "3"}).ok()
		before := w.get("runs/get?run_id=" + id).ok().body
		for _, c := range cases {
			batch := maps.Clone(c.batch) // the other database's test runs at the same time
			batch["run_id"] = id
			a := w.post("runs/log-batch", batch)
			if c.words == nil {
				a.notFound(nobody)
			} else {
				a.invalid(c.words...)
			}
			require.Equal(w, before, w.get("runs/get?run_id="+id).ok().body, c.name)
			require.Empty(w, w.history(id, "good"), c.name)
		}
		w.post("runs/log-batch", object{"metrics": []object{good}}).invalid("Missing value", "'run_id'")
		w.post("runs/log-batch", object{"run_id": nobody, "metrics": []object{good}}).notFound(nobody)
	})
}

func TestLogMetricRefusesWhatIsWrong(t *testing.T) {
	each(t, func(w *world) {
		id := w.newRun("0")
		log := func(change object) answer {
			w.Helper()
			body := object{"run_id": id, "key": "a", "value": 1, "timestamp": 1}
			for k, v := range change {
				body[k] = v
			}
			return w.post("runs/log-metric", body)
		}
		log(object{"value": "abc"}).invalid(`Invalid value "abc" for parameter 'value' supplied`, "a number")
		log(object{"value": nil}).invalid("Missing value", "'value'")
		log(object{"timestamp": nil}).invalid("Missing value", "'timestamp'")
		log(object{"timestamp": -1}).invalid("-1", "'timestamp'")
		log(object{"key": ""}).invalid("Missing value", "'key'")
		log(object{"key": strings.Repeat("k", 251)}).invalid("'key'", "250")
		log(object{"key": "a/../b"}).invalid("'key'")
		log(object{"run_id": nil}).invalid("Missing value", "'run_id'")
		log(object{"run_id": 5}).invalid("Invalid value 5", "'run_id'")
		log(object{"run_id": "nope"}).notFound("nope")
		log(object{"run_id": nobody}).notFound(nobody)
		log(object{"model_id": "m-" + nobody}).notFound(nobody)
		for _, body := range []string{"1e400", "-1e400", "01", ".5", "1.", "+1", "nan", "--1"} {
			w.post("runs/log-metric", fmt.Sprintf(`{"run_id":%q,"key":"a","timestamp":1,"value":%s}`, id, body)).invalid()
		}
		require.Empty(w, w.run(id).Data.Metrics)

		get := func(query string) answer { return w.get("metrics/get-history?" + query) }
		get("metric_key=a").invalid("Missing value", "'run_id'")
		get("run_id="+id).invalid("Missing value", "'metric_key'")
		get("metric_key=a&run_id=" + nobody).notFound(nobody)
		get("metric_key=a&max_results=0&run_id="+id).invalid("Invalid value 0", "'max_results'")
		get("metric_key=a&max_results=x&run_id="+id).invalid(`"x"`, "'max_results'")
		for _, token := range []string{"x", "h", "h-1", "h01", "h99999999999999999999"} {
			get("metric_key=a&page_token=" + token + "&run_id=" + id).invalid("'page_token'")
		}
	})
}

func TestBodiesThatAreNotJSON(t *testing.T) {
	each(t, func(w *world) {
		id := w.newRun("0")
		post := func(body string) answer { return w.post("runs/log-batch", body) }
		for body, words := range map[string][]string{
			"":                                     {"expected a value", "byte 0"},
			"{bad":                                 {"not valid JSON", "byte 1"},
			"[]":                                   {"must be an object"},
			`"x"`:                                  {"must be an object"},
			"null":                                 {"must be an object"},
			`{"run_id":"` + id + `"`:               {"not valid JSON", "byte 44"},
			`{"run_id":"` + id:                     {"not valid JSON", "the end of a string"},
			`{"run_id":"` + id + `"} {`:            {"the end of the body"},
			`{"run_id":"` + id + `",}`:             {"not valid JSON"},
			`{"a":"\x"}`:                           {"not valid JSON"},
			"{\"run_id\":\"\xff\"}":                {"not UTF-8"},
			`{"metrics":[{"key":"a",}]}`:           {"not valid JSON"},
			`{"x":` + strings.Repeat("[", 100_000): {"deeper than 64"},
		} {
			post(body).invalid(words...)
		}
		post(`{"run_id":"` + id + `","tags":[{"key":"a","value":"` + strings.Repeat("v", 4<<20) + `"}]}`).invalid("4194304 bytes")
		good := `{"run_id":"` + id + `"}`
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx", "json", ""} {
			w.send(http.MethodPost, api+"runs/log-batch", kind, good).invalid("Content-Type", "application/json")
		}
		for _, kind := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
			w.send(http.MethodPost, api+"runs/log-batch", kind, good).ok()
		}
		require.Equal(w, []string{"mlflow.runName"}, func() (keys []string) {
			for _, tag := range w.run(id).Data.Tags {
				keys = append(keys, tag.Key)
			}
			return keys
		}())
	})
}

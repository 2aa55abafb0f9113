package registry_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// TestSchemaChanges: whether who calls the first version breaks with the second, in words of MLflow's signatures.
func TestSchemaChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t))
	sig := func(inputs, outputs, params string) string {
		return fmt.Sprintf(`{"inputs": [%s], "outputs": [%s], "params": [%s]}`, inputs, outputs, params)
	}
	in := func(fields string) string { return sig(fields, "", "") }
	out := func(fields string) string { return sig("", fields, "") }
	par := func(fields string) string { return sig("", "", fields) }
	const (
		x     = `{"type": "long", "name": "x", "required": true}`
		xOpt  = `{"type": "long", "name": "x", "required": false}`
		xInt  = `{"type": "integer", "name": "x"}`
		xText = `{"type": "string", "name": "x"}`
		y     = `{"type": "double", "name": "y"}`
		yOpt  = `{"type": "double", "name": "y", "required": false}`
		noX   = `{"type": "long"}`
	)
	tensor := func(dtype, shape string) string {
		return `{"type": "tensor", "tensor-spec": {"dtype": "` + dtype + `", "shape": ` + shape + `}}`
	}
	object := func(properties string) string {
		return `{"type": "object", "name": "o", "properties": {` + properties + `}}`
	}
	array := func(items string) string { return `{"type": "array", "name": "a", "items": ` + items + `}` }
	for name, c := range map[string]struct {
		from, to string
		verdict  registry.Verdict
		change   string // of the first change: "PART name from to"
	}{
		"same":                         {in(x), in(x), registry.SchemaSame, ""},
		"same in another order":        {in(x + "," + y), in(y + "," + x), registry.SchemaSame, ""},
		"no signature":                 {in(x), "", registry.SchemaUnknown, ""},
		"required input more":          {in(x), in(x + "," + y), registry.SchemaBreaking, "INPUT y  double"},
		"optional input more":          {in(x), in(x + "," + yOpt), registry.SchemaCompatible, "INPUT y  double"},
		"input less":                   {in(x + "," + y), in(x), registry.SchemaCompatible, "INPUT y double "},
		"input without name less":      {in(noX + "," + noX), in(noX), registry.SchemaBreaking, "INPUT [1] long "},
		"input type":                   {in(x), in(xText), registry.SchemaBreaking, "INPUT x long string"},
		"input widened":                {in(xInt), in(x), registry.SchemaCompatible, "INPUT x integer long"},
		"input narrowed":               {in(x), in(xInt), registry.SchemaBreaking, "INPUT x long integer"},
		"input made required":          {in(xOpt), in(x), registry.SchemaBreaking, "INPUT x optional long required long"},
		"input made optional":          {in(x), in(xOpt), registry.SchemaCompatible, "INPUT x required long optional long"},
		"output more":                  {out(x), out(x + "," + y), registry.SchemaCompatible, "OUTPUT y  double"},
		"output less":                  {out(x + "," + y), out(x), registry.SchemaBreaking, "OUTPUT y double "},
		"output type":                  {out(x), out(xText), registry.SchemaBreaking, "OUTPUT x long string"},
		"output widened":               {out(xInt), out(x), registry.SchemaBreaking, "OUTPUT x integer long"},
		"output narrowed":              {out(x), out(xInt), registry.SchemaCompatible, "OUTPUT x long integer"},
		"output made optional":         {out(x), out(xOpt), registry.SchemaBreaking, "OUTPUT x required long optional long"},
		"output made required":         {out(xOpt), out(x), registry.SchemaCompatible, "OUTPUT x optional long required long"},
		"tensor takes any size now":    {in(tensor("float64", "[-1, 4]")), in(tensor("float64", "[-1, -1]")), registry.SchemaCompatible, "INPUT [0] tensor<float64>[-1, 4] tensor<float64>[-1, -1]"},
		"tensor takes one size now":    {in(tensor("float64", "[-1, 4]")), in(tensor("float64", "[8, 4]")), registry.SchemaBreaking, "INPUT [0] tensor<float64>[-1, 4] tensor<float64>[8, 4]"},
		"tensor of another type":       {in(tensor("float64", "[-1]")), in(tensor("float32", "[-1]")), registry.SchemaBreaking, "INPUT [0] tensor<float64>[-1] tensor<float32>[-1]"},
		"tensor of other dimensions":   {in(tensor("float64", "[-1]")), in(tensor("float64", "[-1, -1]")), registry.SchemaBreaking, "INPUT [0] tensor<float64>[-1] tensor<float64>[-1, -1]"},
		"output of any size now":       {out(tensor("int64", "[4]")), out(tensor("int64", "[-1]")), registry.SchemaBreaking, "OUTPUT [0] tensor<int64>[4] tensor<int64>[-1]"},
		"column to tensor":             {in(noX), in(tensor("int64", "[-1]")), registry.SchemaBreaking, "INPUT [0] long tensor<int64>[-1]"},
		"property required more":       {in(object(`"a": {"type": "long", "required": true}`)), in(object(`"a": {"type": "long", "required": true}, "b": {"type": "long", "required": true}`)), registry.SchemaBreaking, "INPUT o.b  long"},
		"property of another type":     {out(object(`"a": {"type": "long", "required": true}`)), out(object(`"a": {"type": "string", "required": true}`)), registry.SchemaBreaking, "OUTPUT o.a long string"},
		"items of an array":            {in(array(`{"type": "integer"}`)), in(array(`{"type": "long"}`)), registry.SchemaCompatible, "INPUT a[] integer long"},
		"items of items":               {in(array(`{"type": "array", "items": {"type": "string"}}`)), in(array(`{"type": "array", "items": {"type": "long"}}`)), registry.SchemaBreaking, "INPUT a[][] string long"},
		"param more":                   {par(""), par(`{"name": "k", "type": "long", "default": 3}`), registry.SchemaCompatible, "PARAM k  long = 3"},
		"param less":                   {par(`{"name": "k", "type": "long", "default": 3}`), par(""), registry.SchemaCompatible, "PARAM k long = 3 "},
		"param's type":                 {par(`{"name": "k", "type": "long", "default": 3}`), par(`{"name": "k", "type": "string", "default": "3"}`), registry.SchemaBreaking, `PARAM k long = 3 string = "3"`},
		"param's default":              {par(`{"name": "k", "type": "long", "default": 3}`), par(`{"name": "k", "type": "long", "default": 4}`), registry.SchemaCompatible, "PARAM k long = 3 long = 4"},
		"optional as MLflow 2.5 wrote": {in(`{"type": "long", "name": "x", "optional": true}`), in(x), registry.SchemaBreaking, "INPUT x optional long required long"},
	} {
		model := fmt.Sprintf("model %x", name)
		for _, signature := range []string{c.from, c.to} {
			_, err := w.CreateVersion(ctx, registry.CreateVersion{Name: model, Source: far, Signature: signature, CreateModel: true})
			require.NoError(t, err, name)
		}
		d, err := w.Compare(ctx, registry.Ref{Name: model, Version: 1}, registry.Ref{Name: model, Version: 2})
		require.NoError(t, err, name)
		require.Equal(t, c.verdict, d.Verdict, "%s: %v", name, d.Schema)
		if c.change == "" {
			require.Empty(t, d.Schema, name)
			continue
		}
		require.Len(t, d.Schema, 1, "%s: %v", name, d.Schema)
		s := d.Schema[0]
		require.Equal(t, c.change, fmt.Sprintf("%s %s %s %s", s.Part, s.Name, s.From, s.To), name)
		require.Equal(t, c.verdict == registry.SchemaBreaking, s.Breaks, name)
		require.NotEmpty(t, s.Why, name)
	}
}

// TestCompare: what differs between the runs of two versions.
func TestCompare(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		train := func(depth, extra string, acc float64, digest, sklearn, code string) {
			r := w.newRun()
			_, err := w.runs.LogBatch(ctx, tracking.Batch{RunID: r.RunID,
				Params: []tracking.Param{{Key: "depth", Value: depth}, {Key: "kind", Value: "forest"}, {Key: extra, Value: "1"}},
				Columns: []metric.Columns{
					{Key: "acc", Steps: []int64{0}, Times: []int64{1}, Values: []float64{acc}},
					{Key: "same", Steps: []int64{0}, Times: []int64{1}, Values: []float64{1}},
				}})
			require.NoError(t, err)
			_, err = w.runs.LogInputs(ctx, r.RunID, []tracking.Input{
				{Context: "training", Dataset: tracking.Dataset{Name: "iris", Digest: digest, SourceType: "local", Source: "{}"}},
				{Context: "test", Dataset: tracking.Dataset{Name: "iris", Digest: "t", SourceType: "local", Source: "{}"}},
			}, nil)
			require.NoError(t, err)
			_, err = w.runs.RecordFingerprint(ctx, r.RunID, ent.Fingerprint{CodeHash: fmt.Sprintf("%064s", code), SeedsHash: fmt.Sprintf("%064d", 1),
				Detail: `{"dependencies": {"python": "3.11.9", "packages": ["scikit_learn==` + sklearn + `", "numpy==2.0.0"]}}`})
			require.NoError(t, err)
			w.put(r.ArtifactLocation, "model/requirements.txt", "# pinned\nscikit-learn==0.1\nmlflow>=3 ; python_version > '3.8'\n")
			_, err = w.CreateVersion(ctx, registry.CreateVersion{Name: "iris", Source: "runs:/" + r.RunID + "/model", CreateModel: true})
			require.NoError(t, err)
		}
		train("3", "old", 0.9, "d1", "1.5.0", "a")
		train("5", "new", 0.95, "d2", "1.9.0", "b")
		d, err := w.Compare(ctx, registry.Ref{Name: "iris", Version: 1}, registry.Ref{Name: "iris", Latest: true})
		require.NoError(t, err)
		text := func(s string) *string { return &s }
		value := func(f float64) *float64 { return &f }
		require.Equal(t, []registry.TextChange{
			{Key: "depth", From: text("3"), To: text("5")}, {Key: "new", To: text("1")}, {Key: "old", From: text("1")},
		}, d.Params)
		require.Equal(t, []registry.MetricChange{{Key: "acc", From: value(0.9), To: value(0.95)}}, d.Metrics)
		require.Equal(t, []registry.DataChange{{Name: "iris", Context: "training", FromDigest: "d1", ToDigest: "d2"}}, d.Data)
		require.Equal(t, []registry.TextChange{{Key: "scikit-learn", From: text("==1.5.0"), To: text("==1.9.0")}}, d.Dependencies)
		require.Equal(t, []string{"code"}, d.Parts)
		require.True(t, d.Complete)
		require.Equal(t, registry.SchemaUnknown, d.Verdict)

		same, err := w.Compare(ctx, registry.Ref{Name: "iris", Version: 2}, registry.Ref{Name: "iris", Version: 2})
		require.NoError(t, err)
		require.Empty(t, same.Params)
		require.Empty(t, same.Metrics)
		require.Empty(t, same.Data)
		require.Empty(t, same.Dependencies)
	})
}

// FuzzSignature: no text makes the parser panic, and what it reads has one form.
func FuzzSignature(f *testing.F) {
	for _, seed := range []string{oneColumn, twoColumns, mlmodel, `{"inputs": [{"type": "map", "values": {"type": "any"}}]}`, "a: &a [*a]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		sig, err := registry.ParseSignature(text)
		if err != nil {
			return
		}
		form, err := json.Marshal(sig)
		require.NoError(t, err)
		var again registry.Signature
		require.NoError(t, json.Unmarshal(form, &again))
		second, err := json.Marshal(again)
		require.NoError(t, err)
		require.Equal(t, string(form), string(second))
		for _, field := range slices.Concat(sig.Inputs, sig.Outputs) {
			require.NotEmpty(t, field.Type.String())
		}
	})
}

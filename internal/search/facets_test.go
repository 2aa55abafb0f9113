package search

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

// longTexts end before, at and behind what an index holds of a value, one of them within a character.
var longTexts = []string{
	strings.Repeat("l", store.MaxValuePrefix-1), strings.Repeat("l", store.MaxValuePrefix), strings.Repeat("l", store.MaxValuePrefix) + "a",
	strings.Repeat("l", store.MaxValuePrefix) + "b", strings.Repeat("学", store.MaxValuePrefix),
}

// newFacetWorld is a world some of whose values are long, and in which a key is of deleted runs alone.
func newFacetWorld(t *testing.T, db *store.DB, runs int) *naive {
	t.Helper()
	n := newWorld(t, db, runs)
	r := rand.New(rand.NewPCG(5, 5))
	var more []*naiveRun
	write(t, db, func(ctx context.Context, tx *store.Tx) error {
		more = nil
		for i := range 20 {
			nr := randomRun(r, n.runs[i%len(n.runs)].experiment)
			nr.params["model"], nr.tags["team"] = pick(r, longTexts), pick(r, longTexts)
			if nr.deleted {
				nr.params["a gone key"], nr.metrics["gone"] = "1", series{Last: 7}
			}
			more = append(more, nr)
			if err := storeRun(ctx, tx, nr); err != nil {
				return err
			}
		}
		return nil
	})
	n.runs = append(n.runs, more...)
	require.True(t, slices.ContainsFunc(more, func(r *naiveRun) bool { return r.deleted }))
	return n
}

// drawRuns draws a query of runs, and gives those that it finds, the newest first. Every other query has no filter.
func (n *naive) drawRuns(t *rapid.T, gen filterGen, experiments []int) (RunsQuery, []*naiveRun) {
	var e Expr = &And{}
	if rapid.Bool().Draw(t, "filtered") {
		e = randomFilter(t, gen)
	}
	q := RunsQuery{
		Filter: e.String(), View: rapid.SampledFrom([]View{Active, Active, Deleted, All}).Draw(t, "view"),
		TopLevel: rapid.IntRange(0, 4).Draw(t, "top level") == 0,
	}
	if rapid.Bool().Draw(t, "some experiments") {
		q.Experiments = rapid.SliceOfNDistinct(rapid.SampledFrom(experiments), 0, 2, rapid.ID).Draw(t, "experiments")
	}
	byID := map[string]*naiveRun{}
	for _, r := range n.runs {
		byID[r.id] = r
	}
	var found []*naiveRun
	for _, id := range n.find(e, nil, q.View, q.Experiments, false) {
		if r := byID[id]; !q.TopLevel || r.parent == "" {
			found = append(found, r)
		}
	}
	return q, found
}

func worldGen(n *naive) filterGen {
	key := func(from []string) *rapid.Generator[string] {
		return rapid.SampledFrom(append(slices.Clone(from), "missing"))
	}
	return filterGen{
		metrics: key(metricKeys), params: key(paramKeys), tags: key(tagKeys),
		texts:   rapid.SampledFrom(append(append(slices.Clone(texts), patterns...), "RUNNING", "data1", n.runs[0].id)),
		numbers: rapid.SampledFrom([]float64{0, 1, -1, 0.5, 2, 1e300, -1e300, 3, 0.1, 10, 2.5}),
	}
}

// ends widens a range by a number.
func ends(low, high **float64, v float64) {
	if math.IsNaN(v) {
		return
	}
	if *low == nil || v < **low {
		*low = &v
	}
	if *high == nil || v > **high {
		*high = &v
	}
}

func (n *naive) keys(runs []*naiveRun, entity Entity, prefix string) []FacetKey {
	found := map[string]*FacetKey{}
	note := func(key string, number float64) {
		if !strings.HasPrefix(key, prefix) {
			return
		}
		if found[key] == nil {
			found[key] = &FacetKey{Key: key, Exact: true}
		}
		found[key].Runs++
		ends(&found[key].Min, &found[key].Max, number)
	}
	for _, r := range runs {
		switch entity {
		case Param:
			for key, value := range r.params {
				number, ok := store.Number(value)
				if !ok {
					number = math.NaN()
				}
				note(key, number)
			}
		case Tag:
			for key := range r.tags {
				note(key, math.NaN())
			}
		case Metric:
			for key, s := range r.metrics {
				note(key, s[Last])
			}
		}
	}
	out := []FacetKey{}
	for _, key := range found {
		out = append(out, *key)
	}
	slices.SortFunc(out, func(a, b FacetKey) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// text gives what a run has of a param, a tag or an attribute.
func (n *naive) text(r *naiveRun, o Operand) (text string, ok bool) {
	switch o.Entity {
	case Param:
		text, ok = r.params[o.Key]
	case Tag:
		text, ok = r.tags[o.Key]
	case Attribute:
		var number int64
		var isText bool
		if text, number, isText, ok = r.attribute(o.Key); !isText {
			text = strconv.FormatInt(number, 10)
		}
	}
	return text, ok
}

func (n *naive) values(runs []*naiveRun, o Operand) []FacetValue {
	counts := map[string]int{}
	for _, r := range runs {
		if text, ok := n.text(r, o); ok {
			counts[text]++
		}
	}
	out := []FacetValue{}
	for text, n := range counts {
		out = append(out, FacetValue{text, n})
	}
	slices.SortFunc(out, func(a, b FacetValue) int {
		return cmp.Or(cmp.Compare(b.Runs, a.Runs), strings.Compare(a.Value, b.Value))
	})
	return out
}

func (n *naive) rangeOf(runs []*naiveRun, o Operand) FacetRange {
	var out FacetRange
	for _, r := range runs {
		v, ok := math.NaN(), false
		switch o.Entity {
		case Metric:
			v, ok = n.metric(r, o)
		case Param:
			var text string
			if text, ok = r.params[o.Key]; ok {
				number, is := store.Number(text)
				if v = number; !is {
					v = math.NaN()
				}
			}
		case Attribute:
			var number int64
			_, number, _, ok = r.attribute(o.Key)
			v = float64(number)
		}
		if !ok {
			continue
		}
		out.Runs++
		if !math.IsNaN(v) {
			out.Numbers++
		}
		ends(&out.Min, &out.Max, v)
	}
	return out
}

// textOperands are what has values to list; numberOperands what has a range.
func textOperand(t *rapid.T, gen filterGen) Operand {
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return Operand{Entity: Param, Key: gen.params.Draw(t, "param")}
	case 1:
		return Operand{Entity: Tag, Key: gen.tags.Draw(t, "tag")}
	}
	return Operand{Entity: Attribute, Key: rapid.SampledFrom([]string{
		"status", "user_id", "run_name", "experiment_id", "parent_run_id", "run_id", "artifact_uri", "created_by",
	}).Draw(t, "attribute")}
}

func numberOperand(t *rapid.T, gen filterGen) Operand {
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return Operand{Entity: Param, Key: gen.params.Draw(t, "param")}
	case 1:
		return Operand{Entity: Attribute, Key: rapid.SampledFrom([]string{"start_time", "end_time"}).Draw(t, "time")}
	}
	return Operand{Entity: Metric, Key: gen.metrics.Draw(t, "metric"), Func: rapid.SampledFrom(functions).Draw(t, "func")}
}

// Whatever runs are looked at, from whichever side and in whatever pages, both databases see what a look at each run sees.
func TestFacetsEqualNaiveLook(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newFacetWorld(t, db, 60)
		s, ctx, gen, experiments := New(db), context.Background(), worldGen(n), experimentsOf(n)
		rapid.Check(t, func(t *rapid.T) {
			q, found := n.drawRuns(t, gen, experiments)
			most := rapid.SampledFrom([]int{1000, 1000, 5, 1}).Draw(t, "most")
			f, err := s.Facets(q, most)
			require.NoError(t, err)
			runs, err := f.Runs(ctx)
			require.NoError(t, err)
			complete, err := f.Complete(ctx)
			require.NoError(t, err)
			if !complete {
				require.Greater(t, len(found), most)
				found = found[:most]
			}
			require.Equal(t, len(found), runs)

			entity := rapid.SampledFrom([]Entity{Param, Tag, Metric}).Draw(t, "entity")
			k := KeysQuery{
				Entity: entity, Prefix: rapid.SampledFrom([]string{"", "", "m", "a/", "学"}).Draw(t, "prefix"),
				First: rapid.IntRange(1, 4).Draw(t, "first"), MaxCount: rapid.SampledFrom([]int{1000, 7}).Draw(t, "max count"), Ranges: true,
			}
			want, got := n.keys(found, entity, k.Prefix), []FacetKey{}
			for {
				page, err := f.Keys(ctx, k)
				require.NoError(t, err)
				require.Len(t, page.Cursors, len(page.Keys))
				if got = append(got, page.Keys...); !page.HasNext {
					break
				}
				require.Len(t, page.Keys, k.First)
				k.After = page.Cursors[k.First-1]
			}
			for i := range want {
				if want[i].Exact = complete; f.set.whole && want[i].Runs > k.MaxCount {
					want[i].Runs, want[i].Exact = k.MaxCount, false
				}
				if entity == Tag {
					want[i].Min, want[i].Max = nil, nil
				}
			}
			require.Equal(t, want, got, "%+v", k)

			o := textOperand(t, gen)
			v := ValuesQuery{Of: o.String(), First: rapid.SampledFrom([]int{1, 3, 100}).Draw(t, "first")}
			wantValues, gotValues := n.values(found, o), []FacetValue{}
			for {
				page, err := f.Values(ctx, v)
				require.NoError(t, err)
				if gotValues = append(gotValues, page.Values...); !page.HasNext {
					break
				}
				require.Len(t, page.Values, v.First)
				v.After = page.Cursors[v.First-1]
			}
			require.Equal(t, wantValues, gotValues, "%s", v.Of)
			distinct, err := f.Distinct(ctx, v.Of)
			require.NoError(t, err)
			require.Equal(t, len(wantValues), distinct)

			number := numberOperand(t, gen)
			ends, err := f.Range(ctx, number.String())
			require.NoError(t, err)
			require.Equal(t, n.rangeOf(found, number), ends, "%s", number)
		})
	})
}

func TestFacetsAreChecked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		newFacetWorld(t, db, 9)
		s, ctx := New(db), context.Background()
		for want, r := range map[string]RunsQuery{
			"maxRuns: is 0; it is from 1 to 1000000":    {},
			"view: is \"SOME\"":                         {View: "SOME"},
			"filter: at 1: unknown attribute x":         {Filter: "x = 1"},
			"experiments: names 10001; at most 10000 a": {Experiments: make([]int, MaxExperiments+1)},
		} {
			most := 10
			if strings.HasPrefix(want, "maxRuns") {
				most = 0
			}
			_, err := s.Facets(r, most)
			require.ErrorContains(t, err, want)
			require.Equal(t, errs.Invalid, errs.KindOf(err))
		}
		f, err := s.Facets(RunsQuery{}, MaxLookedAt)
		require.NoError(t, err)
		keys := KeysQuery{Entity: Param, First: 1, MaxCount: 1}
		page, err := f.Keys(ctx, keys)
		require.NoError(t, err)
		require.True(t, page.HasNext)
		for want, change := range map[string]func(*KeysQuery){
			"first: is 0; it is from 1 to 1000":          func(k *KeysQuery) { k.First = 0 },
			"first: is 1001; it is from 1 to 1000":       func(k *KeysQuery) { k.First = MaxFacets + 1 },
			"maxCount: is 0; it is from 1 to 1000000":    func(k *KeysQuery) { k.MaxCount = 0 },
			"entity: \"datasets\" has no keys":           func(k *KeysQuery) { k.Entity = Dataset },
			"prefix: holds a NUL":                        func(k *KeysQuery) { k.Prefix = "\x00" },
			"after: this is not a cursor":                func(k *KeysQuery) { k.After = "$" },
			"after: the cursor is of another query":      func(k *KeysQuery) { k.After, k.Prefix = page.Cursors[0], "x" },
			"after: the cursor is damaged":               func(k *KeysQuery) { k.After = page.Cursors[0] + "AAAA" },
			"after: the cursor is too long; pass a curs": func(k *KeysQuery) { k.After = strings.Repeat("A", maxCursorBytes+1) },
		} {
			k := keys
			change(&k)
			_, err := f.Keys(ctx, k)
			require.ErrorContains(t, err, want)
			require.Equal(t, errs.Invalid, errs.KindOf(err))
		}
		for of, want := range map[string]string{
			"metrics.acc":                        "of: metrics.acc is a metric",
			"start_time":                         "of: start_time is a time",
			"dataset.name":                       "of: a run has several datasets",
			"params.a = 1":                       "of: at 10: expected the end",
			"nothing":                            "of: at 1: unknown attribute nothing",
			strings.Repeat("x", MaxOrderBytes+1): "of: has 2049 bytes; at most 2048 are allowed",
		} {
			_, err := f.Values(ctx, ValuesQuery{Of: of, First: 1})
			require.ErrorContains(t, err, want)
			_, err = f.Distinct(ctx, of)
			require.ErrorContains(t, err, want)
		}
		for of, want := range map[string]string{"tags.a": "of: tags.a is a text: ask for its values", "status": "of: status is a text"} {
			_, err := f.Range(ctx, of)
			require.ErrorContains(t, err, want)
		}
		_, err = f.Values(ctx, ValuesQuery{Of: "status"})
		require.ErrorContains(t, err, "first: is 0; it is from 1 to 1000")

		// Any bytes are an error or a place, never a failure of the database.
		values := f.cursorOf("values", Operand{Entity: Param, Key: "model"}.String())
		rapid.Check(t, func(t *rapid.T) {
			forged := spot{number: rapid.Float64().Draw(t, "number")}.cursor(values)
			forged += encodeRaw(rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "bytes"))
			_, err := f.Values(ctx, ValuesQuery{Of: "params.model", First: 2, After: forged})
			require.True(t, err == nil || errs.Is(err, errs.Invalid), "%v", err)
		})
	})
}

// A look that takes too long ends with an error that says so; one whose caller went away ends with the caller's.
func TestLooksAreBoundedInTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	ends := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	s := New(storetest.SQLite(t))
	err := s.look(ctx, time.Microsecond, ends)
	require.Equal(t, errs.Exhausted, errs.KindOf(err))
	require.ErrorContains(t, err, "within 1µs, for which 2 looks at a time are taken: ask for fewer experiments")
	cancel()
	require.ErrorIs(t, s.look(ctx, time.Hour, ends), context.Canceled)

	f, err := s.Facets(RunsQuery{Filter: "status = 'RUNNING'"}, 1)
	require.NoError(t, err)
	_, err = f.Runs(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// However many look at all runs at once, there is a connection for who asks for a page; and all get their turn.
func TestLooksLeaveConnectionsToOthers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newWorld(t, db, 5)
		s := New(db)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		const looks = 40 // more than there are connections
		begun, end := make(chan struct{}, looks), make(chan struct{})
		var group errgroup.Group
		for range looks {
			group.Go(func() error {
				return s.look(ctx, time.Minute, func(ctx context.Context) error {
					return db.Read().Snapshot(ctx, func(q store.Querier) error { // holds a connection
						begun <- struct{}{}
						<-end
						return store.EachRow(ctx, q, "SELECT 1", nil, func(*sql.Rows) error { return nil })
					})
				})
			})
		}
		for range maxLooks {
			<-begun
		}
		page, err := s.Runs(ctx, RunsQuery{View: All, First: 10})
		require.NoError(t, err)
		require.Len(t, page.Runs, len(n.runs))
		require.Empty(t, begun, "the others wait")
		close(end)
		require.NoError(t, group.Wait())
	})
}

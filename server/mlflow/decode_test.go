package mlflow

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// readAny reads any JSON value through the reader's own methods.
func readAny(r *reader) (any, error) {
	switch c := r.peek(); {
	case c == '{':
		m := map[string]any{}
		err := r.object(func(key []byte) error {
			name := string(key)
			v, err := readAny(r)
			m[name] = v
			return err
		})
		return m, err
	case c == '[':
		list := []any{}
		err := r.array(func(int) error {
			v, err := readAny(r)
			list = append(list, v)
			return err
		})
		return list, err
	case c == '"':
		token, _, err := r.bytes()
		return string(token), err
	case c == 't' || c == 'f':
		var b bool
		err := r.boolean(&b)
		return b, err
	case c == '-' || isDigit(c):
		var d double
		err := r.double(&d)
		return d.value, err
	default:
		return nil, r.skip()
	}
}

// What the reader accepts, encoding/json accepts and reads in the same way; the reader refuses more: NUL characters, depth,
// bytes that are not UTF-8, numbers too large.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",null,true,{"b":{}}]}`, ` { "a" : [ ] , "b" : "" } `,
		`{"a":"\ud800x"}`, `{"a":01}`, `{"a":1,}`, `{"\u0061":"\\\""}`, `{"a":1e999}`, "{\"a\":\"\t\"}", `{"a":"é`, `{"a"`, `{"a":tru`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := reader{data: data}
		got := map[string]any{}
		err := r.message(func(key []byte) error {
			name := string(key)
			v, err := readAny(&r)
			got[name] = v
			return err
		})
		skipper := reader{data: data}
		skipped := skipper.message(func([]byte) error { return skipper.skip() })
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NoError(t, skipped)
		var want map[string]any
		if json.Unmarshal(data, &want) != nil {
			// NaN and the infinities, bare, are the one thing beyond JSON.
			require.Regexp(t, "NaN|Infinity", string(data))
			return
		}
		require.Equal(t, want, got)
	})
}

func TestReaderReads(t *testing.T) {
	t.Parallel()
	type all struct {
		text     string
		optional *string
		n        integer
		d        double
		b        bool
		list     []string
	}
	decode := func(t *testing.T, body string) all {
		t.Helper()
		var v all
		r := reader{data: []byte(body)}
		require.NoError(t, r.message(func(key []byte) error {
			switch string(key) {
			case "text":
				return r.text(&v.text)
			case "optional":
				return r.optionalText(&v.optional)
			case "n":
				return r.int64(&v.n)
			case "d":
				return r.double(&v.d)
			case "b":
				return r.boolean(&v.b)
			case "list":
				return r.texts(&v.list)
			}
			return r.skip()
		}))
		return v
	}
	empty := ""
	for body, want := range map[string]all{
		`{}`: {},
		`{"text":null,"optional":null,"n":null,"d":null,"b":null,"list":null,"other":null}`: {},
		`{"te\u0078t":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é😀"}`:                             {text: "a\"\\/\b\f\n\r\té😀é😀"},
		`{"text":"\ud800","optional":""}`:                                                   {text: "\uFFFD", optional: &empty},
		`{"text":"\ud800\ud83d\ude00"}`:                                                     {text: "\uFFFD😀"},
		"\t{\r\n\"n\" : -9223372036854775808 }\n":                                           {n: integer{math.MinInt64, true}},
		`{"n":"12","d":"12"}`:                                                               {n: integer{12, true}, d: double{12, true}},
		`{"n":5e3,"d":5e3}`:                                                                 {n: integer{5000, true}, d: double{5000, true}},
		`{"n":-0,"d":-0.5E-1}`:                                                              {n: integer{0, true}, d: double{-0.05, true}},
		`{"d":4.9406564584124654e-324,"n":999999999999999999}`:                              {d: double{5e-324, true}, n: integer{999999999999999999, true}},
		`{"d":1e-999}`:                                     {d: double{0, true}},
		`{"d":"Infinity","b":true}`:                        {d: double{math.Inf(1), true}, b: true},
		`{"d":-Infinity,"b":false}`:                        {d: double{math.Inf(-1), true}},
		`{"list":["a","b"],"list":["c"],"x":[1,{"y":[]}]}`: {list: []string{"c"}},
	} {
		require.Equal(t, want, decode(t, body), body)
	}
	require.True(t, math.IsNaN(decode(t, `{"d":NaN}`).d.value))
}

func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"n":1.5}`:                           "Invalid value 1.5 for parameter 'n' supplied: it must be an integer of 64 bits",
		`{"n":9223372036854775808}`:           "Invalid value 9223372036854775808 for parameter 'n'",
		`{"n":9007199254740994.0}`:            "parameter 'n'",
		`{"n":"x"}`:                           `Invalid value "x" for parameter 'n'`,
		`{"n":""}`:                            "parameter 'n'",
		`{"n":[1]}`:                           "Invalid value [1] for parameter 'n'",
		`{"d":"1e400"}`:                       "parameter 'd'",
		`{"d":Infinite}`:                      "Invalid value Infinite for parameter 'd'",
		`{"text":5}`:                          "Invalid value 5 for parameter 'text' supplied: it must be a string",
		`{"text":"a\u0000"}`:                  "without NUL",
		`{"list":[["a"]]}`:                    "parameter 'list[0]'",
		`{"list":"a"}`:                        "an array",
		`{"x":nul}`:                           "expected null at byte 5, found 'n'",
		`{"x":"\u12g4"}`:                      "four hex digits",
		`{"x" 1}`:                             "expected ':'",
		`{1:2}`:                               "expected the name of a member",
		`{"x":1 "y":2}`:                       "expected ',' or '}'",
		`{"x":[1 2]}`:                         "expected ',' or ']'",
		`{"x":}`:                              "expected a value",
		`{"x":-}`:                             "expected a number",
		"{\"x\":\"a\nb\"}":                    "control character",
		"{\"x\":\"a\\n\nb\"}":                 "control character",
		"{\"x\":\"\\n\xff\"}":                 "not UTF-8",
		`{"x":` + strings.Repeat(`{"x":`, 70): "deeper than 64",
	} {
		var text string
		var n integer
		var d double
		var list []string
		r := reader{data: []byte(body)}
		err := r.message(func(key []byte) error {
			switch string(key) {
			case "text":
				return r.text(&text)
			case "n":
				return r.int64(&n)
			case "d":
				return r.double(&d)
			case "list":
				return r.texts(&list)
			}
			return r.skip()
		})
		require.ErrorContains(t, err, want, body)
	}
	long := reader{data: []byte(`{"n":"` + strings.Repeat("é", 200) + `"}`)}
	var n integer
	err := long.message(func([]byte) error { return long.int64(&n) })
	require.Less(t, len(err.Error()), 300)
}

func TestDoublesComeBackExactly(t *testing.T) {
	t.Parallel()
	for _, v := range []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, 1e15, 1e16, 123456789.123456789, 1e-6, 9.9e-7, 5e-324, math.MaxFloat64, -math.MaxFloat64,
		math.Pi, 1e21, 1e22, 1 << 53, 2.5e-5, 100, 1e300,
	} {
		text := string(appendDouble(nil, v))
		require.Regexp(t, `[.e]`, text)
		got, err := strconv.ParseFloat(text, 64)
		require.NoError(t, err)
		require.Equal(t, math.Float64bits(v), math.Float64bits(got), text)
		require.True(t, json.Valid([]byte(text)))
	}
}

func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "a", "\"\\\n\r\t\x00\x1f", "é😀\u2028", "\xff\xfea", "a\xc3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		require.NoError(t, json.Unmarshal(appendString(nil, s), &got))
		require.Equal(t, string([]rune(s)), got) // each wrong byte becomes U+FFFD
	})
}

// Package scalar has the GraphQL scalars of Cairn's API.
package scalar

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
)

// MarshalInt64 writes a JSON number.
func MarshalInt64(v int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, strconv.FormatInt(v, 10)) })
}

// UnmarshalInt64 reads an integer, or text of digits.
func UnmarshalInt64(v any) (int64, error) {
	switch v := v.(type) {
	case int:
		return int64(v), nil
	case int64:
		return v, nil
	case json.Number:
		return parseInt64(string(v))
	case string:
		return parseInt64(v)
	}
	return 0, errs.New(errs.Invalid, "%s is not a 64-bit integer", kindOf(v))
}

func parseInt64(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, errs.New(errs.Invalid, "%.40q is not a 64-bit integer", text)
	}
	return n, nil
}

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// MarshalTime writes Unix milliseconds as RFC 3339 in UTC. What RFC 3339 has no form for (years over 9999) is written as the integer.
func MarshalTime(ms int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		t := time.UnixMilli(ms).UTC()
		if y := t.Year(); y < 0 || y > 9999 {
			_, _ = io.WriteString(w, strconv.FormatInt(ms, 10))
			return
		}
		_, _ = io.WriteString(w, strconv.Quote(t.Format(timeLayout)))
	})
}

// UnmarshalTime reads RFC 3339 or Unix milliseconds, and gives Unix milliseconds.
func UnmarshalTime(v any) (int64, error) {
	if s, ok := v.(string); ok {
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t.UnixMilli(), nil
		}
	}
	ms, err := UnmarshalInt64(v)
	if err != nil {
		return 0, errs.New(errs.Invalid, "%.60q is neither RFC 3339 nor Unix milliseconds", fmt.Sprint(v))
	}
	return ms, nil
}

// MarshalMetricValue writes a number, or "NaN", "Infinity", "-Infinity".
func MarshalMetricValue(v float64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(appendMetricValue(nil, v)) })
}

func appendMetricValue(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(b, `"-Infinity"`...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// UnmarshalMetricValue reads what MarshalMetricValue writes.
func UnmarshalMetricValue(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case json.Number:
		if f, err := strconv.ParseFloat(string(v), 64); err == nil {
			return f, nil
		}
	case string:
		switch v {
		case "NaN":
			return math.NaN(), nil
		case "Infinity":
			return math.Inf(1), nil
		case "-Infinity":
			return math.Inf(-1), nil
		}
	}
	return 0, errs.New(errs.Invalid, `%.40q is not a metric value: a number, "NaN", "Infinity" or "-Infinity"`, fmt.Sprint(v))
}

// MarshalStep writes the step as a JSON number.
func MarshalStep(s metric.Step) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, s.String()) })
}

// UnmarshalStep reads an integer or a decimal, exactly. A literal float in a query text has passed through a double
// already: up to 15 digits of it are exact.
func UnmarshalStep(v any) (metric.Step, error) {
	switch v := v.(type) {
	case int:
		return metric.IntStep(int64(v)), nil
	case int64:
		return metric.IntStep(v), nil
	case json.Number:
		return metric.ParseStep(string(v))
	case string:
		return metric.ParseStep(v)
	case float64:
		return metric.ParseStep(strconv.FormatFloat(v, 'g', -1, 64))
	}
	return metric.Step{}, errs.New(errs.Invalid, "%s is not a step: an integer, or a decimal with up to 6 places", kindOf(v))
}

// MarshalFloat64Array writes doubles, little-endian, base64.
func MarshalFloat64Array(v []float64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { writePacked(w, v, math.Float64bits) })
}

// UnmarshalFloat64Array reads what MarshalFloat64Array writes.
func UnmarshalFloat64Array(v any) ([]float64, error) {
	raw, err := unpack(v)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(raw)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return out, nil
}

// MarshalInt64Array writes integers, little-endian, base64.
func MarshalInt64Array(v []int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { writePacked(w, v, func(n int64) uint64 { return uint64(n) }) })
}

// UnmarshalInt64Array reads what MarshalInt64Array writes.
func UnmarshalInt64Array(v any) ([]int64, error) {
	raw, err := unpack(v)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(raw)/8)
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return out, nil
}

// packedValues are encoded at a time: a multiple of 3, so that the pieces of base64 join without padding between them.
const packedValues = 768

// packBuffers are the buffers of writePacked: a chart of 1,000 runs has thousands of columns.
var packBuffers = sync.Pool{New: func() any { return new(packBuffer) }}

type packBuffer struct {
	raw  [8 * packedValues]byte
	text [(8*packedValues)/3*4 + 4]byte
}

// writePacked writes values little-endian in base64, a piece at a time: a column may have megabytes.
func writePacked[T any](w io.Writer, v []T, bits func(T) uint64) {
	if growing, ok := w.(interface{ Grow(n int) }); ok {
		growing.Grow(base64.StdEncoding.EncodedLen(8*len(v)) + len(`""`))
	}
	buffer, _ := packBuffers.Get().(*packBuffer)
	defer packBuffers.Put(buffer)
	_, _ = io.WriteString(w, `"`)
	for piece := range slices.Chunk(v, packedValues) {
		b := buffer.raw[:0]
		for _, value := range piece {
			b = binary.LittleEndian.AppendUint64(b, bits(value))
		}
		_, _ = w.Write(base64.StdEncoding.AppendEncode(buffer.text[:0], b))
	}
	_, _ = io.WriteString(w, `"`)
}

func unpack(v any) ([]byte, error) {
	s, ok := v.(string)
	if !ok {
		return nil, errs.New(errs.Invalid, "%s is not a packed array: base64 text of little-endian 8-byte values", kindOf(v))
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, errs.New(errs.Invalid, "the packed array is not base64: %s", err)
	}
	if len(raw)%8 != 0 {
		return nil, errs.New(errs.Invalid, "the packed array has %d bytes, which are no whole number of 8-byte values", len(raw))
	}
	return raw, nil
}

// kindOf names the type of a value in JSON's words, with the article.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}

package client

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// MetricValue is a float64 that JSON carries as a number, or as "NaN", "Infinity" or "-Infinity".
type MetricValue float64

// MarshalJSON writes a number or one of the three names.
func (v MetricValue) MarshalJSON() ([]byte, error) {
	f := float64(v)
	switch {
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	case math.IsInf(f, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Infinity"`), nil
	}
	return strconv.AppendFloat(nil, f, 'g', -1, 64), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *MetricValue) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"NaN"`:
		*v = MetricValue(math.NaN())
	case `"Infinity"`:
		*v = MetricValue(math.Inf(1))
	case `"-Infinity"`:
		*v = MetricValue(math.Inf(-1))
	default:
		return json.Unmarshal(data, (*float64)(v))
	}
	return nil
}

// Float64Array is packed: little-endian doubles in base64.
type Float64Array []float64

// MarshalJSON packs the array.
func (a Float64Array) MarshalJSON() ([]byte, error) {
	raw := make([]byte, 0, 8*len(a))
	for _, v := range a {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
	}
	return packed(raw), nil
}

// UnmarshalJSON unpacks the array.
func (a *Float64Array) UnmarshalJSON(data []byte) error {
	raw, err := unpacked(data)
	if err != nil {
		return err
	}
	out := make(Float64Array, 0, len(raw)/8)
	for ; len(raw) > 0; raw = raw[8:] {
		out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(raw)))
	}
	*a = out
	return nil
}

// Int64Array is packed: little-endian signed 64-bit integers in base64.
type Int64Array []int64

// MarshalJSON packs the array.
func (a Int64Array) MarshalJSON() ([]byte, error) {
	raw := make([]byte, 0, 8*len(a))
	for _, v := range a {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v)) // the bits, not the number
	}
	return packed(raw), nil
}

// UnmarshalJSON unpacks the array.
func (a *Int64Array) UnmarshalJSON(data []byte) error {
	raw, err := unpacked(data)
	if err != nil {
		return err
	}
	out := make(Int64Array, 0, len(raw)/8)
	for ; len(raw) > 0; raw = raw[8:] {
		out = append(out, int64(binary.LittleEndian.Uint64(raw))) // the bits, not the number
	}
	*a = out
	return nil
}

func packed(raw []byte) []byte {
	out := make([]byte, 0, base64.StdEncoding.EncodedLen(len(raw))+2)
	out = append(out, '"')
	out = base64.StdEncoding.AppendEncode(out, raw)
	return append(out, '"')
}

func unpacked(data []byte) ([]byte, error) {
	var raw []byte
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("packed array: %w", err)
	}
	if len(raw)%8 != 0 {
		return nil, fmt.Errorf("packed array: %d bytes are not a multiple of 8", len(raw))
	}
	return raw, nil
}

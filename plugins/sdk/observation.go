package sdk

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Observation is one fact that a hook saw in a training.
type Observation struct {
	// Sequence grows within the training process.
	Sequence uint64
	// Kind says what was seen, in the hook's words: "fit.start", "metric".
	Kind string
	// Time is when it was seen, to the millisecond.
	Time time.Time
	// Fit identifies the top-level fit that it belongs to; empty when none.
	Fit string
	// Payload is a JSON object of at most 16 MiB. NaN and infinities are the strings "NaN", "Infinity", "-Infinity": decode
	// them into Float.
	Payload json.RawMessage
	// Files are what the hook wrote for it: a name used in the payload to an absolute path.
	Files map[string]string
}

// Decode reads the payload into v, a pointer. An empty payload leaves v as it is.
func (o Observation) Decode(v any) error {
	if len(o.Payload) == 0 {
		return nil
	}
	if err := json.Unmarshal(o.Payload, v); err != nil {
		return fmt.Errorf("payload of %s: %w", o.Kind, err)
	}
	return nil
}

// Float is a float64 that JSON carries as a number, or as "NaN", "Infinity" or "-Infinity".
type Float float64

// UnmarshalJSON reads a number or one of the three names.
func (f *Float) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"NaN"`:
		*f = Float(math.NaN())
	case `"Infinity"`:
		*f = Float(math.Inf(1))
	case `"-Infinity"`:
		*f = Float(math.Inf(-1))
	default:
		return json.Unmarshal(data, (*float64)(f))
	}
	return nil
}

// MarshalJSON writes a number or one of the three names.
func (f Float) MarshalJSON() ([]byte, error) {
	v := float64(f)
	switch {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Infinity"`), nil
	}
	return json.Marshal(v)
}

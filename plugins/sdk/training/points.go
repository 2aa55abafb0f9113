package training

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/cairnml/cairn/plugins/sdk"
)

// Series are points of one metric as cairn.Points sends them: columns of equal length.
type Series struct {
	Key         string `json:"key"`
	Measurement bool   `json:"measurement"`
	// Steps of the points, the times at which they were measured in milliseconds since 1970, and the bits of their values:
	// little-endian numbers of eight bytes, in base64.
	Steps  column `json:"steps"`
	Times  column `json:"times"`
	Values column `json:"values"`
}

// column is eight bytes for each number.
type column []byte

// UnmarshalText reads base64.
func (c *column) UnmarshalText(text []byte) error {
	data, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("a column of points: %w", err)
	}
	if len(data)%8 != 0 {
		return fmt.Errorf("a column of points has %d bytes, not eight for each", len(data))
	}
	*c = data
	return nil
}

func (c column) length() int { return len(c) / 8 }

func (c column) at(i int) uint64 { return binary.LittleEndian.Uint64(c[8*i:]) }

// Metrics records the points of a run.
func (s Series) Metrics(run string) ([]sdk.Record, error) {
	if s.Times.length() != s.Steps.length() || s.Values.length() != s.Steps.length() {
		return []sdk.Record{}, fmt.Errorf("%s has %d steps, %d times and %d values", s.Key, s.Steps.length(), s.Times.length(), s.Values.length())
	}
	key := Key(s.Key)
	records := make([]sdk.Record, s.Steps.length())
	for i := range records {
		records[i] = sdk.Metric{
			Run: run, Key: key, Value: math.Float64frombits(s.Values.at(i)), Measurement: s.Measurement,
			Step: int64(s.Steps.at(i)),
			Time: time.UnixMilli(int64(s.Times.at(i))),
		}
	}
	return records, nil
}

// Points records an observation that holds points of the fit's own run, series by series.
func Points(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Series []Series `json:"series"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	var records []sdk.Record
	for _, series := range p.Series {
		of, err := series.Metrics("")
		if err != nil {
			return records, err
		}
		records = append(records, of...)
	}
	return records, nil
}

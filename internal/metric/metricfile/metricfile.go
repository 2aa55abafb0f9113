// Package metricfile writes points of metrics as files that other programs read: CSV, Parquet and Arrow, a piece at a time.
//
// All have the columns run_id, key, step, time and value, and a row for each point. A step is an integer, or where any of the
// file's steps has decimal places, an exact decimal; a time is in milliseconds, UTC; a value is a double, exactly.
package metricfile

import (
	"io"
	"slices"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
)

// Format is a kind of file.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	Parquet Format = "parquet"
	Arrow   Format = "arrow"
)

// Formats are all formats.
var Formats = []Format{CSV, Parquet, Arrow}

// ParseFormat reads a format's name.
func ParseFormat(name string) (Format, error) {
	if slices.Contains(Formats, Format(name)) {
		return Format(name), nil
	}
	return "", errs.Field("format", "%.40q is no format of metrics: choose csv, parquet or arrow", name)
}

// ContentType is a format's media type.
func (f Format) ContentType() string {
	switch f {
	case Parquet:
		return "application/vnd.apache.parquet"
	case Arrow:
		return "application/vnd.apache.arrow.stream"
	default:
		return "text/csv; charset=utf-8"
	}
}

// Contents says what a file will have.
type Contents struct {
	RunID string
	// Keys are those of all series, in the order in which they will come.
	Keys []string
	// StepScale is the largest scale of their steps.
	StepScale int8
}

// Writer writes one file. It holds a bounded number of points.
type Writer interface {
	// Write appends points of one series: those of one series one after the other, and series in the order of their keys.
	Write(c metric.Columns) error
	// Close ends the file; it does not close what it is written to.
	Close() error
}

// NewWriter begins a file.
func NewWriter(w io.Writer, f Format, of Contents) Writer {
	switch f {
	case Parquet:
		return newParquet(w, of)
	case Arrow:
		return newArrow(w, of)
	default:
		return newCSV(w, of)
	}
}

// decimalDigits is the precision of steps that are decimals: whatever 64 bits hold, with the most places.
const decimalDigits = 19 + metric.MaxStepScale

// place finds a series among the keys: its own, or one behind the last that was found.
func (of *Contents) place(key string, last int) (int, error) {
	for i := last; i < len(of.Keys); i++ {
		if of.Keys[i] == key {
			return i, nil
		}
	}
	return 0, errs.New(errs.Internal, "metric %.250q is not among the file's %d keys, or comes before its turn", key, len(of.Keys))
}

package metricfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/cairnml/cairn/internal/metric"
)

type csvWriter struct {
	w      *bufio.Writer
	run    string
	key    string
	prefix []byte // of each line: the run and the key
	line   []byte
	failed error
}

const csvBuffer = 64 << 10

func newCSV(w io.Writer, of Contents) Writer {
	c := &csvWriter{w: bufio.NewWriterSize(w, csvBuffer), run: of.RunID}
	_, c.failed = c.w.WriteString("run_id,key,step,time,value\n")
	return c
}

func (w *csvWriter) Write(c metric.Columns) error {
	if w.failed != nil {
		return w.failed
	}
	if w.prefix == nil || w.key != c.Key {
		if w.failed = w.begin(c.Key); w.failed != nil {
			return w.failed
		}
	}
	for i, v := range c.Values {
		b := append(w.line[:0], w.prefix...)
		if c.StepScale == 0 {
			b = strconv.AppendInt(b, c.Steps[i], 10)
		} else {
			b = append(b, c.At(i).Step.String()...)
		}
		b = append(b, ',')
		b = appendTime(b, c.Times[i])
		b = append(b, ',')
		b = appendValue(b, v)
		w.line = append(b, '\n')
		if _, err := w.w.Write(w.line); err != nil {
			w.failed = fmt.Errorf("write CSV: %w", err)
			return w.failed
		}
	}
	return nil
}

// begin quotes a key where it needs to be.
func (w *csvWriter) begin(key string) error {
	var b bytes.Buffer
	line := csv.NewWriter(&b)
	if err := line.Write([]string{w.run, key, ""}); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	line.Flush()
	w.key, w.prefix = key, bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	return nil
}

func (w *csvWriter) Close() error {
	if w.failed != nil {
		return w.failed
	}
	if err := w.w.Flush(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

// The first millisecond of the year 0, and the first behind the year 9999: RFC 3339 has a form for what lies between.
var (
	yearZero = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	yearEnd  = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// appendTime writes a time in RFC 3339, or where that has no form for it, its Unix milliseconds.
func appendTime(b []byte, ms int64) []byte {
	if ms < yearZero || ms >= yearEnd {
		return strconv.AppendInt(b, ms, 10)
	}
	return time.UnixMilli(ms).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
}

// appendValue writes the shortest number that reads back as the same double.
func appendValue(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, "NaN"...)
	case math.IsInf(v, 1):
		return append(b, "Infinity"...)
	case math.IsInf(v, -1):
		return append(b, "-Infinity"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

package metricfile

import (
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/cairnml/cairn/internal/metric"
)

// arrowRows is how many rows a record batch has.
const arrowRows = 1 << 16

var textType = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

// arrowWriter writes Arrow's IPC stream. Run and keys are dictionaries, which are known before the first row.
type arrowWriter struct {
	Contents
	w      *ipc.Writer
	schema *arrow.Schema
	runs   arrow.Array
	names  arrow.Array
	last   int // the place of the key that came last

	zeros, keys  []int32
	steps, times []int64
	decimals     []decimal128.Num
	values       []float64
}

func newArrow(w io.Writer, of Contents) Writer {
	step := arrow.PrimitiveTypes.Int64
	if of.StepScale > 0 {
		step = &arrow.Decimal128Type{Precision: decimalDigits, Scale: int32(of.StepScale)}
	}
	a := &arrowWriter{Contents: of, runs: texts(of.RunID), names: texts(of.Keys...), zeros: make([]int32, arrowRows)}
	a.schema = arrow.NewSchema([]arrow.Field{
		{Name: "run_id", Type: textType},
		{Name: "key", Type: textType},
		{Name: "step", Type: step},
		{Name: "time", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}},
		{Name: "value", Type: arrow.PrimitiveTypes.Float64},
	}, nil)
	a.w = ipc.NewWriter(w, ipc.WithSchema(a.schema))
	return a
}

func texts(values ...string) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

func (a *arrowWriter) Write(c metric.Columns) error {
	at, err := a.place(c.Key, a.last)
	if err != nil {
		return err
	}
	a.last = at
	for i := 0; i < c.Len(); {
		n := min(c.Len()-i, arrowRows-len(a.keys))
		for j := i; j < i+n; j++ {
			a.keys = append(a.keys, int32(at))
			if a.StepScale > 0 {
				a.decimals = append(a.decimals, decimal128.FromI64(c.Steps[j]).IncreaseScaleBy(int32(a.StepScale-c.StepScale)))
			}
		}
		if a.StepScale == 0 {
			a.steps = append(a.steps, c.Steps[i:i+n]...)
		}
		a.times, a.values = append(a.times, c.Times[i:i+n]...), append(a.values, c.Values[i:i+n]...)
		if i += n; len(a.keys) == arrowRows {
			if err := a.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes a record batch of what was gathered.
func (a *arrowWriter) flush() error {
	n := len(a.keys)
	if n == 0 {
		return nil
	}
	column := func(i int, raw []byte) arrow.Array {
		return array.MakeFromData(array.NewData(a.schema.Field(i).Type, n, []*memory.Buffer{nil, memory.NewBufferBytes(raw)}, nil, 0, 0))
	}
	named := func(places []int32, names arrow.Array) arrow.Array {
		indices := array.MakeFromData(array.NewData(textType.IndexType, n, []*memory.Buffer{nil,
			memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(places[:n]))}, nil, 0, 0))
		return array.NewDictionaryArray(textType, indices, names)
	}
	var steps []byte
	if a.StepScale > 0 {
		steps = arrow.Decimal128Traits.CastToBytes(a.decimals)
	} else {
		steps = arrow.Int64Traits.CastToBytes(a.steps)
	}
	batch := array.NewRecordBatch(a.schema, []arrow.Array{
		named(a.zeros, a.runs), named(a.keys, a.names), column(2, steps),
		column(3, arrow.Int64Traits.CastToBytes(a.times)), column(4, arrow.Float64Traits.CastToBytes(a.values)),
	}, int64(n))
	err := a.w.Write(batch)
	a.keys, a.steps, a.decimals, a.times, a.values = a.keys[:0], a.steps[:0], a.decimals[:0], a.times[:0], a.values[:0]
	if err != nil {
		return fmt.Errorf("write Arrow: %w", err)
	}
	return nil
}

func (a *arrowWriter) Close() error {
	if err := a.flush(); err != nil {
		return err
	}
	if err := a.w.Close(); err != nil {
		return fmt.Errorf("write Arrow: %w", err)
	}
	return nil
}

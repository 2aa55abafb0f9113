package metricfile_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/metric/metricfile"
)

const runID = "0123456789abcdef0123456789abcdef"

// row is a row of any file, as text but for the bits of the value.
type row struct {
	run, key, step string
	time           int64
	bits           uint64
}

var hard = []metric.Columns{
	{Key: "acc", Steps: []int64{0, 1, 1, -5}, Times: []int64{1_700_000_000_123, 0, 0, 253_402_300_799_999},
		Values: []float64{0.1 + 0.2, math.Inf(1), math.Inf(-1), math.Copysign(0, -1)}},
	{Key: "huge", Steps: []int64{math.MaxInt64, math.MinInt64}, Times: []int64{1, 2}, Values: []float64{math.MaxFloat64, 5e-324}},
	{Key: "loss, \"quoted\"", Steps: []int64{3}, Times: []int64{4}, Values: []float64{1e6}},
	{Key: "学习率", Steps: []int64{3}, Times: []int64{4}, Values: []float64{math.Float64frombits(0x7ff8_0000_0000_0001)}},
	{Key: "学习率", Steps: []int64{4}, Times: []int64{5}, Values: []float64{-1}},
}

func decimals() []metric.Columns {
	return append([]metric.Columns{
		{Key: "a", StepScale: 2, Steps: []int64{150, -25, 300}, Times: []int64{1, 2, 3}, Values: []float64{1, 2, 3}},
		{Key: "aa", StepScale: 6, Steps: []int64{1, math.MinInt64}, Times: []int64{1, 2}, Values: []float64{1, 2}},
	}, hard...)
}

func contents(columns []metric.Columns) metricfile.Contents {
	of := metricfile.Contents{RunID: runID}
	for _, c := range columns {
		if n := len(of.Keys); n == 0 || of.Keys[n-1] != c.Key {
			of.Keys = append(of.Keys, c.Key)
		}
		of.StepScale = max(of.StepScale, c.StepScale)
	}
	return of
}

func rowsOf(columns []metric.Columns) []row {
	var out []row
	for _, c := range columns {
		for i, v := range c.Values {
			out = append(out, row{runID, c.Key, c.At(i).Step.String(), c.Times[i], math.Float64bits(v)})
		}
	}
	return out
}

func file(t *testing.T, f metricfile.Format, columns []metric.Columns) []byte {
	t.Helper()
	var b bytes.Buffer
	w := metricfile.NewWriter(&b, f, contents(columns))
	for _, c := range columns {
		require.NoError(t, w.Write(c))
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestArrow(t *testing.T) {
	t.Parallel()
	long := []metric.Columns{{Key: "a"}, {Key: "long"}}
	for i := range int64(150_000) {
		c := &long[i&1]
		c.Steps, c.Times, c.Values = append(c.Steps, i), append(c.Times, i), append(c.Values, float64(i))
	}
	for name, columns := range map[string][]metric.Columns{"none": nil, "whole": hard, "decimal": decimals(), "long": long} {
		t.Run(name, func(t *testing.T) {
			r, err := ipc.NewReader(bytes.NewReader(file(t, metricfile.Arrow, columns)))
			require.NoError(t, err)
			require.Equal(t, &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, r.Schema().Field(3).Type)
			var got []row
			for r.Next() {
				batch := r.RecordBatch()
				require.LessOrEqual(t, batch.NumRows(), int64(1<<16))
				text := func(column, i int) string {
					d := batch.Column(column).(*array.Dictionary)
					return d.Dictionary().(*array.String).Value(d.GetValueIndex(i))
				}
				for i := range int(batch.NumRows()) {
					one := row{run: text(0, i), key: text(1, i), time: int64(batch.Column(3).(*array.Timestamp).Value(i)),
						bits: math.Float64bits(batch.Column(4).(*array.Float64).Value(i))}
					switch steps := batch.Column(2).(type) {
					case *array.Int64:
						one.step = strconv.FormatInt(steps.Value(i), 10)
					case *array.Decimal128:
						one.step = short(steps.Value(i).ToString(steps.DataType().(*arrow.Decimal128Type).Scale))
					}
					got = append(got, one)
				}
			}
			require.NoError(t, r.Err())
			require.Equal(t, rowsOf(columns), got)
		})
	}
}

// short leaves out the zeros behind a decimal.
func short(decimal string) string {
	if strings.Contains(decimal, ".") {
		decimal = strings.TrimSuffix(strings.TrimRight(decimal, "0"), ".")
	}
	return decimal
}

func TestParquet(t *testing.T) {
	t.Parallel()
	for name, columns := range map[string][]metric.Columns{"none": nil, "whole": hard, "decimal": decimals()} {
		t.Run(name, func(t *testing.T) {
			content := file(t, metricfile.Parquet, columns)
			f, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
			require.NoError(t, err)
			require.Equal(t, [][]string{{"run_id"}, {"key"}, {"step"}, {"time"}, {"value"}}, f.Schema().Columns())
			scale := contents(columns).StepScale
			var got []row
			for _, group := range f.RowGroups() {
				rows := group.Rows()
				buffer := make([]parquet.Row, 8)
				for {
					n, err := rows.ReadRows(buffer)
					for _, r := range buffer[:n] {
						one := row{run: r[0].String(), key: r[1].String(), time: r[3].Int64(), bits: math.Float64bits(r[4].Double())}
						if scale == 0 {
							one.step = strconv.FormatInt(r[2].Int64(), 10)
						} else {
							one.step = decimalText(r[2].ByteArray(), scale)
						}
						got = append(got, one)
					}
					if errors.Is(err, io.EOF) {
						break
					}
					require.NoError(t, err)
				}
				require.NoError(t, rows.Close())
			}
			require.Equal(t, rowsOf(columns), got)
			step, _ := f.Schema().Lookup("step")
			if scale > 0 {
				require.Equal(t, fmt.Sprintf("DECIMAL(25,%d)", scale), step.Node.Type().LogicalType().String())
			} else {
				require.Equal(t, parquet.Int64, step.Node.Type().Kind())
			}
		})
	}
}

// decimalText reads a big-endian two's complement number.
func decimalText(b []byte, scale int8) string {
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return short(new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(int(scale)))
}

func TestCSV(t *testing.T) {
	t.Parallel()
	columns := decimals()
	lines, err := csv.NewReader(bytes.NewReader(file(t, metricfile.CSV, columns))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"run_id", "key", "step", "time", "value"}, lines[0])
	want := rowsOf(columns)
	require.Len(t, lines, len(want)+1)
	for i, line := range lines[1:] {
		require.Equal(t, []string{want[i].run, want[i].key, want[i].step}, line[:3])
		v, err := strconv.ParseFloat(line[4], 64)
		require.NoError(t, err)
		if math.IsNaN(v) {
			require.True(t, math.IsNaN(math.Float64frombits(want[i].bits)))
		} else {
			require.Equal(t, want[i].bits, math.Float64bits(v))
		}
	}
	require.Equal(t, "run_id,key,step,time,value\n", string(file(t, metricfile.CSV, nil)))

	times := metric.Columns{Key: "t", Steps: []int64{0, 1, 2, 3}, Times: []int64{1_700_000_000_123, 253_402_300_799_999, 253_402_300_800_000, -1}, Values: make([]float64, 4)}
	require.Equal(t, "run_id,key,step,time,value\n"+
		runID+",t,0,2023-11-14T22:13:20.123Z,0\n"+
		runID+",t,1,9999-12-31T23:59:59.999Z,0\n"+
		runID+",t,2,253402300800000,0\n"+ // RFC 3339 has no form for it
		runID+",t,3,1969-12-31T23:59:59.999Z,0\n", string(file(t, metricfile.CSV, []metric.Columns{times})))
}

func TestWriterThatFails(t *testing.T) {
	t.Parallel()
	gone := errors.New("the reader is gone")
	for _, f := range metricfile.Formats {
		of := contents(hard)
		w := metricfile.NewWriter(writerFunc(func([]byte) (int, error) { return 0, gone }), f, of)
		var err error
		for _, c := range hard {
			err = errors.Join(err, w.Write(c))
		}
		require.ErrorIs(t, errors.Join(err, w.Close()), gone, f)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for _, f := range metricfile.Formats {
		got, err := metricfile.ParseFormat(string(f))
		require.NoError(t, err)
		require.Equal(t, f, got)
	}
	_, err := metricfile.ParseFormat("xlsx")
	require.Equal(t, errs.Invalid, errs.KindOf(err))
	require.ErrorContains(t, err, "csv, parquet or arrow")
}

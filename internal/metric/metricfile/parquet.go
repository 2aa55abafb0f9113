package metricfile

import (
	"encoding/binary"
	"fmt"
	"io"
	"reflect"

	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/parquet-go/parquet-go"

	"github.com/cairnml/cairn/internal/metric"
)

const (
	// parquetGroup is how many rows a row group has: its columns are in memory until it is whole.
	parquetGroup = 1 << 17
	parquetRows  = 1 << 12
)

// wholeRow and decimalRow are what parquet reads the columns' types of.
type (
	wholeRow struct {
		RunID string  `parquet:"run_id,dict"`
		Key   string  `parquet:"key,dict"`
		Step  int64   `parquet:"step,delta"`
		Time  int64   `parquet:"time,timestamp(millisecond:utc),delta"`
		Value float64 `parquet:"value"`
	}
	decimalRow struct {
		RunID string           `parquet:"run_id,dict"`
		Key   string           `parquet:"key,dict"`
		Step  [decimalLen]byte `parquet:"step"` // newParquet says more
		Time  int64            `parquet:"time,timestamp(millisecond:utc),delta"`
		Value float64          `parquet:"value"`
	}
)

// decimalLen is how many bytes a decimal of decimalDigits takes.
const decimalLen = 11

// parquetWriter writes Parquet, in rows of one of the two types.
type parquetWriter[Row any] struct {
	Contents
	w    *parquet.GenericWriter[Row]
	rows []Row
	row  func(key string, c *metric.Columns, i int) Row
}

func newParquet(w io.Writer, of Contents) Writer {
	options := []parquet.WriterOption{parquet.MaxRowsPerRowGroup(parquetGroup), parquet.Compression(zstdCodec{})}
	if of.StepScale > 0 {
		tag := reflect.StructTag(fmt.Sprintf(`parquet:"step,decimal(%d:%d)"`, of.StepScale, decimalDigits))
		return &parquetWriter[decimalRow]{
			Contents: of, row: of.decimalRow, w: parquet.NewGenericWriter[decimalRow](w, append(options, parquet.StructTag(tag, "Step"))...),
		}
	}
	return &parquetWriter[wholeRow]{Contents: of, row: of.wholeRow, w: parquet.NewGenericWriter[wholeRow](w, options...)}
}

func (of *Contents) wholeRow(key string, c *metric.Columns, i int) wholeRow {
	return wholeRow{RunID: of.RunID, Key: key, Step: c.Steps[i], Time: c.Times[i], Value: c.Values[i]}
}

func (of *Contents) decimalRow(key string, c *metric.Columns, i int) decimalRow {
	row := decimalRow{RunID: of.RunID, Key: key, Time: c.Times[i], Value: c.Values[i]}
	step := decimal128.FromI64(c.Steps[i]).IncreaseScaleBy(int32(of.StepScale - c.StepScale))
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(step.HighBits()))
	binary.BigEndian.PutUint64(b[8:], step.LowBits())
	copy(row.Step[:], b[len(b)-decimalLen:])
	return row
}

func (p *parquetWriter[Row]) Write(c metric.Columns) error {
	for i := range c.Values {
		if p.rows = append(p.rows, p.row(c.Key, &c, i)); len(p.rows) == parquetRows {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *parquetWriter[Row]) flush() error {
	_, err := p.w.Write(p.rows)
	p.rows = p.rows[:0]
	if err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}

func (p *parquetWriter[Row]) Close() error {
	if err := p.flush(); err != nil {
		return err
	}
	if err := p.w.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}

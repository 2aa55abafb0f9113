package scalar

import (
	"bytes"
	"io"
	"math"
	"sync"

	"github.com/cairnml/cairn/internal/errs"
)

// Packed is an array that is given to many, as MarshalInt64Array or MarshalFloat64Array write it. It is encoded once, by the first
// who asks for it.
type Packed struct {
	text func() []byte
}

// PackInts makes it of integers, which are not changed any more.
func PackInts(v []int64) *Packed {
	return packOnce(func(w io.Writer) { writePacked(w, v, func(n int64) uint64 { return uint64(n) }) })
}

// PackFloats makes it of doubles, which are not changed any more.
func PackFloats(v []float64) *Packed {
	return packOnce(func(w io.Writer) { writePacked(w, v, math.Float64bits) })
}

func packOnce(write func(io.Writer)) *Packed {
	return &Packed{sync.OnceValue(func() []byte {
		var b bytes.Buffer
		write(&b)
		return b.Bytes()
	})}
}

// MarshalGQL writes it.
func (p *Packed) MarshalGQL(w io.Writer) { _, _ = w.Write(p.text()) }

// UnmarshalGQL refuses: an argument is an array of its own.
func (p *Packed) UnmarshalGQL(any) error {
	return errs.New(errs.Internal, "a shared array is only given, not taken")
}

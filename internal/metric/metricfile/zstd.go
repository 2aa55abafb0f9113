package metricfile

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// zstdCodec packs Parquet's pages. The library's own takes 16 MiB for its window, of which a page fills a small part.
type zstdCodec struct{}

// zstdCoders are made at their first use. Their options are constant, so that making them fails always or never.
var zstdCoders = sync.OnceValues(func() (coders, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(256<<10),
		zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return coders{}, fmt.Errorf("make an encoder: %w", err)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return coders{}, fmt.Errorf("make a decoder: %w", err)
	}
	return coders{encoder, decoder}, nil
})

type coders struct {
	*zstd.Encoder
	*zstd.Decoder
}

func (zstdCodec) String() string { return "ZSTD" }

func (zstdCodec) CompressionCodec() format.CompressionCodec { return format.Zstd }

func (zstdCodec) Encode(dst, src []byte) ([]byte, error) {
	coders, err := zstdCoders()
	if err != nil {
		return nil, err
	}
	return coders.EncodeAll(src, dst[:0]), nil
}

// Decode is called where a dictionary has grown too large, and what was packed with it is packed anew.
func (zstdCodec) Decode(dst, src []byte) ([]byte, error) {
	coders, err := zstdCoders()
	if err != nil {
		return nil, err
	}
	out, err := coders.DecodeAll(src, dst[:0])
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return out, nil
}

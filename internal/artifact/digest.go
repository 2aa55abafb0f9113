package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/cairnml/cairn/internal/errs"
)

// blockBytes is how much of a file is read at a time.
const blockBytes = 256 << 10

var blocks = sync.Pool{New: func() any { return new([blockBytes]byte) }}

// receive copies what comes to a writer, if any, and gives its length and its SHA-256. Errors: Exhausted for more than
// maxBytes, *SourceError when reading fails.
func receive(ctx context.Context, w io.Writer, r io.Reader, maxBytes int64) (size int64, sum string, err error) {
	h := newHasher()
	defer h.stop()
	for {
		if err := ctx.Err(); err != nil {
			return 0, "", fmt.Errorf("receive artifact: %w", err)
		}
		block := blocks.Get().(*[blockBytes]byte)
		n, err := fill(r, block[:])
		end := errors.Is(err, io.EOF)
		switch {
		case size+int64(n) > maxBytes || maxBytes < 0:
			return 0, "", errs.New(errs.Exhausted, "the file is larger than %d bytes, the most that is accepted", maxBytes)
		case err != nil && !end:
			return 0, "", &SourceError{Err: err}
		}
		if w != nil && n > 0 {
			if _, err := w.Write(block[:n]); err != nil {
				return 0, "", err
			}
			if early, ok := w.(writingEarly); ok {
				early.wrote(size, n)
			}
		}
		size += int64(n)
		h.take(block, n, end)
		if end {
			return size, h.sum(), nil
		}
	}
}

// fill reads until a block is full, or what comes ends: with io.EOF, and not as io.ReadFull does with the very error that a
// body has which was cut off.
func fill(r io.Reader, block []byte) (n int, err error) {
	for n < len(block) && err == nil {
		var more int
		more, err = r.Read(block[n:])
		n += more
	}
	return n, err
}

// hasher hashes blocks beside who reads and writes them: each takes about as long.
type hasher struct {
	hash hash.Hash
	// work is nil until there is more than one block.
	work chan hashed
	done chan struct{}
}

type hashed struct {
	block *[blockBytes]byte
	n     int
}

// ahead bounds how many blocks wait to be hashed.
const ahead = 4

func newHasher() *hasher { return &hasher{hash: sha256.New()} }

// take hashes a block, and gives it back to the pool.
func (h *hasher) take(block *[blockBytes]byte, n int, last bool) {
	if h.work == nil {
		if last {
			h.hash.Write(block[:n])
			blocks.Put(block)
			return
		}
		h.work, h.done = make(chan hashed, ahead), make(chan struct{})
		go func() {
			defer close(h.done)
			for one := range h.work {
				h.hash.Write(one.block[:one.n])
				blocks.Put(one.block)
			}
		}()
	}
	h.work <- hashed{block, n}
}

// stop ends the goroutine.
func (h *hasher) stop() {
	if h.work != nil {
		close(h.work)
		<-h.done
		h.work = nil
	}
}

func (h *hasher) sum() string {
	h.stop()
	return hex.EncodeToString(h.hash.Sum(nil))
}

// SourceError is what reading an upload failed with: the sender's fault, and not the store's.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return "read upload: " + e.Err.Error() }

func (e *SourceError) Unwrap() error { return e.Err }

package autolog

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// maxChunk is the size at which output is recorded without waiting for more.
	maxChunk = 64 << 10
	// flushEvery is how long output waits for more.
	flushEvery = 500 * time.Millisecond
)

// recorder cuts a stream of output into pieces of whole lines where it can, masks secrets in them and hands them on. A
// secret that is printed in one write, or on one line within flushEvery, is never cut.
type recorder struct {
	stream string
	mask   *masker
	emit   func(message)

	mu      sync.Mutex
	pending []byte
	waited  bool // a piece without a line's end has waited for one tick already
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(r.pending, p...)
	for len(r.pending) >= maxChunk {
		end := bytes.LastIndexAny(r.pending[:maxChunk], "\n\r") + 1
		if end == 0 {
			end = wholeRunes(r.pending[:maxChunk])
		}
		r.flush(end)
	}
	return len(p), nil
}

// tick hands on what has waited: whole lines at once, the start of a line when no more came.
func (r *recorder) tick(final bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := bytes.LastIndexAny(r.pending, "\n\r") + 1
	switch {
	case final:
		end = len(r.pending)
	case end > 0:
		r.waited = false
	case r.waited:
		end, r.waited = wholeRunes(r.pending), false
	default:
		r.waited = len(r.pending) > 0
	}
	r.flush(end)
}

func (r *recorder) flush(n int) {
	if n == 0 {
		return
	}
	text := strings.ToValidUTF8(string(r.pending[:n]), "\uFFFD")
	r.pending = append(r.pending[:0], r.pending[n:]...)
	// A database's text holds no NUL; a terminal's lines end in CR LF.
	text = strings.NewReplacer("\x00", "\uFFFD", "\r\n", "\n").Replace(text)
	r.emit(message{T: "output", Stream: r.stream, Text: r.mask.text(text), TimeMS: time.Now().UnixMilli()})
}

// wholeRunes gives the length of p without a character that is cut at its end; of bytes that are no text, all.
func wholeRunes(p []byte) int {
	for back := 1; back <= utf8.UTFMax && back <= len(p); back++ {
		if tail := p[len(p)-back:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) && back < len(p) {
				return len(p) - back
			}
			break
		}
	}
	return len(p)
}

// passThrough copies a command's output as it is, at once, and records it beside. When the output's reader is gone, the
// command's next write fails as it would without us.
func passThrough(from io.ReadCloser, to io.Writer, record *recorder) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				_ = from.Close()
				return
			}
			_, _ = record.Write(buffer[:n])
		}
		if err != nil {
			return
		}
	}
}

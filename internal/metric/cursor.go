package metric

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/cairnml/cairn/internal/errs"
)

// maxCursorRuns bounds a cursor as it bounds the runs of a subscription.
const maxCursorRuns = 1000

// Cursor says how far a reader has read: the sequence of the last batch, for each run id.
type Cursor map[string]int64

// String writes the cursor as opaque text.
func (c Cursor) String() string {
	b := []byte{1}
	for _, id := range slices.Sorted(maps.Keys(c)) {
		raw, err := hex.DecodeString(id)
		if err != nil || len(raw) != 16 {
			continue // no run has such an id
		}
		b = append(b, raw...)
		b = binary.AppendUvarint(b, uint64(max(c[id], 0)))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor reads what String wrote; the empty text is the beginning.
func ParseCursor(text string) (Cursor, error) {
	c := Cursor{}
	if text == "" {
		return c, nil
	}
	bad := errs.Field("after", "is not a cursor of this server: start again without it")
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) == 0 || b[0] != 1 {
		return nil, bad
	}
	for b = b[1:]; len(b) > 0; {
		if len(b) < 17 || len(c) == maxCursorRuns {
			return nil, bad
		}
		seq, n := binary.Uvarint(b[16:])
		if n <= 0 || int64(seq) < 0 {
			return nil, bad
		}
		c[hex.EncodeToString(b[:16])] = int64(seq)
		b = b[16+n:]
	}
	return c, nil
}

package search

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cairnml/cairn/internal/errs"
)

// maxCursorBytes bounds a cursor: it holds the values of the order terms, which are texts of up to some ten thousand
// bytes.
const maxCursorBytes = 1 << 20

// keyType is the type of a sort key.
type keyType byte

const (
	integerKey keyType = iota
	floatKey
	textKey
	bytesKey
)

// sortColumn is one column of the order. No sort key is ever NULL: where a value may be missing, a class comes before it.
// So a place in the order is a list of values, and what comes after it is a plain comparison.
type sortColumn struct {
	expr string
	typ  keyType
	desc bool
}

// keyset is an order and the joins that it needs.
type keyset struct {
	columns []sortColumn
	joins   fragment
}

// afterPlace writes the condition that a row comes after a place in the order.
func (k *keyset) afterPlace(f *fragment, place []any) {
	for i, col := range k.columns {
		if i == 0 && len(k.columns) > 1 {
			// Says again what follows from the rest, in a form for which an index serves.
			f.sql(col.expr, col.beyond("="), " ")
			f.arg(place[0])
			f.sql(" AND ")
		}
		f.sql("(", col.expr, col.beyond(""), " ")
		f.arg(place[i])
		if i < len(k.columns)-1 {
			f.sql(" OR (", col.expr, " = ")
			f.arg(place[i])
			f.sql(" AND ")
		}
	}
	for i := range k.columns {
		f.sql(")")
		if i > 0 {
			f.sql(")")
		}
	}
}

func (c sortColumn) beyond(orEqual string) string {
	if c.desc {
		return " <" + orEqual
	}
	return " >" + orEqual
}

func (k *keyset) orderBy(f *fragment) {
	for i, col := range k.columns {
		if i > 0 {
			f.sql(", ")
		}
		f.sql(keyName(i))
		if col.desc {
			f.sql(" DESC")
		}
	}
}

func keyName(i int) string { return fmt.Sprintf("k%d", i) }

// selectKeys adds the sort keys to the columns of a statement.
func (k *keyset) selectKeys(f *fragment) {
	for i, col := range k.columns {
		f.sql(", ", col.expr, " AS ", keyName(i))
	}
}

// page ends a statement: the first rows after a place, or from the start when it is nil.
func (k *keyset) page(f *fragment, after []any, limit int) {
	if after != nil {
		f.sql(" AND (")
		k.afterPlace(f, after)
		f.sql(")")
	}
	f.sql(" ORDER BY ")
	k.orderBy(f)
	f.sql(" LIMIT ")
	f.arg(limit)
}

// compare compares two places.
func (k *keyset) compare(a, b []any) int {
	for i, col := range k.columns {
		if c := col.compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

func (c sortColumn) compare(a, b any) int {
	if c.desc {
		return compareKeys(b, a)
	}
	return compareKeys(a, b)
}

// compareKeys compares two values of one sort column.
func compareKeys(a, b any) int {
	switch a := a.(type) {
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return cmp.Compare(a, b.(string))
	case []byte:
		return bytes.Compare(a, b.([]byte))
	}
	return 0
}

// target makes room for a value that a statement gives.
func (t keyType) target() any {
	switch t {
	case integerKey:
		return new(sql.NullInt64)
	case floatKey:
		return new(sql.NullFloat64)
	case textKey:
		return new(sql.NullString)
	default:
		return new(sql.Null[[]byte])
	}
}

// scanned gives what was scanned into a target: int64, float64, string or []byte; nil for NULL.
func scanned(target any) any {
	switch v := target.(type) {
	case *sql.NullInt64:
		if v.Valid {
			return v.Int64
		}
	case *sql.NullFloat64:
		if v.Valid {
			return v.Float64
		}
	case *sql.NullString:
		if v.Valid {
			return v.String
		}
	case *sql.Null[[]byte]:
		if v.Valid {
			return append([]byte{}, v.V...) // never nil, which would be NULL
		}
	}
	return nil
}

func scannedAll(targets []any) []any {
	out := make([]any, len(targets))
	for i, t := range targets {
		out[i] = scanned(t)
	}
	return out
}

// scanTargets makes room for the sort keys of a row.
func (k *keyset) scanTargets() []any {
	out := make([]any, len(k.columns))
	for i, col := range k.columns {
		out[i] = col.typ.target()
	}
	return out
}

// fingerprint is what a cursor remembers of its query, so that it is not used with another.
func fingerprint(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)[:12]
}

const cursorVersion = 1

// encodeCursor writes a row's place in the order. The values are exact: floats by their bits.
func encodeCursor(query []byte, keys []any) string {
	buf := append([]byte{cursorVersion}, query...)
	for _, key := range keys {
		switch v := key.(type) {
		case int64:
			buf = binary.AppendVarint(buf, v)
		case float64:
			buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
		case string:
			buf = binary.AppendUvarint(buf, uint64(len(v)))
			buf = append(buf, v...)
		}
	}
	return base64.RawURLEncoding.EncodeToString(buf)
}

func badCursor(what string) error {
	return errs.Field("after", "%s; pass a cursor as this query gave it, or none to begin at the start", what)
}

// decodeCursor reads a place in the order of a query. Whatever it holds is used as values of a comparison only, so a
// forged one can do no more than name another place.
func (k *keyset) decodeCursor(query []byte, cursor string) ([]any, error) {
	if len(cursor) > maxCursorBytes {
		return nil, badCursor("the cursor is too long")
	}
	buf, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(buf) < 1+len(query) || buf[0] != cursorVersion {
		return nil, badCursor("this is not a cursor")
	}
	buf = buf[1:]
	if !bytes.Equal(buf[:len(query)], query) {
		return nil, badCursor("the cursor is of another query: filter, order, view and experiments must stay the same")
	}
	buf = buf[len(query):]
	place := make([]any, len(k.columns))
	for i, col := range k.columns {
		value, rest, ok := col.typ.decode(buf)
		if !ok {
			return nil, badCursor("the cursor is damaged")
		}
		place[i], buf = value, rest
	}
	if len(buf) > 0 {
		return nil, badCursor("the cursor is damaged")
	}
	return place, nil
}

func (t keyType) decode(buf []byte) (value any, rest []byte, ok bool) {
	switch t {
	case integerKey:
		v, n := binary.Varint(buf)
		if n <= 0 {
			return nil, nil, false
		}
		return v, buf[n:], true
	case floatKey:
		if len(buf) < 8 {
			return nil, nil, false
		}
		v := math.Float64frombits(binary.LittleEndian.Uint64(buf))
		return v, buf[8:], !math.IsNaN(v)
	case textKey:
		size, n := binary.Uvarint(buf)
		if n <= 0 || size > uint64(len(buf)-n) {
			return nil, nil, false
		}
		v := string(buf[n : n+int(size)])
		return v, buf[n+int(size):], invalidText(v) < 0
	case bytesKey: // no sort key of a query
	}
	return nil, nil, false
}

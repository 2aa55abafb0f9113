package mlflow

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cairnml/cairn/internal/errs"
)

// Bounds of what a body may hold beside its length.
const (
	maxDepth  = 64  // of nested values
	maxEchoed = 100 // bytes of a wrong value that an error repeats
)

// reader reads one JSON value that is whole in memory. It is written for the rows that are read a thousand at a time:
// nothing is allocated but the strings that are kept.
//
// Its types are strict, with the few liberties that every MLflow client takes: null is absence, a number may stand in a
// string, and NaN and the infinities are numbers, quoted or not.
type reader struct {
	data    []byte
	pos     int
	path    []segment
	scratch []byte
}

// segment is a step on the way from the body to a value: a member, or an element where key is nil.
type segment struct {
	key   []byte
	index int
}

// integer is an int64 that may be absent.
type integer struct {
	value int64
	set   bool
}

// double is a float64 that may be absent.
type double struct {
	value float64
	set   bool
}

// message reads the whole body, which must be an object.
func (r *reader) message(member func(key []byte) error) error {
	if err := r.object(member); err != nil {
		return err
	}
	if r.space(); r.pos < len(r.data) {
		return r.syntax("the end of the body")
	}
	return nil
}

// object calls member for each member of an object, and not at all for null. The key is valid until the next call.
func (r *reader) object(member func(key []byte) error) error {
	if null, err := r.open('{', "an object"); null || err != nil {
		return err
	}
	last := len(r.path)
	r.path = append(r.path, segment{})
	for r.space(); !r.take('}'); r.space() {
		if r.path[last].key != nil {
			if !r.take(',') {
				return r.syntax("',' or '}'")
			}
			r.space()
		}
		if r.peek() != '"' {
			return r.syntax("the name of a member")
		}
		key, err := r.stringToken()
		if err != nil {
			return err
		}
		if len(r.scratch) > 0 {
			key = append([]byte(nil), key...) // the value's own escapes would overwrite it
		}
		r.path[last].key = key
		if r.space(); !r.take(':') {
			return r.syntax("':'")
		}
		if r.space(); r.pos == len(r.data) {
			return r.syntax("a value")
		}
		if err := member(key); err != nil {
			return err
		}
	}
	r.path = r.path[:last]
	return nil
}

// array calls element for each element of an array, and not at all for null.
func (r *reader) array(element func(i int) error) error {
	if null, err := r.open('[', "an array"); null || err != nil {
		return err
	}
	last := len(r.path)
	r.path = append(r.path, segment{})
	r.space()
	for i := 0; !r.take(']'); i++ {
		if i > 0 {
			if !r.take(',') {
				return r.syntax("',' or ']'")
			}
			r.space()
		}
		r.path[last].index = i
		if r.pos == len(r.data) {
			return r.syntax("a value")
		}
		if err := element(i); err != nil {
			return err
		}
		r.space()
	}
	r.path = r.path[:last]
	return nil
}

// texts reads an array of strings.
func (r *reader) texts(dst *[]string) error {
	*dst = nil
	return r.array(func(int) error {
		var s string
		if err := r.text(&s); err != nil {
			return err
		}
		*dst = append(*dst, s)
		return nil
	})
}

// text reads a string; null leaves dst alone.
func (r *reader) text(dst *string) error {
	token, null, err := r.bytes()
	if !null && err == nil {
		*dst = string(token)
	}
	return err
}

// optionalText reads a string whose absence means something else than its emptiness.
func (r *reader) optionalText(dst **string) error {
	token, null, err := r.bytes()
	if !null && err == nil {
		s := string(token)
		*dst = &s
	}
	return err
}

// bytes reads a string without keeping it: it is valid until the next read.
func (r *reader) bytes() (token []byte, null bool, err error) {
	switch r.peek() {
	case '"':
		start := r.pos
		if token, err = r.stringToken(); err == nil && bytes.IndexByte(token, 0) >= 0 {
			return nil, false, r.wrongValue(start, "a string without NUL characters")
		}
		return token, false, err
	case 'n':
		return nil, true, r.literal("null")
	default:
		return nil, false, r.wrongType("a string")
	}
}

const wantInteger = "an integer of 64 bits"

// int64 reads an integer, also as a string of digits or as a float without a fraction.
func (r *reader) int64(dst *integer) error {
	start := r.pos
	parse := parseInteger
	var token []byte
	switch c := r.peek(); {
	case c == '"':
		inside, err := r.stringToken()
		if err != nil {
			return err
		}
		token, parse = inside, parseIntegerText
	case c == 'n':
		return r.literal("null")
	case c == '-' || isDigit(c):
		inside, err := r.numberToken()
		if err != nil {
			return err
		}
		token = inside
	default:
		return r.wrongType(wantInteger)
	}
	value, ok := parse(token)
	if !ok {
		return r.wrongValue(start, wantInteger)
	}
	*dst = integer{value, true}
	return nil
}

const wantDouble = `a number, "NaN", "Infinity" or "-Infinity"`

// double reads a number, also as a string; NaN and the infinities as strings or bare, as Python writes them.
func (r *reader) double(dst *double) error {
	start := r.pos
	var token []byte
	switch c := r.peek(); {
	case c == '"':
		inside, err := r.stringToken()
		if err != nil {
			return err
		}
		token = inside
	case c == 'n':
		return r.literal("null")
	case c == 'N' || c == 'I' || c == '-' && r.pos+1 < len(r.data) && r.data[r.pos+1] == 'I':
		for r.pos < len(r.data) && (r.data[r.pos] == '-' || isLetter(r.data[r.pos])) {
			r.pos++
		}
		token = r.data[start:r.pos]
	case c == '-' || isDigit(c):
		inside, err := r.numberToken()
		if err != nil {
			return err
		}
		token = inside
	default:
		return r.wrongType(wantDouble)
	}
	value, ok := parseDouble(token)
	if !ok {
		return r.wrongValue(start, wantDouble)
	}
	*dst = double{value, true}
	return nil
}

// boolean reads true or false; null leaves dst alone.
func (r *reader) boolean(dst *bool) error {
	switch r.peek() {
	case 't':
		*dst = true
		return r.literal("true")
	case 'f':
		*dst = false
		return r.literal("false")
	case 'n':
		return r.literal("null")
	default:
		return r.wrongType("true or false")
	}
}

// skip passes over a value of any type, which must be valid JSON all the same.
func (r *reader) skip() error { return r.skipTo(maxDepth - len(r.path)) }

func (r *reader) skipTo(depth int) error {
	if depth <= 0 {
		return errs.New(errs.Invalid, "The request body nests values deeper than %d", maxDepth)
	}
	var end byte
	switch c := r.peek(); {
	case c == '"':
		_, err := r.stringToken()
		return err
	case c == 't':
		return r.literal("true")
	case c == 'f':
		return r.literal("false")
	case c == 'n':
		return r.literal("null")
	case c == 'N':
		return r.literal("NaN")
	case c == 'I':
		return r.literal("Infinity")
	case c == '-' || isDigit(c):
		if r.pos+1 < len(r.data) && r.data[r.pos+1] == 'I' {
			return r.literal("-Infinity")
		}
		_, err := r.numberToken()
		return err
	case c == '{':
		end = '}'
	case c == '[':
		end = ']'
	default:
		return r.syntax("a value")
	}
	r.pos++
	r.space()
	for first := true; !r.take(end); first = false {
		if !first {
			if !r.take(',') {
				return r.syntax("',' or '" + string(end) + "'")
			}
			r.space()
		}
		if end == '}' {
			if r.peek() != '"' {
				return r.syntax("the name of a member")
			}
			if _, err := r.stringToken(); err != nil {
				return err
			}
			if r.space(); !r.take(':') {
				return r.syntax("':'")
			}
			r.space()
		}
		if err := r.skipTo(depth - 1); err != nil {
			return err
		}
		r.space()
	}
	return nil
}

// open passes the first byte of an object or array.
func (r *reader) open(first byte, want string) (null bool, err error) {
	if len(r.path) >= maxDepth {
		return false, errs.New(errs.Invalid, "The request body nests values deeper than %d", maxDepth)
	}
	r.space()
	switch r.peek() {
	case first:
		r.pos++
		return false, nil
	case 'n':
		if len(r.path) > 0 {
			return true, r.literal("null")
		}
	}
	return false, r.wrongType(want)
}

// where names the value that the reader is at: "metrics[3].value".
func (r *reader) where() string { return r.name("") }

// name names a member of the value that the reader is at; that value itself when member is "".
func (r *reader) name(member string) string {
	var b strings.Builder
	path := r.path
	for _, s := range path {
		if s.key == nil {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.index))
			b.WriteByte(']')
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.Write(s.key[:min(len(s.key), maxEchoed)])
	}
	if member != "" {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(member)
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

func (r *reader) syntax(want string) error {
	found := "the end of the body"
	if r.pos < len(r.data) {
		c, _ := utf8.DecodeRune(r.data[r.pos:])
		found = strconv.QuoteRune(c)
	}
	return errs.New(errs.Invalid, "The request body is not valid JSON: expected %s at byte %d, found %s", want, r.pos, found)
}

// wrongType is the error about the value that starts here.
func (r *reader) wrongType(want string) error {
	start := r.pos
	if err := r.skip(); err != nil {
		return err
	}
	return r.wrongValue(start, want)
}

// wrongValue is the error about the value that was just passed.
func (r *reader) wrongValue(start int, want string) error {
	if len(r.path) == 0 {
		return errs.New(errs.Invalid, "The request body must be %s, not %s", want, echo(r.data[start:r.pos]))
	}
	return invalidValue(string(r.data[start:r.pos]), r.where(), "it must be "+want)
}

// echo shortens what an error repeats.
func echo(value []byte) string {
	if len(value) > maxEchoed {
		return strings.ToValidUTF8(string(value[:maxEchoed]), "") + "…"
	}
	return strings.ToValidUTF8(string(value), "\uFFFD")
}

package mlflow

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
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
	case c == '-' || isDigit(c):
		inside, err := r.numberToken()
		if err != nil {
			return err
		}
		token = inside
	default:
		return r.wrongType(wantInteger)
	}
	value, ok := parseInteger(token)
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

func (r *reader) space() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// peek gives the next byte, 0 at the end.
func (r *reader) peek() byte {
	if r.pos < len(r.data) {
		return r.data[r.pos]
	}
	return 0
}

func (r *reader) take(c byte) bool {
	if r.peek() != c || c == 0 {
		return false
	}
	r.pos++
	return true
}

func (r *reader) literal(word string) error {
	if len(r.data)-r.pos < len(word) || string(r.data[r.pos:r.pos+len(word)]) != word {
		return r.syntax(word)
	}
	r.pos += len(word)
	return nil
}

// stringToken reads a string. It gives a piece of the body where nothing is escaped, else r.scratch.
func (r *reader) stringToken() ([]byte, error) {
	r.pos++
	start, ascii := r.pos, true
	r.scratch = r.scratch[:0]
	for ; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; {
		case c == '"':
			token := r.data[start:r.pos]
			r.pos++
			if !ascii && !utf8.Valid(token) {
				return nil, errs.New(errs.Invalid, "The request body is not UTF-8: %s", r.where())
			}
			return token, nil
		case c == '\\':
			return r.escapedToken(start)
		case c < ' ':
			return nil, r.syntax("no control character inside a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, r.syntax("the end of a string")
}

// escapedToken goes on with a string whose first escape it has come to.
func (r *reader) escapedToken(start int) ([]byte, error) {
	out := append(r.scratch[:0], r.data[start:r.pos]...)
	for r.pos < len(r.data) {
		c := r.data[r.pos]
		r.pos++
		switch {
		case c == '"':
			r.scratch = out
			if !utf8.Valid(out) {
				return nil, errs.New(errs.Invalid, "The request body is not UTF-8: %s", r.where())
			}
			return out, nil
		case c < ' ':
			r.pos--
			return nil, r.syntax("no control character inside a string")
		case c != '\\':
			out = append(out, c)
			continue
		}
		escape := r.peek()
		r.pos++
		switch escape {
		case '"', '\\', '/':
			out = append(out, escape)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			code, ok := r.hex4()
			if !ok {
				return nil, r.syntax("four hex digits after \\u")
			}
			if utf16.IsSurrogate(code) {
				code = r.secondSurrogate(code)
			}
			out = utf8.AppendRune(out, code)
		default:
			r.pos--
			return nil, r.syntax(`one of "\/bfnrtu after \`)
		}
	}
	return nil, r.syntax("the end of a string")
}

// secondSurrogate joins two halves of a character; a half alone becomes U+FFFD.
func (r *reader) secondSurrogate(first rune) rune {
	if len(r.data)-r.pos >= 6 && r.data[r.pos] == '\\' && r.data[r.pos+1] == 'u' {
		r.pos += 2
		if second, ok := r.hex4(); ok {
			if joined := utf16.DecodeRune(first, second); joined != utf8.RuneError {
				return joined
			}
			r.pos -= 4
		}
		r.pos -= 2
	}
	return utf8.RuneError
}

func (r *reader) hex4() (rune, bool) {
	if len(r.data)-r.pos < 4 {
		return 0, false
	}
	var code rune
	for _, c := range r.data[r.pos : r.pos+4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		code = code<<4 | rune(c)
	}
	r.pos += 4
	return code, true
}

// numberToken reads a number in JSON's own grammar.
func (r *reader) numberToken() ([]byte, error) {
	n := scanNumber(r.data[r.pos:])
	if n == 0 {
		return nil, r.syntax("a number")
	}
	token := r.data[r.pos : r.pos+n]
	r.pos += n
	return token, nil
}

// scanNumber gives the length of the JSON number that data starts with, 0 when it starts with none.
func scanNumber(data []byte) int {
	i := 0
	digits := func() bool {
		start := i
		for i < len(data) && isDigit(data[i]) {
			i++
		}
		return i > start
	}
	if i < len(data) && data[i] == '-' {
		i++
	}
	if i < len(data) && data[i] == '0' {
		i++
	} else if !digits() {
		return 0
	}
	if i < len(data) && data[i] == '.' {
		if i++; !digits() {
			return 0
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if !digits() {
			return 0
		}
	}
	return i
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// parseInteger reads an integer; "5.0" and "5e3" are integers too.
func parseInteger(token []byte) (int64, bool) {
	if len(token) > 0 && len(token) < 19 {
		digits, negative := token, token[0] == '-'
		if negative {
			digits = token[1:]
		}
		var value int64
		plain := len(digits) > 0
		for _, c := range digits {
			if !isDigit(c) {
				plain = false
				break
			}
			value = value*10 + int64(c-'0')
		}
		if plain {
			if negative {
				value = -value
			}
			return value, true
		}
	}
	if len(token) == 0 || len(token) > 64 || scanNumber(token) != len(token) {
		return 0, false
	}
	if value, err := strconv.ParseInt(string(token), 10, 64); err == nil {
		return value, true
	}
	value, err := strconv.ParseFloat(string(token), 64)
	// Doubles are exact integers up to 2^53 only: beyond, a written fraction or exponent is a guess.
	if err != nil || value != math.Trunc(value) || math.Abs(value) > 1<<53 {
		return 0, false
	}
	return int64(value), true
}

func parseDouble(token []byte) (float64, bool) {
	switch string(token) {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	if len(token) == 0 || scanNumber(token) != len(token) {
		return 0, false
	}
	value, err := strconv.ParseFloat(string(token), 64)
	// What is too small for a double is 0; what is too large is not a number that can be kept.
	return value, err == nil || errors.Is(err, strconv.ErrRange) && !math.IsInf(value, 0)
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

package mlflow

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/cairnml/cairn/internal/errs"
)

// This file has what a reader does with bytes: spaces, words, strings and numbers.

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

// parseIntegerText is parseInteger of a text, which is no number of JSON's: 1.0 is no other name of version 1.
func parseIntegerText(text []byte) (int64, bool) {
	if bytes.ContainsAny(text, ".eE") {
		return 0, false
	}
	return parseInteger(text)
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

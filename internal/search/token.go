package search

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenName             // metrics.loss, start_time, metrics.`val loss`
	tokenString           // 'text' or "text"
	tokenNumber           // -1.5e3
	tokenOp               // = != < <= > >=
	tokenPunct            // ( ) ,
	tokenStray            // a character that nothing begins with
)

// token is one piece of a filter or an order term.
type token struct {
	kind tokenKind
	at   int    // offset in bytes
	raw  string // as it stands in the text
	// text is the value of a string, and of a name without an entity.
	text string
	// entity and key are the two halves of a name with a dot.
	entity, key string
	dotted      bool
	quoted      bool // some of the name was in quotes, so it is no keyword
	number      Number
}

// is tells whether the token is a keyword, in any case.
func (t token) is(keyword string) bool {
	return t.kind == tokenName && !t.dotted && !t.quoted && strings.EqualFold(t.text, keyword)
}

// describe names the token in an error.
func (t token) describe() string {
	switch t.kind {
	case tokenEnd:
		return "the end"
	case tokenStray:
		return strconv.Quote(t.raw)
	default:
	}
	const longest = 40
	raw := []rune(t.raw)
	if len(raw) > longest {
		return string(raw[:longest]) + "…"
	}
	return t.raw
}

// syntaxError is what is wrong at one place of a text.
type syntaxError struct {
	at      int // offset in bytes
	message string
}

func (e *syntaxError) Error() string { return e.message }

func syntaxErrorf(at int, format string, args ...any) *syntaxError {
	return &syntaxError{at: at, message: fmt.Sprintf(format, args...)}
}

func expected(what string, found token) *syntaxError {
	return syntaxErrorf(found.at, "expected %s, found %s", what, found.describe())
}

// tokenize cuts a text into tokens; the last is always tokenEnd. No token is looked for behind a stray character: the parser, which
// knows what it expects there, stops at it.
func tokenize(text string) ([]token, *syntaxError) {
	if i := invalidText(text); i >= 0 {
		return nil, syntaxErrorf(i, "a NUL or bytes that are not UTF-8")
	}
	var out []token
	for at := 0; ; {
		for at < len(text) {
			r, size := utf8.DecodeRuneInString(text[at:])
			if !unicode.IsSpace(r) {
				break
			}
			at += size
		}
		if at == len(text) {
			return append(out, token{kind: tokenEnd, at: at}), nil
		}
		t, err := nextToken(text, at)
		if err != nil {
			return nil, err
		}
		at += len(t.raw)
		out = append(out, t)
		if t.kind == tokenStray {
			at = len(text)
		}
	}
}

// invalidText gives the place of what no database takes as text, or -1.
func invalidText(text string) int {
	for i, r := range text {
		if r == 0 {
			return i
		}
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

func nextToken(text string, at int) (token, *syntaxError) {
	rest := text[at:]
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case r == '(' || r == ')' || r == ',':
		return token{kind: tokenPunct, at: at, raw: rest[:1]}, nil
	case r == '\'' || r == '"':
		value, n, err := quotedText(text, at)
		if err != nil {
			return token{}, err
		}
		return token{kind: tokenString, at: at, raw: rest[:n], text: value}, nil
	case strings.ContainsRune("=!<>", r):
		return operatorToken(text, at)
	case r == '+' || r == '-' || r == '.' || '0' <= r && r <= '9':
		return numberToken(text, at)
	case r == '`' || r == '_' || unicode.IsLetter(r):
		return nameToken(text, at)
	}
	return token{kind: tokenStray, at: at, raw: rest[:size]}, nil
}

// quotedText reads a text in quotes and gives its length with them. A quote inside is written twice.
func quotedText(text string, at int) (value string, length int, err *syntaxError) {
	quote := text[at]
	var b strings.Builder
	for i := at + 1; i < len(text); i++ {
		if text[i] != quote {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		return b.String(), i + 1 - at, nil
	}
	return "", 0, syntaxErrorf(at, "the %c that opens here is never closed", quote)
}

func operatorToken(text string, at int) (token, *syntaxError) {
	rest := text[at:]
	n := 1
	for n < len(rest) && strings.IndexByte("=!<>", rest[n]) >= 0 {
		n++
	}
	switch op := rest[:n]; op {
	case "=", "!=", "<", "<=", ">", ">=":
		return token{kind: tokenOp, at: at, raw: op}, nil
	case "==":
		return token{}, syntaxErrorf(at, "expected an operator, found ==; write =")
	case "<>":
		return token{}, syntaxErrorf(at, "expected an operator, found <>; write !=")
	default:
		return token{}, syntaxErrorf(at, "expected an operator (=, !=, <, <=, >, >=), found %.10s", op)
	}
}

func numberToken(text string, at int) (token, *syntaxError) {
	i := at
	if text[i] == '+' || text[i] == '-' {
		i++
	}
	digits := func() int {
		start := i
		for i < len(text) && '0' <= text[i] && text[i] <= '9' {
			i++
		}
		return i - start
	}
	count, integer := digits(), true
	if i < len(text) && text[i] == '.' {
		i++
		count, integer = count+digits(), false
	}
	if count == 0 {
		return token{}, syntaxErrorf(at, "expected a number, found %.1s", text[at:])
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		i++
		integer = false
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		if digits() == 0 {
			return token{}, syntaxErrorf(at, "expected the digits of an exponent after %.40s", text[at:i])
		}
	}
	if r, _ := utf8.DecodeRuneInString(text[i:]); i < len(text) && (isKeyRune(r) || r == '.') {
		return token{}, syntaxErrorf(at, "expected a number, found %.40s; write a text in quotes", text[at:i+utf8.RuneLen(r)])
	}
	t := token{kind: tokenNumber, at: at, raw: text[at:i]}
	var err error
	if t.number.Float, err = strconv.ParseFloat(t.raw, 64); err != nil {
		return token{}, syntaxErrorf(at, "the number %.40s is too large", t.raw)
	}
	if integer {
		if t.number.Int, err = strconv.ParseInt(t.raw, 10, 64); err == nil {
			t.number.IsInt = true
		}
	}
	return t, nil
}

// isKeyRune tells whether a rune may stand in a key without quotes. There is no arithmetic in a filter, so what MLflow
// allows in keys, apart from the blank, needs none.
func isKeyRune(r rune) bool {
	return r == '_' || r == '-' || r == '/' || r == ':' || unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r)
}

func nameToken(text string, at int) (token, *syntaxError) {
	i := at
	word := func(dots bool) string {
		start := i
		for i < len(text) {
			r, size := utf8.DecodeRuneInString(text[i:])
			if !isKeyRune(r) && (!dots || r != '.') {
				break
			}
			i += size
		}
		return text[start:i]
	}
	quoted := func() (string, *syntaxError) {
		value, n, err := quotedText(text, i)
		i += n
		return value, err
	}
	t := token{kind: tokenName, at: at}
	var err *syntaxError
	var head string
	if text[i] == '`' {
		t.quoted = true
		if head, err = quoted(); err != nil {
			return token{}, err
		}
	} else {
		head = word(false)
	}
	if i == len(text) || text[i] != '.' {
		t.text, t.raw = head, text[at:i]
		return t, nil
	}
	i++
	t.dotted, t.entity = true, head
	if i < len(text) && (text[i] == '`' || text[i] == '"') {
		t.quoted = true
		if t.key, err = quoted(); err != nil {
			return token{}, err
		}
		if r, _ := utf8.DecodeRuneInString(text[i:]); i < len(text) && (isKeyRune(r) || r == '.') {
			return token{}, syntaxErrorf(i, "unexpected %q after a quoted key: quotes enclose the whole key", r)
		}
	} else if t.key = word(true); i < len(text) && (text[i] == '`' || text[i] == '"') {
		return token{}, syntaxErrorf(i, "unexpected %c in a key: quotes enclose the whole key", text[i])
	}
	t.raw = text[at:i]
	if t.key == "" {
		return token{}, syntaxErrorf(i, "expected a key after %s", t.raw)
	}
	return t, nil
}

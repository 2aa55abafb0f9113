package mlflow

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/cairnml/cairn/internal/errs"
)

// call is one request on its way through its handler. It is a context: the request's.
type call struct {
	*shell
	context.Context //nolint:containedctx // a call lives exactly as long as its request
	w               http.ResponseWriter
	r               *http.Request
	path            string // what the route left of the path: "m-0123…", "1/9f86…/artifacts/model.pkl"
	body            *[]byte
	out             *[]byte // the answer as the handler builds it; {} when it stays empty
	answered        bool    // the handler wrote the answer itself
	values          url.Values
}

// Buffers are reused. One that grew beyond this is left to the collector.
const maxPooled = 4 << 20

var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, 4096)
	return &b
}}

func takeBuffer() *[]byte {
	b := buffers.Get().(*[]byte) // the pool holds nothing else
	*b = (*b)[:0]
	return b
}

func giveBuffer(b *[]byte) {
	if cap(*b) <= maxPooled {
		buffers.Put(b)
	}
}

// readBody reads a JSON body of at most limit bytes.
func (c *call) readBody(limit int64) error {
	kind := c.r.Header.Get("Content-Type")
	if kind != "application/json" {
		if parsed, _, err := mime.ParseMediaType(kind); err != nil || parsed != "application/json" {
			return errs.New(errs.Invalid, "Bad request: Content-Type must be application/json, not %.100q", kind)
		}
	}
	if c.r.ContentLength > limit {
		return tooLong(limit)
	}
	c.body = takeBuffer()
	b := *c.body
	if n := c.r.ContentLength; n > int64(cap(b)) {
		b = make([]byte, 0, n+1) // one more, so that the end is seen without growing
	}
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := c.r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > limit {
			*c.body = b
			return tooLong(limit)
		}
		if err != nil {
			*c.body = b
			return bodyError(err)
		}
	}
}

func tooLong(limit int64) error {
	return errs.New(errs.Invalid, "The request body is longer than the %d bytes that this call takes", limit)
}

// bodyError tells the end of a body from its loss. A bound outside this package says itself what was wrong.
func bodyError(err error) error {
	var e *errs.Error
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &e):
		return err
	default:
		return errs.Wrap(errs.Invalid, err, "The request body ended before it was whole")
	}
}

// release gives the body's buffer back. What was decoded of it holds no piece of it.
func (c *call) release() {
	if c.body != nil {
		giveBuffer(c.body)
		c.body = nil
	}
}

// decode reads the body, an object, member by member; member skips what it does not know.
func (c *call) decode(member func(r *reader, key string) error) error {
	r := reader{data: *c.body}
	return r.message(func(key []byte) error { return member(&r, string(key)) })
}

// query gives a parameter of the query string, "" when it is absent.
func (c *call) query(name string) string { return c.values.Get(name) }

// queries gives all values of a parameter of the query string.
func (c *call) queries(name string) []string { return c.values[name] }

// plain tells whether text from the request line can be stored and compared: UTF-8 without NUL.
func plain(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }

// queryInteger gives an integer of the query string.
func (c *call) queryInteger(name string) (integer, error) {
	text := c.query(name)
	if text == "" {
		return integer{}, nil
	}
	value, ok := parseIntegerText([]byte(text))
	if !ok {
		return integer{}, invalidValue(strconv.Quote(text), name, "it must be "+wantInteger)
	}
	return integer{value, true}, nil
}

// page gives the number of items that a list may hold: n when it is given and within bounds.
func page(n integer, unset, limit int64) (int, error) {
	switch {
	case !n.set:
		return int(unset), nil
	case n.value < 1:
		return 0, invalidValue(strconv.FormatInt(n.value, 10), "max_results", "it must be a positive integer")
	case n.value > limit:
		return 0, invalidValue(strconv.FormatInt(n.value, 10), "max_results", "it must be at most "+strconv.FormatInt(limit, 10))
	}
	return int(n.value), nil
}

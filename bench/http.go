//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// requestTimeout bounds one request: a server that needs longer is broken, not slow.
const requestTimeout = 60 * time.Second

// conn is one keep-alive HTTP/1.1 connection. It does the least that a client
// can do, so that what is measured is the server.
type conn struct {
	net  net.Conn
	in   *bufio.Reader
	head []byte
	body bytes.Buffer
}

// dial opens a connection to HOST:PORT.
func dial(addr string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, requestTimeout)
	if err != nil {
		return nil, err
	}
	return &conn{net: c, in: bufio.NewReaderSize(c, 64<<10)}, nil
}

func (c *conn) close() { _ = c.net.Close() }

// post sends body to path as JSON and returns the answer's status and its body,
// which is valid until the next call.
func (c *conn) post(path string, body []byte) (int, []byte, error) {
	c.begin("POST", path)
	c.head = append(c.head, "Content-Type: application/json\r\nContent-Length: "...)
	c.head = strconv.AppendInt(c.head, int64(len(body)), 10)
	c.head = append(c.head, "\r\n\r\n"...)
	c.head = append(c.head, body...)
	return c.exchange()
}

// get asks for a path, with its query, and returns as post does.
func (c *conn) get(target string) (int, []byte, error) {
	c.begin("GET", target)
	c.head = append(c.head, "\r\n"...)
	return c.exchange()
}

// begin begins a request.
func (c *conn) begin(method, target string) {
	c.head = append(c.head[:0], method...)
	c.head = append(c.head, ' ')
	c.head = append(c.head, target...)
	c.head = append(c.head, " HTTP/1.1\r\nHost: "...)
	c.head = append(c.head, c.net.RemoteAddr().String()...)
	c.head = append(c.head, "\r\nAccept: */*\r\n"...)
}

// exchange sends the request and reads its answer.
func (c *conn) exchange() (int, []byte, error) {
	if err := c.net.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return 0, nil, err
	}
	if _, err := c.net.Write(c.head); err != nil {
		return 0, nil, err
	}
	return c.read()
}

// read reads one answer.
func (c *conn) read() (int, []byte, error) {
	line, err := c.line()
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return 0, nil, fmt.Errorf("not an HTTP answer: %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, nil, fmt.Errorf("not an HTTP status: %q", line)
	}
	length, chunked := int64(-1), false
	for {
		if line, err = c.line(); err != nil {
			return 0, nil, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, nil, fmt.Errorf("content length: %w", err)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	c.body.Reset()
	switch {
	case chunked:
		err = c.chunks()
	case length >= 0:
		_, err = io.CopyN(&c.body, c.in, length)
	default:
		err = fmt.Errorf("an answer of unknown length on a connection to be kept")
	}
	return status, c.body.Bytes(), err
}

// chunks reads a chunked body into c.body.
func (c *conn) chunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseInt(string(bytes.TrimSpace(digits)), 16, 64)
		if err != nil {
			return fmt.Errorf("chunk size: %w", err)
		}
		if _, err := io.CopyN(&c.body, c.in, size); err != nil {
			return err
		}
		// The end of the chunk; after the last one, of the trailer, which is empty.
		if line, err = c.line(); err != nil {
			return err
		}
		if len(line) != 0 {
			return fmt.Errorf("no line end after a chunk: %q", line)
		}
		if size == 0 {
			return nil
		}
	}
}

// line returns the next line without its end.
func (c *conn) line() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

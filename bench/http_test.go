//go:build linux

package main

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPost sends requests to a real server over one connection, with answers of
// known length, chunked and empty.
func TestPost(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 20_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/short":
			_, _ = w.Write([]byte(r.Header.Get("Content-Type")))
		case "/long": // longer than the server's buffer, so it is sent in chunks
			_, _ = w.Write([]byte(long))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	c, err := dial(strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(c.close)
	for range 3 {
		for path, want := range map[string]struct {
			status int
			body   string
		}{"/short": {200, "application/json"}, "/long": {200, long}, "/none": {404, ""}} {
			status, body, err := c.post(path, []byte("{}"))
			require.NoError(t, err)
			require.Equal(t, want.status, status)
			require.Equal(t, want.body, string(body))
		}
	}
}

func TestReadRefusesWhatIsNoAnswer(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"not HTTP":         "SSH-2.0-OpenSSH\r\n",
		"no status":        "HTTP/1.1 abc no\r\n\r\n",
		"bad length":       "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"no length":        "HTTP/1.1 200 OK\r\n\r\n",
		"cut short":        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
		"bad chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"chunk of no end":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
		"nothing whatever": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &conn{in: bufio.NewReader(strings.NewReader(text))}
			_, _, err := c.read()
			require.Error(t, err)
		})
	}
}

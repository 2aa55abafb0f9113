package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/server"
)

// readAnswer reads one answer from a connection.
func readAnswer(t *testing.T, conn net.Conn, method string) answer {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(content)}
}

// Python's urllib writes a body to its end before it reads.
func TestTooLargeBodyIsAnsweredToAClientThatWritesFirst(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	for name, framing := range map[string]struct{ header, before, after string }{
		"sized":   {"Content-Length: 41943040", "", ""},
		"chunked": {"Transfer-Encoding: chunked", "2800000\r\n", "\r\n0\r\n\r\n"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
		_, err = fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s\r\n\r\n%s", framing.header, framing.before)
		require.NoError(t, err, name)
		_, err = io.WriteString(conn, strings.Repeat(" ", 40<<20))
		require.NoError(t, err, name)
		_, err = io.WriteString(conn, framing.after)
		require.NoError(t, err, name)
		got := readAnswer(t, conn, http.MethodPost)
		require.Equal(t, http.StatusRequestEntityTooLarge, got.status, "%s: %s", name, got.body)
		require.NoError(t, conn.Close())
	}
}

func TestRestOfARefusedBodyIsReadForABoundedTime(t *testing.T) {
	t.Parallel()
	r := start(t, server.Config{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n")
	require.NoError(t, err)
	got, err := io.ReadAll(conn) // until the server closes, though nothing of the body comes
	require.NoError(t, err)
	require.Contains(t, string(got), "413 Request Entity Too Large")
}

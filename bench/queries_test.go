//go:build linux

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPageToken(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"metrics":[]}`: "", `{"metrics":[],"next_page_token":"abc"}`: "abc",
		"{\n  \"metrics\": [],\n  \"next_page_token\": \"x=\"\n}": "x=",
	} {
		found, err := pageToken([]byte(answer))
		require.NoError(t, err)
		require.Equal(t, want, found)
	}
	for _, bad := range []string{`{"next_page_token"`, `{"next_page_token":`, `{"next_page_token":12}`, `{"next_page_token":"a`} {
		_, err := pageToken([]byte(bad))
		require.Error(t, err, bad)
	}
}

// TestRequestsRefuseWrongAnswers has a server give too few points, and errors.
func TestRequestsRefuseWrongAnswers(t *testing.T) {
	t.Parallel()
	answer := func(points int, token string) string {
		return fmt.Sprintf(`{"metrics":[%s],"next_page_token":"%s"}`, strings.TrimSuffix(strings.Repeat(`{"timestamp":1},`, points), ","), token)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "get-history") && r.URL.Query().Get("page_token") == "":
			_, _ = w.Write([]byte(answer(3, "next")))
		case strings.HasPrefix(r.URL.Path, "/graphql"):
			_, _ = w.Write([]byte(`{"errors":[{"message":"no"}],"data":null}`))
		case r.URL.Path == "/none":
			http.NotFound(w, r)
		default:
			_, _ = w.Write([]byte(answer(2, "")))
		}
	}))
	t.Cleanup(server.Close)
	c, err := dial(strings.TrimPrefix(server.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(c.close)
	require.NoError(t, history("r", "k", 5)(c, 0))
	require.ErrorContains(t, history("r", "k", 6)(c, 0), "5 points, not 6")
	require.NoError(t, bulkInterval([]string{"a"}, "k", 2, 2)(c, 0))
	require.ErrorContains(t, bulkInterval([]string{"a"}, "k", 3, 3)(c, 0), "2 points")
	require.ErrorContains(t, asks("query", nil, nil)(c, 0), "GraphQL")
	require.ErrorContains(t, posts("/none", always(nil), nil)(c, 0), "status 404")
}

package server_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/server"
)

// TestRegisteredOperationsOnly: Cairn's own clients work with a server that answers registered operations alone, and others need theirs
// to be registered.
func TestRegisteredOperationsOnly(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "who.graphql")
	require.NoError(t, os.WriteFile(file, []byte("{ viewer { role } }"), 0o600))
	s := start(t, server.Config{Operations: []string{file}, OwnOperations: client.Operations()})
	c, err := client.New(client.Config{Server: s.url})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	made, err := client.CreateRun(t.Context(), c, client.CreateRunInput{})
	require.NoError(t, err)
	require.NotEmpty(t, made.CreateRun.RunId)
	for text, status := range map[string]int{"{ viewer { role } }": http.StatusOK, "{ viewer { principal } }": http.StatusForbidden} {
		got := s.send(http.MethodPost, "/graphql", `{"query": "`+text+`"}`, "Content-Type", "application/json")
		require.Equal(t, status, got.status, got.body)
	}
	_, err = server.New(t.Context(), server.Config{Listen: "127.0.0.1:0", DataDir: t.TempDir(), Operations: []string{filepath.Join(t.TempDir(), "none")}})
	require.ErrorContains(t, err, "--operations")
}

package graph_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/store/storetest"
)

const (
	registeredQuery = "query Who { viewer { role } }"
	registeredWatch = "subscription Watch { runsChanged { cursor } }"
)

func manifestOf(operations ...map[string]string) string {
	raw, err := json.Marshal(map[string]any{"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations})
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// write makes a folder of files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func byID(id string) string {
	raw, err := json.Marshal(map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": id}}})
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// TestOnlyRegisteredOperations: what is registered is answered, by its text or its id, over every transport, and nothing else is.
func TestOnlyRegisteredOperations(t *testing.T) {
	t.Parallel()
	operations, err := graph.ReadOperations(write(t, map[string]string{
		"web.json": manifestOf(map[string]string{"id": "who", "name": "Who", "type": "query", "body": registeredQuery},
			map[string]string{"id": "watch", "name": "Watch", "type": "subscription", "body": registeredWatch}),
		"more/server.graphql": "{ server { version } }", "README.md": "not read",
	}))
	require.NoError(t, err)
	s := newServer(t, storetest.SQLite(t), graph.Options{Operations: operations})
	require.JSONEq(t, `{"viewer": {"role": "ADMIN"}}`, string(s.try(registeredQuery, nil).Data))
	require.JSONEq(t, `{"viewer": {"role": "ADMIN"}}`, string(s.send(byID("who")).Data))
	sum := sha256.Sum256([]byte("{ server { version } }"))
	require.JSONEq(t, `{"server": {"version": "1.2.3"}}`, string(s.send(byID(hex.EncodeToString(sum[:]))).Data))
	for name, open := range transports() {
		stream := open(t, s, registeredWatch, nil)
		got, done := stream.next(t)
		require.False(t, done, name)
		require.Empty(t, got.Errors, name)
		stream.close()
	}
	for name, c := range map[string]struct {
		body, code, says string
		status           int
	}{
		"another text":   {request("{ viewer { role } }", nil), "PERMISSION_DENIED", "only operations that are registered", http.StatusForbidden},
		"a blank more":   {request(registeredQuery+" ", nil), "PERMISSION_DENIED", "only operations that are registered", http.StatusForbidden},
		"introspection":  {request("{ __schema { types { name } } }", nil), "PERMISSION_DENIED", "only operations that are registered", http.StatusForbidden},
		"an unknown id":  {byID("what"), "PERMISSION_DENIED", `none of them has the id "what"`, http.StatusForbidden},
		"nothing":        {`{}`, "INVALID_ARGUMENT", "names no operation", http.StatusBadRequest},
		"id of no text":  {`{"extensions": {"persistedQuery": 5}}`, "INVALID_ARGUMENT", "names no operation", http.StatusBadRequest},
		"hash of a text": {strings.Replace(request("{ viewer { role } }", nil), "{", `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "who"}},`, 1), "PERMISSION_DENIED", "only operations that are registered", http.StatusForbidden},
	} {
		got := s.send(c.body)
		require.Len(t, got.Errors, 1, "%s: %s", name, got.body)
		require.Equal(t, c.code, got.Errors[0].Extensions.Code, name)
		require.Contains(t, got.Errors[0].Message, c.says, name)
		require.Equal(t, c.status, got.status, name)
	}
	c := s.connect(t)
	sub := c.subscribe(t, "1", "subscription { runsChanged { cursor } }", nil)
	refused, _ := sub.next(t)
	require.Len(t, refused.Errors, 1)
	require.Equal(t, "PERMISSION_DENIED", refused.Errors[0].Extensions.Code)
}

func TestOperationsThatCannotBeRegistered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		says  string
	}{
		"nothing":        {map[string]string{"README.md": "x"}, "holds no *.json"},
		"no JSON":        {map[string]string{"a.json": "{"}, "is no manifest of operations: it ends too early"},
		"another format": {map[string]string{"a.json": `{"operations": []}`}, `its format is "", version 0`},
		"no body":        {map[string]string{"a.json": manifestOf(map[string]string{"id": "x", "name": "X"})}, "operation 1 (X) lacks its id or its body"},
		"unknown field":  {map[string]string{"a.graphql": "{ runz { totalCount } }"}, `Cannot query field "runz"`},
		"one id, two texts": {map[string]string{"a.json": manifestOf(map[string]string{"id": "x", "body": "{ viewer { role } }"},
			map[string]string{"id": "x", "body": "{ viewer { principal } }"})}, `the id of another operation, "x"`},
	} {
		_, err := graph.ReadOperations(write(t, c.files))
		require.ErrorContains(t, err, c.says, name)
		require.ErrorContains(t, err, "--operations", name)
	}
	_, err := graph.ReadOperations(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "cannot be read")
}

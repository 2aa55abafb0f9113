package graph

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/cairnml/cairn/graph/generated"
	"github.com/cairnml/cairn/internal/errs"
)

// Operations are those that a server answers when it answers registered ones alone, by their ids and by the SHA-256 of their texts.
type Operations map[string]string

// manifest is a file in the format of Apollo's persisted query manifests, version 1.
type manifest struct {
	Format     string `json:"format"`
	Version    int    `json:"version"`
	Operations []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Body string `json:"body"`
	} `json:"operations"`
}

const manifestFormat = "apollo-persisted-query-manifest"

// maxManifest bounds a file of operations, in bytes.
const maxManifest = 64 << 20

// ReadOperations reads the operations in a file, or in all files of a folder and those below it: manifests (*.json) in the format of
// Apollo's persisted queries, and documents (*.graphql, *.gql), each of which clients must send as it is. Invalid for a file that is
// none of these, and for an operation that the schema does not allow.
func ReadOperations(path string) (Operations, error) {
	out := Operations{}
	read := 0
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return errs.Wrap(errs.Invalid, err, "--operations: %s cannot be read", path)
		}
		extension := filepath.Ext(name)
		if entry.IsDir() || name != path && extension != ".json" && extension != ".graphql" && extension != ".gql" {
			return nil
		}
		read++
		return out.readFile(name, extension == ".json")
	})
	if err == nil && read == 0 {
		err = errs.New(errs.Invalid, "--operations: %s holds no *.json, *.graphql or *.gql", path)
	}
	return out, err //nolint:wrapcheck // designed above
}

func (o Operations) readFile(name string, isManifest bool) error {
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxManifest {
		return errs.New(errs.Invalid, "--operations: %s has %d bytes: at most %d are read", name, info.Size(), maxManifest)
	}
	text, err := os.ReadFile(name) //nolint:gosec // the operator names it
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "--operations: %s cannot be read", name)
	}
	if !isManifest {
		return o.Register(name, "", string(text))
	}
	var m manifest
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&m); err != nil {
		return errs.Wrap(errs.Invalid, err, "--operations: %s is no manifest of operations: %s", name, jsonFault(err))
	}
	if m.Format != manifestFormat || m.Version != 1 {
		return errs.New(errs.Invalid, "--operations: %s is no manifest of operations: its format is %.60q, version %d, and that of one is %q, version 1",
			name, m.Format, m.Version, manifestFormat)
	}
	for i, op := range m.Operations {
		where := fmt.Sprintf("%s: operation %d (%.60s)", name, i+1, op.Name)
		if op.ID == "" || op.Body == "" {
			return errs.New(errs.Invalid, "--operations: %s lacks its id or its body", where)
		}
		if err := o.Register(where, op.ID, op.Body); err != nil {
			return err
		}
	}
	return nil
}

// Register adds an operation; where says in errors which one it is. Without an id it is known by the SHA-256 of its text alone.
func (o Operations) Register(where, id, text string) error {
	if _, err := gqlparser.LoadQueryWithRules(generated.NewExecutableSchema(generated.Config{}).Schema(), text, rules.NewDefaultRules()); err != nil {
		return errs.Wrap(errs.Invalid, err, "--operations: %s is not valid: %s", where, err.Error())
	}
	sum := sha256.Sum256([]byte(text))
	hash := hex.EncodeToString(sum[:])
	if id == "" {
		id = hash
	}
	if other, taken := o[id]; taken && other != text {
		return errs.New(errs.Invalid, "--operations: %s has the id of another operation, %.80q", where, id)
	}
	o[id], o[hash] = text, text
	return nil
}

// registeredOnly is the gqlgen extension that lets registered operations pass and no others.
type registeredOnly struct{ operations Operations }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
} = registeredOnly{}

// ExtensionName is gqlgen's name for it.
func (registeredOnly) ExtensionName() string { return "RegisteredOperations" }

// Validate is called when the extension is added.
func (registeredOnly) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters finds the text of an operation that is named by its id, as clients of persisted queries name it, and refuses
// what is not registered.
func (r registeredOnly) MutateOperationParameters(_ context.Context, request *graphql.RawParams) *gqlerror.Error {
	if request.Query != "" {
		sum := sha256.Sum256([]byte(request.Query))
		if _, known := r.operations[hex.EncodeToString(sum[:])]; !known {
			return refusal(errs.New(errs.PermissionDenied,
				"this server answers only operations that are registered with it, and this text is none of them: register it in a manifest of --operations"))
		}
		return nil
	}
	extension, _ := request.Extensions["persistedQuery"].(map[string]any)
	id, _ := extension["sha256Hash"].(string)
	if id == "" {
		return refusal(errs.New(errs.Invalid,
			"the request names no operation: send its text as query, or its id as extensions.persistedQuery.sha256Hash"))
	}
	text, known := r.operations[strings.TrimSpace(id)]
	if !known {
		return refusal(errs.New(errs.PermissionDenied,
			"this server answers only operations that are registered with it, and none of them has the id %.80q: register it in a manifest of --operations", id))
	}
	request.Query = text
	return nil
}

package client

import (
	_ "embed"
	"encoding/json"
)

//go:embed operations.json
var operations []byte

// Operations gives the texts of all operations that the functions of this package send, for a server that answers registered ones alone.
func Operations() []string {
	var exported struct {
		Operations []struct{ Query string }
	}
	if json.Unmarshal(operations, &exported) != nil {
		return nil // which is generated, and tested
	}
	out := make([]string, len(exported.Operations))
	for i, op := range exported.Operations {
		out[i] = op.Query
	}
	return out
}

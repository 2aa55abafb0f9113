package training

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/cairnml/cairn/plugins/sdk"
)

// Schema is that of a table or of an array, as the hook tells it. Exactly one of the two is set.
type Schema struct {
	Columns []Column `json:"columns"`
	Tensor  *Tensor  `json:"tensor"`
}

// Column is a column in MLflow's terms. The name of a column without one is left out; numbers stay numbers.
type Column struct {
	Type     string          `json:"type"`
	Name     json.RawMessage `json:"name,omitempty"`
	Required bool            `json:"required"`
}

// Tensor is an array's element type and shape, its first axis -1.
type Tensor struct {
	Dtype string  `json:"dtype"`
	Shape []int64 `json:"shape"`
}

// specification is MLflow's JSON of a schema, the same in signatures and datasets; "" for none.
func (s *Schema) specification() (string, error) {
	var value any
	switch {
	case s == nil:
		return "", nil
	case s.Tensor != nil:
		value = []any{map[string]any{"type": "tensor", "tensor-spec": s.Tensor}}
	default:
		value = s.Columns
	}
	data, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("write a schema: %w", err)
	}
	return string(data), nil
}

// Dataset records the data of a fit or of an evaluation as an input: what cairn.tabular.describe tells, and a context.
func Dataset(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Name         string  `json:"name"`
		Digest       string  `json:"digest"`
		Kind         string  `json:"kind"`
		Shape        []int64 `json:"shape"`
		Bytes        int64   `json:"bytes"`
		Schema       *Schema `json:"schema"`
		TargetShape  []int64 `json:"target_shape"`
		TargetBytes  int64   `json:"target_bytes"`
		TargetSchema *Schema `json:"target_schema"`
		Context      string  `json:"context"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	features, err := p.Schema.specification()
	if err != nil {
		return []sdk.Record{}, err
	}
	targets, err := p.TargetSchema.specification()
	if err != nil {
		return []sdk.Record{}, err
	}
	record := sdk.Dataset{
		Name: p.Name, Digest: p.Digest, SourceType: "code", Source: `{"tags": {}}`, Context: p.Context,
	}
	described, profile := map[string]any{}, map[string]any{}
	if p.Kind == "dataframe" {
		described["mlflow_colspec"] = json.RawMessage(features)
		profile["num_rows"] = size(p.Shape[:min(1, len(p.Shape))])
		profile["num_elements"] = size(p.Shape)
	} else {
		described["mlflow_tensorspec"] = map[string]any{"features": features, "targets": orNull(targets)}
		profile["features_shape"] = p.Shape
		profile["features_size"] = size(p.Shape)
		profile["features_nbytes"] = p.Bytes
	}
	if p.TargetShape != nil {
		profile["targets_shape"] = p.TargetShape
		profile["targets_size"] = size(p.TargetShape)
		profile["targets_nbytes"] = p.TargetBytes
	}
	if features != "" {
		if record.Schema, err = text(described); err != nil {
			return []sdk.Record{}, err
		}
	}
	if record.Profile, err = text(profile); err != nil {
		return []sdk.Record{}, err
	}
	return []sdk.Record{record}, nil
}

func size(shape []int64) int64 {
	product := int64(1)
	for _, n := range shape {
		product *= n
	}
	return product
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// OpaqueDataset records data that make their items when they are asked, as an input: their name and size are all that is known.
// The digest says so.
func OpaqueDataset(o sdk.Observation) ([]sdk.Record, error) {
	var p struct {
		Name    string `json:"name"`
		Class   string `json:"class"`
		Rows    int64  `json:"rows"`
		Context string `json:"context"`
	}
	if err := o.Decode(&p); err != nil {
		return []sdk.Record{}, err
	}
	profile, err := text(map[string]any{"num_rows": p.Rows})
	if err != nil {
		return []sdk.Record{}, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", p.Class, p.Rows))
	return []sdk.Record{sdk.Dataset{
		Name: p.Name, Digest: "name-" + hex.EncodeToString(sum[:13]), SourceType: "code", Source: `{"tags": {}}`,
		Profile: profile, Context: cmp.Or(p.Context, "train"),
	}}, nil
}

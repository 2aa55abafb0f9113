package training

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Document is a JSON file for people: indented, with a newline at its end.
func Document(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return []byte{}, fmt.Errorf("write JSON: %w", err)
	}
	return append(data, '\n'), nil
}

func text(v any) (string, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("write JSON: %w", err)
	}
	return string(data), nil
}

// yamlDocument indents as MLflow's files do.
func yamlDocument(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(v); err != nil {
		return []byte{}, fmt.Errorf("write YAML: %w", err)
	}
	return b.Bytes(), nil
}

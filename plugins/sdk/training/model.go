package training

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/plugins/sdk"
)

// formatVersion is the release of MLflow whose model format is written where the training did not import mlflow itself.
const formatVersion = "3.17.2"

// ModelName is what every fit's model is called, as MLflow's autolog calls it.
const ModelName = "model"

// SavedModel is what cairn.models.describe tells of a model on disk.
type SavedModel struct {
	Size         int64             `json:"size"`
	Digest       string            `json:"digest"`
	Requirements map[string]string `json:"requirements"`
	Python       string            `json:"python"`
	Inputs       *Schema           `json:"inputs"`
	Outputs      *Schema           `json:"outputs"`
	Example      *example          `json:"example"`
	MLflow       string            `json:"mlflow"`
}

// Flavor is how MLflow loads a model again.
type Flavor struct {
	// Name of the flavor and its block in the file MLmodel.
	Name   string
	Fields map[string]any
	// Loader is the module whose _load_pyfunc makes a generic model of it, and LoaderFields what it wants to know beside the
	// environment. A model without a Loader has no generic form.
	Loader       string
	LoaderFields map[string]any
}

// example is a few rows of the training data; Columns only for tables.
type example struct {
	Columns []string        `json:"columns"`
	Data    json.RawMessage `json:"data"`
}

// Files are the files of a model's directory in MLflow's format. Those of the observation are the model itself, by their
// paths in the directory.
func (m SavedModel) Files(o sdk.Observation, flavor Flavor) ([]sdk.File, error) {
	if len(o.Files) == 0 {
		return []sdk.File{}, fmt.Errorf("%s names no file", o.Kind)
	}
	files := make([]sdk.File, 0, len(o.Files))
	for _, path := range Sorted(o.Files) {
		files = append(files, sdk.File{Path: path, Source: o.Files[path]})
	}
	examples, err := m.exampleFiles()
	if err != nil {
		return []sdk.File{}, err
	}
	files = append(files, examples...)
	environment, err := m.environmentFiles()
	if err != nil {
		return []sdk.File{}, err
	}
	files = append(files, environment...)
	description, err := m.description(o, flavor)
	if err != nil {
		return []sdk.File{}, err
	}
	return append(files, sdk.File{Path: "MLmodel", Data: description}), nil
}

// exampleFiles are the rows as a model takes them and as a scoring server takes them.
func (m SavedModel) exampleFiles() ([]sdk.File, error) {
	if m.Example == nil {
		return []sdk.File{}, nil
	}
	var plain, serving any = m.Example.Data, map[string]any{"inputs": m.Example.Data}
	if m.Example.Columns != nil {
		plain = m.Example
		serving = map[string]any{"dataframe_split": m.Example}
	}
	input, err := text(plain)
	if err != nil {
		return []sdk.File{}, err
	}
	request, err := Document(serving)
	if err != nil {
		return []sdk.File{}, err
	}
	return []sdk.File{
		{Path: "input_example.json", Data: []byte(input)},
		{Path: "serving_input_example.json", Data: request},
	}, nil
}

// MarshalJSON leaves out the columns of what has none.
func (e *example) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"columns": e.Columns, "data": e.Data})
}

// environmentFiles say what must be installed to load the model, for pip, conda and virtualenv.
func (m SavedModel) environmentFiles() ([]sdk.File, error) {
	wanted := []string{"mlflow"}
	if m.MLflow != "" {
		wanted[0] = "mlflow==" + m.MLflow
	}
	for _, name := range Sorted(m.Requirements) {
		wanted = append(wanted, name+"=="+m.Requirements[name])
	}
	conda, err := yamlDocument(map[string]any{
		"channels": []string{"conda-forge"}, "name": "mlflow-env",
		"dependencies": []any{"python=" + m.Python, "pip", map[string]any{"pip": wanted}},
	})
	if err != nil {
		return []sdk.File{}, fmt.Errorf("write conda.yaml: %w", err)
	}
	virtualenv, err := yamlDocument(map[string]any{
		"python": m.Python, "build_dependencies": []string{"pip", "setuptools", "wheel"},
		"dependencies": []string{"-r requirements.txt"},
	})
	if err != nil {
		return []sdk.File{}, fmt.Errorf("write python_env.yaml: %w", err)
	}
	return []sdk.File{
		{Path: "requirements.txt", Data: []byte(strings.Join(wanted, "\n") + "\n")},
		{Path: "conda.yaml", Data: conda},
		{Path: "python_env.yaml", Data: virtualenv},
	}, nil
}

// description is the file MLmodel: the flavors in which the model can be loaded, its signature and its example.
func (m SavedModel) description(o sdk.Observation, flavor Flavor) ([]byte, error) {
	flavors := map[string]any{flavor.Name: flavor.Fields}
	if flavor.Loader != "" {
		generic := map[string]any{
			"env":           map[string]any{"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
			"loader_module": flavor.Loader, "python_version": m.Python,
		}
		for key, value := range flavor.LoaderFields {
			generic[key] = value
		}
		flavors["python_function"] = generic
	}
	version := m.MLflow
	if version == "" {
		version = formatVersion
	}
	content := map[string]any{
		"artifact_path": "models:/" + sdk.ModelIDPlaceholder, "flavors": flavors, "is_signature_from_type_hint": false,
		"mlflow_version": version, "model_id": sdk.ModelIDPlaceholder, "model_size_bytes": m.Size, "model_uuid": m.Digest,
		"prompts": nil, "run_id": sdk.RunIDPlaceholder, "type_hint_from_example": false,
		"utc_time_created": o.Time.UTC().Format("2006-01-02 15:04:05.000000"),
	}
	if m.Example != nil {
		content["saved_input_example_info"] = m.Example.info()
	}
	signature, err := m.signature()
	if err != nil {
		return []byte{}, err
	}
	if signature != nil {
		content["signature"] = signature
	}
	data, err := yamlDocument(content)
	if err != nil {
		return []byte{}, fmt.Errorf("write MLmodel: %w", err)
	}
	return data, nil
}

func (e *example) info() map[string]any {
	info := map[string]any{
		"artifact_path": "input_example.json", "serving_input_path": "serving_input_example.json", "type": "ndarray",
	}
	if e.Columns != nil {
		info["type"], info["pandas_orient"] = "dataframe", "split"
	}
	return info
}

// signature is nil for a model whose input is not known.
func (m SavedModel) signature() (map[string]any, error) {
	if m.Inputs == nil {
		return map[string]any(nil), nil
	}
	signature := map[string]any{"params": nil}
	for name, schema := range map[string]*Schema{"inputs": m.Inputs, "outputs": m.Outputs} {
		specification, err := schema.specification()
		if err != nil {
			return map[string]any(nil), err
		}
		signature[name] = orNull(specification)
	}
	return signature, nil
}

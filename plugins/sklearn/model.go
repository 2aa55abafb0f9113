package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cairnml/cairn/plugins/sdk"
)

// formatVersion is the release of MLflow whose model format is written where the training did not import mlflow itself.
const formatVersion = "3.17.2"

// modelName is what every fit's model is called, as MLflow's autolog calls it.
const modelName = "model"

// savedModel is what the hook says of a model that it pickled.
type savedModel struct {
	Size         int64             `json:"size"`
	Digest       string            `json:"digest"`
	Format       string            `json:"format"`
	Requirements map[string]string `json:"requirements"`
	Python       string            `json:"python"`
	Predicts     bool              `json:"predicts"`
	Inputs       *schema           `json:"inputs"`
	Outputs      *schema           `json:"outputs"`
	Example      *example          `json:"example"`
	MLflow       string            `json:"mlflow"`
}

// example is a few rows of the training data; Columns only for tables.
type example struct {
	Columns []string        `json:"columns"`
	Data    json.RawMessage `json:"data"`
}

// model records the fitted model as a directory in MLflow's format.
func (f *fit) model(o sdk.Observation) ([]sdk.Record, error) {
	var m savedModel
	if err := o.Decode(&m); err != nil {
		return []sdk.Record{}, err
	}
	pickle := o.Files["model"]
	if pickle == "" {
		return []sdk.Record{}, fmt.Errorf("fit.model of %s names no file", f.class)
	}
	files := []sdk.File{{Path: "model.pkl", Source: pickle}}
	examples, err := m.exampleFiles()
	if err != nil {
		return []sdk.Record{}, err
	}
	files = append(files, examples...)
	files = append(files, m.environmentFiles()...)
	description, err := m.description(o.Time, f.version)
	if err != nil {
		return []sdk.Record{}, err
	}
	files = append(files, sdk.File{Path: "MLmodel", Data: []byte(description)})
	return []sdk.Record{
		sdk.Model{
			Name: modelName, Type: f.class, Files: files, Params: f.params, Metrics: f.metrics,
			Tags: map[string]string{
				"mlflow.autologging": "sklearn", "estimator_name": f.estimator, "estimator_class": f.class,
				"cairn.model.serialization": m.Format,
			},
		},
		sdk.Tag{Key: "cairn.model.serialization", Value: m.Format},
	}, nil
}

// exampleFiles are the rows as a model takes them and as a scoring server takes them.
func (m savedModel) exampleFiles() ([]sdk.File, error) {
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
	request, err := document(serving)
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
func (m savedModel) environmentFiles() []sdk.File {
	wanted := []string{"mlflow"}
	if m.MLflow != "" {
		wanted[0] = "mlflow==" + m.MLflow
	}
	for _, name := range sorted(m.Requirements) {
		wanted = append(wanted, name+"=="+m.Requirements[name])
	}
	var conda strings.Builder
	fmt.Fprintf(&conda, "channels:\n- conda-forge\ndependencies:\n- python=%s\n- pip\n- pip:\n", m.Python)
	for _, line := range wanted {
		fmt.Fprintf(&conda, "  - %s\n", line)
	}
	conda.WriteString("name: mlflow-env\n")
	virtualenv := fmt.Sprintf("python: %s\nbuild_dependencies:\n- pip\n- setuptools\n- wheel\ndependencies:\n- -r requirements.txt\n", m.Python)
	return []sdk.File{
		{Path: "requirements.txt", Data: []byte(strings.Join(wanted, "\n") + "\n")},
		{Path: "conda.yaml", Data: []byte(conda.String())},
		{Path: "python_env.yaml", Data: []byte(virtualenv)},
	}
}

// description is the file MLmodel: the flavors in which the model can be loaded, its signature and its example.
func (m savedModel) description(created time.Time, sklearn string) (string, error) {
	var b strings.Builder
	b.WriteString("artifact_path: models:/" + sdk.ModelIDPlaceholder + "\nflavors:\n")
	if m.Predicts {
		b.WriteString("  python_function:\n    env:\n      conda: conda.yaml\n      virtualenv: python_env.yaml\n" +
			"    loader_module: mlflow.sklearn\n    model_path: model.pkl\n    predict_fn: predict\n")
		fmt.Fprintf(&b, "    python_version: %s\n", m.Python)
	}
	fmt.Fprintf(&b, "  sklearn:\n    code: null\n    pickled_model: model.pkl\n    serialization_format: %s\n"+
		"    sklearn_version: %s\n    skops_trusted_types: null\n", m.Format, sklearn)
	version := m.MLflow
	if version == "" {
		version = formatVersion
	}
	fmt.Fprintf(&b, "is_signature_from_type_hint: false\nmlflow_version: %s\nmodel_id: %s\nmodel_size_bytes: %d\nmodel_uuid: %q\n",
		version, sdk.ModelIDPlaceholder, m.Size, m.Digest)
	b.WriteString("prompts: null\nrun_id: " + sdk.RunIDPlaceholder + "\n")
	if m.Example != nil {
		b.WriteString("saved_input_example_info:\n  artifact_path: input_example.json\n")
		kind := "ndarray"
		if m.Example.Columns != nil {
			kind = "dataframe"
			b.WriteString("  pandas_orient: split\n")
		}
		b.WriteString("  serving_input_path: serving_input_example.json\n  type: " + kind + "\n")
	}
	if err := m.signature(&b); err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "type_hint_from_example: false\nutc_time_created: '%s'\n", created.UTC().Format("2006-01-02 15:04:05.000000"))
	return b.String(), nil
}

func (m savedModel) signature(b *strings.Builder) error {
	if m.Inputs == nil {
		return nil
	}
	b.WriteString("signature:\n")
	for _, side := range []struct {
		name   string
		schema *schema
	}{{"inputs", m.Inputs}, {"outputs", m.Outputs}} {
		specification, err := side.schema.specification()
		if err != nil {
			return err
		}
		if specification == "" {
			fmt.Fprintf(b, "  %s: null\n", side.name)
			continue
		}
		// In single quotes YAML knows one escape only: the quote itself.
		fmt.Fprintf(b, "  %s: '%s'\n", side.name, strings.ReplaceAll(specification, "'", "''"))
	}
	b.WriteString("  params: null\n")
	return nil
}

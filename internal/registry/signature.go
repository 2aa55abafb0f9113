package registry

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Signature is the schema of a model: what callers send, and what they get.
type Signature struct {
	Inputs  []Field `json:"inputs,omitempty"`
	Outputs []Field `json:"outputs,omitempty"`
	Params  []Param `json:"params,omitempty"`
}

// Field is a column or a tensor of a schema, or a property of an object. Name is empty where only the place counts.
type Field struct {
	Name     string `json:"name,omitempty"`
	Type     Type   `json:"type"`
	Required bool   `json:"required"`
}

// Type is MLflow's type of a field: a simple one such as long or string, array, map, object, or tensor.
type Type struct {
	Kind string `json:"kind"`
	// Items are those of an array, or the values of a map.
	Items *Type `json:"items,omitempty"`
	// Properties are those of an object, by name.
	Properties []Field `json:"properties,omitempty"`
	// DType and Shape are those of a tensor; -1 stands for any size.
	DType string  `json:"dtype,omitempty"`
	Shape []int64 `json:"shape,omitempty"`
}

// Param is a parameter of inference, which has a default.
type Param struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	// Default is JSON.
	Default string `json:"default"`
	// Shape is [-1] for a list, empty for one value.
	Shape []int64 `json:"shape,omitempty"`
}

const (
	maxFields    = 100_000
	maxTypeDepth = 32
)

// String writes a type as people read it: long, array<string>, object{a: long, b?: string}, tensor<float64>[-1, 4].
func (t Type) String() string {
	switch t.Kind {
	case "array", "map":
		if t.Items != nil {
			return t.Kind + "<" + t.Items.String() + ">"
		}
	case "object":
		parts := make([]string, len(t.Properties))
		for i, p := range t.Properties {
			optional := ""
			if !p.Required {
				optional = "?"
			}
			parts[i] = p.Name + optional + ": " + p.Type.String()
		}
		return "object{" + strings.Join(parts, ", ") + "}"
	case "tensor":
		return "tensor<" + t.DType + ">" + shapeText(t.Shape)
	}
	return t.Kind
}

func shapeText(shape []int64) string {
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = strconv.FormatInt(n, 10)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// canonical writes the signature in its one form: equal signatures are equal texts.
func (s *Signature) canonical() (string, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("write signature: %w", err)
	}
	return string(text), nil
}

// readSignature reads what canonical wrote; nil for an empty text.
func readSignature(text string) (*Signature, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	var s Signature
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, fmt.Errorf("read stored signature: %w", err)
	}
	return &s, nil
}

// ParseSignature reads a signature as MLflow writes it: an object with inputs, outputs and params, each a list, or a text that
// has one as JSON.
func ParseSignature(text []byte) (*Signature, error) {
	var raw rawSignature
	if err := yaml.Unmarshal(text, &raw); err != nil { // JSON is YAML
		return nil, fmt.Errorf("is neither JSON nor YAML: %w", err)
	}
	return raw.parse()
}

// rawSignature is the signature of a file MLmodel. Each part is JSON in a text, or in older files a list.
type rawSignature struct {
	Inputs  any `yaml:"inputs"`
	Outputs any `yaml:"outputs"`
	Params  any `yaml:"params"`
}

func (r rawSignature) parse() (*Signature, error) {
	var s Signature
	var err error
	p := &signatureParser{}
	if s.Inputs, err = p.fields("inputs", r.Inputs); err != nil {
		return nil, err
	}
	if s.Outputs, err = p.fields("outputs", r.Outputs); err != nil {
		return nil, err
	}
	if s.Params, err = p.params(r.Params); err != nil {
		return nil, err
	}
	return &s, nil
}

// signatureParser counts what it reads.
type signatureParser struct{ read int }

// list gives the objects of a part.
func list(part string, v any) ([]map[string]any, error) {
	switch t := v.(type) {
	case nil:
		return nil, nil
	case string:
		var decoded any
		decoder := json.NewDecoder(strings.NewReader(t))
		decoder.UseNumber()
		if err := decoder.Decode(&decoded); err != nil {
			return nil, fmt.Errorf("%s: is no JSON: %w", part, err)
		}
		if _, again := decoded.(string); again {
			return nil, fmt.Errorf("%s: is no list", part)
		}
		return list(part, decoded)
	case []any:
		out := make([]map[string]any, len(t))
		for i, item := range t {
			object, ok := item.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s[%d]: is no object", part, i)
			}
			out[i] = object
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s: is no list", part)
}

func (p *signatureParser) fields(part string, v any) ([]Field, error) {
	objects, err := list(part, v)
	if err != nil || len(objects) == 0 {
		return nil, err
	}
	out := make([]Field, len(objects))
	seen := make(map[string]bool, len(objects))
	for i, object := range objects {
		at := fmt.Sprintf("%s[%d]", part, i)
		if out[i], err = p.field(at, object, 0); err != nil {
			return nil, err
		}
		if name := out[i].Name; name != "" {
			if seen[name] {
				return nil, fmt.Errorf("%s: the name %.60q stands there twice", at, name)
			}
			seen[name] = true
		}
	}
	return out, nil
}

func (p *signatureParser) field(at string, object map[string]any, depth int) (Field, error) {
	f := Field{Required: true}
	if p.read++; p.read > maxFields {
		return f, fmt.Errorf("has more than %d fields", maxFields)
	}
	if name, ok := object["name"]; ok && name != nil {
		f.Name = fmt.Sprint(name)
	}
	if required, ok := object["required"].(bool); ok {
		f.Required = required
	} else if optional, ok := object["optional"].(bool); ok { // as MLflow wrote it before 2.6
		f.Required = !optional
	}
	var err error
	f.Type, err = p.typeOf(at, object, depth)
	return f, err
}

func (p *signatureParser) typeOf(at string, object map[string]any, depth int) (Type, error) {
	if depth > maxTypeDepth {
		return Type{}, fmt.Errorf("%s: is nested deeper than %d", at, maxTypeDepth)
	}
	kind, ok := object["type"].(string)
	if !ok || kind == "" {
		return Type{}, fmt.Errorf("%s: has no type", at)
	}
	t := Type{Kind: kind}
	switch kind {
	case "tensor":
		spec, ok := object["tensor-spec"].(map[string]any)
		if !ok {
			return t, fmt.Errorf("%s: a tensor has a tensor-spec", at)
		}
		if t.DType, ok = spec["dtype"].(string); !ok {
			return t, fmt.Errorf("%s: a tensor has a dtype", at)
		}
		var err error
		t.Shape, err = shapeOf(at, spec["shape"])
		return t, err
	case "array", "map":
		part := map[string]string{"array": "items", "map": "values"}[kind]
		inner, ok := object[part].(map[string]any)
		if !ok {
			return t, fmt.Errorf("%s: a type %s has %s", at, kind, part)
		}
		items, err := p.typeOf(at, inner, depth+1)
		t.Items = &items
		return t, err
	case "object":
		properties, ok := object["properties"].(map[string]any)
		if !ok {
			return t, fmt.Errorf("%s: an object has properties", at)
		}
		for name, v := range properties {
			inner, ok := v.(map[string]any)
			if !ok {
				return t, fmt.Errorf("%s: the property %.60q is no object", at, name)
			}
			f, err := p.field(at+"."+name, inner, depth+1)
			if err != nil {
				return t, err
			}
			f.Name = name
			t.Properties = append(t.Properties, f)
		}
		slices.SortFunc(t.Properties, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	}
	return t, nil
}

func shapeOf(at string, v any) ([]int64, error) {
	if v == nil {
		return nil, nil
	}
	items, ok := v.([]any)
	if !ok || len(items) > maxTypeDepth {
		return nil, fmt.Errorf("%s: a shape is a list of up to %d sizes", at, maxTypeDepth)
	}
	out := make([]int64, len(items))
	for i, item := range items {
		n, err := strconv.ParseInt(fmt.Sprint(item), 10, 64)
		if err != nil || n < -1 {
			return nil, fmt.Errorf("%s: the size %.20q is neither a whole number nor -1", at, fmt.Sprint(item))
		}
		out[i] = n
	}
	return out, nil
}

func (p *signatureParser) params(v any) ([]Param, error) {
	objects, err := list("params", v)
	if err != nil || len(objects) == 0 {
		return nil, err
	}
	out := make([]Param, len(objects))
	for i, object := range objects {
		at := fmt.Sprintf("params[%d]", i)
		if p.read++; p.read > maxFields {
			return nil, fmt.Errorf("has more than %d fields", maxFields)
		}
		name, ok := object["name"].(string)
		if !ok {
			return nil, fmt.Errorf("%s: has no name", at)
		}
		t, err := p.typeOf(at, object, 0)
		if err != nil {
			return nil, err
		}
		standard, err := json.Marshal(object["default"])
		if err != nil {
			return nil, fmt.Errorf("%s: default: %w", at, err)
		}
		shape, err := shapeOf(at, object["shape"])
		if err != nil {
			return nil, err
		}
		out[i] = Param{Name: name, Type: t, Default: string(standard), Shape: shape}
	}
	slices.SortFunc(out, func(a, b Param) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

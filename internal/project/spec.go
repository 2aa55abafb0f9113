package project

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cairnml/cairn/internal/errs"
)

// maxFile bounds the files of a project that are read: MLproject, and those of its environment.
const maxFile = 1 << 20

// Spec is what an MLproject file says, or would say where there is none.
type Spec struct {
	Name string
	// File is the MLproject file's name as it is spelled in the project; empty without one.
	File        string
	Environment EnvironmentSpec
	EntryPoints []EntryPoint
	// Warnings are about what is allowed and has no effect here.
	Warnings []string
}

// EnvironmentSpec is where the environment of a project is described: at most one of its members is set.
type EnvironmentSpec struct {
	// PythonEnv and CondaEnv are files, relative to the project.
	PythonEnv, CondaEnv string
	Docker              *DockerEnv
}

// DockerEnv is the image that a project runs in.
type DockerEnv struct {
	Image   string
	Volumes []string
	// Environment has names of variables to pass on ("NAME"), and variables with values ("NAME=value").
	Environment []string
}

// EntryPoint is a command of a project with its parameters, in the order of the file.
type EntryPoint struct {
	Name       string
	Parameters []Parameter
	Command    string
	// File and Line are where the command stands; File is empty for a script without an MLproject file.
	File string
	Line int
}

// Parameter is a parameter of an entry point.
type Parameter struct {
	Name string
	// Type is string, float, path or uri; others are taken as string.
	Type    string
	Default *string
	Line    int
}

// The types of parameters.
const (
	typeString = "string"
	typeFloat  = "float"
	typePath   = "path"
	typeURI    = "uri"
)

const (
	defaultPythonEnv = "python_env.yaml"
	defaultCondaEnv  = "conda.yaml"
)

// ReadSpec reads the MLproject file of a directory, whatever the case of its name. Without one, the scripts of the directory are
// its entry points.
func ReadSpec(dir string) (*Spec, error) {
	name, err := findMLproject(dir)
	if err != nil {
		return nil, err
	}
	spec := &Spec{File: name}
	if name != "" {
		data, err := readFile(dir, name)
		if err != nil {
			return nil, err
		}
		if err := spec.parse(data); err != nil {
			return nil, err
		}
	}
	return spec, spec.settleEnvironment(dir)
}

// findMLproject gives the name of the MLproject file; empty when there is none.
func findMLproject(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", errs.Wrap(errs.NotFound, err, "%s is no directory that can be read: %v", dir, rootCause(err))
	}
	for _, entry := range entries {
		if strings.EqualFold(entry.Name(), "MLproject") {
			return entry.Name(), nil
		}
	}
	return "", nil
}

// readFile reads a file of a project; it follows no link out of it.
func readFile(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open project: %w", err)
	}
	defer func() { _ = root.Close() }()
	file, err := root.Open(filepath.FromSlash(name))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, errs.Wrap(errs.NotFound, err, "there is no file %s in the project", name)
	case err != nil:
		return nil, errs.Wrap(errs.Invalid, err, "%s cannot be read, or lies outside of the project: %v", name, rootCause(err))
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "%s cannot be read: %v", name, rootCause(err))
	}
	if len(data) > maxFile {
		return nil, errs.New(errs.Invalid, "%s has more than %d KiB", name, maxFile>>10)
	}
	return data, nil
}

func rootCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// at makes an error about a line of a file.
func at(file string, line int, format string, args ...any) error {
	return errs.New(errs.Invalid, "%s, line %d: %s", file, line, fmt.Sprintf(format, args...))
}

// document parses one YAML document into its top node; nil for an empty file.
func document(file string, data []byte) (*yaml.Node, error) {
	var top yaml.Node
	if err := yaml.Unmarshal(data, &top); err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "%s is no YAML: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(top.Content) == 0 {
		return nil, nil //nolint:nilnil // an empty file has no top
	}
	return top.Content[0], nil
}

// member is a key of a mapping with its value.
type member struct {
	key        string
	line       int
	value      *yaml.Node
	isScalar   bool
	scalarText string
}

// members gives what a mapping has, and refuses another node, a key twice and keys that are not known. No known keys: any is.
func members(file, what string, node *yaml.Node, known ...string) ([]member, error) {
	if node == nil || node.Tag == "!!null" {
		return nil, nil
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return nil, at(file, node.Line, "%s must be a mapping (`key: value`)", what)
	}
	var out []member
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, at(file, key.Line, "a key of %s must be a word", what)
		}
		if len(known) > 0 && !slices.Contains(known, key.Value) {
			return nil, at(file, key.Line, "%s has the unknown field %q; known are: %s", what, key.Value, strings.Join(known, ", "))
		}
		if slices.ContainsFunc(out, func(m member) bool { return m.key == key.Value }) {
			return nil, at(file, key.Line, "%s has %q twice", what, key.Value)
		}
		m := member{key: key.Value, line: key.Line, value: value}
		if value.Kind == yaml.ScalarNode && value.Tag != "!!null" {
			m.isScalar, m.scalarText = true, scalar(value)
		}
		out = append(out, m)
	}
	return out, nil
}

// scalar gives a scalar as Python's str() shows what PyYAML makes of it: as it is written, and True or False where YAML 1.1 has a
// truth value.
func scalar(node *yaml.Node) string {
	if node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 || node.Tag == "!!str" && node.Style&yaml.TaggedStyle != 0 {
		return node.Value
	}
	switch node.Value {
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
		return "True"
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		return "False"
	}
	return node.Value
}

// text demands a scalar.
func (m member) text(file string) (string, error) {
	if !m.isScalar {
		return "", at(file, m.line, "%s must be one value", m.key)
	}
	return m.scalarText, nil
}

func (s *Spec) parse(data []byte) error {
	top, err := document(s.File, data)
	if err != nil {
		return err
	}
	fields, err := members(s.File, "the project", top, "name", "python_env", "conda_env", "docker_env", "entry_points", "databricks_spark_job")
	if err != nil {
		return err
	}
	environment := ""
	for _, field := range fields {
		switch field.key {
		case "python_env", "conda_env", "docker_env":
			if environment != "" {
				return at(s.File, field.line, "a project has one environment, and this one has %s and %s", environment, field.key)
			}
			environment = field.key
		}
		if err := s.parseField(field); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) parseField(field member) (err error) {
	switch field.key {
	case "name":
		if field.value.Tag != "!!null" {
			s.Name, err = field.text(s.File)
		}
	case "python_env":
		s.Environment.PythonEnv, err = s.file(field)
	case "conda_env":
		s.Environment.CondaEnv, err = s.file(field)
	case "docker_env":
		s.Environment.Docker, err = s.docker(field)
	case "entry_points":
		err = s.entryPoints(field.value)
	case "databricks_spark_job":
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s, line %d: databricks_spark_job has no meaning outside of Databricks, and is left out", s.File, field.line))
	}
	return err
}

// file demands the name of a file inside of the project.
func (s *Spec) file(field member) (string, error) {
	name, err := field.text(s.File)
	if err != nil {
		return "", err
	}
	name = path.Clean(filepath.ToSlash(name))
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", at(s.File, field.line, "%s: %s lies outside of the project", field.key, name)
	}
	return name, nil
}

func (s *Spec) docker(field member) (*DockerEnv, error) {
	fields, err := members(s.File, "docker_env", field.value, "image", "volumes", "environment")
	if err != nil {
		return nil, err
	}
	env := &DockerEnv{}
	for _, f := range fields {
		switch f.key {
		case "image":
			if env.Image, err = f.text(s.File); err != nil {
				return nil, err
			}
			if strings.HasPrefix(env.Image, "-") {
				return nil, at(s.File, f.line, "%q is no image", env.Image)
			}
		case "volumes":
			if env.Volumes, err = s.strings(f); err != nil {
				return nil, err
			}
		case "environment":
			if env.Environment, err = s.variables(f); err != nil {
				return nil, err
			}
		}
	}
	if env.Image == "" {
		return nil, at(s.File, field.line, "docker_env names no image")
	}
	return env, nil
}

func (s *Spec) strings(field member) ([]string, error) {
	if field.value.Tag == "!!null" {
		return nil, nil
	}
	if field.value.Kind != yaml.SequenceNode {
		return nil, at(s.File, field.line, "%s must be a list of strings, for example [\"/from:/to\"]", field.key)
	}
	var out []string
	for _, item := range field.value.Content {
		if item.Kind != yaml.ScalarNode {
			return nil, at(s.File, item.Line, "%s must be a list of strings", field.key)
		}
		out = append(out, item.Value)
	}
	return out, nil
}

// variables reads [[NAME, value], NAME_TO_PASS_ON].
func (s *Spec) variables(field member) ([]string, error) {
	if field.value.Tag == "!!null" {
		return nil, nil
	}
	if field.value.Kind != yaml.SequenceNode {
		return nil, at(s.File, field.line, "environment must be a list, for example [[\"NEW\", \"value\"], \"COPIED\"]")
	}
	var out []string
	for _, item := range field.value.Content {
		switch {
		case item.Kind == yaml.ScalarNode && item.Value != "" && !strings.Contains(item.Value, "="):
			out = append(out, item.Value)
		case item.Kind == yaml.SequenceNode && len(item.Content) == 2 && item.Content[0].Kind == yaml.ScalarNode && item.Content[1].Kind == yaml.ScalarNode &&
			item.Content[0].Value != "" && !strings.Contains(item.Content[0].Value, "="):
			out = append(out, item.Content[0].Value+"="+scalar(item.Content[1]))
		default:
			return nil, at(s.File, item.Line, "an entry of environment is the name of a variable, or a pair [\"NAME\", \"value\"]")
		}
	}
	return out, nil
}

func (s *Spec) entryPoints(node *yaml.Node) error {
	points, err := members(s.File, "entry_points", node)
	if err != nil {
		return err
	}
	for _, point := range points {
		fields, err := members(s.File, "the entry point "+point.key, point.value, "parameters", "command")
		if err != nil {
			return err
		}
		entry := EntryPoint{Name: point.key, File: s.File, Line: point.line}
		for _, field := range fields {
			switch field.key {
			case "command":
				if entry.Command, err = field.text(s.File); err != nil {
					return err
				}
				entry.Line = field.line
			case "parameters":
				if entry.Parameters, err = s.parameters(point.key, field.value); err != nil {
					return err
				}
			}
		}
		if strings.TrimSpace(entry.Command) == "" {
			return at(s.File, point.line, "the entry point %s has no command", point.key)
		}
		s.EntryPoints = append(s.EntryPoints, entry)
	}
	return nil
}

func (s *Spec) parameters(entry string, node *yaml.Node) ([]Parameter, error) {
	all, err := members(s.File, "parameters of "+entry, node)
	if err != nil {
		return nil, err
	}
	var out []Parameter
	for _, m := range all {
		parameter := Parameter{Name: m.key, Type: typeString, Line: m.line}
		if m.isScalar {
			parameter.Type = m.scalarText
		} else {
			fields, err := members(s.File, "the parameter "+m.key, m.value, "type", "default")
			if err != nil {
				return nil, err
			}
			for _, field := range fields {
				if field.value.Tag == "!!null" {
					continue
				}
				value, err := field.text(s.File)
				if err != nil {
					return nil, err
				}
				if field.key == "type" {
					parameter.Type = value
				} else {
					parameter.Default = &value
				}
			}
		}
		switch parameter.Type {
		case typeString, typeFloat, typePath, typeURI:
		default:
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s, line %d: the type %s of %s is none of string, float, path and uri: its values are not checked",
				s.File, m.line, parameter.Type, m.key))
			parameter.Type = typeString
		}
		out = append(out, parameter)
	}
	return out, nil
}

// settleEnvironment checks that the environment's file is there, and takes those of the usual names where none is named.
func (s *Spec) settleEnvironment(dir string) error {
	e := &s.Environment
	for _, named := range []string{e.PythonEnv, e.CondaEnv} {
		if named != "" {
			_, err := readFile(dir, named)
			return err
		}
	}
	if e.Docker != nil {
		return nil
	}
	for _, usual := range []struct {
		name string
		to   *string
	}{{defaultPythonEnv, &e.PythonEnv}, {defaultCondaEnv, &e.CondaEnv}} {
		if info, err := os.Stat(filepath.Join(dir, usual.name)); err == nil && info.Mode().IsRegular() {
			*usual.to = usual.name
			_, err := readFile(dir, usual.name)
			return err
		}
	}
	return nil
}

// EntryPoint gives an entry point by name; a script of the project is one too.
func (s *Spec) EntryPoint(dir, name string) (EntryPoint, error) {
	for _, entry := range s.EntryPoints {
		if entry.Name == name {
			return entry, nil
		}
	}
	command := ""
	switch filepath.Ext(name) {
	case ".py":
		command = "python " + shellQuote(name)
	case ".sh":
		command = "bash " + shellQuote(name)
	case ".R":
		command = "Rscript " + shellQuote(name)
	}
	if command != "" && filepath.IsLocal(filepath.FromSlash(name)) {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil && info.Mode().IsRegular() {
			return EntryPoint{Name: name, Command: strings.NewReplacer("{", "{{", "}", "}}").Replace(command)}, nil
		}
		return EntryPoint{}, errs.New(errs.NotFound, "the project has no script %s", name)
	}
	return EntryPoint{}, errs.New(errs.NotFound, "the project has no entry point %q; %s", name, s.offers(dir))
}

// offers says what can be run.
func (s *Spec) offers(dir string) string {
	var names []string
	for _, entry := range s.EntryPoints {
		names = append(names, entry.Name)
	}
	if len(names) > 0 {
		return "it has: " + strings.Join(names, ", ")
	}
	entries, err := os.ReadDir(dir)
	if err == nil {
		for _, entry := range entries {
			if ext := filepath.Ext(entry.Name()); ext == ".py" || ext == ".sh" || ext == ".R" {
				names = append(names, entry.Name())
			}
		}
	}
	if len(names) == 0 {
		return "it has no entry point and no script (.py, .sh, .R)"
	}
	return "its scripts can be run with --entry-point: " + strings.Join(names, ", ")
}

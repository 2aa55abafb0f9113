package project

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// pythonEnv is what a Python environment is to have.
type pythonEnv struct {
	// file is where it is described, relative to the project.
	file string
	// python is a version such as 3.11 or 3.11.7; empty for the machine's own.
	python string
	build  []requirement
	wanted []requirement
	// files are the requirement files that are named, with what they hold, for the cache's key.
	files map[string]string
	// local is true when it installs from the project itself, so that it cannot be shared between runs.
	local bool
	// conda are packages that only conda installs.
	conda []requirement
}

// requirement is a line of pip's format, and where it stands.
type requirement struct {
	text, file string
	line       int
}

// readPythonEnv reads a python_env.yaml.
func readPythonEnv(dir, file string) (*pythonEnv, error) {
	data, err := readFile(dir, file)
	if err != nil {
		return nil, err
	}
	top, err := document(file, data)
	if err != nil {
		return nil, err
	}
	fields, err := members(file, "the environment", top, "python", "build_dependencies", "dependencies")
	if err != nil {
		return nil, err
	}
	env := &pythonEnv{file: file, files: map[string]string{}}
	for _, field := range fields {
		if field.value.Tag == "!!null" {
			continue
		}
		switch field.key {
		case "python":
			if env.python, err = field.text(file); err != nil {
				return nil, err
			}
			if !pythonVersion.MatchString(env.python) {
				return nil, at(file, field.line, "%q is no version of Python, for example 3.11", env.python)
			}
		case "build_dependencies":
			if env.build, err = requirements(file, field); err != nil {
				return nil, err
			}
		case "dependencies":
			if env.wanted, err = requirements(file, field); err != nil {
				return nil, err
			}
		}
	}
	return env, env.collect(dir)
}

var pythonVersion = regexp.MustCompile(`^\d+(\.\d+){0,2}$`)

func requirements(file string, field member) ([]requirement, error) {
	if field.value.Kind != yaml.SequenceNode {
		return nil, at(file, field.line, "%s must be a list", field.key)
	}
	var out []requirement
	for _, item := range field.value.Content {
		if item.Kind != yaml.ScalarNode || strings.ContainsAny(item.Value, "\n\r\x00") {
			return nil, at(file, item.Line, "a dependency is one line, for example numpy==2.1.0 or -r requirements.txt")
		}
		out = append(out, requirement{strings.TrimSpace(item.Value), file, item.Line})
	}
	return out, nil
}

var condaPython = regexp.MustCompile(`^(python|pip|setuptools|wheel)\s*(?:(<=|>=|==|=|<|>|!=)\s*([\d.]+)(?:=.*)?)?$`)

// readCondaEnv reads a conda.yaml as far as it can be done without conda: Python, and what pip installs.
func readCondaEnv(dir, file string) (*pythonEnv, error) {
	data, err := readFile(dir, file)
	if err != nil {
		return nil, err
	}
	top, err := document(file, data)
	if err != nil {
		return nil, err
	}
	fields, err := members(file, "the environment", top)
	if err != nil {
		return nil, err
	}
	env := &pythonEnv{file: file, files: map[string]string{}}
	for _, field := range fields {
		if field.key != "dependencies" || field.value.Tag == "!!null" {
			continue
		}
		if field.value.Kind != yaml.SequenceNode {
			return nil, at(file, field.line, "dependencies must be a list")
		}
		for _, item := range field.value.Content {
			if err := env.addConda(file, item); err != nil {
				return nil, err
			}
		}
	}
	return env, env.collect(dir)
}

func (e *pythonEnv) addConda(file string, item *yaml.Node) error {
	if item.Kind == yaml.ScalarNode {
		found := condaPython.FindStringSubmatch(strings.TrimSpace(item.Value))
		switch {
		case found == nil:
			e.conda = append(e.conda, requirement{item.Value, file, item.Line})
		case found[1] == "python":
			if found[2] != "<" && found[2] != ">" && found[2] != "!=" {
				e.python = strings.Trim(found[3], ".")
			}
		case found[3] != "":
			operator := found[2]
			if operator == "=" {
				operator = "=="
			}
			e.build = append(e.build, requirement{found[1] + operator + found[3], file, item.Line})
		}
		return nil
	}
	fields, err := members(file, "a dependency", item, "pip")
	if err != nil {
		return err
	}
	for _, field := range fields {
		wanted, err := requirements(file, field)
		if err != nil {
			return err
		}
		e.wanted = append(e.wanted, wanted...)
	}
	return nil
}

var (
	fileOption = regexp.MustCompile(`^(-r|-c|--requirement|--constraint)(?:\s+|=)\s*(\S+)$`)
	localPart  = regexp.MustCompile(`^(-e|--editable)(\s|=)|^\.{0,2}[/\\]|^\.{1,2}(\[|\s|$)|(^|@\s*)file:|\s@\s*\.{0,2}/`)
)

// collect reads the requirement files that are named, and those that they name, and makes their names absolute.
func (e *pythonEnv) collect(dir string) error {
	for _, list := range []*[]requirement{&e.build, &e.wanted} {
		for i, r := range *list {
			text, err := e.collectLine(dir, r)
			if err != nil {
				return err
			}
			(*list)[i].text = text
		}
	}
	return nil
}

// maxRequirementFiles bounds the files that name one another.
const maxRequirementFiles = 50

func (e *pythonEnv) collectLine(dir string, r requirement) (string, error) {
	if localPart.MatchString(r.text) {
		e.local = true
	}
	found := fileOption.FindStringSubmatch(r.text)
	if found == nil {
		return r.text, nil
	}
	name := path.Join(path.Dir(r.file), filepath.ToSlash(found[2]))
	if _, known := e.files[name]; !known {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return "", at(r.file, r.line, "%s lies outside of the project", found[2])
		}
		data, err := readFile(dir, name)
		if err != nil {
			return "", at(r.file, r.line, "%v", err)
		}
		if len(e.files) >= maxRequirementFiles {
			return "", at(r.file, r.line, "more than %d files of requirements", maxRequirementFiles)
		}
		e.files[name] = string(data)
		number := 0
		for line := range strings.Lines(string(data)) {
			number++
			line, _, _ = strings.Cut(line, " #")
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if _, err := e.collectLine(dir, requirement{line, name, number}); err != nil {
				return "", err
			}
		}
	}
	option := "-r"
	if strings.HasPrefix(found[1], "-c") || found[1] == "--constraint" {
		option = "-c"
	}
	return option + " " + filepath.Join(dir, filepath.FromSlash(name)), nil
}

var requirementName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*`)

// blame finds the requirement that a message of an installer is about.
func (e *pythonEnv) blame(message string) (file string, line int) {
	message = normalized(message)
	check := func(r requirement) bool {
		name := normalized(requirementName.FindString(r.text))
		if name == "" || !regexp.MustCompile(`(^|[^a-z0-9-])`+regexp.QuoteMeta(name)+`($|[^a-z0-9-])`).MatchString(message) {
			return false
		}
		file, line = r.file, r.line
		return true
	}
	for _, r := range append(append([]requirement{}, e.build...), e.wanted...) {
		if check(r) {
			return file, line
		}
	}
	for name, text := range e.files {
		number := 0
		for l := range strings.Lines(text) {
			number++
			if check(requirement{strings.TrimSpace(l), name, number}) {
				return file, line
			}
		}
	}
	return "", 0
}

func normalized(text string) string {
	return strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(text))
}

package project

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func none(string) bool { return false }

// projectOf makes a project of files, by name and text.
func projectOf(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, filepath.FromSlash(files[i]))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, []byte(files[i+1]), 0o600))
	}
	return dir
}

func TestSpecHasEveryField(t *testing.T) {
	t.Parallel()
	dir := projectOf(t, "mlPROJECT", `
name: My Project
docker_env:
  image: image:tag
  volumes: ["/a:/b"]
  environment: [["NEW", "value"], "COPIED"]
entry_points:
  main:
    parameters:
      data_file: path
      regularization: {type: float, default: 0.1}
      flag: {default: yes}
      quoted: {default: "yes"}
      nothing: {type: uri, default: null}
      n: {type: int, default: 1e3}
    command: "python train.py -r {regularization} {data_file}"
  validate:
    command: "python validate.py"
databricks_spark_job: {python_file: a.py}
`)
	spec, err := ReadSpec(dir)
	require.NoError(t, err)
	text := func(s string) *string { return &s }
	require.Equal(t, &Spec{
		Name: "My Project", File: "mlPROJECT",
		Environment: EnvironmentSpec{Docker: &DockerEnv{Image: "image:tag", Volumes: []string{"/a:/b"}, Environment: []string{"NEW=value", "COPIED"}}},
		EntryPoints: []EntryPoint{
			{Name: "main", Command: "python train.py -r {regularization} {data_file}", File: "mlPROJECT", Line: 16, Parameters: []Parameter{
				{Name: "data_file", Type: "path", Line: 10}, {Name: "regularization", Type: "float", Default: text("0.1"), Line: 11},
				{Name: "flag", Type: "string", Default: text("True"), Line: 12}, {Name: "quoted", Type: "string", Default: text("yes"), Line: 13},
				{Name: "nothing", Type: "uri", Line: 14}, {Name: "n", Type: "string", Default: text("1e3"), Line: 15},
			}},
			{Name: "validate", Command: "python validate.py", File: "mlPROJECT", Line: 18},
		},
		Warnings: []string{
			"mlPROJECT, line 15: the type int of n is none of string, float, path and uri: its values are not checked",
			"mlPROJECT, line 19: databricks_spark_job has no meaning outside of Databricks, and is left out",
		},
	}, spec)
}

func TestSpecNamesFileAndLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, want string }{
		"unknown field":        {"name: a\nentrypoints: {}", `MLproject, line 2: the project has the unknown field "entrypoints"; known are: name, python_env, conda_env, docker_env, entry_points, databricks_spark_job`},
		"unknown of entry":     {"entry_points:\n  main:\n    cmd: x", `MLproject, line 3: the entry point main has the unknown field "cmd"; known are: parameters, command`},
		"unknown of parameter": {"entry_points: {main: {command: x, parameters: {a: {typ: float}}}}", `MLproject, line 1: the parameter a has the unknown field "typ"; known are: type, default`},
		"no command":           {"entry_points:\n  main: {}", "MLproject, line 2: the entry point main has no command"},
		"two environments":     {"python_env: a\nconda_env: b", "MLproject, line 2: a project has one environment, and this one has python_env and conda_env"},
		"no such file":         {"python_env: env.yaml", "there is no file env.yaml in the project"},
		"outside":              {"conda_env: ../conda.yaml", "MLproject, line 1: conda_env: ../conda.yaml lies outside of the project"},
		"through a link":       {"conda_env: link/hosts", "link/hosts cannot be read, or lies outside of the project: path escapes from parent"},
		"no image":             {"docker_env: {volumes: []}", "MLproject, line 1: docker_env names no image"},
		"image as option":      {"docker_env: {image: --privileged}", `MLproject, line 1: "--privileged" is no image`},
		"volumes":              {"docker_env: {image: a, volumes: x}", `MLproject, line 1: volumes must be a list of strings, for example ["/from:/to"]`},
		"variables":            {"docker_env: {image: a, environment: [[a]]}", `MLproject, line 1: an entry of environment is the name of a variable, or a pair ["NAME", "value"]`},
		"no mapping":           {"- a", "MLproject, line 1: the project must be a mapping (`key: value`)"},
		"no YAML":              {"a: [", "MLproject is no YAML: line 1: did not find expected node content"},
		"twice":                {"entry_points:\n  a: {command: x}\n  a: {command: y}", `MLproject, line 3: entry_points has "a" twice`},
		"list as default":      {"entry_points: {main: {command: x, parameters: {a: {default: [1]}}}}", "MLproject, line 1: default must be one value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := projectOf(t, "MLproject", c.file)
			require.NoError(t, os.Symlink("/etc", filepath.Join(dir, "link")))
			_, err := ReadSpec(dir)
			require.EqualError(t, err, c.want)
		})
	}
}

func TestSpecTakesTheUsualEnvironments(t *testing.T) {
	t.Parallel()
	spec, err := ReadSpec(projectOf(t, "python_env.yaml", "", "conda.yaml", ""))
	require.NoError(t, err)
	require.Equal(t, EnvironmentSpec{PythonEnv: "python_env.yaml"}, spec.Environment)
	spec, err = ReadSpec(projectOf(t, "conda.yaml", ""))
	require.NoError(t, err)
	require.Equal(t, EnvironmentSpec{CondaEnv: "conda.yaml"}, spec.Environment)
}

func TestParameterTypes(t *testing.T) {
	t.Parallel()
	dir := projectOf(t, "data", "")
	entry := func(kind string) EntryPoint {
		return EntryPoint{Name: "main", File: "MLproject", Line: 9, Parameters: []Parameter{{Name: "p", Type: kind, Line: 3}}}
	}
	for kind, values := range map[string][]string{
		typeFloat: {"1", "-1.5e-3", "1_000.5", ".5", "5.", "inf", "-NaN", " 1 "}, typeURI: {"s3://b/k", "file:/x", "runs:/a/b"}, typeString: {"", "any thing"},
		typePath: {filepath.Join(dir, "data"), "file://" + filepath.ToSlash(filepath.Join(dir, "data"))},
	} {
		for _, value := range values {
			_, _, err := entry(kind).Resolve(map[string]string{"p": value}, none)
			require.NoError(t, err, value)
		}
	}
	for kind, values := range map[string][]string{
		typeFloat: {"", "a", "0x10", "1__0", "_1", "1e", "1,5", "infin"}, typeURI: {"", "data", "/data"}, typePath: {"", dir + "/nothing", "s3://b/k"},
	} {
		for _, value := range values {
			_, _, err := entry(kind).Resolve(map[string]string{"p": value}, none)
			require.ErrorContains(t, err, "-P p: ", value)
			require.ErrorContains(t, err, "(MLproject, line 3)", value)
		}
	}
	_, _, err := entry(typeFloat).Resolve(map[string]string{"p": "hush"}, func(string) bool { return true })
	require.EqualError(t, err, `-P p: "***" is no number (MLproject, line 3)`)
	_, _, err = entry(typeFloat).Resolve(nil, none)
	require.EqualError(t, err, "MLproject, line 9: the entry point main needs a value for p: add -P p=VALUE")
	wrong := "x"
	_, _, err = EntryPoint{File: "MLproject", Parameters: []Parameter{{Name: "p", Type: typeFloat, Default: &wrong, Line: 4}}}.Resolve(nil, none)
	require.EqualError(t, err, `MLproject, line 4: the default "x" of p is no number`)
}

func TestCommandIsPythonsFormat(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"a {x} b":     "a 'it'\"'\"'s; $(id)' b --more 'a b'",
		"{x}{{x}}":    "'it'\"'\"'s; $(id)'{x} --more 'a b'",
		"awk '{{x}}'": "awk '{x}' --more 'a b'",
		"a '' {x}":    `a '' 'it'"'"'s; $(id)' --more 'a b'`,
		`a \" {x}`:    `a \" 'it'"'"'s; $(id)' --more 'a b'`,
	} {
		got, err := EntryPoint{Name: "main", Command: template}.shellCommand([]Value{{"x", "it's; $(id)"}}, []Value{{"more", "a b"}})
		require.NoError(t, err, template)
		require.Equal(t, want, got)
	}
	quoted, err := EntryPoint{Command: `a "{x}" '{x}'`}.shellCommand([]Value{{"x", "two words"}}, nil)
	require.NoError(t, err)
	require.Equal(t, `a "two words" 'two words'`, quoted)
	for _, template := range []string{`a "{x}"`, `a '{x}'`, "a `b {x}`", "a $(b {x})", "eval a {x}", "bash -c 'a {x}'", "sh -c {x}", "a <<E\n{x}\nE", "a ${{x}} {x}", `a $'\'' {x}`, "a # {x}"} {
		_, err := EntryPoint{File: "MLproject", Line: 1, Command: template}.shellCommand([]Value{{"x", "$(touch pwned)"}}, nil)
		require.ErrorContains(t, err, "take the quotes away", template)
	}
	for template, want := range map[string]string{
		"a {y}": "has {y}, which is no parameter of it", "a {": "has a { without its }", "a }": "has a single }", "a {}": "has {} without a name", "a {x!r}": "has {x!r}, which is no parameter",
	} {
		_, err := EntryPoint{Name: "main", Command: template}.shellCommand([]Value{{"x", "1"}}, nil)
		require.ErrorContains(t, err, want, template)
	}
}

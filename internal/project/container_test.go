package project

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCommandLines holds the command lines of conda and docker, which are not run where the tests are, to testdata/commands.golden.
// CAIRN_UPDATE_GOLDEN=1 writes it anew.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	put := func(name string, argv []string) {
		text.WriteString(name + "\n")
		for _, word := range argv {
			text.WriteString("    " + word + "\n")
		}
	}
	command := []string{"bash", "-c", "python train.py --alpha '0.5 $x'"}
	for _, program := range []string{"conda", "mamba", "micromamba"} {
		put(program+": build", condaCreate(program, "/cache/env", "/project/conda.yaml"))
		put(program+": lock", condaList(program, "/cache/env"))
		put(program+": run", condaRun(program, "/cache/env", command))
	}
	put("docker: run", dockerRun(&DockerEnv{Image: "image:tag", Volumes: []string{"/a b:/b"}, Environment: []string{"NEW=it's", "COPIED"}},
		[]string{"--gpus", "all"}, "/project", command))
	golden := filepath.Join("testdata", "commands.golden")
	if os.Getenv("CAIRN_UPDATE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(golden, []byte(text.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), text.String())
}

func TestCondaFileWithoutConda(t *testing.T) {
	t.Parallel()
	dir := projectOf(t, "env/conda.yaml", `
name: tutorial
channels: [conda-forge]
dependencies:
  - python=3.10.4
  - pip<=22
  - wheel
  - pip:
    - scikit-learn==1.2
    - -r requirements.txt
  - gdal=3
`, "env/requirements.txt", "# comment\nnumpy\n")
	env, err := readCondaEnv(dir, "env/conda.yaml")
	require.NoError(t, err)
	require.Equal(t, "3.10.4", env.python)
	require.Equal(t, []requirement{{"pip<=22", "env/conda.yaml", 6}}, env.build)
	require.Equal(t, []requirement{
		{"scikit-learn==1.2", "env/conda.yaml", 9}, {"-r " + filepath.Join(dir, "env", "requirements.txt"), "env/conda.yaml", 10}}, env.wanted)
	require.Equal(t, []requirement{{"gdal=3", "env/conda.yaml", 11}}, env.conda)
	file, line := env.blame("ERROR: No matching distribution found for numpy")
	require.Equal(t, "env/requirements.txt", file)
	require.Equal(t, 2, line)
}

func TestPythonEnv(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"pyton: 3":                                 `python_env.yaml, line 1: the environment has the unknown field "pyton"; known are: python, build_dependencies, dependencies`,
		"python: latest":                           `python_env.yaml, line 1: "latest" is no version of Python, for example 3.11`,
		"dependencies: numpy":                      "python_env.yaml, line 1: dependencies must be a list",
		"dependencies:\n- {a: b}":                  "python_env.yaml, line 2: a dependency is one line, for example numpy==2.1.0 or -r requirements.txt",
		"dependencies: [-r ../other.txt]":          "python_env.yaml, line 1: ../other.txt lies outside of the project",
		"dependencies: [-r missing.txt]":           "python_env.yaml, line 1: there is no file missing.txt in the project",
		"dependencies:\n- a\n- --constraint=c.txt": "python_env.yaml, line 3: there is no file c.txt in the project",
	} {
		_, err := readPythonEnv(projectOf(t, "python_env.yaml", text), "python_env.yaml")
		require.EqualError(t, err, want)
	}
	for text, local := range map[string]bool{"numpy": false, "-e .": true, ".": true, "./pkg": true, "a @ file:///x": true, "a @ https://x/y.whl": false, "../x": true, ".[extra]": true} {
		env, err := readPythonEnv(projectOf(t, "python_env.yaml", "dependencies: ['"+text+"']"), "python_env.yaml")
		require.NoError(t, err)
		require.Equal(t, local, env.local, text)
	}
}

package project

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

// condaProgram is the first of conda's programs that is on PATH; empty for none.
func condaProgram() string {
	for _, name := range []string{"mamba", "conda", "micromamba"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// condaCreate is the command line that builds an environment of a conda.yaml.
func condaCreate(program, target, file string) []string {
	if filepath.Base(program) == "micromamba" {
		return []string{program, "create", "--yes", "--prefix", target, "--file", file}
	}
	return []string{program, "env", "create", "--yes", "--prefix", target, "--file", file}
}

// condaRun is the command line that runs another one in an environment.
func condaRun(program, target string, argv []string) []string {
	run := []string{program, "run", "--no-capture-output", "--prefix", target}
	if filepath.Base(program) == "micromamba" {
		run = []string{program, "run", "--attach", "", "--prefix", target}
	}
	return append(run, argv...)
}

// condaList is the command line that gives the lock of an environment.
func condaList(program, target string) []string {
	if filepath.Base(program) == "micromamba" {
		return []string{program, "env", "export", "--explicit", "--md5", "--prefix", target}
	}
	return []string{program, "list", "--explicit", "--md5", "--prefix", target}
}

func (b *environments) conda(ctx context.Context, dir, file string) (*Environment, error) {
	program := condaProgram()
	if program == "" {
		return nil, errs.New(errs.Unavailable, "conda is not on PATH (conda, mamba or micromamba); install one, or run with --env-manager uv where the environment has only what pip installs")
	}
	data, err := readFile(dir, file)
	if err != nil {
		return nil, err
	}
	env, err := readCondaEnv(dir, file)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(env.key(ManagerConda, b.once) + string(data)))
	key := hex.EncodeToString(sum[:])
	link := filepath.Join(b.cache, "environments", "asked", key)
	unlock, err := lockFile(link + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if found, ok := opened(link, ManagerConda); ok {
		return found, nil
	}
	began := time.Now()
	b.say("building the environment of %s by %s; it is kept for the next run", file, filepath.Base(program))
	target := filepath.Join(b.cache, "environments", "conda-"+key[:16])
	if err := os.RemoveAll(target); err != nil {
		return nil, fmt.Errorf("remove the rest of an environment: %w", err)
	}
	described := filepath.Join(dir, filepath.FromSlash(file))
	if _, err := b.tool(ctx, dir, condaCreate(program, target, described), true); err != nil {
		return nil, env.failed(filepath.Base(program)+" could not build the environment", err, strings.Join(condaCreate(filepath.Base(program), "DIRECTORY", described), " "))
	}
	lock, err := b.tool(ctx, dir, condaList(program, target), false)
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "%s could not list the environment: %v", filepath.Base(program), err)
	}
	if err := os.WriteFile(filepath.Join(target, lockName), []byte(lock), 0o600); err != nil {
		return nil, fmt.Errorf("write lock: %w", err)
	}
	if err := os.WriteFile(link, []byte(target), 0o600); err != nil {
		return nil, fmt.Errorf("remember the environment: %w", err)
	}
	b.say("built the environment in %.1f s", time.Since(began).Seconds())
	found, ok := opened(link, ManagerConda)
	if !ok {
		return nil, fmt.Errorf("the environment %s was removed while it was built", target)
	}
	return found, nil
}

// containerDir is where a container has the project, as MLflow's do.
const containerDir = "/mlflow/projects/code/"

// passedOn are the variables by which the agent and MLflow's client are found; the engine takes their values from its own.
var passedOn = []string{
	"CAIRN_AGENT_SOCKET", "CAIRN_RUN_ID", "CAIRN_EXEC_ID", "CAIRN_SERVER", "CAIRN_TOKEN", "CAIRN_EXPERIMENT", "CAIRN_ENV_MANAGER", "CAIRN_MLFLOW_ADOPT", "PYTHONPATH",
	"MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID",
}

// dockerRun is the command line that runs another one in an image. The socket of the agent and the bootstrap lie where only the
// variables say, so a shell puts them in.
func dockerRun(docker *DockerEnv, args []string, dir string, argv []string) []string {
	command := []string{"docker", "run", "--rm", "--network", "host", "--workdir", containerDir, "--volume", dir + ":" + containerDir}
	command = append(command, args...)
	for _, volume := range docker.Volumes {
		command = append(command, "--volume", volume)
	}
	for _, name := range passedOn {
		command = append(command, "--env", name)
	}
	for _, variable := range docker.Environment {
		command = append(command, "--env", variable)
	}
	quoted := make([]string, 0, len(command))
	for _, word := range command {
		quoted = append(quoted, shellQuote(word))
	}
	const agent = `${CAIRN_AGENT_SOCKET:+--volume "${CAIRN_AGENT_SOCKET%/*}:${CAIRN_AGENT_SOCKET%/*}"} ${PYTHONPATH:+--volume "${PYTHONPATH%%:*}:${PYTHONPATH%%:*}:ro"}`
	words := slices.Concat([]string{"exec"}, quoted, []string{agent, shellQuote(docker.Image)})
	for _, word := range argv {
		words = append(words, shellQuote(word))
	}
	return []string{"sh", "-c", strings.Join(words, " ")}
}

func (b *environments) docker(docker *DockerEnv, dir string) (*Environment, error) {
	if _, err := exec.LookPath("docker"); err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the project runs in the image %s, and docker is not on PATH; install it, or run with --env-manager system", docker.Image)
	}
	for _, variable := range docker.Environment {
		if _, set := os.LookupEnv(variable); !set && !strings.Contains(variable, "=") {
			return nil, errs.New(errs.Invalid, "docker_env passes on the variable %s, which is not set: export %s=…", variable, variable)
		}
	}
	return &Environment{Manager: ManagerDocker, wrap: func(argv []string) []string { return dockerRun(docker, b.dockerArgs, dir, argv) }}, nil
}

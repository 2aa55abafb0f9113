package project

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

// The managers of environments. System is the machine as it is; auto takes what the project describes.
const (
	ManagerAuto       = "auto"
	ManagerUV         = "uv"
	ManagerVirtualenv = "virtualenv"
	ManagerConda      = "conda"
	ManagerDocker     = "docker"
	ManagerSystem     = "system"
)

// Environment is what a command runs in.
type Environment struct {
	Manager string
	// Lock names every package with its version, and the Python; LockSHA256 is its digest. Empty for the system's and an image.
	Lock       []byte
	LockSHA256 string
	// Variables are set for the command, and Unset are not passed on to it.
	Variables map[string]string
	Unset     []string

	dir  string
	once bool // removed with the run
	// wrap puts a command line into the environment; nil where the variables do.
	wrap func(argv []string) []string
}

// environments builds and keeps environments.
type environments struct {
	cache string
	say   func(format string, args ...any)
	// output gets the progress of the tools.
	output io.Writer
	// once names an environment of one run.
	once string
	// dockerArgs are the user's further options.
	dockerArgs []string
}

// lockName is the file of an environment that has its lock; an environment without it is the rest of a build.
const lockName = "environment.lock"

// ensure gives the environment of a project.
func (b *environments) ensure(ctx context.Context, spec *Spec, dir, manager string) (*Environment, error) {
	if manager == ManagerAuto {
		manager = spec.Environment.manager()
	}
	described := spec.Environment
	switch manager {
	case ManagerSystem:
		return &Environment{Manager: ManagerSystem}, nil
	case ManagerDocker:
		if described.Docker == nil {
			return nil, errs.Field("--env-manager", "the project names no image (docker_env)")
		}
		return b.docker(described.Docker, dir)
	case ManagerConda:
		if described.CondaEnv == "" {
			return nil, errs.Field("--env-manager", "the project has no conda_env; use uv, virtualenv or system")
		}
		return b.conda(ctx, dir, described.CondaEnv)
	case ManagerUV, ManagerVirtualenv:
	default:
		return nil, errs.Field("--env-manager", "%q is none of auto, uv, virtualenv, conda, docker and system", manager)
	}
	var env *pythonEnv
	var err error
	switch {
	case described.PythonEnv != "":
		env, err = readPythonEnv(dir, described.PythonEnv)
	case described.CondaEnv != "":
		if env, err = readCondaEnv(dir, described.CondaEnv); err == nil && len(env.conda) > 0 {
			err = at(env.conda[0].file, env.conda[0].line, "%s is installed by conda, which is not on PATH (conda, mamba or micromamba); install one, or run with --env-manager system",
				env.conda[0].text)
		}
	default:
		env = &pythonEnv{}
	}
	if err != nil {
		return nil, err
	}
	return b.python(ctx, env, dir, manager)
}

// manager is the one for what a project describes, and this machine has.
func (e EnvironmentSpec) manager() string {
	switch {
	case e.Docker != nil:
		return ManagerDocker
	case e.CondaEnv != "" && condaProgram() != "":
		return ManagerConda
	case e.PythonEnv == "" && e.CondaEnv == "":
		return ManagerSystem
	}
	if _, err := exec.LookPath("uv"); err == nil {
		return ManagerUV
	}
	return ManagerVirtualenv
}

// key names an environment by what it is asked to have.
func (e *pythonEnv) key(manager, once string) string {
	sum := sha256.New()
	put := func(parts ...string) { fmt.Fprintf(sum, "%q\n", parts) }
	put("1", manager, runtime.GOOS, runtime.GOARCH, e.python)
	for _, list := range [][]requirement{e.build, e.wanted} {
		put("list")
		for _, r := range list {
			text := r.text
			if fileOption.MatchString(text) {
				text = "file" // its name is where the project lies, and what it holds follows
			}
			put(text)
		}
	}
	names := make([]string, 0, len(e.files))
	for name := range e.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		put(name, e.files[name])
	}
	if e.local {
		put(once)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (b *environments) python(ctx context.Context, env *pythonEnv, dir, manager string) (*Environment, error) {
	key := env.key(manager, b.once)
	link := filepath.Join(b.cache, "environments", "asked", key)
	if found, ok := opened(link, manager); ok {
		return found, nil
	}
	unlock, err := lockFile(link + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if found, ok := opened(link, manager); ok {
		return found, nil
	}
	began := time.Now()
	version := env.python
	if version != "" {
		version = " with Python " + version
	}
	b.say("building the environment%s by %s; it is kept for the next run", version, manager)
	build := b.withUV
	if manager == ManagerVirtualenv {
		build = b.withVirtualenv
	}
	target, err := build(ctx, env, dir, key)
	if err != nil {
		return nil, err
	}
	b.say("built the environment in %.1f s", time.Since(began).Seconds())
	if err := os.WriteFile(link, []byte(target), 0o600); err != nil {
		return nil, fmt.Errorf("remember the environment: %w", err)
	}
	found, ok := opened(link, manager)
	if !ok {
		return nil, fmt.Errorf("the environment %s was removed while it was built", target)
	}
	found.once = env.local
	return found, nil
}

// opened gives the environment that a link of the cache names, where it is whole.
func opened(link, manager string) (*Environment, bool) {
	target, err := os.ReadFile(link) //nolint:gosec // of the cache
	if err != nil {
		return nil, false
	}
	return openedDir(string(target), manager)
}

// openedDir gives an environment of the cache, where it is whole.
func openedDir(dir, manager string) (*Environment, bool) {
	lock, err := os.ReadFile(filepath.Join(dir, lockName)) //nolint:gosec // of the cache
	if err != nil {
		return nil, false
	}
	// The interpreter is a link to the machine's own, which may have gone.
	if _, err := os.Stat(pythonOf(dir)); err != nil && manager != ManagerConda {
		return nil, false
	}
	sum := sha256.Sum256(lock)
	env := &Environment{Manager: manager, Lock: lock, LockSHA256: hex.EncodeToString(sum[:]), dir: dir}
	if manager == ManagerConda {
		program := condaProgram()
		env.wrap = func(argv []string) []string { return condaRun(program, dir, argv) }
		return env, program != ""
	}
	env.Variables = map[string]string{
		"VIRTUAL_ENV": dir, "PATH": filepath.Dir(pythonOf(dir)) + string(os.PathListSeparator) + os.Getenv("PATH"),
	}
	env.Unset = []string{"PYTHONHOME", "CONDA_PREFIX"}
	return env, true
}

func pythonOf(dir string) string {
	if runtime.GOOS == "windows" {
		return filepath.Join(dir, "Scripts", "python.exe")
	}
	return filepath.Join(dir, "bin", "python")
}

// Remove removes an environment that was built for one run.
func (e *Environment) Remove() error {
	if !e.once {
		return nil
	}
	if err := os.RemoveAll(e.dir); err != nil {
		return fmt.Errorf("remove environment: %w", err)
	}
	return nil
}

// withUV resolves first, and builds only what no environment of the same lock has.
func (b *environments) withUV(ctx context.Context, env *pythonEnv, dir, key string) (string, error) {
	uv, err := exec.LookPath("uv")
	if err != nil {
		return "", errs.Wrap(errs.Unavailable, err, "uv is not on PATH; install it, or run with --env-manager virtualenv")
	}
	python, version, err := b.uvPython(ctx, uv, env)
	if err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Join(b.cache, "environments"), "resolving-")
	if err != nil {
		return "", fmt.Errorf("make directory to resolve in: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	wanted := filepath.Join(work, "requirements.in")
	if err := os.WriteFile(wanted, lines(env.build, env.wanted), 0o600); err != nil {
		return "", fmt.Errorf("write requirements: %w", err)
	}
	cwd := filepath.Join(dir, filepath.Dir(filepath.FromSlash(env.file)))
	compile := []string{uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes", "--python", python, wanted}
	resolved, err := b.tool(ctx, cwd, compile, false)
	if err != nil {
		return "", env.failed("uv could not resolve the environment", err, "uv pip compile "+filepath.Join(dir, filepath.FromSlash(env.file)))
	}
	lock := []byte("# python " + version + "\n" + strings.ReplaceAll(resolved, "\r\n", "\n"))
	name := key
	if !env.local {
		name = digest([]byte(runtime.GOOS + "/" + runtime.GOARCH + "\n" + string(lock)))
	}
	return b.installUV(ctx, uv, python, cwd, name[:16], lock)
}

// installUV builds the environment of a lock, unless there is one.
func (b *environments) installUV(ctx context.Context, uv, python, cwd, name string, lock []byte) (string, error) {
	target := filepath.Join(b.cache, "environments", "uv-"+name)
	unlock, err := lockFile(target + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(target, lockName)); err == nil {
		if _, err := os.Stat(pythonOf(target)); err == nil {
			return target, nil
		}
	}
	if err := os.RemoveAll(target); err != nil {
		return "", fmt.Errorf("remove the rest of an environment: %w", err)
	}
	if _, err := b.tool(ctx, "", []string{uv, "venv", "--quiet", "--no-project", "--python", python, target}, false); err != nil {
		return "", errs.Wrap(errs.Unavailable, err, "uv could not make the environment: %v", err)
	}
	file := filepath.Join(target, "requirements.lock")
	if err := os.WriteFile(file, lock, 0o600); err != nil {
		return "", fmt.Errorf("write lock: %w", err)
	}
	install := []string{uv, "pip", "install", "--no-deps", "--compile-bytecode", "--python", pythonOf(target), "-r", file}
	if len(bytes.TrimSpace(bytes.SplitN(lock, []byte("\n"), 2)[1])) > 0 {
		if _, err := b.tool(ctx, cwd, install, true); err != nil {
			return "", errs.Wrap(errs.Unavailable, err, "uv could not install the environment: %v", err)
		}
	}
	return target, os.WriteFile(filepath.Join(target, lockName), lock, 0o600)
}

// uvPython finds or installs the interpreter, and gives its version.
func (b *environments) uvPython(ctx context.Context, uv string, env *pythonEnv) (python, version string, err error) {
	find := []string{uv, "python", "find", "--no-project", "--system"}
	if env.python != "" {
		find = append(find, env.python)
	}
	found, err := b.tool(ctx, "", find, false)
	if err != nil && env.python != "" {
		if _, err := b.tool(ctx, "", []string{uv, "python", "install", env.python}, true); err != nil {
			return "", "", env.failed("there is no Python "+env.python+" on this machine, and uv could not install one", err, "uv python install "+env.python)
		}
		found, err = b.tool(ctx, "", find, false)
	}
	if err != nil {
		return "", "", env.failed("uv found no Python", err, "uv python install")
	}
	python = strings.TrimSpace(found)
	version, err = pythonVersionOf(ctx, python)
	return python, version, err
}

func pythonVersionOf(ctx context.Context, python string) (string, error) {
	out, err := exec.CommandContext(ctx, python, "-I", "-c", "import platform; print(platform.python_version())").Output() //nolint:gosec // the interpreter
	if err != nil {
		return "", errs.Wrap(errs.Unavailable, err, "the interpreter %s does not start", python)
	}
	return strings.TrimSpace(string(out)), nil
}

// withVirtualenv builds with virtualenv, or with Python's own venv, and pip.
func (b *environments) withVirtualenv(ctx context.Context, env *pythonEnv, dir, key string) (string, error) {
	python, err := findPython(ctx, env)
	if err != nil {
		return "", err
	}
	target := filepath.Join(b.cache, "environments", "virtualenv-"+key[:16])
	if err := os.RemoveAll(target); err != nil {
		return "", fmt.Errorf("remove the rest of an environment: %w", err)
	}
	create := []string{python, "-m", "venv", target}
	if program, err := exec.LookPath("virtualenv"); err == nil {
		create = []string{program, "--quiet", "--python", python, target}
	}
	if _, err := b.tool(ctx, "", create, false); err != nil {
		return "", env.failed("the environment could not be made", err, strings.Join(create[:len(create)-1], " ")+" DIRECTORY")
	}
	cwd := filepath.Join(dir, filepath.Dir(filepath.FromSlash(env.file)))
	for i, list := range [][]requirement{env.build, env.wanted} {
		if len(list) == 0 {
			continue
		}
		file := filepath.Join(target, fmt.Sprintf("requirements-%d.in", i))
		if err := os.WriteFile(file, lines(list), 0o600); err != nil {
			return "", fmt.Errorf("write requirements: %w", err)
		}
		if _, err := b.tool(ctx, cwd, []string{pythonOf(target), "-m", "pip", "install", "--disable-pip-version-check", "-r", file}, true); err != nil {
			return "", env.failed("pip could not install the environment", err, "pip install -r "+filepath.Join(dir, filepath.FromSlash(env.file)))
		}
	}
	version, err := pythonVersionOf(ctx, pythonOf(target))
	if err != nil {
		return "", err
	}
	frozen, err := b.tool(ctx, cwd, []string{pythonOf(target), "-m", "pip", "freeze", "--all", "--disable-pip-version-check"}, false)
	if err != nil {
		return "", errs.Wrap(errs.Unavailable, err, "pip could not list the environment: %v", err)
	}
	lock := "# python " + version + "\n" + strings.ReplaceAll(frozen, "\r\n", "\n")
	return target, os.WriteFile(filepath.Join(target, lockName), []byte(lock), 0o600)
}

// findPython finds the interpreter of a version on PATH or among pyenv's.
func findPython(ctx context.Context, env *pythonEnv) (string, error) {
	names := []string{"python3", "python"}
	if env.python != "" {
		parts := strings.Split(env.python, ".")
		names = append([]string{"python" + strings.Join(parts[:min(2, len(parts))], ".")}, names...)
	}
	var candidates []string
	for _, name := range names {
		for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				candidates = append(candidates, path)
			}
		}
	}
	home, _ := os.UserHomeDir()
	pyenv := os.Getenv("PYENV_ROOT")
	if pyenv == "" {
		pyenv = filepath.Join(home, ".pyenv")
	}
	kept, _ := filepath.Glob(filepath.Join(pyenv, "versions", env.python+"*", "bin", "python"))
	for _, candidate := range append(candidates, kept...) {
		version, err := pythonVersionOf(ctx, candidate)
		if err == nil && (version == env.python || env.python == "" || strings.HasPrefix(version, env.python+".")) {
			return candidate, nil
		}
	}
	if env.python == "" {
		return "", errs.New(errs.Unavailable, "there is no Python on PATH; install one")
	}
	return "", errs.New(errs.Unavailable, "%s asks for Python %s, which is neither on PATH nor among pyenv's; `pyenv install %s` installs it, and with --env-manager uv it is fetched",
		env.file, env.python, env.python)
}

// failed makes the error of an environment that does not come up: what the tool said, the line that it is about where that can be
// told, and the command that shows it again.
func (e *pythonEnv) failed(what string, err error, again string) error {
	file, line := e.blame(err.Error())
	where := ""
	switch {
	case file != "":
		where = fmt.Sprintf("%s, line %d: ", file, line)
	case e.file != "":
		where = e.file + ": "
	}
	return errs.Wrap(errs.Unavailable, err, "%s%s: %v (see: %s)", where, what, err, again)
}

func lines(lists ...[]requirement) []byte {
	var text bytes.Buffer
	for _, list := range lists {
		for _, r := range list {
			text.WriteString(r.text)
			text.WriteByte('\n')
		}
	}
	return text.Bytes()
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// maxSaid bounds what is repeated of a tool's complaint.
const maxSaid = 1500

// tool runs a program of an environment's manager and gives its standard output. The error is the end of what it said. With
// progress, what it says is also shown.
func (b *environments) tool(ctx context.Context, dir string, argv []string, progress bool) (string, error) {
	command := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // a manager of environments, with arguments of ours
	command.Dir = dir
	command.Env = toolEnvironment(os.Environ())
	var stdout bytes.Buffer
	tail := &tail{}
	command.Stdout, command.Stderr = &stdout, tail
	if progress {
		command.Stdout, command.Stderr = b.output, io.MultiWriter(tail, b.output)
	}
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("%s: %w", filepath.Base(argv[0]), ctx.Err())
		}
		said := strings.TrimSpace(ansi.ReplaceAllString(Stripped(tail.String()), ""))
		if said == "" {
			said = err.Error()
		}
		return "", errors.New(said)
	}
	return stdout.String(), nil
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// tail keeps the end of what is written.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if len(t.kept) > maxSaid {
		t.kept = t.kept[len(t.kept)-maxSaid:]
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.kept) }

// toolEnvironment lets uv read what is set for pip, for which projects are written, where nothing is set for uv itself; and keeps
// the caller's own environment from being taken for the project's.
func toolEnvironment(environ []string) []string {
	set := map[string]string{}
	var out []string
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		set[name] = value
		if name != "VIRTUAL_ENV" && name != "PYTHONPATH" && name != "PYTHONHOME" && name != "CONDA_PREFIX" {
			out = append(out, variable)
		}
	}
	for _, pair := range [][2]string{
		{"PIP_INDEX_URL", "UV_DEFAULT_INDEX"}, {"PIP_EXTRA_INDEX_URL", "UV_INDEX"}, {"PIP_FIND_LINKS", "UV_FIND_LINKS"}, {"PIP_CERT", "SSL_CERT_FILE"},
	} {
		if value := set[pair[0]]; value != "" && set[pair[1]] == "" {
			out = append(out, pair[1]+"="+value)
		}
	}
	return out
}

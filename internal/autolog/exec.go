package autolog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/python"
)

// ExecOptions say what is run, and what is recorded of it.
type ExecOptions struct {
	// Command is the command line; it is looked for as a shell would.
	Command []string
	// Server, Experiment and RunName are the user's; empty ones have defaults: CAIRN_SERVER, then MLFLOW_TRACKING_URI; the
	// experiment "Default"; a name that the server makes up.
	Server, Experiment, RunName string
	// Tags are set on every run that the command writes.
	Tags map[string]string
	// NoDiff leaves the uncommitted diff out.
	NoDiff bool
	// Program is the command that messages come from; `cairn exec` when empty.
	Program string
	// Project is what a command is beside its command line when it is a project's; nil for any other command.
	Project *ProjectRun
	// Choices are what of a training is recorded.
	Choices Choices
	// Stdin, Stdout and Stderr are the command's; nil ones are this process's.
	Stdin, Stdout, Stderr *os.File
	// Agent is the command line that starts the agent; empty for this program's hidden command `agent`.
	Agent []string

	silence time.Duration // of tests: silenceTimeout otherwise
}

// ProjectRun is the run of a packaged project.
type ProjectRun struct {
	// RunID is the run's, and Parent that of the run in which the project was started; empty for none.
	RunID, Parent string
	// SourceName is the project's location, without credentials.
	SourceName string
	// Params are recorded at the start.
	Params map[string]string
	// Shown is the command line that is recorded, with no value of a secret parameter in it.
	Shown []string
	// Directory is where the command runs.
	Directory string
	// Set are variables of the command's environment, and Unset are not passed on to it.
	Set   map[string]string
	Unset []string
	// Manager and Lock say what environment it is: the lock is an artifact of the run. Empty without one.
	Manager string
	Lock    []byte
}

// Exit codes as a shell gives them.
const (
	exitNotFound      = 127
	exitNotExecutable = 126
	exitSignal        = 128
)

// probeTimeout is how long exec waits to learn whether the server is there, before it points MLflow's client at it.
const probeTimeout = 250 * time.Millisecond

// Exec runs a command with autologging and gives its exit code: that of the command, 128 and the signal's number when a
// signal ended it, 127 or 126 when there is no such command or it is not executable.
//
// The command runs whatever happens to the recording: a server that is down, a spool that cannot be written and an agent
// that dies cost at most one line on standard error. An error is given only when the options are wrong; nothing ran then.
func Exec(ctx context.Context, options ExecOptions) (int, error) {
	fillExecDefaults(&options)
	if len(options.Command) == 0 {
		return 0, errs.New(errs.Invalid, "there is no command to run: cairn exec [flags] -- COMMAND [ARGS]")
	}
	if err := options.checkNames(); err != nil {
		return 0, err
	}
	directory := ""
	if options.Project != nil {
		directory = options.Project.Directory
	}
	choices, err := options.Choices.options(directory)
	if err != nil {
		return 0, err
	}
	settings := client.FromEnvironment(options.Server)
	api, err := client.New(settings)
	if err != nil {
		return 0, err
	}
	path, code, err := lookCommand(options.Command[0])
	if err != nil {
		fmt.Fprintf(options.Stderr, "%s: %v\n", options.Program, err)
		return code, nil
	}
	r, err := prepare(options, choices, settings, api)
	if err != nil {
		// The command runs all the same: recording is not worth a training.
		fmt.Fprintf(options.Stderr, "%s: nothing is recorded of this command: %v\n", options.Program, err)
		command := newCommand(path, options, nil)
		return runCommand(ctx, command, options, nil, nil), nil
	}
	return r.run(ctx, path), nil
}

// Bounds of names, in characters, as the server has them. They are checked before the command runs: afterwards it would be
// too late to say so.
const (
	maxName   = 500
	maxTagKey = 250
)

func (o *ExecOptions) checkNames() error {
	for _, n := range []struct{ field, value string }{{"--experiment", o.Experiment}, {"--run-name", o.RunName}} {
		if length := utf8.RuneCountInString(n.value); length > maxName {
			return errs.Field(n.field, "has %d characters: at most %d are allowed", length, maxName)
		}
	}
	for key := range o.Tags {
		if length := utf8.RuneCountInString(key); length < 1 || length > maxTagKey {
			return errs.Field("--tag", "the name %.40q has %d characters: 1 to %d are allowed", key, length, maxTagKey)
		}
	}
	return nil
}

func fillExecDefaults(options *ExecOptions) {
	if options.Stdin == nil {
		options.Stdin = os.Stdin
	}
	if options.Stdout == nil {
		options.Stdout = os.Stdout
	}
	if options.Stderr == nil {
		options.Stderr = os.Stderr
	}
	if options.Program == "" {
		options.Program = "cairn exec"
	}
	if len(options.Agent) == 0 {
		if program, err := os.Executable(); err == nil {
			options.Agent = []string{program, "agent"}
		}
	}
}

// lookCommand finds a command as a shell does, and words what is wrong as a shell does.
func lookCommand(name string) (path string, code int, err error) {
	path, err = exec.LookPath(name)
	if err == nil || errors.Is(err, exec.ErrDot) {
		return path, 0, nil
	}
	// LookPath calls a file that may not be executed "not found" when it was looked for on PATH.
	if strings.ContainsRune(name, filepath.Separator) {
		if info, statErr := os.Stat(name); statErr == nil {
			if info.IsDir() {
				return "", exitNotExecutable, fmt.Errorf("%s: is a directory", name)
			}
			return "", exitNotExecutable, fmt.Errorf("%s: permission denied", name)
		}
		return "", exitNotFound, fmt.Errorf("%s: no such file or directory", name)
	}
	if errors.Is(err, fs.ErrPermission) {
		return "", exitNotExecutable, fmt.Errorf("%s: permission denied", name)
	}
	return "", exitNotFound, fmt.Errorf("%s: command not found", name)
}

// recording is one command that is recorded.
type recording struct {
	options ExecOptions
	config  Config
	dir     string
	mask    *masker
	link    *link
	env     []string
	cleanup func()
}

// prepare makes the spool, the socket and the environment. Nothing here waits for the agent or, longer than the probe, for
// the server.
func prepare(options ExecOptions, choices map[string]string, settings client.Config, api *client.Client) (*recording, error) {
	probe := make(chan bool, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
		defer cancel()
		probe <- api.Healthy(ctx) == nil
		api.Close()
	}()
	home, err := Home()
	if err != nil {
		return nil, err
	}
	r := &recording{options: options, mask: newMasker(os.Environ(), options.secretArgs())}
	tags := make(map[string]string, len(options.Tags))
	for key, value := range options.Tags {
		tags[key] = r.mask.value(key, value)
	}
	r.config = newConfig(api.Server(), options.Experiment, r.mask.text(options.RunName), tags)
	r.config.Argv = r.mask.argv(options.Command)
	r.config.SourceName = sourceName(r.config.Argv)
	r.config.NoDiff = options.NoDiff
	if options.Project != nil {
		r.describe(options.Project)
	}
	maps.Copy(r.config.Options, choices)
	r.dir = filepath.Join(spoolRoot(home), r.config.ExecID)
	if err := writeConfig(r.dir, r.config); err != nil {
		return nil, err
	}
	if options.Project != nil && len(options.Project.Lock) > 0 {
		if err := os.WriteFile(filepath.Join(r.dir, environmentLock), options.Project.Lock, 0o600); err != nil {
			return nil, errors.Join(fmt.Errorf("write spool: %w", err), os.RemoveAll(r.dir))
		}
	}
	listener, err := listenSocket()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.dir))
	}
	r.cleanup = func() {
		_ = listener.Close()
		_ = os.RemoveAll(filepath.Dir(listener.Addr().String()))
	}
	r.link = newLink(r.dir, options.Agent, []string{"CAIRN_SERVER=" + settings.Server, "CAIRN_TOKEN=" + settings.Token}, listener)
	if options.silence > 0 {
		r.link.silence = options.silence
	}
	// The agent starts while the rest is prepared.
	go r.link.run()
	bootstrap, err := writeBootstrap()
	if err != nil {
		r.link.send(message{T: "warn", Message: fmt.Sprintf("the training could not be watched: %v", err)})
	}
	r.env = r.environment(settings, bootstrap, listener.Addr().String(), <-probe)
	if options.Project != nil {
		r.joinMLflow(api, settings)
	}
	return r, nil
}

// secretArgs is the command line, and the params of a project as flags: what is named like a secret there is hidden.
func (o *ExecOptions) secretArgs() []string {
	args := slices.Clone(o.Command)
	if o.Project != nil {
		for key, value := range o.Project.Params {
			args = append(args, "--"+key+"="+value)
		}
	}
	return args
}

// describe puts what a project is into the spool's configuration.
func (r *recording) describe(project *ProjectRun) {
	c := &r.config
	c.RunID, c.Parent = project.RunID, project.Parent
	c.Argv = r.mask.argv(project.Shown)
	c.SourceName, c.SourceType = r.mask.text(project.SourceName), "PROJECT"
	c.Directory = project.Directory
	c.Manager = project.Manager
	if len(project.Lock) > 0 {
		sum := sha256.Sum256(project.Lock)
		c.LockSHA256 = hex.EncodeToString(sum[:])
	}
	c.Params = make(map[string]string, len(project.Params))
	for key, value := range project.Params {
		c.Params[key] = r.mask.value(key, value)
	}
}

// appearTime is how long a project waits for its run to be on the server, before MLflow's client is told to continue it.
const appearTime = 3 * time.Second

// joinMLflow points MLflow's client at the project's run, where it writes to this server. A run that does not appear in time is
// left to the bootstrap, as for any other command.
func (r *recording) joinMLflow(api *client.Client, settings client.Config) {
	tracking := ""
	for _, variable := range r.env {
		if value, is := strings.CutPrefix(variable, "MLFLOW_TRACKING_URI="); is {
			tracking = value
		}
	}
	if strings.TrimRight(tracking, "/") != strings.TrimRight(settings.Server, "/") {
		return
	}
	r.env = without(r.env, "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME", "CAIRN_MLFLOW_ADOPT")
	ctx, cancel := context.WithTimeout(context.Background(), appearTime)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	defer api.Close()
	for {
		found, err := client.RunExperiment(ctx, api, r.config.RunID)
		if err == nil && found.Run != nil {
			r.env = append(r.env, "MLFLOW_RUN_ID="+r.config.RunID, "MLFLOW_EXPERIMENT_ID="+found.Run.Experiment.ExperimentId, "CAIRN_MLFLOW_ADOPT=1")
			return
		}
		select {
		case <-ctx.Done():
			r.env = append(r.env, "CAIRN_MLFLOW_ADOPT=1", "MLFLOW_EXPERIMENT_NAME="+r.config.Experiment)
			return
		case <-r.link.done: // no agent, no run
			return
		case <-tick.C:
		}
	}
}

// without leaves variables out of an environment.
func without(env []string, names ...string) []string {
	return slices.DeleteFunc(env, func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(names, name)
	})
}

// writeBootstrap gives the directory of the bootstrap's Python. It is kept between runs, named by its digest, so that
// Python's own compiled form of it is too.
func writeBootstrap() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = filepath.Join(os.TempDir(), fmt.Sprintf("cairn-%d", os.Getuid()))
	}
	dir := filepath.Join(cache, "cairn", "bootstrap", python.BootstrapDigest())
	return dir, python.WriteBootstrap(dir)
}

// environment is the command's: its own, and what the bootstrap and MLflow's client read.
func (r *recording) environment(settings client.Config, bootstrap, socket string, reachable bool) []string {
	set := map[string]string{
		"CAIRN_AGENT_SOCKET": socket, "CAIRN_RUN_ID": r.config.RunID, "CAIRN_EXEC_ID": r.config.ExecID, "CAIRN_SERVER": settings.Server,
	}
	if bootstrap != "" {
		set["PYTHONPATH"] = bootstrap
		if old := os.Getenv("PYTHONPATH"); old != "" {
			set["PYTHONPATH"] += string(os.PathListSeparator) + old
		}
	}
	// A script that uses MLflow writes to the same server, unless it says otherwise. When the server is down its calls would
	// fail because of us.
	if os.Getenv("MLFLOW_TRACKING_URI") == "" && reachable {
		set["MLFLOW_TRACKING_URI"] = settings.Server
		set["CAIRN_MLFLOW_ADOPT"] = "1"
		if settings.Token != "" && os.Getenv("MLFLOW_TRACKING_TOKEN") == "" {
			set["MLFLOW_TRACKING_TOKEN"] = settings.Token
		}
		if r.options.Experiment != "" && os.Getenv("MLFLOW_EXPERIMENT_NAME") == "" && os.Getenv("MLFLOW_EXPERIMENT_ID") == "" {
			set["MLFLOW_EXPERIMENT_NAME"] = r.options.Experiment
		}
	}
	var env []string
	if project := r.options.Project; project != nil {
		maps.Copy(set, project.Set)
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if _, replaced := set[name]; !replaced {
			env = append(env, variable)
		}
	}
	for _, name := range sortedKeys(set) {
		env = append(env, name+"="+set[name])
	}
	if project := r.options.Project; project != nil {
		env = without(env, project.Unset...)
	}
	return env
}

// run runs the command, then waits until the agent delivered or spooled what it recorded.
func (r *recording) run(ctx context.Context, path string) int {
	defer r.cleanup()
	command := newCommand(path, r.options, r.env)
	stdout := &recorder{stream: "stdout", mask: r.mask, emit: r.link.send}
	stderr := &recorder{stream: "stderr", mask: r.mask, emit: r.link.send}
	stop := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		tick := time.NewTicker(flushEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				stdout.tick(false)
				stderr.tick(false)
			}
		}
	})
	// Asked for before the command ends and until this process does, so that no signal in between ends exec itself: its exit
	// code is the command's.
	interrupted := interrupts()
	code := runCommand(ctx, command, r.options, stdout, stderr)
	select {
	case <-interrupted: // it was the command's
	default:
	}
	close(stop)
	ticking.Wait()
	stdout.tick(true)
	stderr.tick(true)
	end := endOf(command, code)
	r.link.send(message{T: "finish", Status: end.Status, Reason: end.Reason, TimeMS: end.EndMS})
	r.await(ctx, interrupted, end)
	return code
}

// patient is how long exec waits for the agent before it says that it does.
const patient = 10 * time.Second

// await waits for the agent: as long as it shows signs of life, and for a bounded time where it hangs. A signal in the
// meantime ends the wait, not the agent, which then delivers by itself.
func (r *recording) await(ctx context.Context, interrupted <-chan os.Signal, end endEntry) {
	long := time.After(patient)
	for waiting := true; waiting; {
		select {
		case <-r.link.done:
			waiting = false
		case <-long:
			fmt.Fprintf(r.options.Stderr, "%s: the command has ended; waiting until what was recorded of it is delivered (an interrupt ends the wait only)\n", r.options.Program)
		case <-interrupted:
			r.leave(end)
			return
		case <-ctx.Done():
			r.leave(end)
			return
		}
	}
	out := r.link.outcome
	if out != nil && out.Dropped > 0 {
		fmt.Fprintf(r.options.Stderr, "%s: %s\n", r.options.Program, out.DroppedText)
	}
	switch {
	case out == nil:
		// Whoever delivers the spool shall know how the command ended.
		_ = writeEnd(r.dir, end)
		fmt.Fprintf(r.options.Stderr, "%s: the agent did not stay up (%s); what it recorded is in %s: cairn sync delivers it\n", r.options.Program,
			filepath.Join(r.dir, agentLog), r.dir)
	case out.Pending > 0:
		fmt.Fprintf(r.options.Stderr, "%s: %d records are kept in %s (%s); deliver them with: cairn sync\n", r.options.Program, out.Pending, r.dir, out.Why)
	case out.Rejected > 0:
		fmt.Fprintf(r.options.Stderr, "%s: the server refused %d records; the run %s says which\n", r.options.Program, out.Rejected, r.config.RunID)
	case out.Unrecorded != "":
		fmt.Fprintf(r.options.Stderr, "%s: %s\n", r.options.Program, strings.ReplaceAll(out.Unrecorded, "\n", " "))
	}
}

// leave goes without waiting for the delivery, once the agent knows how the command ended. An agent that hangs is killed:
// it would keep the spool from `cairn sync`.
func (r *recording) leave(end endEntry) {
	settled := r.link.settled(5 * time.Second)
	close(r.link.quit)
	if settled {
		fmt.Fprintf(r.options.Stderr, "%s: the agent goes on delivering %s; what it cannot deliver is kept for: cairn sync\n", r.options.Program, r.dir)
		return
	}
	// Whoever delivers the spool shall know how the command ended.
	_ = writeEnd(r.dir, end)
	if r.link.silent() {
		r.link.kill()
	}
	fmt.Fprintf(r.options.Stderr, "%s: the agent does not answer (%s); what it recorded is in %s: cairn sync delivers it\n", r.options.Program,
		filepath.Join(r.dir, agentLog), r.dir)
}

// endOf tells how a command ended, in a run's terms.
func endOf(command *exec.Cmd, code int) endEntry {
	end := endEntry{Status: statusFinished, EndMS: time.Now().UnixMilli()}
	switch {
	case command.ProcessState == nil:
		end.Status, end.Reason = statusFailed, "the command could not be started"
	case !command.ProcessState.Exited():
		end.Status, end.Reason = statusKilled, command.ProcessState.String()
	case code != 0:
		end.Status, end.Reason = statusFailed, fmt.Sprintf("exit code %d", code)
	}
	return end
}

func newCommand(path string, options ExecOptions, env []string) *exec.Cmd {
	command := &exec.Cmd{Path: path, Args: options.Command, Env: env}
	if project := options.Project; project != nil {
		command.Dir = project.Directory
		if env == nil { // nothing is recorded, and the project runs in its environment all the same
			command.Env = without(os.Environ(), project.Unset...)
			for _, name := range sortedKeys(project.Set) {
				command.Env = append(command.Env, name+"="+project.Set[name])
			}
		}
	}
	command.Stdin, command.Stdout, command.Stderr = options.Stdin, options.Stdout, options.Stderr
	return command
}

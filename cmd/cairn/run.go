package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/cairnml/cairn/internal/autolog"
	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/project"
)

type runCommand struct {
	connection
	EntryPoint string            `short:"e" name:"entry-point" env:"-" default:"main" placeholder:"NAME" help:"The entry point of the project, or a script in it (default: main)."`
	Version    string            `short:"v" env:"-" placeholder:"REV" help:"A commit, tag or branch of the project's repository."`
	Param      map[string]string `short:"P" name:"param" env:"-" mapsep:"none" placeholder:"K=V" help:"A parameter of the entry point; may be given more than once."`
	EnvManager string            `name:"env-manager" enum:"auto,uv,virtualenv,conda,docker,system,local" default:"auto" help:"What makes the environment: auto, uv, virtualenv, conda, docker, or system (local) for none."`
	DockerArgs []string          `short:"A" name:"docker-args" env:"-" sep:"none" placeholder:"K=V" help:"A further option of docker run; may be given more than once."`
	Experiment string            `name:"experiment" aliases:"experiment-name" placeholder:"E" help:"The experiment of the run, by name; made when it is not there."`
	RunName    string            `name:"run-name" env:"-" placeholder:"N" help:"The name of the run (default: one is made up)."`
	Tag        map[string]string `env:"-" mapsep:"none" placeholder:"K=V" help:"A tag of the run; may be given more than once."`
	NoDiff     bool              `name:"no-diff" help:"Leave out what is not committed of the code."`
	Yes        bool              `short:"y" env:"-" help:"Do not ask before a project is run whose repository was not seen before."`
	Detach     bool              `env:"-" help:"Start the run and return: its id is printed; see cairn runs logs -f and cairn runs stop."`
	Grid       bool              `env:"-" xor:"sweep" help:"Run all combinations of the values that -P lists with commas, as child runs."`
	Random     int               `env:"-" xor:"sweep" placeholder:"N" help:"Run N combinations of what -P lists, or gives as FROM..TO, drawn at random."`
	Seed       uint64            `env:"-" help:"What is drawn is the same for the same seed (default 0)."`
	Maximize   string            `env:"-" xor:"goal" placeholder:"KEY" help:"Show which run of a sweep has the highest last value of this metric."`
	Minimize   string            `env:"-" xor:"goal" placeholder:"KEY" help:"… the lowest last value."`
	As         string            `env:"-" hidden:"" placeholder:"ID" help:"The id of the run; of --detach."`
	choices
	URI string `arg:"" name:"uri" help:"A directory or the URL of a git repository; #FOLDER behind it names a project below its top."`
}

func (r *runCommand) Help() string {
	return "Reads the MLproject file of the project; without one, its scripts are entry points: cairn run . -e train.py"
}

// projectRun is a project on its way to its run.
type projectRun struct {
	command *runCommand
	std     streams
	runID   string
	parent  string
	// params and version are those of this run: of a sweep's, one combination at one commit.
	params  map[string]string
	version string
	began   time.Time
}

func (r *runCommand) Run(ctx context.Context, std streams) error {
	if r.Random < 0 {
		return errs.Field("--random", "must be at least 1, not %d", r.Random)
	}
	p := &projectRun{
		command: r, std: std, runID: autolog.NewRunID(), parent: parentRun(r.Server), params: r.Param, version: r.Version, began: time.Now().UTC(),
	}
	if runIDForm.MatchString(r.As) {
		p.runID = r.As
	}
	switch {
	case r.Detach && r.As == "":
		return p.detach(ctx)
	case r.sweeps():
		return p.sweep(ctx)
	case r.Maximize+r.Minimize != "":
		return usageError{errs.New(errs.Invalid, "--maximize and --minimize compare the runs of a sweep: add --grid or --random N")}
	}
	release, err := p.register()
	if err != nil {
		return err
	}
	defer release()
	code, err := p.once(ctx)
	if err == nil && code != 0 {
		err = exitCode(code)
	}
	return err
}

func (r *runCommand) sweeps() bool { return r.Grid || r.Random > 0 }

// register lets `cairn runs stop` find this process.
func (p *projectRun) register() (func(), error) {
	home, err := autolog.Home()
	if err != nil {
		return nil, err //nolint:wrapcheck // an error for users already
	}
	release, err := project.Register(home, p.runID, p.command.As != "")
	if err != nil {
		// The run itself does not need it.
		p.say("cairn runs stop will not find this run: %v", err)
		return func() {}, nil
	}
	return release, nil
}

// once prepares the project and runs it to its end.
func (p *projectRun) once(ctx context.Context) (int, error) {
	plan, err := p.prepare(ctx)
	if err != nil {
		return 0, err
	}
	code, err := p.execute(ctx, plan)
	return code, errors.Join(err, plan.Close())
}

var runIDForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// parentRun is the run that this command is started in, where it writes to the same server.
func parentRun(server string) string {
	run := os.Getenv("CAIRN_RUN_ID")
	if !runIDForm.MatchString(run) || client.FromEnvironment(server).Server != os.Getenv("CAIRN_SERVER") {
		return ""
	}
	return run
}

func (p *projectRun) say(format string, args ...any) {
	fmt.Fprintf(p.std.err, "cairn run: "+format+"\n", args...)
}

// errDeclined is the answer no.
var errDeclined = errs.New(errs.Invalid, "nothing was run")

// prepare gets the project ready. What cannot be got ready is recorded as a run that failed.
func (p *projectRun) prepare(ctx context.Context) (*project.Plan, error) {
	preparing, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	r := p.command
	plan, err := project.Prepare(preparing, project.Options{
		URI: r.URI, Version: p.version, EntryPoint: r.EntryPoint, Parameters: p.params, EnvManager: r.EnvManager, DockerArgs: dockerOptions(r.DockerArgs),
		RunID: p.runID, Secret: autolog.IsSecretName, Say: p.say, Output: p.std.err, Confirm: p.confirm,
	})
	if err == nil {
		return plan, nil
	}
	if errors.Is(err, errDeclined) {
		return nil, err
	}
	killed := preparing.Err() != nil
	if killed {
		err = errs.Wrap(errs.Unavailable, err, "interrupted before the command was started")
	}
	stop()
	p.recordFailure(context.WithoutCancel(ctx), plan, err, killed)
	if killed {
		_ = put(p.std.err, "cairn: "+err.Error()+"\n")
		return nil, exitCode(128 + int(syscall.SIGINT))
	}
	return nil, err
}

// confirm asks before code is run that comes from elsewhere, once for a repository.
func (p *projectRun) confirm(plan *project.Plan) error {
	if plan.Agreed() {
		return nil
	}
	if !p.command.Yes {
		question := fmt.Sprintf("%s was not run on this machine before. This will run\n    %s\nof the commit %s, as you. Go on? [y/N] ",
			printable(plan.Source.Name), printable(plan.Shell), plan.Checkout.Commit)
		if err := put(p.std.err, question); err != nil {
			return err
		}
		answer, err := bufio.NewReader(p.std.in).ReadString('\n')
		if err != nil && answer == "" {
			_ = put(p.std.err, "\n")
			return fmt.Errorf("%w: nobody answered; add --yes to run it without a question", errDeclined)
		}
		if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
			return errDeclined
		}
	}
	return plan.Agree() //nolint:wrapcheck // an error for users already
}

// recordTime bounds the recording of a failure: its message is on the terminal all the same.
const recordTime = 5 * time.Second

func (p *projectRun) recordFailure(ctx context.Context, plan *project.Plan, reason error, killed bool) {
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	api, err := p.command.open()
	if err != nil {
		return // said by what uses it
	}
	defer api.Close()
	r := p.command
	failure := project.Failure{
		RunID: p.runID, Name: r.RunName, Experiment: autolog.ExperimentOf(r.Experiment), User: autolog.UserName(), Parent: p.parent,
		Tags: p.tags(plan), Params: map[string]string{}, Killed: killed, Reason: autolog.HideSecrets(reason.Error(), p.secretArgs()), Began: p.began,
	}
	failure.Tags["mlflow.source.type"], failure.Tags["mlflow.source.name"] = "PROJECT", sourceOf(plan)
	for key, value := range p.params {
		failure.Params[key] = hiddenValue(key, value)
	}
	if err := failure.Record(ctx, api); err != nil {
		p.say("the failure is not recorded: %v", err)
		return
	}
	p.say("recorded as the run %s", p.runID)
}

// secretArgs are the parameters as flags, by which their secrets are known.
func (p *projectRun) secretArgs() []string {
	var args []string
	for key, value := range p.params {
		args = append(args, "--"+key+"="+value)
	}
	return args
}

func hiddenValue(key, value string) string {
	if autolog.IsSecretName(key) {
		return "***"
	}
	return project.Stripped(value)
}

func sourceOf(plan *project.Plan) string {
	if plan.Source.Name != "" {
		return plan.Source.Name
	}
	return project.Stripped(plan.Options.URI)
}

func (p *projectRun) tags(plan *project.Plan) map[string]string {
	tags := plan.Tags()
	for key, value := range p.command.Tag {
		tags[key] = value
	}
	return tags
}

// execute runs the project's command as `cairn exec` does.
func (p *projectRun) execute(ctx context.Context, plan *project.Plan) (int, error) {
	r := p.command
	params := map[string]string{}
	for _, value := range append(plan.Values, plan.Extra...) {
		params[value.Name] = value.Value
	}
	run := &autolog.ProjectRun{
		RunID: p.runID, Parent: p.parent, SourceName: sourceOf(plan), Params: params, Shown: plan.Shown, Directory: plan.Checkout.Dir,
		Set: map[string]string{}, Unset: plan.Environment.Unset, Manager: plan.Environment.Manager, Lock: plan.Environment.Lock,
	}
	for name, value := range plan.Environment.Variables {
		run.Set[name] = value
	}
	// A project that this one starts is made in the same way, and belongs to the same experiment.
	run.Set["CAIRN_ENV_MANAGER"] = r.EnvManager
	run.Set["CAIRN_EXPERIMENT"] = autolog.ExperimentOf(r.Experiment)
	code, err := autolog.Exec(ctx, autolog.ExecOptions{
		Command: plan.Argv, Server: r.Server, Experiment: r.Experiment, RunName: r.RunName, Tags: p.tags(plan), NoDiff: r.NoDiff,
		Program: "cairn run", Project: run, Choices: r.chosen(),
	})
	if err != nil {
		return 0, usageError{err}
	}
	return code, nil
}

// dockerOptions makes options of NAME=VALUE and NAME, as MLflow's command line has them.
func dockerOptions(given []string) []string {
	var out []string
	for _, text := range given {
		name, value, valued := strings.Cut(text, "=")
		dashes := "--"
		if len(name) == 1 {
			dashes = "-"
		}
		out = append(out, dashes+name)
		if valued {
			out = append(out, value)
		}
	}
	return out
}

package project

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/cairnml/cairn/internal/errs"
)

// Options say which project is run, and how.
type Options struct {
	// URI is a directory or the URL of a git repository, with #FOLDER behind it for a project below its top.
	URI string
	// Version is a commit, tag or branch; empty for a directory as it is, and a repository's default branch.
	Version    string
	EntryPoint string
	Parameters map[string]string
	// EnvManager is one of the managers; empty for auto.
	EnvManager string
	// DockerArgs are further options of `docker run`.
	DockerArgs []string
	// Cache is where clones and environments are kept; empty for CacheDir.
	Cache string
	// RunID names what is made for this run alone.
	RunID string
	// Secret tells parameters whose values are not shown.
	Secret func(name string) bool
	// Say gets what is done, in one line each, and Output the progress of the programs that do it.
	Say    func(format string, args ...any)
	Output io.Writer
	// Confirm is asked before a project that was never run on this machine is: its code comes from elsewhere. Nil: nobody asks.
	Confirm func(plan *Plan) error
}

// Plan is a project that is ready to run.
type Plan struct {
	Options  Options
	Source   Source
	Checkout *Checkout
	Spec     *Spec
	Entry    EntryPoint
	// Values are the parameters of the entry point, and Extra those that it does not name.
	Values, Extra []Value
	// Shell is the command as a shell reads it, without the values of secret parameters; Argv is the whole command line in its
	// environment, and Shown the same as it may be recorded.
	Shell       string
	Argv, Shown []string
	Environment *Environment
}

// CacheDir is where clones and environments are kept: CAIRN_CACHE, else cairn below the user's cache directory.
func CacheDir() (string, error) {
	if dir := os.Getenv("CAIRN_CACHE"); dir != "" {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("find the cache: %w", err)
		}
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", errs.Wrap(errs.Invalid, err, "there is no place for clones and environments: set CAIRN_CACHE to a directory")
	}
	return filepath.Join(cache, "cairn"), nil
}

// Prepare gets a project ready: fetched, read, its parameters checked, its environment built. The plan is given with an error
// too, as far as it came, so that what failed can be recorded.
func Prepare(ctx context.Context, options Options) (*Plan, error) {
	plan := &Plan{Options: options}
	err := plan.prepare(ctx)
	if err != nil {
		err = errors.Join(err, plan.Close())
	}
	return plan, err
}

func (p *Plan) prepare(ctx context.Context) (err error) {
	o := &p.Options
	if o.EntryPoint == "" {
		o.EntryPoint = "main"
	}
	if o.EnvManager == "" {
		o.EnvManager = ManagerAuto
	}
	if o.EnvManager == "local" { // MLflow's word
		o.EnvManager = ManagerSystem
	}
	if o.Cache == "" {
		if o.Cache, err = CacheDir(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(o.Cache, "environments", "asked"), 0o700); err != nil {
		return errs.Wrap(errs.Invalid, err, "%s cannot be written: set CAIRN_CACHE to a directory for clones and environments", o.Cache)
	}
	if p.Source, err = ParseSource(o.URI); err != nil {
		return err
	}
	if p.Checkout, err = (fetcher{cache: o.Cache, say: o.Say}).fetch(ctx, p.Source, o.Version, o.RunID); err != nil {
		return err
	}
	if p.Spec, err = ReadSpec(p.Checkout.Dir); err != nil {
		return err
	}
	for _, warning := range p.Spec.Warnings {
		o.Say("%s", warning)
	}
	if p.Entry, err = p.Spec.EntryPoint(p.Checkout.Dir, o.EntryPoint); err != nil {
		return err
	}
	if p.Values, p.Extra, err = p.Entry.Resolve(o.Parameters, o.Secret); err != nil {
		return err
	}
	command, err := p.Entry.shellCommand(p.Values, p.Extra)
	if err != nil {
		return err
	}
	if p.Shell, err = p.Entry.shellCommand(hidden(p.Values, o.Secret), hidden(p.Extra, o.Secret)); err != nil {
		return err
	}
	if o.Confirm != nil {
		if err := o.Confirm(p); err != nil {
			return err
		}
	}
	build := &environments{cache: o.Cache, say: o.Say, output: o.Output, once: o.RunID, dockerArgs: o.DockerArgs}
	if p.Environment, err = build.ensure(ctx, p.Spec, p.Checkout.Dir, o.EnvManager); err != nil {
		return err
	}
	shell, err := findShell(p.Environment.Manager)
	if err != nil {
		return err
	}
	p.Argv, p.Shown = []string{shell, "-c", command}, []string{shell, "-c", p.Shell}
	if p.Environment.wrap != nil {
		p.Argv, p.Shown = p.Environment.wrap(p.Argv), p.Environment.wrap(p.Shown)
	}
	return nil
}

// Hidden stands for the value of a secret parameter in a command that is shown or recorded.
const Hidden = "CAIRN-HIDDEN"

// hidden puts a word in the place of the values of secret parameters that is one in any quotes.
func hidden(values []Value, secret func(name string) bool) []Value {
	out := slices.Clone(values)
	for i := range out {
		if secret(out[i].Name) {
			out[i].Value = Hidden
		}
	}
	return out
}

// findShell gives the shell that MLflow runs commands with, else any.
func findShell(manager string) (string, error) {
	if manager == ManagerDocker {
		return "bash", nil
	}
	for _, name := range []string{"bash", "sh"} {
		if _, err := exec.LookPath(name); err == nil {
			return name, nil
		}
	}
	return "", errs.New(errs.Unavailable, "there is no bash on PATH, by which the commands of projects are run")
}

// Close removes what was made for this run alone.
func (p *Plan) Close() error {
	var err error
	if p.Environment != nil {
		err = p.Environment.Remove()
	}
	if p.Checkout != nil {
		err = errors.Join(err, p.Checkout.Remove())
	}
	return err
}

// Tags are those of the run that say which project it was, as MLflow names them.
func (p *Plan) Tags() map[string]string {
	tags := map[string]string{"mlflow.project.entryPoint": p.Options.EntryPoint, "mlflow.project.backend": "local"}
	if p.Options.Version != "" {
		tags["cairn.project.version"] = p.Options.Version
	}
	if p.Environment != nil {
		tags["mlflow.project.env"] = p.Environment.Manager
		if p.Environment.LockSHA256 != "" {
			tags["cairn.project.environment"] = p.Environment.LockSHA256
		}
	}
	if p.Checkout != nil {
		for key, value := range map[string]string{
			"mlflow.source.git.commit": p.Checkout.Commit, "mlflow.source.git.branch": p.Checkout.Branch,
		} {
			if value != "" {
				tags[key] = value
			}
		}
		if p.Source.Remote {
			tags["mlflow.source.git.repoURL"] = Stripped(p.Source.Location)
		}
	}
	return tags
}

package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// Recorded is what a run's fingerprint says of its code and environment.
type Recorded struct {
	Commit string
	// Diff is what was not committed; empty for nothing.
	Diff []byte
	// Directory is relative to the top of the repository, with forward slashes.
	Directory string
	Manager   string
	Lock      []byte
	// Repositories are places to look for the commit, the likeliest first: directories and URLs.
	Repositories []string

	Cache, RunID string
	Say          func(format string, args ...any)
	Output       io.Writer
}

// Rebuilt is a recorded run's code and environment, ready to be run again.
type Rebuilt struct {
	Checkout    *Checkout
	Environment *Environment
}

// Close removes the checkout.
func (r *Rebuilt) Close() error { return r.Checkout.Remove() }

// Rebuild checks a recorded commit out, with what was not committed, and gives its environment: one of the same lock where there is
// one, else built from the lock. Errors begin with the part of the fingerprint that cannot be had.
func (r Recorded) Rebuild(ctx context.Context) (*Rebuilt, error) {
	if r.Cache == "" {
		cache, err := CacheDir()
		if err != nil {
			return nil, err
		}
		r.Cache = cache
	}
	if err := os.MkdirAll(filepath.Join(r.Cache, "environments", "asked"), 0o700); err != nil {
		return nil, fmt.Errorf("make cache: %w", err)
	}
	checkout, err := r.checkout(ctx)
	if err != nil {
		return nil, err
	}
	rebuilt := &Rebuilt{Checkout: checkout}
	if len(r.Diff) > 0 {
		if _, err := runGit(ctx, checkout.Root, bytes.NewReader(r.Diff), "apply", "--whitespace=nowarn", "-"); err != nil {
			return nil, errors.Join(errs.Wrap(errs.Invalid, err, "code: the diff that was recorded does not fit its commit: %v", err), rebuilt.Close())
		}
	}
	folder := r.Directory
	if folder == "." {
		folder = ""
	}
	if folder != "" && !filepath.IsLocal(filepath.FromSlash(folder)) {
		return nil, errors.Join(errs.New(errs.Invalid, "command: it ran outside of its repository, in %s", folder), rebuilt.Close())
	}
	if err := checkout.enter(folder); err != nil {
		return nil, errors.Join(errs.Wrap(errs.NotFound, err, "code: %v", err), rebuilt.Close())
	}
	if rebuilt.Environment, err = r.environment(ctx); err != nil {
		return nil, errors.Join(err, rebuilt.Close())
	}
	return rebuilt, nil
}

func (r Recorded) checkout(ctx context.Context) (*Checkout, error) {
	var failures []string
	for _, place := range r.Repositories {
		if place == "" {
			continue
		}
		source, err := ParseSource(place)
		if err == nil {
			source.Subdirectory = ""
			var checkout *Checkout
			checkout, err = (fetcher{cache: r.Cache, say: r.Say}).fetch(ctx, source, r.Commit, r.RunID)
			if err == nil {
				return checkout, nil
			}
		}
		failures = append(failures, Stripped(err.Error()))
	}
	if len(failures) == 0 {
		return nil, errs.New(errs.NotFound, "code: no repository was recorded; name a clone with --repository")
	}
	return nil, errs.New(errs.NotFound, "code: the commit %s is not to be had: %s", r.Commit, strings.Join(failures, "; "))
}

func (r Recorded) environment(ctx context.Context) (*Environment, error) {
	switch r.Manager {
	case "", ManagerSystem:
		return &Environment{Manager: ManagerSystem}, nil
	case ManagerUV, ManagerVirtualenv:
	default:
		return nil, errs.New(errs.Unsupported, "dependencies: an environment of %s is not built again", r.Manager)
	}
	if len(r.Lock) == 0 {
		return nil, errs.New(errs.NotFound, "dependencies: the lock of the environment (cairn/environment.lock) is not among the run's artifacts")
	}
	kept, err := filepath.Glob(filepath.Join(r.Cache, "environments", "*", lockName))
	if err != nil {
		return nil, fmt.Errorf("look for environments: %w", err)
	}
	wanted := digest(r.Lock)
	for _, file := range kept {
		if found, ok := openedDir(filepath.Dir(file), r.Manager); ok && found.LockSHA256 == wanted {
			return found, nil
		}
	}
	uv, err := exec.LookPath("uv")
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "dependencies: uv is not on PATH, by which the environment would be built from its lock")
	}
	first, _, _ := strings.Cut(string(r.Lock), "\n")
	b := &environments{cache: r.Cache, say: r.Say, output: r.Output, once: r.RunID}
	python, _, err := b.uvPython(ctx, uv, &pythonEnv{python: strings.TrimSpace(strings.TrimPrefix(first, "# python "))})
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "dependencies: %v", err)
	}
	r.Say("building the environment from its lock")
	name := digest([]byte(runtime.GOOS + "/" + runtime.GOARCH + "\n" + string(r.Lock)))[:16]
	dir, err := b.installUV(ctx, uv, python, "", name, r.Lock)
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "dependencies: %v", err)
	}
	found, ok := openedDir(dir, r.Manager)
	if !ok {
		return nil, fmt.Errorf("the environment %s was removed while it was built", dir)
	}
	return found, nil
}

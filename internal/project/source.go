package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// Source is where a project is, as a user names it.
type Source struct {
	// Location is a directory or the URL of a git repository, as given, and may hold credentials; Name is what is shown and
	// recorded of it.
	Location, Name string
	// Subdirectory is below its top, with forward slashes; empty for the top.
	Subdirectory string
	// Remote is true for what is fetched by git.
	Remote bool
}

var scpLike = regexp.MustCompile(`^[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+:[^/\\].*`)

// ParseSource reads DIRECTORY or GIT_URL, each with #SUBDIRECTORY behind it.
func ParseSource(uri string) (Source, error) {
	location, sub, _ := strings.Cut(strings.Trim(uri, `'"`), "#")
	source := Source{Location: location, Name: location, Subdirectory: strings.Trim(sub, "/")}
	if source.Subdirectory != "" && !filepath.IsLocal(filepath.FromSlash(source.Subdirectory)) {
		return Source{}, errs.Field("URI", "the folder %q lies outside of the project", sub)
	}
	if location == "" {
		return Source{}, errs.Field("URI", "names no project: give a directory or the URL of a git repository")
	}
	if strings.HasPrefix(location, "-") || strings.Contains(location, "::") {
		return Source{}, errs.Field("URI", "%q is neither a directory nor the URL of a git repository", Stripped(location))
	}
	if rest, isFile := strings.CutPrefix(location, "file://"); isFile {
		source.Location, source.Name = filepath.FromSlash(rest), location
	}
	if info, err := os.Stat(source.Location); err == nil {
		if !info.IsDir() {
			return Source{}, errs.Field("URI", "%s is a file; a project is a directory or a git repository", source.Location)
		}
		absolute, err := filepath.Abs(source.Location)
		if err != nil {
			return Source{}, fmt.Errorf("make %s absolute: %w", source.Location, err)
		}
		source.Location, source.Name = absolute, absolute
		source.Remote = isBare(absolute)
		source.addFolder()
		return source, nil
	}
	parsed, err := url.Parse(location)
	switch {
	case scpLike.MatchString(location):
	case err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http" || parsed.Scheme == "ssh" || parsed.Scheme == "git") && parsed.Host != "":
		source.Name = Stripped(location)
	case err == nil && len(parsed.Scheme) > 1 && parsed.Scheme != "file":
		return Source{}, errs.Field("URI", "%s: git is spoken over https, http, ssh and git, not over %s", Stripped(location), parsed.Scheme)
	default:
		return Source{}, errs.New(errs.NotFound, "there is no directory %s", Stripped(location))
	}
	source.Remote = true
	source.addFolder()
	return source, nil
}

func (s *Source) addFolder() {
	if s.Subdirectory != "" {
		s.Name += "#" + s.Subdirectory
	}
}

// key names a source in the cache.
func (s *Source) key() string { return digest([]byte(Stripped(s.Location)))[:16] }

// isBare tells a git repository without files of its own.
func isBare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

var userInfo = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s@'"]*@`)

// Stripped takes credentials out of the URLs in a text. The user name of ssh stays: it is none.
func Stripped(text string) string {
	return userInfo.ReplaceAllStringFunc(text, func(found string) string {
		scheme, rest, _ := strings.Cut(found, "://")
		if user := strings.TrimSuffix(rest, "@"); scheme == "ssh" && !strings.Contains(user, ":") {
			return found
		}
		return scheme + "://"
	})
}

// Checkout is a project's directory for one run.
type Checkout struct {
	// Root is the top of the checkout, or of the directory given; Dir is the project in it.
	Root, Dir string
	// Commit and Branch are of a checkout that was made; empty for a directory that is used as it is.
	Commit, Branch string

	repository string // of the worktree that Remove removes
}

// Remove removes a checkout that was made for a run; a directory of the user's stays.
func (c *Checkout) Remove() error {
	if c.repository == "" {
		return nil
	}
	if err := os.RemoveAll(c.Root); err != nil {
		return fmt.Errorf("remove checkout: %w", err)
	}
	_, err := runGit(context.Background(), c.repository, nil, "worktree", "prune")
	return err
}

// A fetcher gets projects into a cache.
type fetcher struct {
	cache string
	say   func(format string, args ...any)
}

// fetch gives the directory of a source at a version: a commit, tag or branch. Without a version, a directory is used as it is, and
// of a repository its default branch. Name is unique for the run.
func (f fetcher) fetch(ctx context.Context, source Source, version, name string) (*Checkout, error) {
	if !source.Remote && version == "" {
		c := &Checkout{Root: source.Location, Dir: source.Location}
		return c, c.enter(source.Subdirectory)
	}
	if strings.HasPrefix(version, "-") || strings.ContainsAny(version, " \t\n:^~?*[\\") {
		return nil, errs.Field("--version", "%q is no commit, tag or branch", version)
	}
	if _, err := exec.LookPath("git"); err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "git is not installed, and the project is to be fetched by it")
	}
	if !source.Remote {
		top, err := runGit(ctx, source.Location, nil, "rev-parse", "--show-toplevel")
		if err != nil {
			return nil, errs.Wrap(errs.Invalid, err, "%s is no git repository, so it has no version %s; leave --version away, or `git init` it and commit", source.Location, version)
		}
		if source, err = source.fromTop(filepath.FromSlash(strings.TrimSpace(top))); err != nil {
			return nil, err
		}
	}
	base := filepath.Join(f.cache, "projects", source.key())
	repository := filepath.Join(base, "repository.git")
	unlock, err := lockFile(base + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	// A whole commit never changes: what is there is not asked for again.
	known := false
	if fullCommit.MatchString(version) {
		_, err := runGit(ctx, repository, nil, "cat-file", "-e", version+"^{commit}")
		known = err == nil
	}
	if !known {
		if err := f.update(ctx, source, repository); err != nil {
			return nil, err
		}
	}
	commit, branch, err := resolve(ctx, source, repository, version)
	if err != nil {
		return nil, err
	}
	c := &Checkout{Root: filepath.Join(base, name), Commit: commit, Branch: branch, repository: repository}
	c.Dir = c.Root
	if _, err := runGit(ctx, repository, nil, "worktree", "add", "--quiet", "--force", "--detach", c.Root, commit); err != nil {
		return nil, errors.Join(errs.Wrap(errs.Invalid, err, "the commit %s of %s could not be checked out: %v", commit, source.Name, err), c.Remove())
	}
	err = c.confined(source)
	if err == nil {
		err = f.submodules(ctx, c)
	}
	if err == nil {
		err = c.confined(source)
	}
	if err == nil {
		err = c.enter(source.Subdirectory)
	}
	if err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	return c, nil
}

// fromTop names a directory inside of a work tree from its top.
func (s Source) fromTop(top string) (Source, error) {
	location, err := filepath.EvalSymlinks(s.Location)
	if err != nil {
		return s, fmt.Errorf("find the project: %w", err)
	}
	below, err := filepath.Rel(top, location)
	if err != nil || !filepath.IsLocal(below) {
		return s, errs.New(errs.Invalid, "%s is not in the work tree %s", s.Location, top)
	}
	s.Location, s.Subdirectory = top, path.Join(filepath.ToSlash(below), s.Subdirectory)
	if s.Subdirectory == "." {
		s.Subdirectory = ""
	}
	return s, nil
}

// update brings the cached repository up to date with its source.
func (f fetcher) update(ctx context.Context, source Source, repository string) error {
	if _, err := os.Stat(filepath.Join(repository, "HEAD")); err != nil {
		if err := os.MkdirAll(filepath.Dir(repository), 0o700); err != nil {
			return fmt.Errorf("make cache of projects: %w", err)
		}
		f.say("fetching %s", source.Name)
		if _, err := runGit(ctx, "", nil, "init", "--quiet", "--bare", repository); err != nil {
			return err
		}
		// What a run records as its repository; without credentials.
		remote := Stripped(source.Location)
		if _, err := runGit(ctx, repository, nil, "remote", "add", "origin", remote); err != nil {
			return err
		}
	}
	_, err := runGit(ctx, repository, nil, "fetch", "--quiet", "--prune", "--force", "--no-recurse-submodules", source.Location,
		"+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "%s could not be fetched: %v; `git ls-remote %s` shows whether git reaches it", source.Name, err, shellQuote(Stripped(source.Location)))
	}
	return nil
}

// resolve finds the commit of a version, and its branch where it is one.
func resolve(ctx context.Context, source Source, repository, version string) (commit, branch string, err error) {
	wanted := []string{"refs/remotes/origin/" + version, "refs/tags/" + version, version}
	if version == "" {
		out, err := runGit(ctx, repository, nil, "ls-remote", "--symref", source.Location, "HEAD")
		if err != nil {
			return "", "", errs.Wrap(errs.Unavailable, err, "%s could not be asked for its default branch: %v", source.Name, err)
		}
		head, _, _ := strings.Cut(strings.TrimPrefix(out, "ref: refs/heads/"), "\tHEAD")
		if !strings.HasPrefix(out, "ref: refs/heads/") {
			return "", "", errs.New(errs.Invalid, "%s has no default branch; name one with --version", source.Name)
		}
		version, wanted = head, []string{"refs/remotes/origin/" + head}
	}
	for i, reference := range wanted {
		out, err := runGit(ctx, repository, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", reference+"^{commit}")
		if err == nil {
			if i == 0 {
				branch = version
			}
			return strings.TrimSpace(out), branch, nil
		}
	}
	// A commit that no branch or tag leads to any more; not every server gives it.
	if fullCommit.MatchString(version) {
		if _, err := runGit(ctx, repository, nil, "fetch", "--quiet", "--no-recurse-submodules", source.Location, version); err == nil {
			return version, "", nil
		}
	}
	return "", "", errs.New(errs.NotFound, "%s has no commit, tag or branch %q; `git ls-remote %s` lists what it has", source.Name, version, shellQuote(Stripped(source.Location)))
}

var fullCommit = regexp.MustCompile(`^[0-9a-f]{40}$`)

func (f fetcher) submodules(ctx context.Context, c *Checkout) error {
	if _, err := os.Lstat(filepath.Join(c.Root, ".gitmodules")); err != nil {
		return nil //nolint:nilerr // it has none
	}
	f.say("fetching submodules")
	if _, err := runGit(ctx, c.Root, nil, "submodule", "--quiet", "update", "--init", "--recursive"); err != nil {
		return errs.Wrap(errs.Invalid, err, "the submodules of the project could not be fetched: %v", err)
	}
	return nil
}

// confined refuses a checkout with a link that leads out of it: what the project writes through it would be written elsewhere.
func (c *Checkout) confined(source Source) error {
	top, err := filepath.EvalSymlinks(c.Root)
	if err != nil {
		return fmt.Errorf("find the checkout: %w", err)
	}
	err = filepath.WalkDir(c.Root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink == 0 {
			return err
		}
		target, err := os.Readlink(name)
		if err != nil {
			return err
		}
		if !filepath.IsAbs(target) {
			// The link's own directory is inside, since a walk follows none.
			relative, err := filepath.Rel(c.Root, filepath.Join(filepath.Dir(name), target))
			if err == nil && filepath.IsLocal(relative) {
				// Through another link it may lead out all the same.
				resolved, err := filepath.EvalSymlinks(name)
				if err != nil {
					return nil //nolint:nilerr // it leads nowhere, and its steps inside
				}
				if inside, err := filepath.Rel(top, resolved); err == nil && filepath.IsLocal(inside) {
					return nil
				}
			}
		}
		shown, _ := filepath.Rel(c.Root, name)
		return errs.New(errs.Invalid, "%s: the link %s leads out of the project, to %s; the project is not run", source.Name, shown, target)
	})
	if err != nil && errs.KindOf(err) != errs.Invalid {
		return fmt.Errorf("look through the checkout: %w", err)
	}
	return err
}

// enter goes to the project's folder, which a link must not lead out.
func (c *Checkout) enter(folder string) error {
	if folder == "" {
		return nil
	}
	root, err := os.OpenRoot(c.Root)
	if err != nil {
		return fmt.Errorf("open project: %w", err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(filepath.FromSlash(folder))
	if err != nil || !info.IsDir() {
		return errs.New(errs.NotFound, "the project has no folder %s", folder)
	}
	c.Dir = filepath.Join(c.Root, filepath.FromSlash(folder))
	return nil
}

// maxGit bounds what is read of git's answers.
const maxGit = 1 << 20

// runGit asks git, without questions to the user, hooks, and transports that start programs. The error is what git said.
func runGit(ctx context.Context, dir string, input io.Reader, args ...string) (string, error) {
	args = append([]string{"-c", "core.hooksPath=" + os.DevNull, "-c", "protocol.ext.allow=never", "-c", "core.fsmonitor=false",
		"-c", "gc.auto=0", "-c", "advice.detachedHead=false"}, args...)
	command := exec.CommandContext(ctx, "git", args...) //nolint:gosec // arguments are checked not to be options
	command.Dir = dir
	command.Stdin = input
	for _, variable := range os.Environ() {
		// A caller inside of a git hook would point git at its own repository.
		if name, _, _ := strings.Cut(variable, "="); name != "GIT_DIR" && name != "GIT_WORK_TREE" && name != "GIT_INDEX_FILE" {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	var stderr bytes.Buffer
	command.Stderr = &limited{to: &stderr, left: maxGit}
	out, err := command.Output()
	if err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("git: %w", ctx.Err())
		}
		said := strings.Join(strings.Fields(Stripped(stderr.String())), " ")
		if said == "" {
			said = err.Error()
		}
		return "", errors.New(said)
	}
	return string(out[:min(len(out), maxGit)]), nil
}

// limited drops what is written past a limit.
type limited struct {
	to   *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	_, _ = l.to.Write(p[:n])
	return len(p), nil
}

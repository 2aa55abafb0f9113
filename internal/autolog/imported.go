package autolog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What is untracked belongs to a run's code only where the run imported it, which its processes tell. A file is kept as it
// is when the agent is told of it, in the journal: it may be edited before the command ends.
const (
	// trackedDiff is the file of the spool that keeps the diff of tracked files until the untracked ones join it.
	trackedDiff = "code.diff"
	// importsPatience bounds the questions to git about the files of one message.
	importsPatience = 2 * time.Second
	// maxImported bounds the files of one message.
	maxImported = 5000
	// namesPerGit bounds the names of one command line.
	namesPerGit = 200
)

// untrackedFile is an untracked source file that a process imported.
type untrackedFile struct {
	// Name is relative to the root of the repository, with forward slashes.
	Name string `json:"name"`
	// Patch makes the file, secrets masked. Empty: it is left out, since it is too much or no text.
	Patch string `json:"patch,omitempty"`
}

// wantsCode tells whether trainings are to say what they import.
func (a *agent) wantsCode() bool { return !a.config.NoDiff && a.config.Directory != "" }

// takeCode keeps those of the imported files that are source files below the command's repository and not tracked.
func (a *agent) takeCode(ctx context.Context, files []string) {
	if !a.wantsCode() || len(files) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, importsPatience)
	defer cancel()
	root, err := a.workTree(ctx)
	if err != nil {
		if !errors.Is(err, errNoRepository) {
			a.log.Warn("find the repository", "error", err)
		}
		return
	}
	names, err := untracked(ctx, root, a.newNames(root, files))
	if err != nil {
		a.log.Warn("look for untracked files", "error", err)
		a.warn(a.config.RunID, "git did not answer in time; untracked source files may be missing in the diff")
	}
	for _, name := range names {
		a.keepUntracked(root, name)
	}
}

// workTree is the top of the command's work tree.
func (a *agent) workTree(ctx context.Context) (string, error) {
	a.rootMu.Lock()
	defer a.rootMu.Unlock()
	if a.root == "" {
		root, err := findWorkTree(ctx, a.config.Directory)
		if err != nil {
			return "", err
		}
		a.root = root
	}
	return a.root, nil
}

// newNames gives the names below root of the source files that are not kept yet.
func (a *agent) newNames(root string, files []string) []string {
	var names []string
	for _, file := range files[:min(len(files), maxImported)] {
		if name, ok := nameBelow(root, file); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		_, known := a.state.untracked[name]
		return known
	})
}

// nameBelow gives a source file's name relative to root, as git writes it. ok is false for what is no source file below it.
func nameBelow(root, file string) (name string, ok bool) {
	if filepath.Ext(file) != ".py" || !filepath.IsAbs(file) {
		return "", false
	}
	name, err := filepath.Rel(root, file)
	if err != nil || !filepath.IsLocal(name) {
		// git gives the root without symbolic links, Python what it was started with.
		dir, err := filepath.EvalSymlinks(filepath.Dir(file))
		if err != nil {
			return "", false
		}
		if name, err = filepath.Rel(root, filepath.Join(dir, filepath.Base(file))); err != nil || !filepath.IsLocal(name) {
			return "", false
		}
	}
	return filepath.ToSlash(name), true
}

// untracked gives those of the names that git does not track and was not told to ignore.
func untracked(ctx context.Context, root string, names []string) ([]string, error) {
	var found []string
	for len(names) > 0 {
		n := min(len(names), namesPerGit)
		out, err := git(ctx, root, maxDiff, append([]string{"ls-files", "--others", "--exclude-standard", "-z", "--"}, names[:n]...)...)
		if err != nil {
			return found, err
		}
		for name := range strings.SplitSeq(string(out), "\x00") {
			if name != "" {
				found = append(found, name)
			}
		}
		names = names[n:]
	}
	return found, nil
}

// keepUntracked journals a file as it is now, within the bounds of the diff.
func (a *agent) keepUntracked(root, name string) {
	patch, ok := untrackedPatch(root, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.state.untracked[name]; known || len(a.state.untracked) >= maxImported {
		return
	}
	file := untrackedFile{Name: name}
	if ok && a.state.untrackedKept < maxUntracked && a.state.untrackedBytes+len(patch) <= maxDiff {
		file.Patch = a.mask.diff(string(patch))
	}
	if err := a.recordLocked(entry{Facts: &factsEntry{Untracked: &file}}); err != nil {
		a.log.Warn("keep an untracked file", "error", err)
	}
}

// scripts are the arguments of the command that name source files: a Python without the bootstrap, or one that is too old
// for it, tells of none.
func (a *agent) scripts() []string {
	var files []string
	for _, argument := range a.config.Argv {
		if filepath.Ext(argument) == ".py" {
			if !filepath.IsAbs(argument) {
				argument = filepath.Join(a.config.Directory, argument)
			}
			files = append(files, argument)
		}
	}
	return files
}

// codeOpsLocked give the diff with the untracked files that were imported; none when there are none. The caller holds the
// lock.
func (a *agent) codeOpsLocked() []op {
	origin := a.state.origin
	if origin == nil || origin.Code == nil || origin.Code.Commit == "" || len(a.state.untracked) == 0 {
		return nil
	}
	run := a.config.RunID
	var ops []op
	code := *origin.Code
	diff, leftOut := a.wholeDiffLocked()
	if leftOut > 0 {
		code.Unrecorded = true
		a.warnLocked(run, fmt.Sprintf("%d untracked source files were left out of the diff", leftOut))
	}
	if len(diff) > 0 {
		const blob = "diff-imported"
		if err := a.blobFile(blob, diff); err == nil {
			code.setDiff(diff)
			ops = append(ops, op{Kind: opArtifact, Run: run, Path: "cairn/code.diff", Blob: blob})
		} else {
			code.Unrecorded = true
			a.warnLocked(run, fmt.Sprintf("untracked source files were left out of the diff: %v", err))
		}
	}
	updated := *origin
	updated.Code = &code
	if err := a.recordLocked(entry{Facts: &factsEntry{Command: &updated}}); err != nil {
		a.log.Error("record origin", "error", err)
	}
	return ops
}

// wholeDiffLocked gives the diff of tracked files with the untracked ones behind it, and how many of these are left out. It
// is empty when all are.
func (a *agent) wholeDiffLocked() (diff []byte, leftOut int) {
	leftOut = len(a.state.untracked) - a.state.untrackedKept
	if a.state.untrackedKept == 0 {
		return nil, leftOut
	}
	diff, err := os.ReadFile(filepath.Join(a.dir, trackedDiff))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		a.log.Warn("read the diff", "error", err)
	}
	for _, name := range sortedKeys(a.state.untracked) {
		patch := a.state.untracked[name]
		if patch == "" {
			continue
		}
		if len(diff)+len(patch) > maxDiff {
			leftOut++
			continue
		}
		diff = append(diff, patch...)
	}
	return diff, leftOut
}

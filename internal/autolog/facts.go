package autolog

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
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	// gitTimeout bounds each question to git: a huge work tree on a slow disk must not hold up the end of a run.
	gitTimeout = 20 * time.Second
	// maxDiff bounds the uncommitted diff that is kept.
	maxDiff = 10 << 20
	// maxUntracked bounds the untracked source files that join it, and maxUntrackedFile each (imported.go).
	maxUntracked     = 200
	maxUntrackedFile = 1 << 20
)

// gitFacts are what git says of the directory of a command.
type gitFacts struct {
	code codeFacts
	// root is the top of the work tree.
	root string
	// diff is what differs from the commit in tracked files; empty when nothing does.
	diff []byte
	// warnings say what was left out.
	warnings []string
}

const tooSlow = "git did not answer in time; what is recorded of the code and its uncommitted diff is not all"

var errNoRepository = errors.New("not in a git repository")

// readGit asks git about a directory. errNoRepository where there is none, or no git.
func readGit(ctx context.Context, dir string, withDiff bool) (gitFacts, error) {
	root, err := findWorkTree(ctx, dir)
	if err != nil && ctx.Err() != nil {
		return gitFacts{warnings: []string{tooSlow}}, err
	}
	if err != nil {
		return gitFacts{}, err
	}
	facts := gitFacts{root: root, code: codeFacts{Unrecorded: true}}
	if commit, err := git(ctx, dir, 4096, "rev-parse", "--verify", "HEAD"); err == nil {
		facts.code.Commit = strings.TrimSpace(string(commit))
	}
	if branch, err := git(ctx, dir, 4096, "symbolic-ref", "--short", "-q", "HEAD"); err == nil {
		facts.code.Branch = strings.TrimSpace(string(branch))
	}
	if remote, err := git(ctx, dir, 4096, "remote", "get-url", "origin"); err == nil {
		facts.code.Repository = userInfo.ReplaceAllString(strings.TrimSpace(string(remote)), "${1}")
	}
	status, err := git(ctx, dir, maxDiff, "status", "--porcelain", "-z", "--untracked-files=normal")
	if ctx.Err() != nil {
		facts.warnings = append(facts.warnings, tooSlow)
		return facts, nil //nolint:nilerr // what was found in time, and the word that it is not all
	}
	if err != nil {
		facts.warnings = append(facts.warnings, "git status did not answer; whether the code was committed is unknown")
		return facts, nil //nolint:nilerr // what is known is recorded, and the warning says the rest
	}
	facts.code.Dirty = len(status) > 0
	if !facts.code.Dirty || facts.code.Commit == "" || !withDiff {
		facts.code.Unrecorded = facts.code.Dirty
		return facts, nil
	}
	facts.readDiff(ctx)
	if ctx.Err() != nil {
		facts.warnings = append(facts.warnings, tooSlow)
	}
	return facts, nil
}

// findWorkTree gives the top of the work tree around a directory. errNoRepository where there is none, or no git.
func findWorkTree(ctx context.Context, dir string) (string, error) {
	root, err := git(ctx, dir, 4096, "rev-parse", "--show-toplevel")
	if ctx.Err() != nil {
		return "", fmt.Errorf("find the repository: %w", ctx.Err())
	}
	if err != nil {
		return "", errNoRepository
	}
	return filepath.FromSlash(strings.TrimSpace(string(root))), nil
}

func (f *gitFacts) readDiff(ctx context.Context) {
	diff, err := git(ctx, f.root, maxDiff, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--binary", "HEAD")
	if err != nil {
		f.warnings = append(f.warnings, fmt.Sprintf("the uncommitted diff was left out: %v", err))
		return
	}
	f.diff, f.code.Unrecorded = diff, false
}

// untrackedPatch writes the patch that makes a file. ok is false for what is too large, no text or no file.
func untrackedPatch(root, name string) (patch []byte, ok bool) {
	file := filepath.Join(root, filepath.FromSlash(name))
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxUntrackedFile {
		return nil, false
	}
	content, err := os.ReadFile(file) //nolint:gosec // a file of the user's work tree
	if err != nil || len(content) > maxUntrackedFile {
		return nil, false
	}
	return newFilePatch(name, info.Mode(), content)
}

// setDiff takes the diff as it is recorded, secrets masked.
func (c *codeFacts) setDiff(diff []byte) {
	sum := sha256.Sum256(diff)
	c.DiffSHA256 = hex.EncodeToString(sum[:])
}

// git runs git without touching the repository's index or starting anything of the repository's own, and gives at most
// limit bytes of its output.
func git(ctx context.Context, dir string, limit int64, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, "git", append([]string{"-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-C", dir}, args...)...) //nolint:gosec // fixed arguments
	command.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "GIT_LITERAL_PATHSPECS=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("run git: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("run git: %w", err)
	}
	out, readErr := io.ReadAll(io.LimitReader(output, limit+1))
	if int64(len(out)) > limit {
		cancel()
		_ = command.Wait()
		return nil, fmt.Errorf("more than %d MiB", limit>>20)
	}
	if err := errors.Join(readErr, command.Wait()); err != nil {
		return out, fmt.Errorf("git %s: %w", args[0], err)
	}
	return out, nil
}

// readHardware looks at the machine.
func readHardware(ctx context.Context) *hardwareFacts {
	facts := &hardwareFacts{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		facts.CPU = field(info, "model name")
	}
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int64
		if _, err := fmt.Sscan(field(info, "MemTotal"), &kib); err == nil {
			facts.MemoryMB = kib >> 10
		}
	}
	if path, err := exec.LookPath("nvidia-smi"); err == nil {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, path, "--query-gpu=name", "--format=csv,noheader").Output() //nolint:gosec // found on PATH
		if err == nil {
			for line := range strings.Lines(string(out)) {
				facts.GPUs = append(facts.GPUs, strings.TrimSpace(line))
			}
		}
	}
	return facts
}

// field gives what follows "name :" in a file of lines.
func field(data []byte, name string) string {
	for line := range bytes.Lines(data) {
		key, value, ok := strings.Cut(string(line), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// requirements is the text of the artifact requirements.txt.
func requirements(packages []string) []byte {
	sorted := slices.Clone(packages)
	slices.SortFunc(sorted, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	sorted = slices.Compact(sorted)
	var text bytes.Buffer
	for _, line := range sorted {
		text.WriteString(strings.ReplaceAll(line, "\n", " "))
		text.WriteByte('\n')
	}
	return text.Bytes()
}

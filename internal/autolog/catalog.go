package autolog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/plugins/sdk"
)

// shippedDigests are the SHA-256 of the adapters that were built with this program, "name=hex,name=hex". The linker sets
// it (-X); a program built without it trusts no adapter.
var shippedDigests string

// reinstall is the command that brings the adapters of this program back.
const reinstall = "make build"

// adapterFile is an adapter that this program trusts, and where it lies.
type adapterFile struct {
	name string
	// path is where the executable was found; empty when it was not.
	path string
	// digest is the SHA-256 that it must have.
	digest string
}

// trustedDigests gives the digests of the shipped adapters by name.
func trustedDigests() map[string]string {
	digests := map[string]string{}
	for pair := range strings.SplitSeq(shippedDigests, ",") {
		if name, digest, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
			digests[name] = digest
		}
	}
	return digests
}

// adapterDirs are the directories in which adapters are looked for, in order: CAIRN_ADAPTERS alone where it is set, else
// beside the program and in the data directory.
func adapterDirs() []string {
	if dir := os.Getenv("CAIRN_ADAPTERS"); dir != "" {
		return []string{dir}
	}
	var dirs []string
	if program, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(program); err == nil {
			program = real
		}
		dirs = append(dirs, filepath.Join(filepath.Dir(program), "adapters"))
	}
	data := os.Getenv("CAIRN_DATA_HOME")
	if data == "" {
		data = os.Getenv("XDG_DATA_HOME")
	}
	if home, err := os.UserHomeDir(); data == "" && err == nil {
		data = filepath.Join(home, ".local", "share")
	}
	if data != "" {
		dirs = append(dirs, filepath.Join(data, "cairn", "adapters"))
	}
	return dirs
}

// findAdapters looks for the trusted adapters, by name.
func findAdapters(dirs []string, digests map[string]string) []adapterFile {
	found := make([]adapterFile, 0, len(digests))
	for _, name := range sortedKeys(digests) {
		adapter := adapterFile{name: name, digest: digests[name]}
		for _, dir := range dirs {
			path := filepath.Join(dir, name, executableName(name))
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				if path, err = filepath.Abs(path); err == nil {
					adapter.path = path
					break
				}
			}
		}
		found = append(found, adapter)
	}
	return found
}

func executableName(name string) string {
	if runtime.GOOS == "windows" {
		return "cairn-adapter-" + name + ".exe"
	}
	return "cairn-adapter-" + name
}

// verify checks that the adapter is there and has its digest.
func (a adapterFile) verify() error {
	if a.path == "" {
		return notInstalled(a.name)
	}
	found, err := fileDigest(a.path)
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "the adapter %s cannot be read at %s: %v", a.name, a.path, err)
	}
	if found != a.digest {
		return errs.New(errs.Conflict, "the adapter %s was not started: %s has the SHA-256 %s, expected is %s; install it again: %s",
			a.name, a.path, found, a.digest, reinstall)
	}
	return nil
}

// notInstalled names adapters that are not where they are looked for.
func notInstalled(names ...string) *errs.Error {
	if len(names) == 1 {
		return errs.New(errs.NotFound, "the adapter %s of this program is not installed: %s", names[0], reinstall)
	}
	return errs.New(errs.NotFound, "the adapters %s of this program are not installed: %s", strings.Join(names, ", "), reinstall)
}

func fileDigest(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // an adapter's executable
	if err != nil {
		return "", fmt.Errorf("open: %w", err)
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("read: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// description is what is remembered of an adapter between runs, so that a command whose framework is not used need not
// start it to learn which modules to watch for. The hook is not: it comes from the checked executable each time.
type description struct {
	Name           string   `json:"name"`
	Version        string   `json:"version"`
	Modules        []string `json:"modules"`
	Distribution   string   `json:"distribution,omitempty"`
	FrameworkRange string   `json:"framework_range,omitempty"`
}

func describe(d sdk.Description) description {
	return description{Name: d.Name, Version: d.Version, Modules: d.Modules, Distribution: d.Distribution, FrameworkRange: d.FrameworkRange}
}

func descriptionPath(home, digest string) string {
	return filepath.Join(home, "cache", "adapters", digest+".json")
}

// readDescription gives what is remembered of the executable with a digest.
func readDescription(home, digest string) (description, error) {
	data, err := os.ReadFile(descriptionPath(home, digest))
	if err != nil {
		return description{}, fmt.Errorf("read adapter's description: %w", err)
	}
	var d description
	if err := json.Unmarshal(data, &d); err != nil || d.Name == "" || len(d.Modules) == 0 {
		return description{}, fmt.Errorf("read adapter's description: damaged: %w", errors.Join(err))
	}
	return d, nil
}

func writeDescription(home, digest string, d description) error {
	data, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode adapter's description: %w", err)
	}
	target := descriptionPath(home, digest)
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return fmt.Errorf("remember adapter: %w", err)
	}
	next, err := os.CreateTemp(filepath.Dir(target), "new-*")
	if err != nil {
		return fmt.Errorf("remember adapter: %w", err)
	}
	_, err = next.Write(data)
	if err := errors.Join(err, next.Close()); err != nil {
		return errors.Join(fmt.Errorf("remember adapter: %w", err), os.Remove(next.Name()))
	}
	if err := os.Rename(next.Name(), target); err != nil {
		return fmt.Errorf("remember adapter: %w", err)
	}
	return nil
}

package autolog

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/client"
)

// repository makes a repository with one commit.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	gitIn(t, dir, "init", "-q")
	write(t, dir, map[string]string{"train.py": "lr = 0.1\n", ".gitignore": "ignored.py\n"})
	gitIn(t, dir, "add", ".")
	gitIn(t, dir, "commit", "-q", "-m", "first")
	return dir
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
}

// codeAgent is an agent of a command in a directory, which delivers nothing.
func codeAgent(t *testing.T, spool, dir string, change func(*Config)) *agent {
	t.Helper()
	for _, folder := range []string{blobsDir, filesDir} {
		require.NoError(t, os.MkdirAll(filepath.Join(spool, folder), 0o700))
	}
	config := newConfig("http://127.0.0.1:1", "E", "R", nil)
	config.Directory = dir
	if change != nil {
		change(&config)
	}
	a, err := newAgent(spool, t.TempDir(), config, agentSettings{
		server: client.Config{Server: config.Server}, maxSpool: defaultMaxSpool}, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	a.pumpCtx = t.Context()
	return a
}

// recordedDiff concludes the command and gives the diff that it recorded last, and its warnings.
func recordedDiff(t *testing.T, a *agent) (diff, warnings string) {
	t.Helper()
	a.conclude(t.Context(), endEntry{Status: statusFinished, EndMS: 1})
	for at := int64(0); ; {
		payload, next, err := a.journal.read(at)
		if err != nil {
			break
		}
		e, err := decodeEntry(payload)
		require.NoError(t, err)
		if e.Ops != nil {
			for _, o := range e.Ops.Ops {
				if o.Path == "cairn/code.diff" {
					content, err := os.ReadFile(filepath.Join(a.dir, blobsDir, o.Blob))
					require.NoError(t, err)
					diff = string(content)
				}
			}
		}
		at = next
	}
	if diff != "" {
		code := codeFacts{}
		code.setDiff([]byte(diff))
		require.Equal(t, code.DiffSHA256, a.state.origin.Code.DiffSHA256, "the fingerprint names the diff that is recorded")
	}
	warnings = strings.Join(a.state.warnings[a.config.RunID], "\n")
	require.NoError(t, a.closeSpool())
	return diff, warnings
}

func TestUntrackedFilesThatAreImportedJoinTheDiff(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	odd := map[string]string{
		"modèle.py": "x = 1\n", "empty.py": "", "no end.py": "y = 2", "quo\"ted\\.py": "z = 3\n\n", "deep/er.py": "+++ a\n--- b\n",
		"dos.py": "w = 4\r\n\tw\n", "glob[a].py": "v = 5\n",
	}
	write(t, dir, odd)
	write(t, dir, map[string]string{
		"train.py": "lr = 0.2\n", "unused.py": "u = 1\n", "globa.py": "unused = 2\n", "data.csv": "1,2\n", "ignored.py": "i = 1\n",
		"binary.py": "a\x00b", "secret.py": "API_KEY = \"sk-very-secret\"\n",
	})
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run.py"), []byte("#!/usr/bin/env python3\n"), 0o700))
	require.NoError(t, os.Symlink("/etc/hostname", filepath.Join(dir, "link.py")))
	linked := filepath.Join(t.TempDir(), "linked")
	require.NoError(t, os.Symlink(dir, linked))

	spool := t.TempDir()
	a := codeAgent(t, spool, dir, func(c *Config) { c.Argv = []string{"python", "run.py"} })
	a.findOrigin(t.Context()).settle()
	var told []string
	for name := range odd {
		told = append(told, filepath.Join(dir, name))
	}
	told = append(told, filepath.Join(linked, "secret.py"), filepath.Join(dir, "train.py"), filepath.Join(dir, "ignored.py"),
		filepath.Join(dir, "data.csv"), filepath.Join(dir, "binary.py"), filepath.Join(dir, "link.py"), filepath.Join(dir, "gone.py"),
		"/etc/hostname.py", "relative.py", "")
	a.takeCode(t.Context(), told)
	// Edited after it was imported, and told of again: what ran is kept. The agent that ends the command is another.
	write(t, dir, map[string]string{"modèle.py": "x = 99\n", "train.py": "lr = 0.3\n"})
	a.takeCode(t.Context(), told)
	require.NoError(t, a.closeSpool())
	a = codeAgent(t, spool, dir, func(c *Config) { *c = a.config })
	diff, warnings := recordedDiff(t, a)
	require.Equal(t, "2 untracked source files were left out of the diff", warnings)
	require.True(t, a.state.origin.Code.Unrecorded)
	for _, absent := range []string{"unused", "data.csv", "ignored.py", "sk-very-secret", "relative"} {
		require.NotContains(t, diff, absent)
	}

	clean := t.TempDir()
	gitIn(t, clean, "clone", "-q", dir, ".")
	patch := filepath.Join(t.TempDir(), "code.diff")
	require.NoError(t, os.WriteFile(patch, []byte(diff), 0o600))
	gitIn(t, clean, "apply", patch)
	odd["train.py"], odd["secret.py"] = "lr = 0.2\n", "API_KEY = \"***\"\n"
	for name, content := range odd {
		got, err := os.ReadFile(filepath.Join(clean, name))
		require.NoError(t, err)
		require.Equal(t, content, string(got), "the diff brings the work tree back: %s", name)
	}
	info, err := os.Stat(filepath.Join(clean, "run.py"))
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&0o100, "what can be run stays so")
}

// Files that nobody imported are not looked at, however many there are; those that were are bounded.
func TestManyImportedFilesCostNoProcessEach(t *testing.T) {
	dir := repository(t)
	var told []string
	for i := range maxUntracked + 5 {
		name := fmt.Sprintf("m%03d.py", i)
		write(t, dir, map[string]string{name: "x = 1\n"})
		told = append(told, filepath.Join(dir, name))
	}
	large := filepath.Join(dir, "large.py")
	require.NoError(t, os.WriteFile(large, make([]byte, maxUntrackedFile+1), 0o600))
	// A git that counts how often it is started.
	real, err := exec.LookPath("git")
	require.NoError(t, err)
	bin, started := t.TempDir(), filepath.Join(t.TempDir(), "started")
	script := "#!/bin/sh\necho >>'" + started + "'\nexec '" + real + "' \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "git"), []byte(script), 0o700))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	a := codeAgent(t, t.TempDir(), dir, nil)
	a.findOrigin(t.Context()).settle()
	a.takeCode(t.Context(), append(told, large))
	diff, warnings := recordedDiff(t, a)
	require.Equal(t, maxUntracked, strings.Count(diff, "+x = 1\n"))
	require.Equal(t, "6 untracked source files were left out of the diff", warnings)
	count, err := os.ReadFile(started)
	require.NoError(t, err)
	require.Less(t, len(count), 12)
}

func TestNothingIsImportedWhereNoDiffIsWanted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dir    string
		change func(*Config)
	}{
		"no diff":       {repository(t), func(c *Config) { c.NoDiff = true }},
		"no repository": {t.TempDir(), nil},
		"no directory":  {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := codeAgent(t, t.TempDir(), tc.dir, tc.change)
			if tc.dir != "" {
				write(t, tc.dir, map[string]string{"new.py": "x = 1\n"})
			}
			a.findOrigin(t.Context()).settle()
			a.takeCode(t.Context(), []string{filepath.Join(tc.dir, "new.py")})
			diff, warnings := recordedDiff(t, a)
			require.Empty(t, diff)
			require.Empty(t, warnings)
		})
	}
}

func TestGitThatDoesNotAnswerIsNotWaitedFor(t *testing.T) {
	dir := repository(t)
	write(t, dir, map[string]string{"new.py": "x = 1\n"})
	a := codeAgent(t, t.TempDir(), dir, nil)
	a.findOrigin(t.Context()).settle()
	_, err := a.workTree(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.takeCode(ctx, []string{filepath.Join(dir, "new.py")})
	diff, warnings := recordedDiff(t, a)
	require.Empty(t, diff)
	require.Contains(t, warnings, "untracked source files may be missing in the diff")
}

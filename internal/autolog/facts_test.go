package autolog

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func gitIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=T", "-c", "user.email=t@example.org"}, args...)...)
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
}

func TestGitFacts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := readGit(t.Context(), dir, true)
	require.ErrorIs(t, err, errNoRepository)

	gitIn(t, dir, "init", "-q", "-b", "trunk")
	gitIn(t, dir, "remote", "add", "origin", "https://me:pass@example.org/repo.git")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "train.py"), []byte("lr = 0.1\n"), 0o600))
	facts, err := readGit(t.Context(), dir, true)
	require.NoError(t, err)
	require.True(t, facts.code.Dirty)
	require.Empty(t, facts.code.Commit)

	gitIn(t, dir, "add", ".")
	gitIn(t, dir, "commit", "-q", "-m", "first")
	facts, err = readGit(t.Context(), dir, true)
	require.NoError(t, err)
	require.False(t, facts.code.Dirty)
	require.Len(t, facts.code.Commit, 40)
	require.Equal(t, "trunk", facts.code.Branch)
	require.Equal(t, "https://example.org/repo.git", facts.code.Repository)
	require.Empty(t, facts.diff)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "train.py"), []byte("lr = 0.2\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "new.py"), []byte("x = 1\n"), 0o600))
	facts, err = readGit(t.Context(), dir, true)
	require.NoError(t, err)
	require.True(t, facts.code.Dirty)
	require.Contains(t, string(facts.diff), "+lr = 0.2")
	require.NotContains(t, string(facts.diff), "new.py", "nobody imported it")
	require.False(t, facts.code.Unrecorded)
	require.Empty(t, facts.warnings)

	facts, err = readGit(t.Context(), dir, false)
	require.NoError(t, err)
	require.True(t, facts.code.Dirty)
	require.True(t, facts.code.Unrecorded)
	require.Empty(t, facts.diff)
}

func TestSearchForTheOriginEndsSoonAfterTheCommand(t *testing.T) {
	dir, bin := t.TempDir(), t.TempDir()
	gitIn(t, dir, "init", "-q")
	require.NoError(t, os.WriteFile(filepath.Join(bin, "git"), []byte("#!/bin/sh\nexec sleep 60\n"), 0o700))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	looking, stop := context.WithCancel(t.Context())
	search := &originSearch{done: make(chan struct{}), stop: stop}
	var facts gitFacts
	var err error
	go func() {
		defer close(search.done)
		facts, err = readGit(looking, dir, true)
	}()
	began := time.Now()
	search.settle()
	require.Less(t, time.Since(began), gitTimeout/2)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []string{tooSlow}, facts.warnings)
}

func TestFingerprintHashesTellPartsApart(t *testing.T) {
	t.Parallel()
	a := fingerprint{Code: &codeFacts{Commit: "c", Branch: "x"}, Data: []dataFact{{Name: "a", Digest: "1"}, {Name: "b", Digest: "2"}}}
	b := fingerprint{Code: &codeFacts{Commit: "c", Branch: "y"}, Data: []dataFact{{Name: "b", Digest: "2"}, {Name: "a", Digest: "1"}, {Name: "a", Digest: "1"}}}
	codeA, dataA, deps, _, _, _ := a.hashes()
	codeB, dataB, _, _, _, _ := b.hashes()
	require.Equal(t, codeA, codeB)
	require.Equal(t, dataA, dataB)
	require.Empty(t, deps)
	b.Code.Dirty = true
	codeB, _, _, _, _, _ = b.hashes()
	require.Equal(t, codeA, codeB, "what differs beside the code is none of it")
	b.Code.Unrecorded = true
	codeB, _, _, _, _, _ = b.hashes()
	require.NotEqual(t, codeA, codeB)
}

func TestRequirementsAreSorted(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a==1\nB==2\nc @ file:///x\n", string(requirements([]string{"c @ file:///x", "B==2", "a==1", "a==1"})))
}

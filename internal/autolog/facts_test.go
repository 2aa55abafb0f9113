package autolog

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

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
	require.NoError(t, os.WriteFile(filepath.Join(dir, "modèle.py"), []byte("x = 1\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data.csv"), []byte("1,2\n"), 0o600))
	require.NoError(t, os.Symlink("/etc/hostname", filepath.Join(dir, "link.py")))
	facts, err = readGit(t.Context(), dir, true)
	require.NoError(t, err)
	require.True(t, facts.code.Dirty)
	require.Contains(t, string(facts.diff), "+lr = 0.2")
	require.Contains(t, string(facts.diff), "+x = 1")
	require.NotContains(t, string(facts.diff), "1,2")
	require.Equal(t, []string{"1 untracked source files were left out of the diff"}, facts.warnings)

	clean := t.TempDir()
	gitIn(t, clean, "clone", "-q", dir, ".")
	patch := filepath.Join(t.TempDir(), "code.diff")
	require.NoError(t, os.WriteFile(patch, facts.diff, 0o600))
	gitIn(t, clean, "apply", patch)
	got, err := os.ReadFile(filepath.Join(clean, "modèle.py"))
	require.NoError(t, err)
	require.Equal(t, "x = 1\n", string(got), "the diff brings the work tree back")

	facts, err = readGit(t.Context(), dir, false)
	require.NoError(t, err)
	require.True(t, facts.code.Dirty)
	require.Empty(t, facts.diff)
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
	require.NotEqual(t, codeA, codeB)
}

func TestRequirementsAreSorted(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a==1\nB==2\nc @ file:///x\n", string(requirements([]string{"c @ file:///x", "B==2", "a==1", "a==1"})))
}

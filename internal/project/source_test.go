package project

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// commitAll makes a repository of a directory and commits what it has.
func commitAll(t *testing.T, dir string) string {
	t.Helper()
	for _, args := range [][]string{{"init", "--quiet", "--initial-branch", "main"}, {"add", "--all"}, {"commit", "--quiet", "--allow-empty", "--message", "a change"}} {
		command := exec.Command("git", args...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com")
		out, err := command.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	commit, err := runGit(context.Background(), dir, nil, "rev-parse", "HEAD")
	require.NoError(t, err)
	return strings.TrimSpace(commit)
}

func fetchOf(t *testing.T, dir, version string) (*Checkout, error) {
	t.Helper()
	source, err := ParseSource(dir)
	require.NoError(t, err)
	f := fetcher{cache: t.TempDir(), say: t.Logf}
	checkout, err := f.fetch(context.Background(), source, version, "0123")
	if err != nil {
		left, globbed := filepath.Glob(filepath.Join(f.cache, "projects", "*", "0123"))
		require.NoError(t, globbed)
		require.Empty(t, left, "a checkout that is not run is removed")
		return nil, err
	}
	t.Cleanup(func() { require.NoError(t, checkout.Remove()) })
	return checkout, nil
}

func TestParseSource(t *testing.T) {
	t.Parallel()
	dir := projectOf(t, "file", "")
	for uri, want := range map[string]Source{
		dir:                                  {Location: dir, Name: dir},
		"file://" + filepath.ToSlash(dir):    {Location: dir, Name: dir},
		dir + "#sub/dir":                     {Location: dir, Name: dir + "#sub/dir", Subdirectory: "sub/dir"},
		"https://u:p@h/r.git#sub":            {Location: "https://u:p@h/r.git", Name: "https://h/r.git#sub", Subdirectory: "sub", Remote: true},
		"ssh://git@h/r":                      {Location: "ssh://git@h/r", Name: "ssh://git@h/r", Remote: true},
		"git@github.com:mlflow/mlflow-a.git": {Location: "git@github.com:mlflow/mlflow-a.git", Name: "git@github.com:mlflow/mlflow-a.git", Remote: true},
	} {
		got, err := ParseSource(uri)
		require.NoError(t, err, uri)
		require.Equal(t, want, got)
	}
	for uri, want := range map[string]string{
		"":                         "names no project",
		filepath.Join(dir, "file"): "is a file",
		filepath.Join(dir, "no"):   "there is no directory",
		dir + "#../other":          "lies outside of the project",
		"ext::sh -c id":            "neither a directory nor",
		"--upload-pack=id":         "neither a directory nor",
		"ftp://h/r":                "git is spoken over https",
	} {
		_, err := ParseSource(uri)
		require.ErrorContains(t, err, want, uri)
	}
}

func TestFetchOfAVersion(t *testing.T) {
	t.Parallel()
	dir := projectOf(t, "sub/file", "one")
	first := commitAll(t, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sub", "file"), []byte("two"), 0o600))
	second := commitAll(t, dir)
	checkout, err := fetchOf(t, dir+"/sub", first[:9])
	require.NoError(t, err)
	require.Equal(t, first, checkout.Commit)
	require.Empty(t, checkout.Branch)
	data, err := os.ReadFile(filepath.Join(checkout.Dir, "file"))
	require.NoError(t, err)
	require.Equal(t, "one", string(data))
	checkout, err = fetchOf(t, dir, "main")
	require.NoError(t, err)
	require.Equal(t, [2]string{second, "main"}, [2]string{checkout.Commit, checkout.Branch})
	for version, want := range map[string]string{"v9": `has no commit, tag or branch "v9"; `, "--all": "is no commit, tag or branch", "a b": "is no commit, tag or branch"} {
		_, err := fetchOf(t, dir, version)
		require.ErrorContains(t, err, want)
	}
	_, err = fetchOf(t, projectOf(t, "file", ""), "main")
	require.ErrorContains(t, err, "is no git repository, so it has no version main")
	_, err = fetchOf(t, dir+"#nothing", "main")
	require.ErrorContains(t, err, "the project has no folder nothing")
}

func TestLinksOutOfACheckout(t *testing.T) {
	t.Parallel()
	for name, link := range map[string][2]string{
		"absolute": {"/etc", "link"}, "above": {"../../..", "link"}, "through a folder": {"../../x", "sub/link"}, "to itself's parent": {"sub/../../..", "link"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := projectOf(t, "sub/file", "")
			require.NoError(t, os.Symlink(link[0], filepath.Join(dir, link[1])))
			commitAll(t, dir)
			_, err := fetchOf(t, dir, "main")
			require.ErrorContains(t, err, "leads out of the project")
		})
	}
	dir := projectOf(t, "sub/file", "")
	require.NoError(t, os.Symlink("sub/file", filepath.Join(dir, "inside")))
	require.NoError(t, os.Symlink("nothing", filepath.Join(dir, "dangling")))
	commitAll(t, dir)
	_, err := fetchOf(t, dir, "main")
	require.NoError(t, err)
	// A directory of the user's own is used as it is, but no folder of it that lies elsewhere.
	require.NoError(t, os.Symlink("/etc", filepath.Join(dir, "away")))
	_, err = fetchOf(t, dir+"#away", "")
	require.ErrorContains(t, err, "the project has no folder away")
}

func TestSubmoduleWithATransportThatStartsPrograms(t *testing.T) {
	t.Parallel()
	dir := projectOf(t, ".gitmodules", "[submodule \"s\"]\n\tpath = s\n\turl = ext::sh -c touch% pwned\n")
	commit := commitAll(t, dir)
	for _, args := range [][]string{
		{"update-index", "--add", "--cacheinfo", "160000," + commit + ",s"}, {"-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "-m", "a submodule"},
	} {
		_, err := runGit(context.Background(), dir, nil, args...)
		require.NoError(t, err)
	}
	_, err := fetchOf(t, dir, "main")
	require.ErrorContains(t, err, "the submodules of the project could not be fetched")
	require.NoFileExists(t, filepath.Join(dir, "pwned"))
}

func TestStripped(t *testing.T) {
	t.Parallel()
	require.Equal(t, "fatal: https://h/r and ssh://git@h/r, ssh://h", Stripped("fatal: https://u:p@h/r and ssh://git@h/r, ssh://a:b@h"))
	require.Equal(t, "https://h/", Stripped("https://token@h/"))
}

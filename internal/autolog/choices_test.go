package autolog

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChoicesOfTheFileAndTheCaller(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "a", "b")
	require.NoError(t, os.MkdirAll(below, 0o700))
	t.Chdir(below)
	write := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(root, settingsFile), []byte(text), 0o600))
	}
	options, err := Choices{}.options("")
	require.NoError(t, err)
	require.Empty(t, options)

	write("[autolog]\nmodels = \"off\"\nevery_n_steps = 7\ninclude = [\"loss*\", \"acc?racy\"]\n[other]\nx = 1\n")
	options, err = Choices{}.options("")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"models": "off", "every_n_steps": "7", "include": "loss*\nacc?racy"}, options)

	options, err = Choices{Models: "on", EveryNSteps: 2, Include: []string{}, Exclude: []string{"x"}}.options("")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"models": "on", "every_n_steps": "2", "exclude": "x"}, options)

	for text, said := range map[string]string{
		"[autolog]\nmodels = \"maybe\"":    `autolog.models: is "maybe": on or off`,
		"[autolog]\nevery_n_steps = -1":    "autolog.every-n-steps: is -1: 1 or more",
		"[autolog]\nmodel = \"off\"":       "there is no autolog.model: autolog has models, every_n_steps, include and exclude",
		"[autolog]\nexclude = [\"\"]":      `autolog.exclude: the pattern "" is none`,
		"[autolog]\nevery_n_steps = \"3\"": "incompatible types",
		"[autolog":                         settingsFile,
	} {
		write(text)
		_, err := Choices{}.options("")
		require.ErrorContains(t, err, said)
	}
	write("")
	for _, wrong := range []Choices{{Models: "no"}, {EveryNSteps: -2}, {Include: []string{"a\nb"}}, {Exclude: make([]string, maxPatterns+1)}} {
		_, err := wrong.options("")
		require.ErrorContains(t, err, "--autolog-")
	}
}

func TestFilterTakesNamesAsAWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		include, exclude string
		wanted, unwanted []string
	}{
		{"", "", []string{"loss", ""}, nil},
		{"loss*\nval_?", "", []string{"loss", "loss/a", "val_x"}, []string{"train_loss", "val_", "val_xy"}},
		{"", "*time*", []string{"loss"}, []string{"fit_time", "time", "a/time/b"}},
		{"a*", "ab*", []string{"a", "ac"}, []string{"ab", "abc", "b"}},
		{"a.b", "", []string{"a.b"}, []string{"axb"}},
		{"学*", "", []string{"学习率"}, []string{"率"}},
	} {
		f := newFilter(map[string]string{optionInclude: c.include, optionExclude: c.exclude})
		for _, name := range c.wanted {
			require.True(t, f.wants(name), "%q with %+v", name, c)
		}
		for _, name := range c.unwanted {
			require.False(t, f.wants(name), "%q with %+v", name, c)
		}
	}
}

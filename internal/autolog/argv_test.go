package autolog

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSourceName(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"python train.py":                  "train.py",
		"python3.11 -u src/train.py --x 1": "src/train.py",
		"python -m pkg.train run.py":       "pkg.train",
		"/usr/bin/python -um pkg.train":    "pkg.train",
		"python -mpkg":                     "pkg",
		"python -X dev -W error -m pkg":    "pkg",
		"python -Xdev -m pkg":              "pkg",
		"python -c -m":                     "python",
		"python -m":                        "python",
		"python train.py -m pkg":           "train.py",
		"torchrun --nproc 2 train.py":      "train.py",
		"bash -m run.sh":                   "run.sh",
		"./train":                          "train",
		"grep .py":                         "grep",
	} {
		require.Equal(t, want, sourceName(strings.Fields(command)), command)
	}
	require.Equal(t, "sh", sourceName([]string{"sh", "-c", "python a.py; python b.py"}))
}

func TestIsolatingFlags(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"python train.py":         "",
		"python -u train.py -I":   "",
		"python -I train.py":      "-I",
		"python3 -uE train.py":    "-E",
		"python -S -m pkg":        "-S",
		"python -W I train.py":    "",
		"python -WI train.py":     "",
		"python -m pkg -I":        "",
		"python -cE":              "",
		"grep -I -E train":        "",
		"/opt/x/python3.12 -IS a": "-S",
		"python - -I":             "",
	} {
		require.Equal(t, want, readPython(strings.Fields(command)).isolating, command)
	}
}

package training

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"accuracy_score_X_test": "accuracy_score_X_test",
		"学习率":                   "学习率",
		"step one__C":           "step one__C",
		"<lambda>_X":            "_lambda__X",
		"a//b":                  "_a__b",
		"/a":                    "__a",
		"..":                    "___",
		"":                      "_",
	} {
		require.Equal(t, want, Key(name), name)
	}
	require.Len(t, []rune(Key(strings.Repeat("ä", 400))), MaxKey)
}

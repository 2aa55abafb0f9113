package training

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
)

// MaxKey is the longest key of a param or metric, in characters.
const MaxKey = 250

// Key makes a legal key of a name that a user's script made up: step names of pipelines and names of functions hold
// anything. Characters outside MLflow's set become underscores.
func Key(name string) string {
	legal := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-. :/", r) {
			return r
		}
		return '_'
	}, name)
	if characters := []rune(legal); len(characters) > MaxKey {
		legal = string(characters[:MaxKey])
	}
	if legal == "" || strings.HasPrefix(legal, "/") || strings.HasPrefix(legal, "..") || path.Clean(legal) != legal {
		legal = "_" + strings.NewReplacer("/", "_", "..", "__").Replace(legal)
	}
	return legal
}

// Sorted gives the keys of a map in their order, so that equal observations give equal records.
func Sorted[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}

package tracking

import (
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cairnml/cairn/internal/errs"
)

// Bounds of names and values. The key's is MLflow's; values may be longer than MLflow keeps them (6,000 characters of a
// param, 8,000 of a tag), since cutting them off in silence would lose what a user recorded.
const (
	MaxKey            = 250    // characters
	MaxValue          = 65_536 // bytes
	MaxExperimentName = 500    // characters
	MaxRunName        = 500    // characters
	MaxParams         = 1000   // of one batch
	MaxModelMetrics   = 1000   // of one batch
	MaxTags           = 1000   // of one batch
)

// CheckKey checks the key of a param, a metric or a tag: 1 to 250 letters, digits, "_", "/", ".", "-", ":" and spaces, as
// MLflow accepts them (letters and digits of every script), and clean as a path, since keys become folders in a tree.
func CheckKey(field, key string) error {
	switch {
	case key == "":
		return errs.Field(field, "the name is missing")
	case !utf8.ValidString(key):
		return errs.Field(field, "the name is not UTF-8")
	case utf8.RuneCountInString(key) > MaxKey:
		return errs.Field(field, "the name %.40q… has %d characters: at most %d are allowed", key, utf8.RuneCountInString(key), MaxKey)
	}
	for _, r := range key {
		if !keyRune(r) {
			return errs.Field(field,
				"the name %.60q holds %q: names may hold letters, digits, underscores, dashes, periods, colons, spaces and slashes", key, r)
		}
	}
	if path.Clean(key) != key || key[0] == '/' || key == "." || key == ".." || strings.HasPrefix(key, "../") {
		return errs.Field(field, "the name %.60q is not clean as a path: write it as %.60q", key, strings.TrimLeft(path.Clean("/"+key), "/"))
	}
	return nil
}

func keyRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_/.-: ", r)
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

func checkValue(field, key, value string) error {
	if len(value) > MaxValue {
		return errs.Field(field, "the value of %.60q has %d bytes: at most %d are allowed; store longer text as an artifact", key, len(value), MaxValue)
	}
	return CheckText(field, value)
}

// CheckText refuses what PostgreSQL cannot store as text.
func CheckText(field, text string) error {
	if !utf8.ValidString(text) {
		return errs.Field(field, "is not UTF-8")
	}
	if strings.ContainsRune(text, 0) {
		return errs.Field(field, "holds a NUL character")
	}
	return nil
}

func checkName(field, name string, limit int) error {
	if strings.TrimSpace(name) == "" {
		return errs.Field(field, "must not be empty")
	}
	if n := utf8.RuneCountInString(name); n > limit {
		return errs.Field(field, "has %d characters: at most %d are allowed", n, limit)
	}
	return CheckText(field, name)
}

// ParseExperimentID reads an experiment's id: its number, or its global id.
func ParseExperimentID(text string) (int, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(text, "experiment:"), 10, 64)
	if err != nil || n < 0 {
		return 0, errs.Field("experiment_id", "%.60q is not an experiment's id: it is a number", text)
	}
	return int(n), nil
}

// ParseRunID reads a run's id: 32 lower-case hex digits, or its global id.
func ParseRunID(text string) (string, error) {
	id := strings.TrimPrefix(text, "run:")
	if !isHex(id, 32) {
		return "", errs.Field("run_id", "%.60q is not a run's id: it has 32 lower-case hex digits", text)
	}
	return id, nil
}

// ParseModelID reads a logged model's id: "m-" and 32 lower-case hex digits, or its global id.
func ParseModelID(text string) (string, error) {
	id := strings.TrimPrefix(text, "model:")
	if !strings.HasPrefix(id, "m-") || !isHex(id[2:], 32) {
		return "", errs.Field("model_id", "%.60q is not a logged model's id: it is \"m-\" and 32 lower-case hex digits", text)
	}
	return id, nil
}

func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func newHexID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

var (
	adjectives = strings.Fields("amber ancient bold brave bright brisk calm clear clever crisp curious daring eager early " +
		"elegant fair fearless fleet fond gentle glad golden grand happy hardy honest keen kind light lively lucky merry mighty " +
		"mild modest noble patient plucky polite proud quick quiet rapid ready serene sharp silent smooth steady stern swift " +
		"tidy trusty vivid warm wild wise witty")
	nouns = strings.Fields("alp badger basin beacon birch boulder brook canyon cedar cliff condor crane creek crest dale dune " +
		"eagle ember falcon fern finch fjord fox glacier gorge grove hare harbor hawk heron hill ibex island juniper lake larch " +
		"ledge lichen lynx marmot meadow mesa moss oak otter owl pass peak pine plateau pond puffin raven reef ridge river " +
		"robin rowan saddle scree shore sparrow spring spruce stone stork summit tarn thicket trail valley willow wolf wren")
)

// randomRunName makes a name as MLflow's servers do: an adjective, a noun and a number.
func randomRunName() string {
	pick := func(n int) int {
		v, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
		if err != nil { // never fails
			return 0
		}
		return int(v.Int64())
	}
	return adjectives[pick(len(adjectives))] + "-" + nouns[pick(len(nouns))] + "-" + strconv.Itoa(pick(1000))
}

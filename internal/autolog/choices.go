package autolog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/cairnml/cairn/internal/errs"
)

// Options of hooks and of the agent, as they lie in a Config.
const (
	optionModels     = "models"
	optionEveryN     = "every_n_steps"
	optionInclude    = "include"
	optionExclude    = "exclude"
	settingsFile     = "cairn.toml"
	maxSettings      = 1 << 20
	maxPatterns      = 100
	maxPattern       = 500
	maxSettingsDepth = 64
)

// Choices are what of a training is recorded. What is not set is as the file cairn.toml says, else as usual.
type Choices struct {
	// Models is "on" or "off": whether models and copies of checkpoints are recorded.
	Models string
	// EveryNSteps is how often values are recorded that hooks do not record at every step; 0 for each hook's own.
	EveryNSteps int
	// Include and Exclude are patterns of the names of metrics, params and artifacts that adapters record: with Include only
	// those that match one of it are recorded, and never those that match one of Exclude.
	Include, Exclude []string
}

// settings is the file cairn.toml.
type settings struct {
	Autolog struct {
		Models      string   `toml:"models"`
		EveryNSteps int      `toml:"every_n_steps"`
		Include     []string `toml:"include"`
		Exclude     []string `toml:"exclude"`
	} `toml:"autolog"`
}

// options gives the choices as options of a Config, those of the file cairn.toml in a directory, the working directory where it is
// empty, or the nearest one above it, where the caller made none.
func (c Choices) options(directory string) (map[string]string, error) {
	if err := c.check("--autolog-"); err != nil {
		return map[string]string{}, err
	}
	file, err := readSettings(directory)
	if err != nil {
		return map[string]string{}, err
	}
	if c.Models == "" {
		c.Models = file.Models
	}
	if c.EveryNSteps == 0 {
		c.EveryNSteps = file.EveryNSteps
	}
	if c.Include == nil {
		c.Include = file.Include
	}
	if c.Exclude == nil {
		c.Exclude = file.Exclude
	}
	options := map[string]string{}
	if c.Models != "" {
		options[optionModels] = c.Models
	}
	if c.EveryNSteps > 0 {
		options[optionEveryN] = strconv.Itoa(c.EveryNSteps)
	}
	if len(c.Include) > 0 {
		options[optionInclude] = strings.Join(c.Include, "\n")
	}
	if len(c.Exclude) > 0 {
		options[optionExclude] = strings.Join(c.Exclude, "\n")
	}
	return options, nil
}

// check refuses what cannot be meant. prefix stands before the names of the fields.
func (c Choices) check(prefix string) error {
	if c.Models != "" && c.Models != "on" && c.Models != "off" {
		return errs.Field(prefix+"models", "is %.40q: on or off", c.Models)
	}
	if c.EveryNSteps < 0 {
		return errs.Field(prefix+"every-n-steps", "is %d: 1 or more", c.EveryNSteps)
	}
	for name, patterns := range map[string][]string{"include": c.Include, "exclude": c.Exclude} {
		if len(patterns) > maxPatterns {
			return errs.Field(prefix+name, "has %d patterns: at most %d are allowed", len(patterns), maxPatterns)
		}
		for _, pattern := range patterns {
			if pattern == "" || len(pattern) > maxPattern || strings.Contains(pattern, "\n") {
				return errs.Field(prefix+name, "the pattern %.40q is none: 1 to %d bytes on one line", pattern, maxPattern)
			}
		}
	}
	return nil
}

// readSettings reads the nearest cairn.toml, from a directory upwards.
func readSettings(directory string) (Choices, error) {
	if directory == "" {
		var err error
		if directory, err = os.Getwd(); err != nil {
			return Choices{}, nil //nolint:nilerr // a directory that was removed has no settings
		}
	}
	for range maxSettingsDepth {
		path := filepath.Join(directory, settingsFile)
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() {
			return readSettingsFile(path, info.Size())
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return Choices{}, fmt.Errorf("look for %s: %w", settingsFile, err)
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			break
		}
		directory = parent
	}
	return Choices{}, nil
}

func readSettingsFile(path string, size int64) (Choices, error) {
	if size > maxSettings {
		return Choices{}, errs.New(errs.Invalid, "%s has %d bytes: at most %d are allowed", path, size, maxSettings)
	}
	data, err := os.ReadFile(path) //nolint:gosec // the user's own file, by its fixed name
	if err != nil {
		return Choices{}, fmt.Errorf("read %s: %w", settingsFile, err)
	}
	var s settings
	read, err := toml.Decode(string(data), &s)
	if err != nil {
		return Choices{}, errs.New(errs.Invalid, "%s: %v", path, err)
	}
	for _, key := range read.Undecoded() {
		if key[0] == "autolog" { // other tables may be others'
			return Choices{}, errs.New(errs.Invalid,
				"%s: there is no %s: autolog has models, every_n_steps, include and exclude", path, key)
		}
	}
	choices := Choices(s.Autolog)
	if err := choices.check(path + ": autolog."); err != nil {
		return Choices{}, err
	}
	return choices, nil
}

// filter tells which names of metrics, params and artifacts are recorded.
type filter struct {
	include, exclude *regexp.Regexp
}

func newFilter(options map[string]string) filter {
	return filter{include: anyOf(options[optionInclude]), exclude: anyOf(options[optionExclude])}
}

// anyOf matches names as a whole that one of the patterns, one a line, describes: * is any text, ? one character. It is nil for
// no patterns.
func anyOf(patterns string) *regexp.Regexp {
	if patterns == "" {
		return nil
	}
	var parts []string
	for pattern := range strings.SplitSeq(patterns, "\n") {
		parts = append(parts, strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)))
	}
	return regexp.MustCompile(`(?s)\A(?:` + strings.Join(parts, "|") + `)\z`)
}

func (f filter) wants(name string) bool {
	if f.include != nil && !f.include.MatchString(name) {
		return false
	}
	return f.exclude == nil || !f.exclude.MatchString(name)
}

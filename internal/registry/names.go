package registry

import (
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/tracking"
)

// Bounds of names and texts. Those of names, aliases and tags are MLflow's.
const (
	MaxName        = 256     // characters
	MaxAlias       = 255     // characters
	MaxTagValue    = 100_000 // characters
	MaxTags        = 1000    // of one request
	MaxDescription = 65_536  // bytes
	MaxReason      = 8192    // bytes
	MaxSource      = 2048    // bytes
)

// The stages. A version begins in None.
const (
	StageNone       = "None"
	StageStaging    = "Staging"
	StageProduction = "Production"
	StageArchived   = "Archived"
	// stageDeleted is where the history says that a deleted version went. Nobody can name it.
	stageDeleted = "Deleted"
)

// Stages are those that a version can be in, in the order in which it goes through them.
func Stages() []string { return []string{StageNone, StageStaging, StageProduction, StageArchived} }

// ParseStage reads a stage, in any case of letters.
func ParseStage(field, text string) (string, error) {
	for _, stage := range Stages() {
		if strings.EqualFold(stage, text) {
			return stage, nil
		}
	}
	return "", errs.Field(field, "Invalid Model Version stage: %.60s. Value must be one of %s.", text, strings.Join(Stages(), ", "))
}

// parseStages reads stages, each once; nil stands for all.
func parseStages(texts []string) ([]string, error) {
	if len(texts) == 0 {
		return Stages(), nil
	}
	out := make([]string, 0, len(texts))
	seen := map[string]bool{}
	for _, text := range texts {
		stage, err := ParseStage("stages", text)
		if err != nil {
			return nil, err
		}
		if !seen[stage] {
			seen[stage] = true
			out = append(out, stage)
		}
	}
	return out, nil
}

// CheckName checks the name of a registered model: as MLflow does, any text that is clean as a path and has no "/" and no
// ":", which stand in URIs of models.
func CheckName(field, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errs.Field(field, "Registered model name cannot be empty")
	case !utf8.ValidString(name):
		return errs.Field(field, "is not UTF-8")
	case utf8.RuneCountInString(name) > MaxName:
		return errs.Field(field, "%.40q… has %d characters: at most %d are allowed", name, utf8.RuneCountInString(name), MaxName)
	case strings.ContainsAny(name, "/:"):
		return errs.Field(field, "Invalid model name %.260q: names cannot contain '/' or ':'", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return errs.Field(field, "%.60q holds a control character", name)
	case path.Clean(name) != name || name == "." || strings.HasPrefix(name, ".."):
		return errs.Field(field, "%.60q is not clean as a path: it is . or begins with ..", name)
	}
	return nil
}

var versionAlias = regexp.MustCompile(`^[vV][0-9]+$`)

// CheckAlias checks the name of an alias: letters, digits, "_" and "-", and none that reads as a version or as the newest.
func CheckAlias(field, alias string) error {
	switch {
	case alias == "":
		return errs.Field(field, "Registered model alias name cannot be empty")
	case !utf8.ValidString(alias):
		return errs.Field(field, "is not UTF-8")
	case utf8.RuneCountInString(alias) > MaxAlias:
		return errs.Field(field, "%.40q… has %d characters: at most %d are allowed", alias, utf8.RuneCountInString(alias), MaxAlias)
	case strings.ContainsFunc(alias, func(r rune) bool {
		return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	}):
		return errs.Field(field, "Invalid alias name: %.60q. It may hold letters, digits, underscores and dashes", alias)
	case strings.EqualFold(alias, "latest"):
		return errs.Field(field, "'latest' alias name (case insensitive) is reserved")
	case versionAlias.MatchString(alias):
		return errs.Field(field, "Version alias name %.60q is reserved: it reads as a version", alias)
	}
	return nil
}

// checkTags checks tags and gives them in the order of their keys, the last of equal keys standing.
func checkTags(tags []tracking.Tag) ([]tracking.Tag, error) {
	if len(tags) > MaxTags {
		return nil, errs.Field("tags", "has %d tags: at most %d go into one request", len(tags), MaxTags)
	}
	for _, t := range tags {
		if err := tracking.CheckKey("tags.key", t.Key); err != nil {
			return nil, err
		}
		if n := utf8.RuneCountInString(t.Value); n > MaxTagValue {
			return nil, errs.Field("tags.value", "the value of %.60q has %d characters: at most %d are allowed", t.Key, n, MaxTagValue)
		}
		if err := tracking.CheckText("tags.value", t.Value); err != nil {
			return nil, err
		}
	}
	return tracking.SortTags(tags), nil
}

// checkText checks a free text of so many bytes at most.
func checkText(field, text string, limit int) error {
	if len(text) > limit {
		return errs.Field(field, "has %d bytes: at most %d are allowed", len(text), limit)
	}
	return tracking.CheckText(field, text) //nolint:wrapcheck // an error for users already
}

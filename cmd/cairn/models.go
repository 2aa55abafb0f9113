package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type modelCommands struct {
	List       modelsList       `cmd:"" help:"List registered models."`
	Show       modelsShow       `cmd:"" help:"Show all that is known of a registered model, or of one version."`
	Versions   modelsVersions   `cmd:"" help:"List versions."`
	Register   modelsRegister   `cmd:"" help:"Register a version, from a run, a logged model or the URI of files."`
	Transition modelsTransition `cmd:"" help:"Bring a version into a stage."`
	Rollback   modelsRollback   `cmd:"" help:"Bring back what was in a stage before."`
	Approve    modelsApprove    `cmd:"" help:"Approve of a version's coming into a stage."`
	Rule       modelsRule       `cmd:"" help:"List, set and delete rules, which a version must satisfy to come into a stage."`
	Alias      modelsAlias      `cmd:"" help:"Set and delete aliases, which are movable names of versions."`
	Tag        modelsTag        `cmd:"" help:"Set and delete tags of models and versions."`
	Diff       modelsDiff       `cmd:"" help:"Whether callers break with another version, and what differs."`
	History    modelsHistory    `cmd:"" help:"Who brought which version where, when and why; with --at, what was in a stage then."`
	Delete     modelsDelete     `cmd:"" help:"Delete a version, or a model with all of its versions."`
}

const modelScheme = "models:/"

// modelRef is what somebody calls a model or a version: NAME, NAME/3, NAME/STAGE, NAME/latest or NAME@ALIAS, with or without
// "models:/". Which of them exist, the server says.
type modelRef struct {
	name string
	// which is "/3" or "@champion"; empty when the model is meant.
	which string
}

func parseModelRef(text string) modelRef {
	text = strings.TrimPrefix(text, modelScheme)
	if at := strings.IndexByte(text, '/'); at >= 0 {
		return modelRef{text[:at], text[at:]}
	}
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		return modelRef{text[:at], text[at:]}
	}
	return modelRef{name: text}
}

func (r modelRef) uri() string { return modelScheme + r.name + r.which }

// version refuses the name of a model where a version is meant.
func (r modelRef) version() (modelRef, error) {
	if r.which == "" {
		return r, errs.New(errs.Invalid, "%q names a model and no version: write %s/3, %[2]s/Production, %[2]s@ALIAS or %[2]s/latest", r.name, r.name)
	}
	return r, nil
}

// withModels connects, and says of what is not there what is.
func withModels(ctx context.Context, connection connection, name string, do func(c *client.Client) error) error {
	c, err := connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	return explain(ctx, c, name, do(c))
}

// withVersion is withModels for a version.
func withVersion(ctx context.Context, connection connection, text string, do func(c *client.Client, v client.ModelVersionRow) error) error {
	ref, err := parseModelRef(text).version()
	if err != nil {
		return err
	}
	return withModels(ctx, connection, ref.name, func(c *client.Client) error {
		answer, err := client.FindModelVersion(ctx, c, ref.uri())
		if err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if answer.ModelVersion == nil {
			return noSuchVersion(ref)
		}
		return do(c, *answer.ModelVersion)
	})
}

func noSuchVersion(ref modelRef) error {
	return errs.New(errs.NotFound, "there is no version %s", printable(ref.name+ref.which))
}

func noSuchModel(name string) error {
	return errs.New(errs.NotFound, "there is no registered model %q", printable(name))
}

// explain adds to an error of what was not found what there is: names like the one that was given, or the model's versions.
func explain(ctx context.Context, c *client.Client, name string, err error) error {
	var known *errs.Error
	if !errs.Is(err, errs.NotFound) || !errors.As(err, &known) {
		return err
	}
	answer, outlineErr := client.ModelOutline(ctx, c, name)
	if outlineErr != nil {
		return err // a second error would hide the first
	}
	hint := ""
	if answer.RegisteredModel != nil {
		if strings.Contains(known.Message, "version") || strings.Contains(known.Message, "alias") {
			hint = whatModelHas(*answer.RegisteredModel)
		}
	} else if names := nearModels(ctx, c, name); len(names) > 0 {
		known = errs.Wrap(errs.NotFound, err, "there is no registered model %q", printable(name))
		hint = "near it: " + strings.Join(names, ", ")
	} else {
		known = errs.Wrap(errs.NotFound, err, "there is no registered model %q", printable(name))
		hint = "`cairn models list` names those that are there"
	}
	if hint == "" {
		return err
	}
	return errs.Wrap(errs.NotFound, err, "%s; %s", known.Error(), hint)
}

// whatModelHas names the versions of a model that one can ask for.
func whatModelHas(m client.ModelRow) string {
	if len(m.LatestVersions) == 0 {
		return printable(m.Name) + " has no version"
	}
	has := []string{"the newest is " + strconv.Itoa(newestOf(m))}
	for _, v := range m.LatestVersions {
		has = append(has, fmt.Sprintf("%d in %s", v.Version, v.Stage))
	}
	for _, a := range m.Aliases {
		has = append(has, fmt.Sprintf("%d as @%s", a.Version, a.Alias))
	}
	return printable(m.Name) + " has versions: " + strings.Join(has, ", ")
}

func newestOf(m client.ModelRow) int {
	newest := 0
	for _, v := range m.LatestVersions {
		newest = max(newest, v.Version)
	}
	return newest
}

func inStage(m client.ModelRow, stage string) string {
	for _, v := range m.LatestVersions {
		if v.Stage == stage {
			return strconv.Itoa(v.Version)
		}
	}
	return ""
}

const (
	// comparedNames bounds how many names are looked at for one that was perhaps meant, and shownNames how many are told.
	comparedNames = 10_000
	namesPage     = 1000
	shownNames    = 3
)

// nearModels gives names of models that are like one that is not there, the nearest first; none when the server does not say.
func nearModels(ctx context.Context, c *client.Client, name string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	var after *string
	for range comparedNames / namesPage {
		page, err := client.ModelNames(ctx, c, namesPage, after)
		if err != nil {
			return nil
		}
		for _, edge := range page.RegisteredModels.Edges {
			if d, near := nearness(name, edge.Node.Name); near {
				found = append(found, candidate{edge.Node.Name, d})
			}
		}
		if !page.RegisteredModels.PageInfo.HasNextPage {
			break
		}
		after = page.RegisteredModels.PageInfo.EndCursor
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	names := make([]string, 0, shownNames)
	for _, f := range found[:min(len(found), shownNames)] {
		names = append(names, printable(f.name))
	}
	return names
}

// nearness tells whether one name may have been written for another: by a few letters, or as a part of it.
func nearness(given, name string) (distance int, near bool) {
	a, b := []rune(strings.ToLower(given)), []rune(strings.ToLower(name))
	distance = editDistance(a, b)
	if distance <= max(2, len(a)/4) && distance < len(a) {
		return distance, true
	}
	const leastPart = 3
	if len(a) >= leastPart && strings.Contains(string(b), string(a)) || len(b) >= leastPart && strings.Contains(string(a), string(b)) {
		return distance, true
	}
	return 0, false
}

// editDistance is how many letters are to be inserted, left out or changed to come from one text to another.
func editDistance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			above := row[j+1]
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}

// tagInputs gives the tags of a command line in one order.
func tagInputs(tags map[string]string) []client.TagInput {
	out := make([]client.TagInput, 0, len(tags))
	for key, value := range tags {
		out = append(out, client.TagInput{Key: key, Value: value})
	}
	slices.SortFunc(out, func(a, b client.TagInput) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// filterText is a text of the filter language.
func filterText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func aliasList(aliases []string) string {
	marked := make([]string, len(aliases))
	for i, a := range aliases {
		marked[i] = "@" + a
	}
	return strings.Join(marked, " ")
}

func tagList(tags []client.ModelTag) string {
	pairs := make([]string, len(tags))
	for i, t := range tags {
		pairs[i] = t.Key + "=" + t.Value
	}
	return short(strings.Join(pairs, " "))
}

func versionName(v client.ModelVersionRow) string {
	return printable(v.Name) + "/" + strconv.Itoa(v.Version)
}

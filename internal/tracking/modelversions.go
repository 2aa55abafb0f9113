package tracking

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/loggedmodel"
	"github.com/cairnml/cairn/ent/loggedmodeltag"
	"github.com/cairnml/cairn/internal/store"
)

// tagModelVersions holds a JSON array, by which MLflow's clients find the versions of registered models that were made of a
// logged model: [{"name": "iris", "version": "3"}, …].
const tagModelVersions = "mlflow.modelVersions"

// namedVersion is an entry of that tag. Its number is text, as clients write it.
type namedVersion struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// UnmarshalJSON takes the number as text or as a number: MLflow's own server writes the latter.
func (v *namedVersion) UnmarshalJSON(text []byte) error {
	var in struct {
		Name    string `json:"name"`
		Version any    `json:"version"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return err //nolint:wrapcheck // the caller tells what it is not by that alone
	}
	switch version := in.Version.(type) {
	case string:
		v.Version = version
	case float64:
		v.Version = strconv.FormatFloat(version, 'f', -1, 64)
	}
	v.Name = in.Name
	if v.Name == "" || v.Version == "" {
		return fmt.Errorf("%.100s is no version of a registered model", text)
	}
	return nil
}

// AddModelVersion notes at a logged model that a version of a registered model was made of it, in the caller's transaction. A model
// that is not here is of another server, and is left to that one. Versions that leave no room for the newest are forgotten,
// the oldest first: the registry has them all.
func AddModelVersion(ctx context.Context, tx *store.Tx, modelID, name string, version int) error {
	m, err := tx.Ent().LoggedModel.Query().Where(loggedmodel.ModelID(modelID)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read logged model: %w", err)
	}
	// The row is locked by it: what another transaction adds meanwhile is read below.
	if err := tx.Ent().LoggedModel.UpdateOneID(m.ID).SetUpdatedAt(now()).Exec(ctx); err != nil {
		return fmt.Errorf("update logged model: %w", err)
	}
	var versions []namedVersion
	tag, err := tx.Ent().LoggedModelTag.Query().Where(loggedmodeltag.LoggedModelID(m.ID), loggedmodeltag.Key(tagModelVersions)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("read versions of a logged model: %w", err)
	case json.Unmarshal([]byte(tag.Value), &versions) != nil:
		versions = nil // no list of versions: it was set by hand
	}
	added := namedVersion{Name: name, Version: strconv.Itoa(version)}
	if slices.Contains(versions, added) {
		return nil
	}
	text, err := versionsText(append(versions, added))
	if err != nil {
		return err
	}
	return setModelTags(ctx, tx, m, []Tag{{Key: tagModelVersions, Value: text}})
}

// versionsText writes the tag, within the bound of its value.
func versionsText(versions []namedVersion) (string, error) {
	for {
		text, err := json.Marshal(versions)
		if err != nil {
			return "", fmt.Errorf("write versions of a logged model: %w", err)
		}
		if len(text) <= MaxValue {
			return string(text), nil
		}
		versions = versions[1:]
	}
}

// withoutRepeatedVersions gives tags in whose list of versions each stands once. A client adds the version that it has registered
// to the list that it reads then, where AddModelVersion has put it already.
func withoutRepeatedVersions(tags []Tag) []Tag {
	i := slices.IndexFunc(tags, func(t Tag) bool { return t.Key == tagModelVersions })
	if i < 0 {
		return tags
	}
	var given, once []namedVersion
	if json.Unmarshal([]byte(tags[i].Value), &given) != nil {
		return tags
	}
	for _, v := range given {
		if !slices.Contains(once, v) {
			once = append(once, v)
		}
	}
	if len(once) == len(given) {
		return tags
	}
	text, err := versionsText(once)
	if err != nil {
		return tags
	}
	tags = slices.Clone(tags)
	tags[i].Value = text
	return tags
}

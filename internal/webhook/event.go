// Package webhook tells other systems of events of the model registry, over HTTPS, signed, in the form that MLflow's webhooks have.
//
// An event is stored with what caused it, in one transaction, and sent afterwards: none is lost by a crash, and none is told of what was
// rolled back. An address of the server's own network is never called, unless the operator allows it.
package webhook

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

// Event is what a webhook can be told of: "model_version.created". The names are MLflow's.
type Event string

// The events. Those of MLflow's prompts and gateway budgets do not happen here.
const (
	ModelCreated      Event = "registered_model.created"
	VersionCreated    Event = "model_version.created"
	VersionTagSet     Event = "model_version_tag.set"
	VersionTagDeleted Event = "model_version_tag.deleted"
	AliasCreated      Event = "model_version_alias.created"
	AliasDeleted      Event = "model_version_alias.deleted"
)

// Events are all that there are.
func Events() []Event {
	return []Event{ModelCreated, VersionCreated, VersionTagSet, VersionTagDeleted, AliasCreated, AliasDeleted}
}

// foreign are the entities of MLflow's events that Cairn has nothing of.
var foreign = []string{"prompt", "prompt_version", "prompt_tag", "prompt_version_tag", "prompt_alias", "budget_policy"}

// ParseEvent reads an event of an entity ("MODEL_VERSION") and an action ("CREATED"), in any case of letters. Unsupported for
// MLflow's events of what Cairn does not have.
func ParseEvent(entity, action string) (Event, error) {
	event := Event(strings.ToLower(entity) + "." + strings.ToLower(action))
	if slices.Contains(Events(), event) {
		return event, nil
	}
	if slices.Contains(foreign, strings.ToLower(entity)) {
		return "", errs.New(errs.Unsupported, "%s: this version of Cairn has no such events", event)
	}
	names := make([]string, len(Events()))
	for i, e := range Events() {
		names[i] = string(e)
	}
	return "", errs.Field("events", "%.80q is no event: there are %s", string(event), strings.Join(names, ", "))
}

// Entity and Action are the parts of an event as MLflow's REST spells them.
func (e Event) Entity() string {
	entity, _, _ := strings.Cut(string(e), ".")
	return strings.ToUpper(entity)
}

// Action is what happened to the entity.
func (e Event) Action() string {
	_, action, _ := strings.Cut(string(e), ".")
	return strings.ToUpper(action)
}

// message is the body that a webhook gets.
type message struct {
	Entity    string `json:"entity"`
	Action    string `json:"action"`
	Timestamp string `json:"timestamp"`
	Data      any    `json:"data"`
}

func (e Event) body(data any) ([]byte, error) {
	entity, action, _ := strings.Cut(string(e), ".")
	return json.Marshal(message{Entity: entity, Action: action, Timestamp: time.Now().UTC().Format(time.RFC3339Nano), Data: data}) //nolint:wrapcheck // by the caller
}

// example is what a test call sends.
func (e Event) example() any {
	const name, version, key, value, alias = "example_model", "1", "example_key", "example_value", "example_alias"
	switch e {
	case ModelCreated:
		return Model{Name: name, Tags: map[string]string{key: value}, Description: Text("An example registered model")}
	case VersionCreated:
		return Version{
			Name: name, Version: version, Source: "models:/m-0123456789abcdef0123456789abcdef", RunID: Text("0123456789abcdef0123456789abcdef"),
			Tags: map[string]string{key: value}, Description: Text("An example model version"),
		}
	case VersionTagSet:
		return Tag{Name: name, Version: version, Key: key, Value: Text(value)}
	case VersionTagDeleted:
		return Tag{Name: name, Version: version, Key: key}
	case AliasCreated:
		return Alias{Name: name, Alias: alias, Version: version}
	case AliasDeleted:
		return Alias{Name: name, Alias: alias}
	}
	return struct{}{}
}

// Model is what is told of a registered model that was made.
type Model struct {
	Name        string            `json:"name"`
	Tags        map[string]string `json:"tags"`
	Description *string           `json:"description"`
}

// Version is what is told of a version that was made.
type Version struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Source      string            `json:"source"`
	RunID       *string           `json:"run_id"`
	Tags        map[string]string `json:"tags"`
	Description *string           `json:"description"`
}

// Tag is what is told of a version's tag that was set, or deleted: then it has no value.
type Tag struct {
	Name    string  `json:"name"`
	Version string  `json:"version"`
	Key     string  `json:"key"`
	Value   *string `json:"value,omitempty"`
}

// Alias is what is told of an alias that was set, or deleted: then it names no version.
type Alias struct {
	Name    string `json:"name"`
	Alias   string `json:"alias"`
	Version string `json:"version,omitempty"`
}

// Text is a text as messages have it: null when it is empty.
func Text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

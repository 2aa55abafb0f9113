package graph

import (
	"strconv"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/tracking"
)

// Global ids: the type and what names the object in it.
const (
	experimentPrefix = "experiment:"
	runPrefix        = "run:"
	modelPrefix      = "model:"
	datasetPrefix    = "dataset:"
	tokenPrefix      = "token:"

	registeredModelPrefix = "registeredModel:"
	modelVersionPrefix    = "modelVersion:"
	webhookPrefix         = "webhook:"
)

func numbered(prefix string, id int) string { return prefix + strconv.Itoa(id) }

func parseDatasetID(id string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(id, datasetPrefix))
	if err != nil || n < 0 {
		return 0, errs.Field("id", "%.60q is not a dataset's id", id)
	}
	return n, nil
}

// experimentIDs reads the ids of experiments; nil stands for all, as it does for the core.
func experimentIDs(ids []string) ([]int, error) {
	if ids == nil {
		return nil, nil // nil is the core's word for all
	}
	out := make([]int, len(ids))
	for i, id := range ids {
		n, err := tracking.ParseExperimentID(id)
		if err != nil {
			return nil, inList(err, "experiments", i)
		}
		out[i] = n
	}
	return out, nil
}

// runIDs reads the ids of runs, each once.
func runIDs(ids []string) ([]string, error) {
	out := make([]string, 0, len(ids))
	seen := make(map[string]bool, len(ids))
	for i, text := range ids {
		id, err := tracking.ParseRunID(text)
		if err != nil {
			return nil, inList(err, "runs", i)
		}
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out, nil
}

// inList says which of a list is wrong.
func inList(err error, list string, i int) error {
	if e, ok := err.(*errs.Error); ok { //nolint:errorlint // the parsers give it bare
		return errs.Field(list+"["+strconv.Itoa(i)+"]", "%s", e.Message)
	}
	return err
}

// parsed reads one id of an argument.
func parsed[T any](parse func(string) (T, error), argument, id string) (T, error) {
	v, err := parse(id)
	if e, ok := err.(*errs.Error); ok { //nolint:errorlint // the parsers give it bare
		return v, errs.Field(argument, "%s", e.Message)
	}
	return v, err
}

// ifFound turns NotFound into nothing, for fields that are null when there is none.
func ifFound[T any](object *T, err error) (*T, error) {
	if errs.Is(err, errs.NotFound) {
		return nil, nil //nolint:nilnil // null is GraphQL's word for none
	}
	if err != nil {
		return nil, err
	}
	return object, nil
}

package training

import (
	"strings"

	"github.com/cairnml/cairn/plugins/sdk"
)

// Params records params of a run, in the order of their names.
func Params(run string, values map[string]string) []sdk.Record {
	records := make([]sdk.Record, 0, len(values))
	for _, name := range Sorted(values) {
		records = append(records, sdk.Param{Run: run, Key: Key(name), Value: values[name]})
	}
	return records
}

// Seed records what the user seeded a training with, as the run's tag cairn.seed: the seed itself where there is one, named in
// one of the usual ways, else all of them by the names of their params. Without seeds it gives nothing.
func Seed(values map[string]string) []sdk.Record {
	if len(values) == 0 {
		return []sdk.Record{}
	}
	parts := make([]string, 0, len(values))
	for _, name := range Sorted(values) {
		if len(values) == 1 && (name == "random_state" || name == "seed") {
			return []sdk.Record{sdk.Tag{Key: "cairn.seed", Value: values[name]}}
		}
		parts = append(parts, name+"="+values[name])
	}
	return []sdk.Record{sdk.Tag{Key: "cairn.seed", Value: strings.Join(parts, ",")}}
}

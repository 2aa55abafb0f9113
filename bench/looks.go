//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
)

// Looks at many runs at once: what they have, and what groups of them are like.

const (
	// tenthFilter is met by a tenth of the runs.
	tenthFilter = "params.p2 < 100"
	// facetRuns is how many of the runs that meet a filter facets look at, unless asked otherwise.
	facetRuns = 20_000
)

// aboutLooks says what is measured.
const aboutLooks = "Facets and groups are of all runs, and of the tenth that meets `" + tenthFilter + "`; of this, facets look at the newest\n" +
	"20,000, as they do unless asked otherwise."

const facetsQuery = `query Facets($experiments: [ID!], $filter: String) { runFacets(experiments: $experiments, filter: $filter) { %s } }`

const groupsQuery = `query Groups($experiments: [ID!], $filter: String) {
	runGroups(experiments: $experiments, filter: $filter, groupBy: ["params.p1"], metrics: ["metrics.acc"]) {
		runs edges { node { keys runs metrics { count mean min max std } } }
	}
}`

// look is a question about many runs.
type look struct {
	name, query string
	// keys is how many keys there have to be in the answer; else it adds up to as many runs as match, at most so many of a
	// filter.
	keys, most int
}

func looks() []look {
	keys := func(of string, count int) look {
		return look{"keys of " + of, fmt.Sprintf(facetsQuery, "keys: "+of+" { edges { node { key runs exact min max } } }"), count, 0}
	}
	return []look{
		keys("params", millionParams), keys("metrics", millionMetrics), keys("tags", 1),
		{"values of a param", fmt.Sprintf(facetsQuery, `values(of: "params.p1") { totalCount edges { node { value runs } } }`), 0, facetRuns},
		{"range of a metric", fmt.Sprintf(facetsQuery, `range(of: "metrics.acc") { runs numbers min max }`), 0, facetRuns},
		{"groups by a param, with a metric", groupsQuery, 0, 0},
	}
}

// lookAnswer is an answer to any look.
type lookAnswer struct {
	Facets struct {
		Keys struct {
			Edges []struct{} `json:"edges"`
		} `json:"keys"`
		Values struct {
			Edges []struct {
				Node struct {
					Runs int `json:"runs"`
				} `json:"node"`
			} `json:"edges"`
		} `json:"values"`
		Range struct {
			Runs int `json:"runs"`
		} `json:"range"`
	} `json:"runFacets"`
	Groups struct {
		Edges []struct {
			Node struct {
				Metrics []struct {
					Count int `json:"count"`
				} `json:"metrics"`
			} `json:"node"`
		} `json:"edges"`
	} `json:"runGroups"`
}

// check tells whether an answer is about so many runs.
func (l look) check(a lookAnswer, runs int) error {
	if l.keys > 0 {
		if found := len(a.Facets.Keys.Edges); found < l.keys {
			return fmt.Errorf("%d keys, not %d", found, l.keys)
		}
		return nil
	}
	found := a.Facets.Range.Runs
	for _, e := range a.Facets.Values.Edges {
		found += e.Node.Runs
	}
	for _, e := range a.Groups.Edges {
		found += e.Node.Metrics[0].Count
	}
	if found != runs {
		return fmt.Errorf("%d runs, not %d", found, runs)
	}
	return nil
}

// look measures looks at all runs of an experiment, and at a tenth of them.
func (b *bench) look(ctx context.Context, s *server, experiment string) {
	for _, set := range []struct{ name, filter string }{{"all runs", ""}, {"a tenth of the runs", tenthFilter}} {
		variables := map[string]any{"experiments": []string{experiment}, "filter": set.filter}
		runs, err := countRuns(s.addr, variables)
		if err != nil {
			b.failed(set.name, 0, err)
			continue
		}
		for _, l := range looks() {
			of := runs
			if set.filter != "" && l.most > 0 {
				of = min(of, l.most)
			}
			b.lookOnce(ctx, s, set.name+": "+l.name, asks(l.query, variables, func(answer []byte) error {
				var got struct {
					Data lookAnswer `json:"data"`
				}
				if err := json.Unmarshal(answer, &got); err != nil {
					return err
				}
				return l.check(got.Data, of)
			}))
		}
	}
}

// lookOnce measures a look in one round, since it may take seconds.
func (b *bench) lookOnce(ctx context.Context, s *server, name string, r request) {
	got, err := drive(ctx, s.addr, b.roots(s), load{requests: []request{r}, duration: b.duration})
	if err != nil {
		b.failed(name, 0, err)
		return
	}
	b.figure(name+", p50", got.percentile(50), "ms", total)
	b.figure(name+", CPU", got.cpuPerThousand(), "ms", total)
}

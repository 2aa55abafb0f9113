//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

var millionProfile = section{
	name: "million", title: "Profile million: 1 M runs with 20 params and 30 metrics", sized: true, disk: 22e9, everywhere: true,
	about: "Seeded through the bulk path into one experiment, and left as it is, since the compactor leaves runs of so few points\n" +
		"alone. The search is `" + millionFilter + "` ordered by " + millionOrder + ",\n" +
		"which a hundredth of the runs match: its first 50, 50 in the middle, and how many there are; in GraphQL with the columns\n" +
		"of a table, in MLflow's REST API with whole runs. " + aboutLooks,
	run: func(ctx context.Context, b *bench) error {
		done, err := b.seed(ctx, "runs", func(s seeded) int { return s.Runs })
		if err != nil {
			return err
		}
		b.take.Scale = fmt.Sprintf("%s runs, of which %s match", thousands(int64(done.Runs)), thousands(int64(done.Matches)))
		s, err := b.serve(ctx)
		if err != nil {
			return err
		}
		defer stopAll([]*server{s})
		table := millionTable(map[string]any{"filter": millionFilter, "orderBy": []string{millionOrder}})
		middle, err := middleCursor(s.addr, done.Matches)
		if err != nil {
			b.failed("a page in the middle", 20, err)
		}
		b.latency(ctx, s, "first 50", []request{asks(tableQuery, table, nil)}, 20)
		if err == nil {
			table["after"] = middle
			b.latency(ctx, s, "a page in the middle", []request{asks(tableQuery, table, nil)}, 20)
		}
		b.latency(ctx, s, "first 50, whole runs through MLflow's REST", []request{
			posts(api+"runs/search", always(searchBody("1", millionFilter, millionOrder, 50, "")), nil)}, 20)
		b.count(ctx, s, done.Matches)
		b.latency(ctx, s, "newest 50 of all", []request{asks(tableQuery, millionTable(nil), nil)}, 0)
		b.latency(ctx, s, "best 50 of all", []request{asks(tableQuery, millionTable(map[string]any{"orderBy": []string{millionOrder}}), nil)}, 0)
		b.latency(ctx, s, "run page", []request{asks(runPageQuery, map[string]any{"id": done.RunID}, nil)}, 0)
		b.look(ctx, s, "1")
		sent := 0
		b.latency(ctx, s, "create a run", []request{posts(api+"runs/create", func(int) []byte {
			sent++
			return fmt.Appendf(nil, `{"experiment_id":"1","start_time":%d,"run_name":"late-%d","tags":[]}`, started+9e9+sent, sent)
		}, nil)}, 0)
		return b.finish(ctx, s, done.Points)
	},
}

// millionTable are the variables of a page of the table of all runs, and what is asked of it beside.
func millionTable(more map[string]any) map[string]any {
	out := map[string]any{"experiments": []string{"1"}, "first": 50, "metric": "acc", "param": "p1"}
	maps.Copy(out, more)
	return out
}

// count measures how long it takes to count the matches of the search.
func (b *bench) count(ctx context.Context, s *server, matches int) {
	const name, bound = "count", 300
	variables := map[string]any{"experiments": []string{"1"}, "filter": millionFilter}
	found, err := countRuns(s.addr, variables)
	if err == nil && found != matches {
		err = fmt.Errorf("%d matches, not %d", found, matches)
	}
	if err != nil {
		b.failed(name, bound, err)
		return
	}
	b.latency(ctx, s, name, []request{asks(countQuery, variables, nil)}, bound)
}

// countRuns asks how many runs match.
func countRuns(addr string, variables map[string]any) (int, error) {
	var answer struct {
		Runs struct {
			TotalCount int `json:"totalCount"`
		} `json:"runs"`
	}
	err := ask(addr, countQuery, variables, &answer)
	return answer.Runs.TotalCount, err
}

// middleCursor reads the matches in their order up to the middle, checks the order, and gives the cursor there.
func middleCursor(addr string, matches int) (string, error) {
	const pageSize = 1000
	after, last, read := "", 2.0, 0
	for {
		var answer struct {
			Runs struct {
				Edges []struct {
					Cursor string `json:"cursor"`
					Node   struct {
						Metric struct {
							Last struct {
								Value float64 `json:"value"`
							} `json:"last"`
						} `json:"metric"`
						Param string `json:"param"`
					} `json:"node"`
				} `json:"edges"`
				PageInfo struct {
					EndCursor string `json:"endCursor"`
				} `json:"pageInfo"`
			} `json:"runs"`
		}
		variables := millionTable(map[string]any{"filter": millionFilter, "orderBy": []string{millionOrder}, "first": pageSize})
		if after != "" {
			variables["after"] = after
		}
		if err := ask(addr, tableQuery, variables, &answer); err != nil {
			return "", err
		}
		for _, e := range answer.Runs.Edges {
			acc := e.Node.Metric.Last.Value
			if acc <= 0.9 || acc > last || e.Node.Param != "3" {
				return "", fmt.Errorf("after %d runs, one of acc %v and p1 %q is wrong there", read, acc, e.Node.Param)
			}
			last = acc
			if read++; read >= matches/2 {
				return e.Cursor, nil
			}
		}
		if len(answer.Runs.Edges) == 0 {
			return "", errors.New("the matches end before their middle")
		}
		after = answer.Runs.PageInfo.EndCursor
	}
}

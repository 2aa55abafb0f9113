//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// chartQuery asks for what a chart draws of some series.
const chartQuery = `query Chart($runs: [ID!]!, $keys: [String!], $range: MetricRange, $maxPoints: Int) {
	metricSeries(runs: $runs, keys: $keys, range: $range, maxPoints: $maxPoints) {
		series { runId key exact totalPoints stepScale steps min max last }
	}
}`

// exactQuery asks for points as they are.
const exactQuery = `query Exact($runs: [ID!]!, $keys: [String!], $maxPoints: Int) {
	metricSeries(runs: $runs, keys: $keys, maxPoints: $maxPoints) {
		series { exact totalPoints steps times last }
	}
}`

// runPageQuery asks for what the page of a run shows first: a screenful of its metrics, their number, and their folders.
const runPageQuery = `query RunPage($id: ID!) {
	run(id: $id) {
		name status startTime endTime
		params { key value }
		tags { key value }
		metricPage(first: 100) { totalCount edges { node { key count last { value step } min { value } max { value } } } }
		metricGroups { prefix metrics folder }
	}
}`

// summariesQuery asks for the summaries of all metrics of a run.
const summariesQuery = `query Summaries($id: ID!) {
	run(id: $id) { metricColumns { keys counts stepScales lastSteps lastValues minValues maxValues } }
}`

// tableQuery asks for a page of a table of runs, with the columns that it shows.
const tableQuery = `query Table($experiments: [ID!], $filter: String, $orderBy: [String!], $first: Int, $after: String, $metric: String!, $param: String!) {
	runs(experiments: $experiments, filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
		edges { cursor node { runId name metric(key: $metric) { last { value } } param(key: $param) } }
		pageInfo { hasNextPage endCursor }
	}
}`

// countQuery asks how many runs match.
const countQuery = `query Count($experiments: [ID!], $filter: String) {
	runs(experiments: $experiments, filter: $filter, first: 1) { totalCount }
}`

// series is one of the series that a chart got.
type series struct {
	Exact       bool   `json:"exact"`
	TotalPoints int64  `json:"totalPoints"`
	Steps       []byte `json:"steps"` // packed, 8 bytes each
	Min         []byte `json:"min"`
	Max         []byte `json:"max"`
	Last        []byte `json:"last"`
}

// seriesAnswer is the answer to chartQuery and exactQuery.
type seriesAnswer struct {
	MetricSeries struct {
		Series []series `json:"series"`
	} `json:"metricSeries"`
}

// checkSeries checks that an answer has so many series of so many points, each in at most so many buckets; in exactly as
// many as there are points where it says that it is exact.
func checkSeries(addr, query string, variables map[string]any, count, points, buckets int) error {
	var answer seriesAnswer
	if err := ask(addr, query, variables, &answer); err != nil {
		return err
	}
	found := answer.MetricSeries.Series
	if len(found) != count {
		return fmt.Errorf("%d series, not %d", len(found), count)
	}
	for _, s := range found {
		rows := len(s.Steps) / 8
		switch {
		case points > 0 && s.TotalPoints != int64(points):
			return fmt.Errorf("a series of %d points, not %d", s.TotalPoints, points)
		case rows < 1, rows > buckets, len(s.Last) != len(s.Steps), s.Exact && int64(rows) != s.TotalPoints:
			return fmt.Errorf("%d buckets of %d points, at most %d wanted (exact: %t)", rows, s.TotalPoints, buckets, s.Exact)
		}
	}
	return nil
}

// searchBody is the body of a search through MLflow's REST API.
func searchBody(experiment, filter, order string, results int, token string) []byte {
	in := map[string]any{
		"experiment_ids": []string{experiment}, "filter": filter, "run_view_type": "ACTIVE_ONLY",
		"max_results": results, "order_by": []string{order},
	}
	if token != "" {
		in["page_token"] = token
	}
	body, err := json.Marshal(in)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return body
}

// runsPage is a page of runs as MLflow's REST API gives it.
type runsPage struct {
	Runs []struct {
		Info struct {
			Name  string `json:"run_name"`
			RunID string `json:"run_id"`
		} `json:"info"`
		Data struct {
			Metrics []point `json:"metrics"`
			Params  []pair  `json:"params"`
			Tags    []pair  `json:"tags"`
		} `json:"data"`
	} `json:"runs"`
	Next string `json:"next_page_token"`
}

// searchPage sends a search and decodes its answer.
func searchPage(c *conn, body []byte) (runsPage, error) {
	status, answer, err := c.post(api+"runs/search", body)
	if err := answered(status, answer, err, nil); err != nil {
		return runsPage{}, err
	}
	var page runsPage
	return page, json.Unmarshal(answer, &page)
}

// historyPage is how many points MLflow's REST API gives at a time.
const historyPage = 25_000

// history is a request for all points of a series through MLflow's REST API, page by page.
func history(runID, key string, points int) request {
	query := url.Values{"run_id": {runID}, "metric_key": {key}, "max_results": {strconv.Itoa(historyPage)}}
	target := api + "metrics/get-history?" + query.Encode()
	return func(c *conn, _ int) error {
		next, found := target, 0
		for {
			status, answer, err := c.get(next)
			if err := answered(status, answer, err, nil); err != nil {
				return err
			}
			found += bytes.Count(answer, []byte(`"timestamp"`))
			token, err := pageToken(answer)
			if err != nil {
				return err
			}
			if token == "" {
				break
			}
			next = target + "&page_token=" + url.QueryEscape(token)
		}
		if found != points {
			return fmt.Errorf("%d points, not %d", found, points)
		}
		return nil
	}
}

// pageToken finds the token of the next page, which stands at the end of an answer, without reading all of it.
func pageToken(answer []byte) (string, error) {
	const name = `"next_page_token"`
	at := bytes.LastIndex(answer, []byte(name))
	if at < 0 {
		return "", nil
	}
	text := bytes.TrimLeft(answer[at+len(name):], " :\n")
	end := bytes.IndexByte(text[min(1, len(text)):], '"')
	if len(text) == 0 || text[0] != '"' || end < 0 {
		return "", errors.New("next_page_token is no text")
	}
	return string(text[1 : 1+end]), nil
}

// bulkInterval is a request for so many sampled points of each of some runs, as MLflow's UI sends it.
func bulkInterval(runIDs []string, key string, results, points int) request {
	query := url.Values{"run_ids": runIDs, "metric_key": {key}, "max_results": {strconv.Itoa(results)}}
	return gets("/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval", query, func(answer []byte) error {
		if found := bytes.Count(answer, []byte(`"timestamp"`)); 10*found < 9*points || 10*found > 11*points {
			return fmt.Errorf("%d points, where %d were asked for", found, points)
		}
		return nil
	})
}

// pack packs numbers as the API has them: base64 of 8 bytes each, little-endian.
func pack[T int64 | float64](values []T) string {
	raw, err := binary.Append(nil, binary.LittleEndian, values)
	if err != nil {
		panic(err) // numbers of a fixed size always encode
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// logColumns is a mutation that logs packed columns.
const logColumns = `mutation LogBatch($input: LogBatchInput!) { logBatch(input: $input) { stored } }`

// stored checks the answer to logColumns.
func stored(answer []byte) error {
	if !bytes.Contains(answer, []byte(`"stored":true`)) {
		return fmt.Errorf("not stored: %.300s", answer)
	}
	return nil
}

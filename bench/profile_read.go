//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

var wideProfile = section{
	name: "wide", title: "Profile wide: one run with 100,000 series", sized: true, disk: 2e9, everywhere: true,
	about: "Seeded through the bulk path, three points a series. The page of the run asks for its params, tags, the summaries of\n" +
		"its first 100 metrics, and the number and folders of all: the target is of that. The summaries of all are a request of their\n" +
		"own, as packed columns. The run has 60 params and 15 tags. A batch adds a point to each of 1,000 of its series.",
	run: func(ctx context.Context, b *bench) error {
		done, err := b.seed(ctx, "series", func(s seeded) int { return s.Series })
		if err == nil {
			err = b.compact(ctx, done.Points)
		}
		if err == nil {
			// Before the batches below: as many as the machine takes meet fewer series at a smaller size, and a point costs less there.
			err = b.disk(ctx, done.Points, false)
		}
		if err != nil {
			return err
		}
		b.take.Scale = fmt.Sprintf("%s series of %d points", thousands(int64(done.Series)), widePoints)
		s, err := b.serve(ctx)
		if err != nil {
			return err
		}
		defer stopAll([]*server{s})
		page := map[string]any{"id": done.RunID}
		if err := checkRunPage(s.addr, page, done); err != nil {
			b.failed("run page", 300, err)
		} else {
			b.latency(ctx, s, "run page", []request{asks(runPageQuery, page, nil)}, 300)
		}
		b.latency(ctx, s, "summaries of all metrics, as packed columns", []request{asks(summariesQuery, page, nil)}, 0)
		b.latency(ctx, s, "run page through MLflow's REST", []request{
			gets(api+"runs/get", url.Values{"run_id": {done.RunID}}, nil)}, 0)
		keys := keysOf("layer/weight_", done.Series)
		b.latency(ctx, s, "chart of 10 of the series", []request{asks(chartQuery, map[string]any{
			"runs": []string{done.RunID}, "keys": keys[:10], "maxPoints": 300}, nil)}, 0)
		b.latency(ctx, s, "log-batch of 1,000 of the series", []request{posts(api+"runs/log-batch", wideBatch(done.RunID, keys), nil)}, 0)
		return errors.Join(b.memory(s), s.stop())
	},
}

// checkRunPage checks that a run's page shows what was stored of it.
func checkRunPage(addr string, variables map[string]any, want seeded) error {
	var answer struct {
		Run struct {
			Params     []pair `json:"params"`
			Tags       []pair `json:"tags"`
			MetricPage struct {
				TotalCount int        `json:"totalCount"`
				Edges      []struct{} `json:"edges"`
			} `json:"metricPage"`
		} `json:"run"`
	}
	if err := ask(addr, runPageQuery, variables, &answer); err != nil {
		return err
	}
	r := answer.Run
	if len(r.Params) != want.Params || len(r.Tags) < want.Tags {
		return fmt.Errorf("%d params and %d tags, not %d and %d", len(r.Params), len(r.Tags), want.Params, want.Tags)
	}
	if r.MetricPage.TotalCount != want.Series || len(r.MetricPage.Edges) != min(want.Series, 100) {
		return fmt.Errorf("%d of %d metrics, not %d", len(r.MetricPage.Edges), r.MetricPage.TotalCount, want.Series)
	}
	return nil
}

// wideBatch returns the bodies of batches of a point for each of 1,000 keys, other keys each time.
func wideBatch(runID string, keys []string) func(int) []byte {
	const perBatch = 1000
	sent := 0 // the same n comes in every round, and a point that is there already would cost nothing
	return func(int) []byte {
		sent++
		body := fmt.Appendf(nil, `{"run_id":"%s","metrics":[`, runID)
		for i := range min(perBatch, len(keys)) {
			if i > 0 {
				body = append(body, ',')
			}
			key := keys[(sent*perBatch+i)%len(keys)]
			body = fmt.Appendf(body, `{"key":"%s","value":%v,"timestamp":%d,"step":%d}`, key, 1/float64(sent+i), started+90_000_000+sent, 100+sent)
		}
		return append(body, `],"params":[],"tags":[]}`...)
	}
}

var longProfile = section{
	name: "long", title: "Profile long: one series of 10 M points", sized: true, disk: 2e9,
	about: "Seeded through the bulk path. The chart is of the whole series in 1,200 buckets; zoomed in, of a hundredth of it.",
	run: func(ctx context.Context, b *bench) error {
		done, err := b.seed(ctx, "points", func(s seeded) int { return s.Points })
		if err == nil {
			err = b.compact(ctx, done.Points)
		}
		if err != nil {
			return err
		}
		b.take.Scale = thousands(int64(done.Points)) + " points"
		s, err := b.serve(ctx)
		if err != nil {
			return err
		}
		defer stopAll([]*server{s})
		chart := map[string]any{"runs": []string{done.RunID}, "keys": []string{"loss"}, "maxPoints": 1200}
		if err := checkSeries(s.addr, chartQuery, chart, 1, done.Points, 1200); err != nil {
			b.failed("1,200 buckets", 30, err)
		} else {
			b.latency(ctx, s, "1,200 buckets", []request{asks(chartQuery, chart, nil)}, 30)
		}
		part := done.Points / 100
		chart["range"] = map[string]any{"from": done.Points/2 - part, "to": done.Points/2 - 1}
		if err := checkSeries(s.addr, chartQuery, chart, 1, part, 1200); err != nil {
			b.failed("1,200 buckets of a hundredth", 0, err)
		} else {
			b.latency(ctx, s, "1,200 buckets of a hundredth", []request{asks(chartQuery, chart, nil)}, 0)
		}
		sent := done.Points
		b.latency(ctx, s, "log-metric at its end", []request{posts(api+"runs/log-metric", func(int) []byte {
			sent++
			return fmt.Appendf(nil, `{"run_id":"%s","key":"loss","value":%v,"timestamp":%d,"step":%d}`, done.RunID, 1/float64(sent), started+9e9+sent, sent)
		}, nil)}, 0)
		return b.finish(ctx, s, sent)
	},
}

var fleetProfile = section{
	name: "fleet", title: "Profile fleet: 7,500 runs × 1,500 metrics × a few points", sized: true, disk: 22e9,
	about: "Seeded through the bulk path into five experiments, four points a series, 50 params a run: the shape of a large user of\n" +
		"a peer at a tenth of the size.",
	run: func(ctx context.Context, b *bench) error {
		done, err := b.seed(ctx, "series", func(s seeded) int { return s.Series })
		if err == nil {
			err = b.compact(ctx, done.Points)
		}
		if err != nil {
			return err
		}
		b.take.Scale = fmt.Sprintf("%s runs × %s metrics × %d points", thousands(int64(done.Runs)), thousands(fleetMetrics), fleetPoints)
		s, err := b.serve(ctx)
		if err != nil {
			return err
		}
		defer stopAll([]*server{s})
		table := map[string]any{"experiments": []string{"1"}, "filter": "metrics.metric_000007 > 3 and params.param_000003 < 500",
			"orderBy": []string{"metrics.metric_000007 DESC"}, "first": 50, "metric": "metric_000007", "param": "param_000003"}
		b.latency(ctx, s, "a page of an experiment's runs, filtered and sorted", []request{asks(tableQuery, table, nil)}, 0)
		page := map[string]any{"id": done.RunID}
		if err := checkRunPage(s.addr, page, seeded{Series: fleetMetrics, Params: fleetParams}); err != nil {
			b.failed("run page", 0, err)
		} else {
			b.latency(ctx, s, "run page", []request{asks(runPageQuery, page, nil)}, 0)
		}
		runs, err := someRunIDs(s.addr, "1", 100)
		if err != nil {
			return err
		}
		chart := map[string]any{"runs": runs, "keys": []string{"metric_000007"}, "maxPoints": 300}
		if err := checkSeries(s.addr, chartQuery, chart, len(runs), fleetPoints, 300); err != nil {
			b.failed("chart of one metric of 100 runs", 0, err)
		} else {
			b.latency(ctx, s, "chart of one metric of 100 runs", []request{asks(chartQuery, chart, nil)}, 0)
		}
		return b.finish(ctx, s, done.Points)
	},
}

// someRunIDs gives the ids of up to n runs of an experiment.
func someRunIDs(addr, experiment string, n int) ([]string, error) {
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	page, err := searchPage(c, searchBody(experiment, "", "attributes.start_time ASC", n, ""))
	var out []string
	for _, r := range page.Runs {
		out = append(out, r.Info.RunID)
	}
	return out, err
}

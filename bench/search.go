//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	searchedRuns = 1000
	// pageRuns is how many whole runs are on a page, pagesRead the last page that is read.
	pageRuns  = 100
	pagesRead = 5
)

var searchSection = section{
	name: "search", title: "Searching 1,000 runs, idle and under load, beside MLflow",
	about: "1,000 runs with 20 params and 30 metrics. The search is `" + millionFilter + "` ordered by " + millionOrder + ", through\n" +
		"MLflow's REST API, which gives whole runs; the pages are 2 to 5 of 100 runs, newest first. Under load, 16 connections log\n" +
		"steps of 20 keys to 16 runs as fast as they go, while 2 others read what they read on the idle server before.\n" + aboutLooks,
	run: func(ctx context.Context, b *bench) error {
		servers, err := b.sideBySide(ctx)
		defer stopAll(servers)
		if err != nil {
			return err
		}
		var found [2][]string
		for i, s := range servers {
			if err := seedSearched(s); err != nil {
				return err
			}
			prefix, bounds := "", [2]float64{1.5, 5}
			if i > 0 {
				prefix, bounds = s.name+": ", [2]float64{}
			}
			if found[i], err = b.searchRuns(ctx, s, prefix, bounds); err != nil {
				return err
			}
			if i == 0 { // MLflow has nothing like it
				b.look(ctx, s, "0")
			}
			if err := b.readUnderLoad(ctx, s, prefix); err != nil {
				return err
			}
		}
		if !slices.Equal(found[0], found[1]) {
			return fmt.Errorf("the servers find different runs: %v and %v", found[0], found[1])
		}
		return nil
	},
}

// seedSearched makes the runs, over some connections: MLflow takes minutes over one.
func seedSearched(s *server) error {
	runs := make(chan seededRun, searchedRuns)
	random := rand.New(rand.NewPCG(5, 5))
	for n := range searchedRuns {
		r := seededRun{name: fmt.Sprintf("run-%04d", n), start: started + int64(n), finished: true}
		for i := range millionParams {
			top := 1000
			if i == 1 {
				top = 10
			}
			r.params = append(r.params, pair{fmt.Sprintf("p%d", i), fmt.Sprint(random.IntN(top))})
		}
		for _, key := range append([]string{"acc", "loss"}, keysOf("m", millionMetrics-2)...) {
			r.metrics = append(r.metrics, point{key, random.Float64(), r.start, 100})
		}
		runs <- r
	}
	close(runs)
	failures := make([]error, seedConnections)
	var group sync.WaitGroup
	for i := range failures {
		group.Go(func() { failures[i] = writeAll(s.addr, "0", runs) })
	}
	group.Wait()
	return errors.Join(failures...)
}

// searchRuns measures the searches of one server, and gives the names of the runs found.
func (b *bench) searchRuns(ctx context.Context, s *server, prefix string, bounds [2]float64) ([]string, error) {
	c, err := dial(s.addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	filtered := searchBody("0", millionFilter, millionOrder, 50, "")
	first, err := searchPage(c, filtered)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range first.Runs {
		names = append(names, r.Info.Name)
		if len(r.Data.Metrics) != millionMetrics || len(r.Data.Params) != millionParams {
			return nil, fmt.Errorf("%s: a run of %d metrics and %d params", s.name, len(r.Data.Metrics), len(r.Data.Params))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s finds no run", s.name)
	}
	b.latency(ctx, s, prefix+"filter and sort", []request{posts(api+"runs/search", always(filtered), nil)}, bounds[0])
	pages, token := [][]byte{}, ""
	for range pagesRead {
		body := searchBody("0", "", "attributes.start_time DESC", pageRuns, token)
		pages = append(pages, body)
		page, err := searchPage(c, body)
		if err != nil {
			return nil, err
		}
		if len(page.Runs) != pageRuns {
			return nil, fmt.Errorf("%s: a page of %d runs", s.name, len(page.Runs))
		}
		token = page.Next
	}
	later := pages[1:]
	b.latency(ctx, s, prefix+"pages 2 to 5 of 100 whole runs", []request{
		posts(api+"runs/search", func(n int) []byte { return later[n%len(later)] }, nil)}, bounds[1])
	return names, nil
}

const (
	loadWriters = 16
	loadReaders = 2
	// loadTime is longer than the readers take, who end the load.
	loadTime = 10 * time.Minute
	// readersFactor is how much longer readers may wait under load.
	readersFactor = 3
)

// readUnderLoad measures readers on the idle server, and again while others write.
func (b *bench) readUnderLoad(ctx context.Context, s *server, prefix string) error {
	filtered := searchBody("0", millionFilter, millionOrder, 50, "")
	page := searchBody("0", "", "attributes.start_time ASC", 20, "")
	readers := repeated(func(c *conn, n int) error {
		body := filtered
		if n%2 == 1 {
			body = page
		}
		return posts(api+"runs/search", always(body), nil)(c, n)
	}, loadReaders)
	duration := max(b.duration*4, 2*time.Second)
	idle, err := drive(ctx, s.addr, nil, load{requests: readers, duration: duration})
	if err != nil {
		return err
	}
	writers, stop := context.WithCancel(ctx)
	defer stop()
	w := workload{name: "step of 20 keys", connections: loadWriters, path: api + "runs/log-batch", points: 20, newBody: batches(20, 1)}
	type result struct {
		sample
		err error
	}
	wrote, warm := make(chan result, 1), make(chan struct{})
	w.warm = func() { close(warm) }
	go func() {
		got, err := w.measure(writers, s, loadTime)
		wrote <- result{got, err}
	}()
	select {
	case <-warm:
	case written := <-wrote:
		return written.err
	}
	busy, err := drive(ctx, s.addr, nil, load{requests: readers, duration: duration})
	stop()
	written := <-wrote
	if err := errors.Join(err, written.err); err != nil {
		return err
	}
	b.figure(prefix+"readers, idle, p99", idle.percentile(99), "ms", "")
	b.figure(prefix+"readers under 16 writers, p99", busy.percentile(99), "ms", "")
	b.figure(prefix+"writers meanwhile, calls a second", written.perSecond(), "", "")
	b.figure(prefix+"writers meanwhile, slowest call", written.percentile(100), "ms", "")
	if prefix == "" {
		b.judgeEverywhere(atMost("readers' p99 under 16 writers, times that of the idle server", busy.percentile(99)/idle.percentile(99), readersFactor, "×"))
	}
	return nil
}

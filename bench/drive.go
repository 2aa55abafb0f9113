//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"
)

// request sends request number n over a connection and looks at its answer. Any
// answer but the right one is an error: a server must not look fast by refusing.
type request func(c *conn, n int) error

// load is requests on one or more connections, each repeated one after the other.
type load struct {
	requests []request
	duration time.Duration
	// warm, if there is one, is called when every connection has had its first answer.
	warm func()
}

// sample is what a load gave.
type sample struct {
	operations int
	elapsed    time.Duration
	// cpu is that of the process trees that were watched.
	cpu       time.Duration
	latencies []time.Duration
}

// perSecond is the rate of operations.
func (s sample) perSecond() float64 { return float64(s.operations) / s.elapsed.Seconds() }

// cpuPerThousand is the CPU time, in seconds, for 1,000 operations.
func (s sample) cpuPerThousand() float64 {
	return s.cpu.Seconds() / float64(s.operations) * 1000
}

// percentile is the latency, in milliseconds, that so many percent of the operations did not exceed.
func (s sample) percentile(p float64) float64 {
	if len(s.latencies) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.latencies))
	return milliseconds(sorted[min(len(sorted)-1, int(float64(len(sorted))*p/100))])
}

// drive sends a load to a server and watches the process trees of roots.
func drive(ctx context.Context, addr string, roots []int, l load) (sample, error) {
	conns := make([]*conn, len(l.requests))
	for i := range conns {
		c, err := dial(addr)
		if err != nil {
			return sample{}, err
		}
		defer c.close()
		conns[i] = c
		// The first request pays for what later ones find ready: caches, prepared statements.
		if err := l.requests[i](c, 0); err != nil {
			return sample{}, err
		}
	}
	if l.warm != nil {
		l.warm()
	}
	before, err := cpuOfAll(roots)
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, l.duration)
	defer cancel()
	failures, latencies := make([]error, len(conns)), make([][]time.Duration, len(conns))
	var group sync.WaitGroup
	for i, c := range conns {
		group.Go(func() {
			for n := 1; ctx.Err() == nil && failures[i] == nil; n++ {
				sent := time.Now()
				failures[i] = l.requests[i](c, n)
				latencies[i] = append(latencies[i], time.Since(sent))
			}
		})
	}
	group.Wait()
	out := sample{elapsed: time.Since(began), latencies: slices.Concat(latencies...)}
	out.operations = len(out.latencies)
	after, err := cpuOfAll(roots)
	if err != nil {
		return sample{}, err
	}
	out.cpu = after - before
	return out, errors.Join(failures...)
}

func cpuOfAll(roots []int) (time.Duration, error) {
	var sum time.Duration
	for _, root := range roots {
		used, err := cpuOf(root)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// posts is a request that posts a body to a path; check, if there is one, looks at the answer.
func posts(path string, body func(n int) []byte, check func(answer []byte) error) request {
	return func(c *conn, n int) error {
		status, answer, err := c.post(path, body(n))
		return answered(status, answer, err, check)
	}
}

func answered(status int, answer []byte, err error, check func([]byte) error) error {
	switch {
	case err != nil:
		return err
	case status != 200:
		return fmt.Errorf("status %d: %.300s", status, answer)
	case check != nil:
		return check(answer)
	}
	return nil
}

// gets is a request that gets a path with a query.
func gets(path string, query url.Values, check func(answer []byte) error) request {
	target := path + "?" + query.Encode()
	return func(c *conn, _ int) error {
		status, answer, err := c.get(target)
		return answered(status, answer, err, check)
	}
}

// always is the same body each time.
func always(body []byte) func(int) []byte { return func(int) []byte { return body } }

// asks is a request of GraphQL, the same each time.
func asks(query string, variables map[string]any, check func(answer []byte) error) request {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		panic(err) // maps of texts and numbers always encode
	}
	return posts("/graphql", always(body), func(answer []byte) error {
		if err := graphqlError(answer); err != nil {
			return err
		}
		if check != nil {
			return check(answer)
		}
		return nil
	})
}

// graphqlError gives the error in an answer of GraphQL, which stands before its data.
func graphqlError(answer []byte) error {
	if len(answer) > 8 && string(answer[:8]) == `{"data":` {
		return nil
	}
	return fmt.Errorf("GraphQL: %.300s", answer)
}

// ask sends a request of GraphQL once and decodes its data.
func ask(addr, query string, variables map[string]any, data any) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	return asks(query, variables, func(answer []byte) error {
		return json.Unmarshal(answer, &struct {
			Data any `json:"data"`
		}{data})
	})(c, 0)
}

// repeated is the same request on some connections.
func repeated(r request, connections int) []request {
	out := make([]request, connections)
	for i := range out {
		out[i] = r
	}
	return out
}

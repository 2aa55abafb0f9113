package server

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cairnml/cairn/internal/store"
)

// metrics is what GET /metrics shows. What happens is counted as it happens; what is, is looked at when it is asked for.
type metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.HistogramVec
	streams    *prometheus.CounterVec
	operations *prometheus.HistogramVec
	failures   *prometheus.CounterVec
	statements prometheus.Histogram
	commits    prometheus.Histogram
	group      prometheus.Histogram
	slow       *prometheus.CounterVec
	handler    http.Handler
}

// Buckets of the histograms: from what a read from memory takes to what a client gives up at, and up to the largest group of a commit.
var (
	secondsBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	groupBuckets   = []float64{1, 2, 4, 8, 16, 32, 64}
)

func newMetrics(version string) *metrics {
	histogram := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Namespace: "cairn", Name: name, Help: help, Buckets: buckets}
	}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "cairn", Name: name, Help: help}
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(histogram("http_request_duration_seconds",
			"Time of requests, by the part of the server and the class of the status; streams are not among them.", secondsBuckets), []string{"api", "status"}),
		streams: prometheus.NewCounterVec(counter("http_streams_total", "WebSockets and event streams that have ended."), []string{"api"}),
		operations: prometheus.NewHistogramVec(histogram("graphql_operation_duration_seconds",
			"Time of GraphQL queries and mutations, once they were found to be allowed.", secondsBuckets), []string{"kind"}),
		failures: prometheus.NewCounterVec(counter("graphql_errors_total", "GraphQL queries and mutations answered with an error, by its code."), []string{"code"}),
		statements: prometheus.NewHistogram(histogram("sql_statement_duration_seconds",
			"Time of SQL statements, with the reading of their rows.", secondsBuckets)),
		commits: prometheus.NewHistogram(histogram("transaction_duration_seconds",
			"Time of writing transactions, from their begin until they are durable.", secondsBuckets)),
		group: prometheus.NewHistogram(histogram("transaction_requests", "Requests that shared a transaction.", groupBuckets)),
		slow: prometheus.NewCounterVec(counter("slow_total",
			"Statements, operations and requests that took longer than --slow-query, also those that were not logged."), []string{"what"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "cairn", Name: "build_info", Help: "1, with the version as a label.",
		ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.streams, m.operations, m.failures, m.statements, m.commits, m.group, m.slow, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, ErrorHandling: promhttp.ContinueOnError})
	return m
}

const (
	// maxScrapes bounds how many read the metrics at once.
	maxScrapes = 4
	// backlogAge is for how long a count of what is to be compacted is good: to count takes a query.
	backlogAge = 15 * time.Second
	// backlogTimeout bounds it. A scrape without the backlog is better than none.
	backlogTimeout = 2 * time.Second
)

// stateOf shows, when it is asked, how a server is.
type stateOf struct {
	*Server
	mu      sync.Mutex
	counted time.Time
	backlog store.Backlog
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("cairn_"+name, help, labels, nil)
}

var (
	descBatches       = describe("logged_batches_total", "Batches of metrics, params and tags that were stored by this server.")
	descPoints        = describe("logged_points_total", "Points of metrics that were stored by this server.")
	descInFlight      = describe("websockets_open", "WebSockets that are open.")
	descSubscriptions = describe("subscriptions_open", "GraphQL subscriptions that are open.")
	descReachable     = describe("database_reachable", "1 while the database answers.")
	descLive          = describe("live_connected", "1 while hints of other servers arrive over the transport; 0 while the database is looked into instead.", "transport")
	descBacklog       = describe("compaction_backlog_batches", "Batches that are not folded into chunks yet.")
	descBacklogPoints = describe("compaction_backlog_points", "Points of the batches that are not folded into chunks yet.")
	descBacklogAge    = describe("compaction_backlog_oldest_seconds", "For how long the oldest of them has waited; 0 when there is none.")
	descConnections   = describe("database_connections", "Connections to the database, by pool and state.", "pool", "state")
	descMost          = describe("database_connections_limit", "The most connections that a pool may have; 0 is no limit.", "pool")
	descWaits         = describe("database_connection_waits_total", "How often a connection of a full pool was waited for.", "pool")
	descWaited        = describe("database_connection_wait_seconds_total", "For how long they were waited for.", "pool")
)

// Describe is part of prometheus.Collector.
func (c *stateOf) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descBatches, descPoints, descInFlight, descSubscriptions, descReachable, descLive, descBacklog,
		descBacklogPoints, descBacklogAge, descConnections, descMost, descWaits, descWaited} {
		out <- d
	}
}

// Collect is part of prometheus.Collector.
func (c *stateOf) Collect(out chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	batches, points := c.tracking.Logged()
	tell(descBatches, counter, float64(batches))
	tell(descPoints, counter, float64(points))
	sockets, subscriptions := c.graphql.Open()
	tell(descInFlight, gauge, float64(sockets))
	tell(descSubscriptions, gauge, float64(subscriptions))
	tell(descReachable, gauge, oneIf(!c.reach.lost.Load()))
	if c.relay != nil {
		state := c.relay.State()
		tell(descLive, gauge, oneIf(state.Connected), state.Bus)
	}
	for _, p := range c.db.Pools() {
		tell(descConnections, gauge, float64(p.InUse), p.Name, "used")
		tell(descConnections, gauge, float64(p.Idle), p.Name, "idle")
		tell(descMost, gauge, float64(p.MaxOpenConnections), p.Name)
		tell(descWaits, counter, float64(p.WaitCount), p.Name)
		tell(descWaited, counter, p.WaitDuration.Seconds(), p.Name)
	}
	if b, ok := c.waiting(); ok {
		tell(descBacklog, gauge, float64(b.Batches))
		tell(descBacklogPoints, gauge, float64(b.Points))
		age := 0.0
		if b.Oldest != nil {
			age = max(0, time.Since(time.UnixMilli(*b.Oldest)).Seconds())
		}
		tell(descBacklogAge, gauge, age)
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// waiting counts what is to be compacted, or gives the count of a moment ago. Not ok: the database did not say.
func (c *stateOf) waiting() (b store.Backlog, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.counted) < backlogAge {
		return c.backlog, true
	}
	if c.reach.lost.Load() {
		return b, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), backlogTimeout)
	defer cancel()
	b, err := store.CountBacklog(ctx, c.db.Read())
	if err != nil {
		c.log.WarnContext(ctx, "what is to be compacted cannot be counted", "error", err)
		return b, false
	}
	c.backlog, c.counted = b, time.Now()
	return b, true
}

// serveMetrics answers a scrape of Prometheus.
func (s *Server) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.methodNotAllowed(w, r, "GET, HEAD")
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	s.observer.metrics.handler.ServeHTTP(w, r)
}

// Package natstest gives tests a NATS of several servers, which they can kill and start again.
package natstest

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store/storetest/cluster"
)

// patience bounds how long servers take to start and to find each other.
const patience = 30 * time.Second

// Cluster is a NATS of some servers.
type Cluster struct {
	t       testing.TB
	options []*server.Options
	nodes   []*server.Server
}

// Start starts a NATS of so many servers, and ends it with the test.
func Start(t testing.TB, nodes int) *Cluster {
	t.Helper()
	c := &Cluster{t: t, nodes: make([]*server.Server, nodes)}
	ports := make([]int, 2*nodes)
	routes := make([]*url.URL, nodes)
	for i := range ports {
		var err error
		ports[i], err = cluster.FreePort()
		require.NoError(t, err)
	}
	for i := range nodes {
		routes[i] = &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", ports[nodes+i])}
	}
	for i := range nodes {
		c.options = append(c.options, &server.Options{
			ServerName: fmt.Sprintf("node%d", i), Host: "127.0.0.1", Port: ports[i], NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "cairn", Host: "127.0.0.1", Port: ports[nodes+i]}, Routes: routes,
		})
	}
	for i := range nodes {
		c.Start(i)
	}
	require.Eventually(t, func() bool {
		for _, n := range c.nodes {
			if n.NumRoutes() == 0 && nodes > 1 {
				return false
			}
		}
		return true
	}, patience, 10*time.Millisecond, "the servers of NATS find each other")
	t.Cleanup(func() {
		for i := range c.nodes {
			c.Stop(i)
		}
	})
	return c
}

// URLs names all servers, as --nats takes them.
func (c *Cluster) URLs() string {
	urls := make([]string, len(c.options))
	for i, o := range c.options {
		urls[i] = fmt.Sprintf("nats://127.0.0.1:%d", o.Port)
	}
	return strings.Join(urls, ",")
}

// Start starts a server that is not running, on its own port.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	options := *c.options[i]
	node, err := server.NewServer(&options)
	require.NoError(c.t, err)
	go node.Start()
	require.True(c.t, node.ReadyForConnections(patience), "a server of NATS starts")
	c.nodes[i] = node
}

// Stop ends a server and its connections, if it is running.
func (c *Cluster) Stop(i int) {
	if c.nodes[i] == nil {
		return
	}
	c.nodes[i].Shutdown()
	c.nodes[i].WaitForShutdown()
	c.nodes[i] = nil
}

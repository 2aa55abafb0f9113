//go:build linux

package main

import "strings"

// quoted are figures of others, measured elsewhere: by the project, before Cairn was begun, on two shared cores. They are
// not measured again here, and say only of what order the difference is.
var quoted = [][]string{
	{"what", "MLflow 3.17", "the best peer"},
	{"log-batch of 1,000 points, 8 connections", "9,000 points/s, 106 ms CPU a call", "52,000 points/s, 32 ms CPU a call"},
	{"a step of 20 keys, 16 connections on 16 runs", "80 calls/s on SQLite; stalls of 30 s on PostgreSQL", "520 calls/s"},
	{"log-metric, 1 connection", "185 calls/s", "1,460 calls/s, without the durability"},
	{"log-metric, 16 connections", "139 calls/s", "1,765 calls/s"},
	{"disk", "230 bytes a point on SQLite, 377 on PostgreSQL", "198 bytes a point"},
	{"history of 100,000 points", "3.9 s", "0.31 s"},
	{"bulk-interval of 100 runs × 320 points", "1 to 6 s", ""},
	{"1,000 runs: filter on a metric and a param, sorted by the metric, p50", "25 ms", "2.9 ms"},
	{"1,000 runs: pages 2 to 5 of 100 whole runs", "352 ms", "14 ms"},
	{"readers' p99 under 16 writers", "564 ms, and stalls of 30 s of the writers on PostgreSQL", "26 to 133 ms"},
}

func writePeers(out *strings.Builder) {
	out.WriteString("\n## Others, quoted\n\nMeasured elsewhere, before Cairn was begun, on two shared cores; not measured here.\n\n")
	writeTable(out, quoted)
}

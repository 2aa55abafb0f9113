//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is USER_HZ, the unit of times in /proc, 100 on every Linux.
const ticksPerSecond = 100

// procStat is what a line of /proc/PID/stat says of a process.
type procStat struct {
	pid, parent, session int
	// ticks is its own CPU time and that of its children which have ended.
	ticks int64
}

// parseStat reads the content of /proc/PID/stat.
func parseStat(line string) (procStat, error) {
	// The name stands in parentheses and may hold anything, a parenthesis too.
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return procStat{}, fmt.Errorf("not a stat line: %q", line)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line[:open]))
	if err != nil {
		return procStat{}, fmt.Errorf("pid: %w", err)
	}
	// fields[0] is the third field of proc(5), the state.
	fields := strings.Fields(line[end+1:])
	if len(fields) < 15 {
		return procStat{}, fmt.Errorf("a stat line of %d fields", len(fields)+2)
	}
	out := procStat{pid: pid}
	for _, field := range []struct {
		index int
		value *int
	}{{1, &out.parent}, {3, &out.session}} {
		if *field.value, err = strconv.Atoi(fields[field.index]); err != nil {
			return procStat{}, fmt.Errorf("stat field: %w", err)
		}
	}
	for _, text := range fields[11:15] { // utime, stime, cutime, cstime
		ticks, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return procStat{}, fmt.Errorf("stat field: %w", err)
		}
		out.ticks += ticks
	}
	return out, nil
}

// allProcesses reads /proc.
func allProcesses() ([]procStat, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("no /proc: the benchmark measures process trees, and so runs on Linux only")
	}
	out := make([]procStat, 0, len(files))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // ended meanwhile
		}
		stat, err := parseStat(string(data))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, stat)
	}
	return out, nil
}

// tree returns the processes of root's session and all descendants of root: a
// daemon leaves the tree of parents, a worker may leave the session.
func tree(all []procStat, root int) []procStat {
	member := map[int]bool{root: true}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if !member[p.pid] && (p.session == root || member[p.parent]) {
				member[p.pid], grown = true, true
			}
		}
	}
	var out []procStat
	for _, p := range all {
		if member[p.pid] {
			out = append(out, p)
		}
	}
	return out
}

// usage is what a process tree has used.
type usage struct {
	processes int
	cpu       time.Duration
	// pss is its memory in bytes, shared pages divided among those who share them.
	pss int64
}

// cpuOf returns the CPU time of root's process tree, with a resolution of 10 ms.
func cpuOf(root int) (time.Duration, error) {
	all, err := allProcesses()
	if err != nil {
		return 0, err
	}
	var ticks int64
	for _, p := range tree(all, root) {
		ticks += p.ticks
	}
	return time.Duration(ticks) * (time.Second / ticksPerSecond), nil
}

// usageOf measures root's process tree, memory included, which takes some milliseconds.
func usageOf(root int) (usage, error) {
	all, err := allProcesses()
	if err != nil {
		return usage{}, err
	}
	var out usage
	for _, p := range tree(all, root) {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.pid))
		if err != nil {
			continue // ended meanwhile
		}
		pss, err := parsePSS(data)
		if err != nil {
			return usage{}, err
		}
		out.processes++
		out.pss += pss
		out.cpu += time.Duration(p.ticks) * (time.Second / ticksPerSecond)
	}
	return out, nil
}

// peakMemory is what a process had in memory at most, in bytes, the pages of files among it.
func peakMemory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parsePeak(status)
}

// parsePeak finds the peak of the resident set, in bytes, in the content of /proc/PID/status.
func parsePeak(status []byte) (int64, error) {
	for line := range bytes.Lines(status) {
		if value, found := bytes.CutPrefix(line, []byte("VmHWM:")); found {
			kib, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(value), []byte(" kB"))), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("status: %w", err)
			}
			return kib << 10, nil
		}
	}
	return 0, errors.New("/proc/PID/status has no VmHWM")
}

// parsePSS finds the proportional set size, in bytes, in the content of smaps_rollup.
// A process without memory of its own, such as one that has just ended, has none.
func parsePSS(rollup []byte) (int64, error) {
	for line := range bytes.Lines(rollup) {
		if value, found := bytes.CutPrefix(line, []byte("Pss:")); found {
			kib, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(value), []byte(" kB"))), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("smaps_rollup: %w", err)
			}
			return kib << 10, nil
		}
	}
	return 0, nil
}

//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// What a server's log says, at the level debug, when background work is done.
const (
	foldedLine    = `msg="folded metric batches"`
	collectedLine = `msg="collected what was deleted"`
)

// work is one such line: how many runs it was about, and for how long it had the writer to itself at most.
type work struct {
	runs int
	held time.Duration
}

var workFields = regexp.MustCompile(` runs=(\d+) .*\bheld_writer=(\S+)`)

// parseWork reads a line of a server's log.
func parseWork(line string) (work, error) {
	fields := workFields.FindStringSubmatch(line)
	if fields == nil {
		return work{}, fmt.Errorf("a line without runs and held_writer: %.300s", line)
	}
	runs, err := strconv.Atoi(fields[1])
	if err != nil {
		return work{}, err
	}
	held, err := time.ParseDuration(fields[2])
	return work{runs, held}, err
}

// workLog reads a log while it grows.
type workLog struct {
	file *os.File
	in   *bufio.Reader
	part string // of a line that is not whole yet
}

func openWorkLog(name string) (*workLog, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return &workLog{file: file, in: bufio.NewReaderSize(file, 1<<20)}, nil
}

func (l *workLog) close() { _ = l.file.Close() }

// news gives what the log says of a kind of work since it was asked last.
func (l *workLog) news(kind string) (out []work, err error) {
	for {
		text, err := l.in.ReadString('\n')
		l.part += text
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		line := l.part
		l.part = ""
		if !strings.Contains(line, kind) {
			continue
		}
		one, err := parseWork(line)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
}

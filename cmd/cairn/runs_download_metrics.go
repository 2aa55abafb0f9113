package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

// downloadedSeries is a file of metrics that was written.
type downloadedSeries struct {
	downloaded
	Points int64 `json:"points"`
	// Incomplete names series that lack points.
	Incomplete string `json:"incomplete,omitempty"`
}

// seriesURL is where the run's metrics, or those named, are got.
func (d *runsDownload) seriesURL(ctx context.Context, c *client.Client) (string, error) {
	if d.Path != "" {
		return "", errs.New(errs.Invalid, "--metrics downloads metrics, and %s names artifacts: leave one of both out", printable(d.Path))
	}
	answer, err := client.MetricSeriesUrl(ctx, c, d.Run_, client.MetricFileFormat(strings.ToUpper(d.Metrics)), d.Key)
	if err != nil {
		return "", err //nolint:wrapcheck // an error for users already
	}
	if answer.Run == nil {
		return "", noSuchRun(d.Run_)
	}
	return answer.Run.MetricSeriesUrl, nil
}

// metrics writes the metrics at an address into one file.
func (d *runsDownload) metrics(ctx context.Context, std streams, c *client.Client, address, to string, root *os.Root) (err error) {
	name := "metrics." + d.Metrics
	line := newProgress(std.err)
	if d.JSON {
		line = newProgress(io.Discard)
	}
	var got client.Series
	err = whole(root, name, func(file io.Writer) error {
		got, err = c.GetMetricSeries(ctx, address, func(points int64) io.Writer {
			return &measured{Writer: file, line: line, name: name, format: d.Metrics, points: points}
		})
		return errors.Join(err, line.end())
	})
	if err != nil {
		return fmt.Errorf("fetch metrics: %w", err)
	}
	done := downloadedSeries{downloaded{Path: name, File: path.Join(to, name), Size: got.Size}, got.Points, got.Incomplete}
	if d.JSON {
		err = putJSON(std.out, done)
	} else {
		err = put(std.out, fmt.Sprintf("%s points, %s, in %s\n", grouped(got.Points), showSize(got.Size), done.File))
	}
	if err == nil && got.Incomplete != "" {
		err = errs.New(errs.Unavailable, "%s lacks points of %s, which are damaged in the server's database: `cairn db check` tells its administrator more",
			done.File, got.Incomplete)
	}
	return err
}

// whole writes a file beside its place first, so that a file that is there is whole.
func whole(root *os.Root, name string, write func(io.Writer) error) error {
	part := name + ".part"
	file, err := root.Create(part)
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	if err = errors.Join(write(file), file.Close()); err == nil {
		err = root.Rename(part, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(part))
	}
	return nil
}

// measured shows how far a file of metrics has come.
type measured struct {
	io.Writer
	line         *progress
	name, format string
	points       int64
	size, lines  int64
}

func (m *measured) Write(b []byte) (int, error) {
	n, err := m.Writer.Write(b)
	m.size += int64(n)
	if m.format == "csv" {
		m.lines += int64(bytes.Count(b[:n], []byte("\n")))
	}
	m.line.show(m.state())
	return n, err //nolint:wrapcheck // a writer passes on what the writer below it said
}

// arrowRow is how many bytes a row takes in Arrow: two places in dictionaries, step, time and value.
const arrowRow = 4 + 4 + 3*8

func (m *measured) state() string {
	var done float64
	switch {
	case m.points == 0:
	case m.format == "csv":
		done = float64(m.lines) / float64(m.points)
	case m.format == "arrow":
		done = float64(m.size) / float64(m.points*arrowRow)
	default: // how well Parquet will be packed is not known
		return fmt.Sprintf("%s: %s of %s points", m.name, showSize(m.size), grouped(m.points))
	}
	return fmt.Sprintf("%s: %s %3.0f %%, %s", m.name, bar(min(done, 1)), 100*min(done, 1), showSize(m.size))
}

// bar draws a part of a whole.
func bar(done float64) string {
	const width = 20
	full := int(done * width)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "]"
}

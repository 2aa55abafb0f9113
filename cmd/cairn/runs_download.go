package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type runsDownload struct {
	connection
	listing
	Run_ string `arg:"" name:"run" help:"The run's id."`
	Path string `arg:"" optional:"" help:"A file or folder of its artifacts (default: all)."`
	To   string `short:"t" placeholder:"DIR" help:"Where to write (default: a new folder named like the run's id)."`

	Metrics string   `default:"" enum:",csv,parquet,arrow" placeholder:"FORMAT" help:"Its metrics instead of its artifacts, as one file: csv, parquet or arrow (a stream of Arrow's IPC)."`
	Key     []string `short:"k" sep:"none" placeholder:"KEY" help:"With --metrics: only this metric (repeatable)."`
}

// downloaded is one file that was written.
type downloaded struct {
	Path string `json:"path"`
	File string `json:"file"`
	Size int64  `json:"size"`
}

func (d *runsDownload) Run(ctx context.Context, std streams) error {
	c, err := d.open()
	if err != nil {
		return err
	}
	defer c.Close()
	to := d.To
	if to == "" {
		to = strings.TrimPrefix(d.Run_, "run:")
	}
	if len(d.Key) > 0 && d.Metrics == "" {
		return errs.New(errs.Invalid, "--key names metrics: say with --metrics in which format they are to be")
	}
	var files []client.ArtifactRow
	var series string
	if d.Metrics == "" {
		files, err = d.files(ctx, c)
	} else {
		series, err = d.seriesURL(ctx, c)
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o750); err != nil {
		return errs.Wrap(errs.Invalid, err, "--to: the folder %s cannot be made: %v", to, err)
	}
	// A root, since the paths are the server's: none may lead out of the folder.
	root, err := os.OpenRoot(to)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	defer func() { _ = root.Close() }()
	if d.Metrics != "" {
		return d.metrics(ctx, std, c, series, to, root)
	}
	done := []downloaded{}
	var total int64
	for i, file := range files {
		if !d.JSON {
			if err := put(std.err, fmt.Sprintf("[%d/%d] %s\n", i+1, len(files), printable(file.Path))); err != nil {
				return err
			}
		}
		size, err := fetch(ctx, c, root, file)
		if err != nil {
			return err
		}
		total += size
		done = append(done, downloaded{Path: file.Path, File: path.Join(to, file.Path), Size: size})
	}
	if d.JSON {
		return putJSON(std.out, done)
	}
	return put(std.out, fmt.Sprintf("%d files, %s, in %s\n", len(done), showSize(total), to))
}

// files lists what is to be fetched, folders and all below them.
func (d *runsDownload) files(ctx context.Context, c *client.Client) ([]client.ArtifactRow, error) {
	start := strings.Trim(d.Path, "/")
	var found []client.ArtifactRow
	below := []string{start}
	for len(below) > 0 {
		dir := below[0]
		below = below[1:]
		entries, err := list(ctx, c, d.Run_, dir)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if entry.IsDir {
				below = append(below, entry.Path)
			} else {
				found = append(found, entry)
			}
		}
	}
	if len(found) > 0 || start == "" {
		return found, nil
	}
	// It may be a file: then the folder around it has it.
	parent := path.Dir(start)
	if parent == "." {
		parent = ""
	}
	entries, err := list(ctx, c, d.Run_, parent)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if entry.Path == start && !entry.IsDir {
			return []client.ArtifactRow{entry}, nil
		}
	}
	return nil, errs.New(errs.NotFound, "run %s has no artifact %s", d.Run_, printable(start))
}

func list(ctx context.Context, c *client.Client, run, dir string) ([]client.ArtifactRow, error) {
	var entries []client.ArtifactRow
	var after *string
	for {
		answer, err := client.ListArtifacts(ctx, c, run, dir, pageSize, after)
		if err != nil {
			return nil, err //nolint:wrapcheck // an error for users already
		}
		if answer.Run == nil {
			return nil, noSuchRun(run)
		}
		for _, edge := range answer.Run.Artifacts.Edges {
			entries = append(entries, edge.Node)
		}
		if !answer.Run.Artifacts.PageInfo.HasNextPage {
			return entries, nil
		}
		after = answer.Run.Artifacts.PageInfo.EndCursor
	}
}

// fetch writes one artifact: beside its place first, so that a file that is there is whole.
func fetch(ctx context.Context, c *client.Client, root *os.Root, artifact client.ArtifactRow) (size int64, err error) {
	if artifact.DownloadUrl == nil {
		return 0, errs.New(errs.NotFound, "the server gives no address for %s", printable(artifact.Path))
	}
	if dir := path.Dir(artifact.Path); dir != "." {
		if err := root.MkdirAll(dir, 0o750); err != nil {
			return 0, fmt.Errorf("make folder: %w", err)
		}
	}
	err = whole(root, artifact.Path, func(file io.Writer) error {
		var sum string
		sum, size, err = copyArtifact(ctx, c, *artifact.DownloadUrl, file)
		if err == nil && artifact.Sha256 != nil && *artifact.Sha256 != sum {
			err = errs.New(errs.Unavailable, "%s came damaged: its SHA-256 is %s, not %s; try again", printable(artifact.Path), sum, *artifact.Sha256)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("fetch %s: %w", printable(artifact.Path), err)
	}
	return size, nil
}

func copyArtifact(ctx context.Context, c *client.Client, address string, to io.Writer) (sum string, size int64, err error) {
	digest := newDigest()
	size, err = c.GetArtifact(ctx, address, io.MultiWriter(to, digest))
	if err != nil {
		return "", 0, err //nolint:wrapcheck // an error for users already
	}
	return digest.hex(), size, nil
}

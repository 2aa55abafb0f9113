// Package sdktest checks an autolog adapter against recorded observations.
//
// A recording is a file testdata/NAME.jsonl with one observation a line, as the hook sent them:
//
//	{"seq":1,"kind":"fit.start","time_ms":1700000000000,"fit":"f1","payload":{…},"files":{"model":"model.pkl"}}
//
// Paths in files are relative to testdata. The records that the adapter gives for each line stand in
// testdata/NAME.golden.json. `CAIRN_UPDATE_GOLDEN=1 go test` writes them anew: read the difference before committing it.
package sdktest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg" // pictures are told by their format and size
	_ "image/png"  // likewise
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/plugins/sdk"
)

// maxLine bounds one recorded observation.
const maxLine = 20 << 20

// maxShown is the size in bytes up to which a text file's content stands in the golden file.
const maxShown = 16 << 10

type recorded struct {
	Seq     uint64            `json:"seq"`
	Kind    string            `json:"kind"`
	TimeMS  int64             `json:"time_ms"`
	Fit     string            `json:"fit"`
	Payload json.RawMessage   `json:"payload"`
	Files   map[string]string `json:"files"`
}

type goldenStep struct {
	// Observation is the kind and sequence; "close" for what Close gave.
	Observation string         `json:"observation"`
	Error       string         `json:"error,omitempty"`
	Records     []goldenRecord `json:"records"`
}

type goldenRecord map[string]any

// Golden runs every recording in dir (usually "testdata") through the adapter, each as a session of its own, and compares
// the records with the golden file. It runs each twice and fails when they differ: an adapter is a pure function of
// its observations.
func Golden(t *testing.T, adapter sdk.Adapter, dir string) {
	t.Helper()
	require.NoError(t, adapter.Describe().Validate())
	recordings, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	require.NoError(t, err)
	require.NotEmpty(t, recordings, "no recordings *.jsonl in %s", dir)
	for _, recording := range recordings {
		t.Run(strings.TrimSuffix(filepath.Base(recording), ".jsonl"), func(t *testing.T) {
			observations := Load(t, recording)
			got := replay(t, adapter, dir, observations)
			require.Equal(t, string(got), string(replay(t, adapter, dir, observations)), "a second session gave other records")
			golden := strings.TrimSuffix(recording, ".jsonl") + ".golden.json"
			if os.Getenv("CAIRN_UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(golden, got, 0o600))
			}
			want, err := os.ReadFile(golden) //nolint:gosec // a path below testdata
			require.NoError(t, err, "write it with: CAIRN_UPDATE_GOLDEN=1 go test ./...")
			require.Equal(t, string(want), string(got), "if the change is meant: CAIRN_UPDATE_GOLDEN=1 go test ./...")
		})
	}
}

// Load reads a recording. Paths of files become absolute.
func Load(t *testing.T, path string) []sdk.Observation {
	t.Helper()
	data, err := os.ReadFile(path) //nolint:gosec // the caller's own testdata
	require.NoError(t, err)
	dir, err := filepath.Abs(filepath.Dir(path))
	require.NoError(t, err)
	var observations []sdk.Observation
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var r recorded
		require.NoError(t, json.Unmarshal(lines.Bytes(), &r), "%s:%d", path, n)
		files := map[string]string{}
		for name, file := range r.Files {
			files[name] = filepath.Join(dir, file)
		}
		observations = append(observations, sdk.Observation{
			Sequence: r.Seq, Kind: r.Kind, Time: time.UnixMilli(r.TimeMS).UTC(), Fit: r.Fit, Payload: r.Payload, Files: files,
		})
	}
	require.NoError(t, lines.Err(), path)
	return observations
}

func replay(t *testing.T, adapter sdk.Adapter, dir string, observations []sdk.Observation) []byte {
	t.Helper()
	root, err := filepath.Abs(dir)
	require.NoError(t, err)
	session := adapter.NewSession(sdk.SessionInfo{
		PythonVersion: "3.11.0", Distribution: adapter.Describe().Distribution, FilesDir: root,
	})
	steps := make([]goldenStep, 0, len(observations)+1)
	for _, observation := range observations {
		records, err := session.Observe(observation)
		steps = append(steps, step(t, root, fmt.Sprintf("%d %s", observation.Sequence, observation.Kind), observation.Time, records, err))
	}
	records, err := session.Close()
	steps = append(steps, step(t, root, "close", time.Time{}, records, err))
	out, err := json.MarshalIndent(steps, "", "  ")
	require.NoError(t, err)
	return append(out, '\n')
}

func step(t *testing.T, root, name string, now time.Time, records []sdk.Record, err error) goldenStep {
	t.Helper()
	s := goldenStep{Observation: name, Records: []goldenRecord{}}
	if err != nil {
		s.Error = err.Error()
	}
	for _, record := range records {
		s.Records = append(s.Records, describe(t, root, now, record))
	}
	return s
}

func describe(t *testing.T, root string, now time.Time, record sdk.Record) goldenRecord {
	t.Helper()
	when := func(at time.Time) any {
		if at.IsZero() || at.Equal(now) {
			return "observation"
		}
		return at.UnixMilli()
	}
	switch r := record.(type) {
	case sdk.Param:
		return goldenRecord{"param": r.Key, "value": r.Value, "run": r.Run}
	case sdk.Metric:
		shown := goldenRecord{"metric": r.Key, "value": sdk.Float(r.Value), "run": r.Run, "time": when(r.Time), "step": r.Step,
			"measurement": r.Measurement}
		if r.Model != "" {
			shown["model"] = r.Model
		}
		return shown
	case sdk.Tag:
		return goldenRecord{"tag": r.Key, "value": r.Value, "run": r.Run}
	case sdk.Dataset:
		return goldenRecord{"dataset": r.Name, "digest": r.Digest, "source_type": r.SourceType, "source": r.Source,
			"schema": r.Schema, "profile": r.Profile, "context": r.Context, "run": r.Run}
	case sdk.File:
		return goldenRecord{"file": r.Path, "content": content(root, r), "run": r.Run}
	case sdk.Model:
		files := map[string]any{}
		for _, file := range r.Files {
			files[file.Path] = content(root, file)
		}
		return goldenRecord{"model": r.Name, "type": r.Type, "files": files, "params": r.Params, "tags": r.Tags,
			"metrics": r.Metrics, "run": r.Run}
	case sdk.ChildRun:
		return goldenRecord{"child_run": r.Run, "parent": r.Parent, "name": r.Name, "start": when(r.Start)}
	case sdk.ChildEnd:
		return goldenRecord{"child_end": r.Run, "status": r.Status, "end": when(r.End)}
	case sdk.Warning:
		return goldenRecord{"warning": r.Message, "run": r.Run}
	}
	require.Failf(t, "unknown record", "%T: use the record structs by value", record)
	return goldenRecord{}
}

// content tells what is in a file without depending on how an encoder packs it: text as it is when short, pictures by
// format and size.
func content(root string, file sdk.File) any {
	if file.Source != "" {
		if relative, err := filepath.Rel(root, file.Source); err == nil {
			return "source:" + filepath.ToSlash(relative)
		}
		return "source:" + file.Source
	}
	if config, format, err := image.DecodeConfig(bytes.NewReader(file.Data)); err == nil {
		return fmt.Sprintf("%s %dx%d", format, config.Width, config.Height)
	}
	if !utf8.Valid(file.Data) || len(file.Data) > maxShown {
		return fmt.Sprintf("%d bytes", len(file.Data))
	}
	return string(file.Data)
}

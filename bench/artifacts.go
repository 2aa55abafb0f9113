//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	largeArtifact = 64 << 20
	smallArtifact = 4 << 10
	// smallArtifacts is how many small files are uploaded, on so many connections.
	smallArtifacts       = 1000
	artifactConnections  = 16
	largeDownloads       = 3
	upLarge, downLarge   = "64 MiB up", "64 MiB down"
	upSmall, downSmall   = "1,000 files of 4 KiB up", "1,000 files of 4 KiB down"
	artifactMemoryGrowth = 32
)

var artifactsSection = section{
	name: "artifacts", title: "Artifacts, against a plain file server, and beside MLflow", everywhere: true,
	about: "The plain server is `bench/limits files`: net/http's file server, and a `PUT` that copies the body to a file, syncs and renames\n" +
		"it. Each upload has other bytes. Small files go over 16 connections. MLflow's server syncs nothing. Servers in turns; medians of the rounds.\n" +
		"Memory is what the server's maximum has grown by, from after the first small file to after all large ones.",
	run: measureArtifacts,
}

// artifactServer is a server and where files are put on it.
type artifactServer struct {
	*server
	root string
}

func measureArtifacts(ctx context.Context, b *bench) error {
	limits := filepath.Join(b.database.directory, "limits-program")
	if _, err := output(ctx, "go", "build", "-o", limits, "./bench/limits"); err != nil {
		return err
	}
	servers, err := b.sideBySide(ctx)
	defer func() { stopAll(servers) }()
	if err != nil {
		return err
	}
	plain := subject{name: "plain", command: func(addr, directory string) []string {
		return []string{limits, "files", "-listen", addr, "-directory", directory}
	}}
	s, err := plain.start(ctx, filepath.Join(b.database.directory, "plain"))
	if err != nil {
		return err
	}
	servers = append(servers, s)
	var all []artifactServer
	for _, s := range servers {
		one := artifactServer{s, "http://" + s.addr}
		if s.name != "plain" {
			run, err := runOf(ctx, s)
			if err != nil {
				return err
			}
			one.root += "/api/2.0/mlflow-artifacts/artifacts/0/" + run + "/artifacts"
		}
		all = append(all, one)
	}
	return b.compareArtifacts(ctx, all)
}

// runOf makes a run through MLflow's REST API.
func runOf(ctx context.Context, s *server) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+api+"runs/create", bytes.NewReader([]byte(`{"experiment_id":"0"}`)))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var out struct {
		Run struct {
			Info struct {
				RunID string `json:"run_id"`
			} `json:"info"`
		} `json:"run"`
	}
	err = json.NewDecoder(answer.Body).Decode(&out)
	if err == nil && out.Run.Info.RunID == "" {
		err = fmt.Errorf("%s made no run: %s", s.name, answer.Status)
	}
	return out.Run.Info.RunID, err
}

func (b *bench) compareArtifacts(ctx context.Context, all []artifactServer) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: artifactConnections}}
	defer client.CloseIdleConnections()
	large, small := make([]byte, largeArtifact), make([]byte, smallArtifact)
	_, _ = rand.Read(large) // never fails, by its documentation
	_, _ = rand.Read(small)
	rates := map[string]map[string][]float64{}
	var grown []float64
	for _, s := range all {
		rates[s.name] = map[string][]float64{}
		if err := transfer(ctx, client, http.MethodPut, s.root+"/first", small); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for round := range b.rounds {
		for i := range all {
			s := all[(i+round)%len(all)]
			note := func(what string, value float64, unit string) {
				progress("round %d, %s, %s: %.1f %s", round+1, what, s.name, value, unit)
				rates[s.name][what] = append(rates[s.name][what], value)
			}
			if s.name != "MLflow" {
				before, err := peakMemory(s.pid())
				if err != nil {
					return err
				}
				if err := measureLarge(ctx, client, s, large, round, note); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				after, err := peakMemory(s.pid())
				if err != nil {
					return err
				}
				if s.name == "Cairn" {
					grown = append(grown, float64(after-before)/(1<<20))
				}
			}
			elapsed, err := manySmall(ctx, client, http.MethodPut, fmt.Sprintf("%s/small%d", s.root, round), small)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			note(upSmall, smallArtifacts/elapsed.Seconds(), "files/s")
			elapsed, err = manySmall(ctx, client, http.MethodGet, fmt.Sprintf("%s/small%d", s.root, round), nil)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			note(downSmall, smallArtifacts/elapsed.Seconds(), "files/s")
		}
	}
	share := func(what, of string) float64 {
		var out []float64
		for i, v := range rates["Cairn"][what] {
			out = append(out, v/rates[of][what][i])
		}
		return median(out)
	}
	b.judge(atLeast(upLarge+": of the plain server", 100*share(upLarge, "plain"), 70, " %"))
	b.judge(atLeast(downLarge+": of the plain server", 100*share(downLarge, "plain"), 70, " %"))
	var most float64
	for _, g := range grown {
		most += g // from round to round the maximum only grows
	}
	b.judge(atMost("64 MiB up and down: memory grows by", most, artifactMemoryGrowth, " MiB"))
	b.judge(atLeast(upSmall+": times MLflow", share(upSmall, "MLflow"), 10, "×"))
	b.judge(atLeast(downSmall+": times MLflow", share(downSmall, "MLflow"), 10, "×"))
	g := grid{Rows: [][]string{{"", "Cairn", "plain", "MLflow"}}}
	for _, row := range []struct{ what, unit string }{{upLarge, "MiB/s"}, {downLarge, "MiB/s"}, {upSmall, "files/s"}, {downSmall, "files/s"}} {
		cells := []string{row.what + ", " + row.unit}
		for _, name := range []string{"Cairn", "plain", "MLflow"} {
			cell := ""
			if values := rates[name][row.what]; len(values) > 0 {
				cell = digits(median(values))
			}
			cells = append(cells, cell)
		}
		g.Rows = append(g.Rows, cells)
	}
	b.take.Grids = append(b.take.Grids, g)
	return nil
}

// measureLarge uploads and downloads a large file, the download several times.
func measureLarge(ctx context.Context, client *http.Client, s artifactServer, content []byte, round int, note func(string, float64, string)) error {
	copy(content, fmt.Sprintf("%s %d %d", s.name, round, time.Now().UnixNano()))
	place := fmt.Sprintf("%s/large%d", s.root, round)
	began := time.Now()
	if err := transfer(ctx, client, http.MethodPut, place, content); err != nil {
		return err
	}
	note(upLarge, largeArtifact/(1<<20)/time.Since(began).Seconds(), "MiB/s")
	began = time.Now()
	for range largeDownloads {
		if err := transfer(ctx, client, http.MethodGet, place, nil); err != nil {
			return err
		}
	}
	note(downLarge, largeDownloads*largeArtifact/(1<<20)/time.Since(began).Seconds(), "MiB/s")
	return nil
}

// manySmall uploads or downloads small files, no two alike.
func manySmall(ctx context.Context, client *http.Client, method, root string, content []byte) (time.Duration, error) {
	var next atomic.Int64
	failures := make([]error, artifactConnections)
	began := time.Now()
	var group sync.WaitGroup
	for c := range artifactConnections {
		group.Go(func() {
			own := bytes.Clone(content)
			for n := next.Add(1); n <= smallArtifacts; n = next.Add(1) {
				copy(own, fmt.Sprintf("%s %d", root, n))
				if failures[c] = transfer(ctx, client, method, fmt.Sprintf("%s/%d", root, n), own); failures[c] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return time.Since(began), errors.Join(failures...)
}

func transfer(ctx context.Context, client *http.Client, method, place string, content []byte) error {
	var body io.Reader
	if content != nil {
		body = bytes.NewReader(content)
	}
	r, err := http.NewRequestWithContext(ctx, method, place, body)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s", method, place, answer.Status)
	}
	return nil
}

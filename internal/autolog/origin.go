package autolog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// originPatience is how long after the end of a command the agent still asks where it came from: a large work tree on a slow
// disk must not hold up a short script.
const originPatience = 2 * time.Second

// originSearch is readOrigin going on beside a command.
type originSearch struct {
	done chan struct{}
	stop context.CancelFunc
}

func (a *agent) findOrigin(ctx context.Context) *originSearch {
	looking, stop := context.WithCancel(ctx)
	search := &originSearch{done: make(chan struct{}), stop: stop}
	go func() {
		defer close(search.done)
		a.readOrigin(ctx, looking)
	}()
	return search
}

// settle waits for the search, and ends it when it takes too long.
func (s *originSearch) settle() {
	timer := time.AfterFunc(originPatience, s.stop)
	<-s.done
	timer.Stop()
	s.stop()
}

// readOrigin finds out where the command came from and records it: commit, dirtiness, the uncommitted diff, hardware. It
// runs beside the command, and once. When looking ends before it has, what is known by then is recorded, and a warning; when
// ctx ends, nothing is, and the agent after this one looks again.
func (a *agent) readOrigin(ctx, looking context.Context) {
	a.mu.Lock()
	known := a.state.origin != nil
	a.mu.Unlock()
	if known || a.config.Directory == "" {
		return
	}
	a.takeCode(looking, a.scripts())
	run := a.config.RunID
	origin := &commandOrigin{Directory: "."}
	var ops []op
	facts, err := readGit(looking, a.config.Directory, !a.config.NoDiff)
	if err == nil {
		origin.Code = &facts.code
		if relative, err := filepath.Rel(facts.root, a.config.Directory); err == nil && !strings.HasPrefix(relative, "..") {
			origin.Directory = filepath.ToSlash(relative)
		}
		facts.code.Repository = a.mask.text(facts.code.Repository)
		tags := facts.code.tags()
		for _, key := range sortedKeys(tags) {
			ops = append(ops, op{Kind: opTag, Run: run, Key: key, Value: tags[key]})
		}
		if len(facts.diff) > 0 {
			diff := []byte(a.mask.diff(string(facts.diff)))
			if err := a.blobFile("diff", diff); err == nil {
				facts.code.setDiff(diff)
				ops = append(ops, op{Kind: opArtifact, Run: run, Path: "cairn/code.diff", Blob: "diff"})
				if _, err := writeBlob(filepath.Join(a.dir, trackedDiff), bytes.NewReader(diff)); err != nil {
					a.log.Warn("keep the diff", "error", err)
				}
			} else {
				facts.code.Unrecorded = true
				facts.warnings = append(facts.warnings, fmt.Sprintf("the uncommitted diff was left out: %v", err))
			}
		}
	} else if !errors.Is(err, errNoRepository) {
		a.log.Warn("read git", "error", err)
	}
	origin.Hardware = readHardware(looking)
	if ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.beginLocked(); err != nil {
		a.log.Error("begin", "error", err)
		return
	}
	for _, e := range []entry{{Facts: &factsEntry{Command: origin}}, {Ops: &opsEntry{Ops: ops}}} {
		if err := a.recordLocked(e); err != nil {
			a.log.Error("record origin", "error", err)
		}
	}
	for _, warning := range facts.warnings {
		a.warnLocked(run, warning)
	}
}

// tags are MLflow's of a commit, and whether the work tree differed from it. None without a repository.
func (c *codeFacts) tags() map[string]string {
	tags := map[string]string{}
	if c == nil {
		return tags
	}
	for key, value := range map[string]string{
		"mlflow.source.git.commit": c.Commit, "mlflow.source.git.branch": c.Branch, "mlflow.source.git.repoURL": c.Repository,
		"cairn.git.dirty": strconv.FormatBool(c.Dirty),
	} {
		if value != "" {
			tags[key] = value
		}
	}
	return tags
}

// shellQuote writes a command line so that a shell reads it back.
func shellQuote(argv []string) string {
	quoted := make([]string, len(argv))
	for i, argument := range argv {
		if argument != "" && !strings.ContainsAny(argument, " \t\n'\"\\$&|;<>()*?[]{}~#`!") {
			quoted[i] = argument
			continue
		}
		quoted[i] = "'" + strings.ReplaceAll(argument, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}

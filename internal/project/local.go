package project

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

// A Local is a run of this machine, as the process that supervises it has written it down: its lock is held as long as
// that process lives, so that a number which another process got is never taken for it.
type Local struct {
	RunID string `json:"run_id"`
	PID   int    `json:"pid"`
	// Group is true when the process leads a group of its own, which is then stopped whole.
	Group bool `json:"group,omitempty"`
}

func localFile(home, runID, suffix string) string { return filepath.Join(home, "runs", runID+suffix) }

// LogFile is where a detached run's own messages go.
func LogFile(home, runID string) string { return localFile(home, runID, ".log") }

// Register writes down that this process supervises a run, until release.
func Register(home, runID string, group bool) (release func(), err error) {
	unlock, err := lockFile(localFile(home, runID, ".lock"))
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(Local{RunID: runID, PID: os.Getpid(), Group: group})
	if err == nil {
		err = os.WriteFile(localFile(home, runID, ".json"), data, 0o600)
	}
	if err != nil {
		unlock()
		return nil, fmt.Errorf("write down the run: %w", err)
	}
	return func() {
		_ = os.Remove(localFile(home, runID, ".json"))
		_ = os.Remove(localFile(home, runID, ".lock"))
		unlock()
	}, nil
}

// stopPoll is how often it is looked whether a run that was told to stop has.
const stopPoll = 50 * time.Millisecond

// Stop tells a run of this machine to end, and waits until it has: as long as ctx lasts. NotFound when it does not go on here.
func Stop(ctx context.Context, home, runID string) error {
	notHere := errs.New(errs.NotFound, "the run %s was not started by `cairn run` on this machine, or has ended", runID)
	data, err := os.ReadFile(localFile(home, runID, ".json"))
	if err != nil {
		return notHere
	}
	var local Local
	if err := json.Unmarshal(data, &local); err != nil || local.PID <= 1 {
		return notHere
	}
	lock := localFile(home, runID, ".lock")
	if !held(lock) {
		return errors.Join(notHere, os.Remove(localFile(home, runID, ".json")))
	}
	if err := terminate(local); err != nil {
		return errs.Wrap(errs.PermissionDenied, err, "the run %s could not be told to stop: %v", runID, rootCause(err))
	}
	tick := time.NewTicker(stopPoll)
	defer tick.Stop()
	for held(lock) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errs.Wrap(errs.Unavailable, ctx.Err(), "the run %s was told to stop, and has not ended yet", runID)
		}
	}
	return nil
}

package graph

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"

	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/tracking"
)

const (
	// eventLogPieces and eventLogBytes bound the console output of one event. One piece may be larger than what is left.
	eventLogPieces = 1000
	eventLogBytes  = 1 << 20
)

// logFeed is the state of one Subscription.runLogAppended.
type logFeed struct {
	resolver *Resolver
	runID    string
	next     int64
}

// followLog answers Subscription.runLogAppended: what lies behind the cursor, then what comes, until the run has ended.
func (r *Resolver) followLog(ctx context.Context, id string, after *string, maxRate *float64) (<-chan *model.RunLogAppended, error) {
	pace, err := eventPace(maxRate)
	if err != nil {
		return nil, err
	}
	runID, err := parsed(tracking.ParseRunID, "run", id)
	if err != nil {
		return nil, err
	}
	feed := &logFeed{resolver: r, runID: runID}
	if text := valueOr(after, ""); text != "" {
		if feed.next, err = parseLogCursor(runID, text); err != nil {
			return nil, err
		}
	}
	found, err := r.Tracking.Run(ctx, runID)
	if err != nil {
		return nil, err
	}
	if feed.next > found.LogSequence {
		return nil, errs.Field("after", "lies behind the newest output of run %s, as after a restore from a backup: start again without it", runID)
	}
	return follow(ctx, r, following[model.RunLogAppended]{
		match: func(e live.Event) bool { return e.Log || e.Changed }, runs: []string{runID}, interval: pace, read: feed.read,
	}), nil
}

func (f *logFeed) read(ctx context.Context) (*model.RunLogAppended, bool, error) {
	// The run first: of one that has ended then, all output that came before its end is there.
	r, err := f.resolver.Tracking.Run(ctx, f.runID)
	if err != nil {
		return nil, false, err
	}
	pieces, err := f.resolver.Tracking.RunLogSince(ctx, r.ID, f.next, eventLogPieces, eventLogBytes)
	if err != nil {
		return nil, false, err
	}
	ended := !isOpen(r)
	if len(pieces) == 0 {
		if ended {
			err = errFollowed
		}
		return nil, false, err
	}
	f.next = pieces[len(pieces)-1].Sequence
	return &model.RunLogAppended{Chunks: shownLog(f.runID, pieces), Cursor: logCursor(f.runID, f.next)}, ended || f.next < r.LogSequence, nil
}

const logCursorVersion = 2

// logCursor says how far the console output of a run was read.
func logCursor(runID string, sequence int64) string {
	raw, err := hex.DecodeString(runID)
	if err != nil { // no run has such an id
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(append([]byte{logCursorVersion}, raw...), uint64(max(sequence, 0))))
}

func parseLogCursor(runID, text string) (int64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < 18 || raw[0] != logCursorVersion {
		return 0, errs.Field("after", "is not a cursor of console output: start again without it")
	}
	if of := hex.EncodeToString(raw[1:17]); of != runID {
		return 0, errs.Field("after", "is a cursor of the run %s: start again without it", of)
	}
	sequence, n := binary.Uvarint(raw[17:])
	if n != len(raw)-17 || int64(sequence) < 0 {
		return 0, errs.Field("after", "is not a cursor of console output: start again without it")
	}
	return int64(sequence), nil
}

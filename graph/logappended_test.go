package graph_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/ent/runlogchunk"
	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

const runLogAppended = `subscription($run: ID!, $after: String, $maxRate: Float) {
	runLogAppended(run: $run, after: $after, maxRate: $maxRate) { cursor chunks { sequence stream time text cursor } } }`

type loggedPiece struct {
	Sequence           int64
	Stream, Text, Time string
	Cursor             string
}

type logEvent struct {
	RunLogAppended struct {
		Cursor string
		Chunks []loggedPiece
	}
}

func (s *server) appendLog(run, text string) {
	s.t.Helper()
	_, err := s.deps.Tracking.AppendRunLog(admin(), tracking.AppendRunLog{RunID: run, Stream: runlogchunk.StreamSTDOUT, Text: text})
	require.NoError(s.t, err)
}

func (s *server) finish(id string) {
	s.t.Helper()
	status := run.StatusFINISHED
	_, err := s.deps.Tracking.UpdateRun(admin(), tracking.UpdateRun{RunID: id, Status: &status})
	require.NoError(s.t, err)
}

// output reads events until so many pieces have come, or, below 0, until the subscription is completed.
func output(t *testing.T, from stream, n int) (pieces []loggedPiece, cursor string) {
	t.Helper()
	for n < 0 || len(pieces) < n {
		r, done := from.next(t)
		if done {
			require.Negative(t, n, "it ended too early")
			break
		}
		require.Empty(t, r.Errors)
		var e logEvent
		require.NoError(t, json.Unmarshal(r.Data, &e))
		require.NotEmpty(t, e.RunLogAppended.Chunks)
		pieces, cursor = append(pieces, e.RunLogAppended.Chunks...), e.RunLogAppended.Cursor
		require.Equal(t, pieces[len(pieces)-1].Cursor, cursor)
	}
	return pieces, cursor
}

func texts(pieces []loggedPiece) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.Text)
	}
	return b.String()
}

// TestRunLogAppended: what was there, what comes, and across a reconnect; all of it, each piece once, and then the end.
func TestRunLogAppended(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		for name, open := range transports() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				id, other := s.newRun(tracking.CreateRun{}), s.newRun(tracking.CreateRun{})
				var want strings.Builder
				write := func(from, to int) {
					for i := from; i < to; i++ {
						line := fmt.Sprintf("epoch %d\n", i)
						want.WriteString(line)
						s.appendLog(id, line)
						s.appendLog(other, "something else\n")
					}
				}
				write(0, 5)
				first := open(t, s, runLogAppended, vars{"run": "run:" + id})
				pieces, _ := output(t, first, 5)
				written := make(chan struct{})
				go func() { write(5, 30); close(written) }()
				more, cursor := output(t, first, 3)
				first.close()
				pieces = append(pieces, more...)
				<-written
				second := open(t, s, runLogAppended, vars{"run": id, "after": cursor})
				more, _ = output(t, second, 30-len(pieces))
				pieces = append(pieces, more...)
				write(30, 33)
				s.finish(id)
				more, _ = output(t, second, -1)
				pieces = append(pieces, more...)
				require.Equal(t, want.String(), texts(pieces))
				for i, p := range pieces {
					require.Equal(t, int64(i+1), p.Sequence)
				}
				late, _ := output(t, open(t, s, runLogAppended, vars{"run": id, "after": pieces[30].Cursor}), -1)
				require.Equal(t, "epoch 31\nepoch 32\n", texts(late), "behind a piece, of a run that has ended")
			})
		}
	})
}

// TestLogGoesOnFromItsPages: the cursor of a piece that Run.log gave is one of the subscription.
func TestLogGoesOnFromItsPages(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	id := s.newRun(tracking.CreateRun{})
	for i := range 3 {
		s.appendLog(id, fmt.Sprintln(i))
	}
	page := must[struct{ Run struct{ Log []loggedPiece } }](s, `query($id: ID!) { run(id: $id) { log(first: 2) { sequence cursor } } }`, vars{"id": id})
	sub := s.connect(t).subscribe(t, "1", runLogAppended, vars{"run": id, "after": page.Run.Log[1].Cursor})
	pieces, _ := output(t, sub, 1)
	require.Equal(t, "2\n", texts(pieces))
	_, err := s.deps.Tracking.DeleteRun(admin(), id)
	require.NoError(t, err)
	rest, _ := output(t, sub, -1)
	require.Empty(t, rest, "of a deleted run nothing comes any more")
}

// TestLargeLogComesInParts: an event is about 1 MiB, however much was written meanwhile.
func TestLargeLogComesInParts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newServer(t, db, graph.Options{})
		id := s.newRun(tracking.CreateRun{})
		for i := range 20 {
			s.appendLog(id, strings.Repeat(string(rune('a'+i)), 200<<10))
		}
		s.finish(id)
		sub := s.connect(t).subscribe(t, "1", runLogAppended, vars{"run": id, "maxRate": 0.01})
		began, seen := time.Now(), 0
		for r, done := sub.next(t); !done; r, done = sub.next(t) {
			require.LessOrEqual(t, len(r.Data), 1<<20+1<<12)
			var e logEvent
			require.NoError(t, json.Unmarshal(r.Data, &e))
			for _, p := range e.RunLogAppended.Chunks {
				require.Equal(t, strings.Repeat(string(rune('a'+seen)), 200<<10), p.Text)
				seen++
			}
		}
		require.Equal(t, 20, seen)
		require.Less(t, time.Since(began), wait, "what is too much for one event does not wait for the next time")
	})
}

func TestLogArguments(t *testing.T) {
	t.Parallel()
	s := newServer(t, storetest.SQLite(t), graph.Options{})
	id, other := s.newRun(tracking.CreateRun{}), s.newRun(tracking.CreateRun{})
	s.appendLog(id, "one\n")
	s.appendLog(id, "two\n")
	s.appendLog(other, "three\n")
	_, cursor := output(t, s.connect(t).subscribe(t, "1", runLogAppended, vars{"run": id}), 2)
	_, of := output(t, s.connect(t).subscribe(t, "1", runLogAppended, vars{"run": other}), 1)
	for name, c := range map[string]struct {
		v                 vars
		code, field, says string
	}{
		"unknown run":   {vars{"run": strings.Repeat("0", 32)}, "NOT_FOUND", "", "not found"},
		"bad run":       {vars{"run": "x"}, "INVALID_ARGUMENT", "run", "32 lower-case hex digits"},
		"forged":        {vars{"run": id, "after": "AAAA"}, "INVALID_ARGUMENT", "after", "not a cursor of console output"},
		"of no run":     {vars{"run": id, "after": cursor + "AAAA"}, "INVALID_ARGUMENT", "after", "not a cursor of console output"},
		"of another":    {vars{"run": id, "after": of}, "INVALID_ARGUMENT", "after", "is a cursor of the run " + other},
		"too much rest": {vars{"run": id, "maxRate": 0.001}, "INVALID_ARGUMENT", "maxRate", "at least 0.01"},
	} {
		r, _ := s.connect(t).subscribe(t, "1", runLogAppended, c.v).next(t)
		require.Len(t, r.Errors, 1, "%s: %s", name, r.Data)
		require.Equal(t, c.code, r.Errors[0].Extensions.Code, name)
		require.Equal(t, c.field, r.Errors[0].Extensions.Field, name)
		require.Contains(t, r.Errors[0].Message, c.says, name)
	}
}

// TestLogOfAnotherServer: output and end of a run that another server of the database was told.
func TestLogOfAnotherServer(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	s, replica := newServer(t, db, graph.Options{}), newServer(t, db, graph.Options{})
	for _, server := range []*server{s, replica} {
		relay := live.StartRelay(server.deps.Hub, db, live.NewPostgres(db), slog.New(slog.DiscardHandler))
		t.Cleanup(relay.Close)
	}
	id := s.newRun(tracking.CreateRun{})
	sub := s.connect(t).subscribe(t, "1", runLogAppended, vars{"run": id})
	eventually(t, func() bool { return s.deps.Hub.Len() == 1 }, "subscribed")
	replica.appendLog(id, "from there\n")
	pieces, _ := output(t, sub, 1)
	require.Equal(t, "from there\n", texts(pieces))
	replica.finish(id)
	rest, _ := output(t, sub, -1)
	require.Empty(t, rest)
}

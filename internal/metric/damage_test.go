package metric_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
)

// damage changes a byte of a payload.
func damage(t *testing.T, db *store.DB, table, where string, args ...any) {
	t.Helper()
	var payload []byte
	n := 0
	require.NoError(t, store.EachRow(ctx, db.Read(), "SELECT payload FROM "+table+" WHERE "+where, args, func(rows *sql.Rows) error {
		n++
		return rows.Scan(&payload)
	}))
	require.Equal(t, 1, n, "one row of %s", table)
	payload[len(payload)/2] ^= 0x10
	require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE "+table+" SET payload = ? WHERE "+where, append([]any{payload}, args...)...)
		return err
	}))
}

// steps gives a batch's columns with the steps from up to to.
func steps(key string, from, to int) metric.Columns {
	c := metric.Columns{Key: key}
	for i := int64(from); i < int64(to); i++ {
		c.Steps, c.Times, c.Values = append(c.Steps, i), append(c.Times, 1000+i), append(c.Values, float64(i))
	}
	return c
}

// damagedRun has 120 points of "loss", the steps 0 to 119: 6 chunks of 16, of which the third is damaged, a tail of 4, and two
// batches of 10, of which the first is damaged. The series "acc" beside it has 10 points, all well.
func damagedRun(t *testing.T, db *store.DB) *ent.Run {
	t.Helper()
	s := newService(t, db)
	run := newRun(t, s)
	log := func(columns ...metric.Columns) {
		_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: columns})
		require.NoError(t, err)
	}
	log(steps("loss", 0, 100), steps("acc", 0, 10))
	require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
	log(steps("loss", 100, 110))
	damage(t, db, "metric_batches", "points = ?", 10)
	log(steps("loss", 110, 120))
	id := 0
	require.NoError(t, store.EachSeriesHead(ctx, db.Read(), []int{run.ID}, []string{"loss"}, func(h store.SeriesHead) error {
		id = h.ID
		return nil
	}))
	damage(t, db, "metric_chunks", "id = ?", store.ChunkID(id, 2))
	return run
}

// left are the steps of damagedRun's loss that can still be read.
func left() []int64 {
	all := steps("", 0, 120).Steps
	return slices.DeleteFunc(all, func(step int64) bool { return step >= 32 && step < 48 || step >= 100 && step < 110 })
}

// TestHistoryGoesOnBehindDamage: each point that can be read comes once, whatever the pages are, and pages that lack some say so.
func TestHistoryGoesOnBehindDamage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, r := damagedRun(t, db), metric.NewReader(db)
		for _, size := range []int{1, 7, 16, 40, 120, 1000} {
			var got []int64
			for from := 0; from >= 0; {
				page, err := r.History(ctx, run.ID, "loss", from, size)
				require.NoError(t, err)
				got = append(got, page.Steps...)
				if from+size <= 32 {
					require.False(t, page.Incomplete)
				} else if page.Len() < min(size, 120-from) {
					require.True(t, page.Incomplete)
				}
				from = page.Next
			}
			require.Equal(t, left(), got, "pages of %d", size)
		}
		page, err := r.History(ctx, run.ID, "acc", 0, 100)
		require.NoError(t, err)
		require.False(t, page.Incomplete)
		require.Equal(t, 10, page.Len())
	})
}

// TestDamageIsLoggedByTheRunsID: whoever reads the log knows runs by their ids, not by the rows of the database.
func TestDamageIsLoggedByTheRunsID(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, r := damagedRun(t, db), metric.NewReader(db)
		type line struct{ Level, Run, Where, Error string }
		logged := func(read func(log *slog.Logger) error) (out []line) {
			var log bytes.Buffer
			require.NoError(t, read(slog.New(slog.NewJSONHandler(&log, nil))))
			for decoder := json.NewDecoder(&log); ; {
				var one line
				err := decoder.Decode(&one)
				if errors.Is(err, io.EOF) {
					return out
				}
				require.NoError(t, err)
				out = append(out, one)
			}
		}
		chunk := line{"ERROR", run.RunID, `chunk 2 of "loss"`, "corrupt metric points: its checksum does not match"}
		for what, read := range map[string]func() error{
			"history": func() error { _, err := r.History(ctx, run.ID, "loss", 0, 1000); return err },
			"samples": func() error {
				_, err := r.Samples(ctx, metric.SampleQuery{Runs: []*ent.Run{run}, Key: "loss", MaxPoints: 200})
				return err
			},
			"series": func() error {
				_, _, err := r.Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, Keys: []string{"loss"}, MaxPoints: 1000})
				return err
			},
		} {
			lines := logged(func(log *slog.Logger) error { r.LogTo(log); return read() })
			require.Contains(t, lines, chunk, what)
			for _, l := range lines {
				require.Equal(t, run.RunID, l.Run, "%s: %s", what, l.Where)
			}
		}
		lines := logged(func(log *slog.Logger) error { return metric.CompactAll(ctx, db, log, nil) })
		require.Len(t, lines, 1)
		require.Equal(t, line{"ERROR", run.RunID, "", "batch 2: corrupt metric points: its checksum does not match"}, lines[0])
	})
}

func TestSamplesGoOnBehindDamage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run, r := damagedRun(t, db), metric.NewReader(db)
		want := left()
		for _, most := range []int{1, 5, 30, 200} {
			got, err := r.Samples(ctx, metric.SampleQuery{Runs: []*ent.Run{run}, Key: "loss", MaxPoints: most})
			require.NoError(t, err)
			require.True(t, got[0].Incomplete)
			require.Equal(t, min(most, len(want)), got[0].Len())
			require.Equal(t, want[len(want)-1], got[0].Steps[got[0].Len()-1])
			require.Subset(t, want, got[0].Steps)
		}
		first, err := r.FirstPoints(ctx, []*ent.Run{run}, "loss", 50)
		require.NoError(t, err)
		require.True(t, first[0].Incomplete)
		require.Equal(t, want[:50], first[0].Steps)
		series, _, err := r.Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, Keys: []string{"loss"}, MaxPoints: 1000})
		require.NoError(t, err)
		require.True(t, series[0].Incomplete)
		require.Equal(t, want, series[0].Steps)
	})
}

func TestDamagedTail(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run, r := newRun(t, s), metric.NewReader(db)
		_, err := s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{steps("loss", 0, 20)}})
		require.NoError(t, err)
		require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
		_, err = s.LogBatch(ctx, tracking.Batch{RunID: run.RunID, Columns: []metric.Columns{steps("loss", 20, 25)}})
		require.NoError(t, err)
		damage(t, db, "metric_tails", "run_id = ?", run.ID)
		page, err := r.History(ctx, run.ID, "loss", 0, 100)
		require.NoError(t, err)
		require.True(t, page.Incomplete)
		require.Equal(t, append(steps("", 0, 16).Steps, steps("", 20, 25).Steps...), page.Steps)
	})
}

// TestLostChunkInARange: a chunk whose row is gone is missed in any range, since nobody knows where it was; what is damaged of
// another series is not.
func TestLostChunkInARange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := newService(t, db)
		run, r := newRun(t, s), metric.NewReader(db)
		logSteps(t, s, run.RunID, "loss", 0, 70)
		logSteps(t, s, run.RunID, "acc", 0, 70)
		require.NoError(t, metric.CompactAll(ctx, db, slog.New(slog.DiscardHandler), nil))
		logSteps(t, s, run.RunID, "loss", 70, 5)
		logSteps(t, s, run.RunID, "acc", 70, 5)
		ids := map[string]int{}
		require.NoError(t, store.EachSeriesHead(ctx, db.Read(), []int{run.ID}, nil, func(h store.SeriesHead) error {
			ids[h.Key] = h.ID
			return nil
		}))
		incomplete := func(key string, from, to int64) bool {
			t.Helper()
			first, last := metric.IntStep(from), metric.IntStep(to)
			series, _, err := r.Series(ctx, metric.SeriesQuery{Runs: []*ent.Run{run}, Keys: []string{key}, From: &first, To: &last, MaxPoints: 1000})
			require.NoError(t, err)
			samples, err := r.Samples(ctx, metric.SampleQuery{Runs: []*ent.Run{run}, Key: key, From: &first, To: &last, MaxPoints: 1000})
			require.NoError(t, err)
			require.Equal(t, series[0].Incomplete, samples[0].Incomplete)
			require.ElementsMatch(t, series[0].Steps, samples[0].Steps)
			if !series[0].Incomplete {
				require.Equal(t, steps("", int(from), int(to)+1).Steps, series[0].Steps)
			}
			return series[0].Incomplete
		}
		for _, key := range []string{"loss", "acc"} {
			require.False(t, incomplete(key, 20, 60))
			require.False(t, incomplete(key, 0, 74))
		}
		require.EqualValues(t, 1, corrupt(t, db, fmt.Sprintf("DELETE FROM metric_chunks WHERE id = %d", store.ChunkID(ids["loss"], 2)))) // 32 to 47
		damage(t, db, "metric_chunks", "id = ?", store.ChunkID(ids["acc"], 1))                                                           // 16 to 31
		require.True(t, incomplete("loss", 20, 60))
		require.True(t, incomplete("loss", 32, 47))
		require.True(t, incomplete("acc", 20, 60))
		require.False(t, incomplete("acc", 40, 60), "its head tells where it was")
	})
}

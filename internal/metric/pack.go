package metric

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Packer makes the rows of a new run's points, for loads that write whole tables. It gives what an Appender would have
// stored, had the same batches come to it.
type Packer struct {
	runPK, experimentID int
	series              map[string]*series
	written             func() (store.Querier, error)
	sequence            int64
}

// NewPacker begins a run without points. Written is called when points that were given back must be looked at again; it
// stores them and gives what reads them.
func NewPacker(runPK, experimentID int, written func() (store.Querier, error)) *Packer {
	return &Packer{runPK: runPK, experimentID: experimentID, series: map[string]*series{}, written: written}
}

// Add adds a batch's columns (from Merge) and gives the rows that hold its new points. They must be stored in the order in
// which they are given.
func (p *Packer) Add(ctx context.Context, columns []Columns) ([]store.Batch, error) {
	var kept []Columns
	points := 0
	for _, c := range columns {
		s := p.series[c.Key]
		switch {
		case s == nil && c.Len() == 0:
			continue
		case s == nil:
			s = newSeries(p.runPK, p.experimentID, &c)
		case s.row.Provisional != c.KeepExisting:
			return nil, errs.Field("metrics", "%q has points of an adapter and of the user's own: load only those that are to stay", c.Key)
		}
		role := s.row.Role
		fresh, err := s.accept(c, func(from, to int64, fn func(pointID) error) error {
			q, err := p.written()
			if err != nil {
				return err
			}
			return storedPoints(ctx, q, slog.New(slog.DiscardHandler), &s.row, from, to, fn)
		})
		if err != nil {
			return nil, err
		}
		s.settle()
		if fresh.Len() == 0 && s.row.Role == role {
			continue
		}
		p.series[c.Key] = s
		if fresh.Len() > 0 {
			kept = append(kept, fresh)
			points += fresh.Len()
		}
	}
	if points == 0 {
		return nil, nil
	}
	p.sequence++
	return []store.Batch{{
		RunPK: p.runPK, Sequence: p.sequence, Points: points, Payload: encodeBatch(nil, kept),
	}}, nil
}

// Sequence is that of the newest batch.
func (p *Packer) Sequence() int64 { return p.sequence }

// Series gives the run's series in the order of their keys.
func (p *Packer) Series() []store.SeriesRow {
	rows := make([]store.SeriesRow, 0, len(p.series))
	for _, s := range slices.SortedFunc(maps.Values(p.series), func(a, b *series) int { return cmp.Compare(a.row.Key, b.row.Key) }) {
		rows = append(rows, s.row)
	}
	return rows
}

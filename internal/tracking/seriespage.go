package tracking

import (
	"context"
	"database/sql"
	"fmt"
	"unicode/utf8"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// A run may have 100,000 metrics, and a person looks at a screenful: here they are read by pages, and by the folders that
// the slashes in their keys make.

// MaxSeriesPage bounds a page of metrics, and the groups of one level.
const MaxSeriesPage = 1000

// SeriesPage is a page of a run's metrics by key. The last key is the cursor of the next page.
type SeriesPage struct {
	Series  []*ent.MetricSeries
	HasNext bool
}

// SeriesPageOf gives the first summaries of each run's metrics whose key begins with prefix and comes after a key ("": from
// the beginning), by the bytes of their keys.
func (s *Service) SeriesPageOf(ctx context.Context, runs []int, prefix, after string, first int) (map[int]SeriesPage, error) {
	if err := checkSeriesPage(prefix, first); err != nil {
		return nil, err
	}
	if err := CheckText("after", after); err != nil {
		return nil, err
	}
	out := make(map[int]SeriesPage, len(runs))
	err := store.EachSeriesPage(ctx, s.db, seriesColumns, runs, prefix, after, first+1, func(rows *sql.Rows) error {
		m := &ent.MetricSeries{}
		run, err := scanSeries(rows, m)
		if err != nil {
			return err
		}
		page := out[run]
		if page.HasNext = len(page.Series) == first; !page.HasNext {
			page.Series = append(page.Series, m)
		}
		out[run] = page
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read a page of metrics: %w", err)
	}
	return out, nil
}

// CountSeriesOf counts each run's metrics whose key begins with prefix.
func (s *Service) CountSeriesOf(ctx context.Context, runs []int, prefix string) (map[int]int, error) {
	if err := checkSeriesPage(prefix, 1); err != nil {
		return nil, err
	}
	return store.CountSeries(ctx, s.db, runs, prefix)
}

// SeriesGroup is a metric, or a folder of metrics, directly below a prefix.
type SeriesGroup struct {
	// Prefix is the metric's key, or what the keys in the folder begin with, its slash included.
	Prefix string
	// Metrics is the number of metrics: 1, or those in the folder at any depth.
	Metrics int
	Folder  bool
}

// SeriesGroupsOf gives the first of the groups directly below a prefix, of each run, by the bytes of their names.
func (s *Service) SeriesGroupsOf(ctx context.Context, runs []int, prefix string, first int) (map[int][]SeriesGroup, error) {
	if err := checkSeriesPage(prefix, first); err != nil {
		return nil, err
	}
	out := make(map[int][]SeriesGroup, len(runs))
	err := store.EachSeriesGroup(ctx, s.db, runs, prefix, first, func(run int, name string, metrics int, folder bool) error {
		out[run] = append(out[run], SeriesGroup{Prefix: name, Metrics: metrics, Folder: folder})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("group metrics: %w", err)
	}
	return out, nil
}

func checkSeriesPage(prefix string, first int) error {
	if utf8.RuneCountInString(prefix) > MaxKey {
		return errs.Field("prefix", "has more than %d characters, which no key has", MaxKey)
	}
	if first < 1 || first > MaxSeriesPage {
		return errs.Field("first", "is %d: it must be 1 to %d", first, MaxSeriesPage)
	}
	return CheckText("prefix", prefix)
}

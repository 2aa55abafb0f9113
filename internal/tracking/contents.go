package tracking

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"

	"golang.org/x/sync/errgroup"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/store"
)

// What runs are full of, params, tags and metrics, is read here, for many runs in one statement. A page of 100 runs has
// thousands of them, so only the columns that somebody shows are read, without an object's way through Ent.

// contents reads the rows that belong to runs, ordered by run and key; keys nil means all. Columns end with the run's id,
// and scan gives it.
func contents[T any](
	ctx context.Context, s *Service, columns, table string, runs []int, keys []string, scan func(*sql.Rows, *T) (run int, err error),
) (map[int][]*T, error) {
	out := make(map[int][]*T, len(runs))
	condition, arg := store.RunIn(s.db, runs)
	query, args := "SELECT "+columns+" FROM "+table+" WHERE "+condition, []any{arg}
	if keys != nil {
		condition, arg = store.AnyOf(s.db, "key", keys)
		query, args = query+" AND "+condition, append(args, arg)
	}
	var slab []T
	var last int
	var list []*T
	err := store.EachRow(ctx, s.db.Read(), query+" ORDER BY run_id, key", args, func(rows *sql.Rows) error {
		if len(slab) == cap(slab) {
			slab = make([]T, 0, min(max(2*cap(slab), 16), 1024))
		}
		slab = slab[:len(slab)+1]
		row := &slab[len(slab)-1]
		run, err := scan(rows, row)
		if err != nil {
			return err
		}
		if run != last {
			out[last], last, list = list, run, make([]*T, 0, len(list))
		}
		list = append(list, row)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	out[last] = list
	delete(out, 0)
	return out, nil
}

// ParamsOf gives the params of runs; keys nil means all.
func (s *Service) ParamsOf(ctx context.Context, runs []int, keys []string) (map[int][]*ent.Param, error) {
	return contents(ctx, s, "key, value, number, run_id", "params", runs, keys, func(rows *sql.Rows, p *ent.Param) (int, error) {
		var number sql.NullFloat64
		err := rows.Scan(&p.Key, &p.Value, &number, &p.RunID)
		if number.Valid {
			p.Number = &number.Float64
		}
		return p.RunID, err
	})
}

// TagsOf gives the tags of runs; keys nil means all.
func (s *Service) TagsOf(ctx context.Context, runs []int, keys []string) (map[int][]*ent.RunTag, error) {
	return contents(ctx, s, "key, value, run_id", "run_tags", runs, keys, func(rows *sql.Rows, t *ent.RunTag) (int, error) {
		err := rows.Scan(&t.Key, &t.Value, &t.RunID)
		return t.RunID, err
	})
}

// SeriesOf gives the summaries of the metrics of runs; keys nil means all.
func (s *Service) SeriesOf(ctx context.Context, runs []int, keys []string) (map[int][]*ent.MetricSeries, error) {
	return contents(ctx, s, seriesColumns, "metric_series", runs, keys, scanSeries)
}

const seriesColumns = "key, role, step_scale, count, nan_count, first_value, first_nan, first_step, first_time, last_value, " +
	"last_nan, last_step, last_time, min_value, min_step, max_value, max_step, run_id"

// scanSeries reads seriesColumns.
func scanSeries(rows *sql.Rows, m *ent.MetricSeries) (int, error) {
	var first, last, least, greatest sql.NullFloat64
	err := rows.Scan(&m.Key, &m.Role, &m.StepScale, &m.Count, &m.NanCount, &first, &m.FirstNan, &m.FirstStep, &m.FirstTime,
		&last, &m.LastNan, &m.LastStep, &m.LastTime, &least, &m.MinStep, &greatest, &m.MaxStep, &m.RunID)
	for _, v := range []struct {
		from *sql.NullFloat64
		to   **float64
	}{{&first, &m.FirstValue}, {&last, &m.LastValue}, {&least, &m.MinValue}, {&greatest, &m.MaxValue}} {
		if v.from.Valid {
			*v.to = &v.from.Float64
		}
	}
	return m.RunID, err //nolint:wrapcheck // wrapped with the name of the table
}

// LatestMetric is the last point of a series: what MLflow knows of a metric.
type LatestMetric struct {
	Key string
	metric.Point
}

// LatestOf gives the last points of all metrics of runs.
func (s *Service) LatestOf(ctx context.Context, runs []int) (map[int][]*LatestMetric, error) {
	return contents(ctx, s, "key, last_value, last_time, last_step, step_scale, run_id", "metric_series", runs, nil,
		func(rows *sql.Rows, m *LatestMetric) (run int, err error) {
			var value sql.NullFloat64
			err = rows.Scan(&m.Key, &value, &m.Time, &m.Step.Units, &m.Step.Scale, &run)
			m.Value = orNaN(value)
			return run, err
		})
}

// KeyValue is a param or a tag, as text.
type KeyValue struct{ Key, Value string }

func (s *Service) keyValuesOf(ctx context.Context, table string, runs []int) (map[int][]*KeyValue, error) {
	return contents(ctx, s, "key, value, run_id", table, runs, nil, func(rows *sql.Rows, p *KeyValue) (run int, err error) {
		err = rows.Scan(&p.Key, &p.Value, &run)
		return run, err
	})
}

// inHalves reads the two halves of many runs at the same time: most of the time goes into taking row after row from the
// database, which one core does alone.
func inHalves[T any](runs []int, read func(runs []int) (map[int][]*T, error)) (map[int][]*T, error) {
	const few = 32
	if len(runs) < few {
		return read(runs)
	}
	var g errgroup.Group
	var first map[int][]*T
	g.Go(func() (err error) { first, err = read(runs[:len(runs)/2]); return err })
	second, err := read(runs[len(runs)/2:])
	if err := errors.Join(g.Wait(), err); err != nil {
		return nil, err
	}
	maps.Copy(first, second)
	return first, nil
}

// RunContents is what runs have beside their own rows, by their internal ids.
type RunContents struct {
	Params  map[int][]*KeyValue
	Tags    map[int][]*KeyValue
	Latest  map[int][]*LatestMetric
	Inputs  map[int][]*ent.RunInput
	Outputs map[int][]*ent.RunOutput
	// Models are the ids of the logged models that they read.
	Models map[int][]string
}

// ContentsOf reads all that runs have. Its kinds are read at the same time.
func (s *Service) ContentsOf(ctx context.Context, runs []int) (c RunContents, err error) {
	if len(runs) == 0 {
		return c, nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		c.Latest, err = inHalves(runs, func(half []int) (map[int][]*LatestMetric, error) { return s.LatestOf(ctx, half) })
		return err
	})
	g.Go(func() (err error) {
		c.Params, err = inHalves(runs, func(half []int) (map[int][]*KeyValue, error) { return s.keyValuesOf(ctx, "params", half) })
		return err
	})
	g.Go(func() (err error) { c.Tags, err = s.keyValuesOf(ctx, "run_tags", runs); return err })
	g.Go(func() (err error) { c.Inputs, err = s.InputsOf(ctx, runs); return err })
	g.Go(func() (err error) { c.Models, err = s.ModelInputsOf(ctx, runs); return err })
	g.Go(func() (err error) { c.Outputs, err = s.OutputsOf(ctx, runs); return err })
	return c, g.Wait()
}

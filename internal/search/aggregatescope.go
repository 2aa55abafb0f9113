package search

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// What is asked of few runs is looked up for each. Of very many it is read from the indexes of the keys, one key after the
// other, and put together here by the runs' ids. Joined by the database it would cost twice as much: SQLite makes an index of
// each key in memory first.

// scopeReader groups the runs of a scope.
type scopeReader struct {
	*aggregation
	db   store.Querier
	into *grouper
	// at says where a run stands in columns and groups.
	at      map[int64]int
	columns []groupColumn
	groups  []*Group
}

// groupColumn is what the runs have of a key that they are grouped by, each text once.
type groupColumn struct {
	known map[string]uint32
	cells []keyCell // the first is of the runs that have none
	bytes int
	of    []uint32 // the cell of each run
}

// put notes what a run has.
func (c *groupColumn) put(run int, cell *keyCell) error {
	if cell.null {
		return nil
	}
	number, ok := c.known[string(cell.text)]
	if !ok {
		// Each text makes at least one group.
		if c.bytes += len(cell.text); len(c.known) == MaxGroups || c.bytes > maxGroupBytes {
			return errTooManyGroups()
		}
		number = uint32(len(c.cells))
		text := string(cell.text)
		c.known[text], c.cells = number, append(c.cells, keyCell{text: []byte(text)})
	}
	c.of[run] = number
	return nil
}

// read gives each run that matches to its group. Known: the scope has all experiments that may have any.
func (g *aggregation) read(ctx context.Context, into *grouper, known bool) error {
	var runs fragment
	if err := g.matching(ctx, &runs); err != nil {
		return err
	}
	r := &scopeReader{aggregation: g, into: into, at: map[int64]int{}, columns: make([]groupColumn, len(g.by))}
	for i := range r.columns {
		r.columns[i] = groupColumn{known: map[string]uint32{}, cells: []keyCell{{null: true}}}
	}
	return g.s.db.Read().Thoroughly(ctx, func(db store.Querier) error { //nolint:wrapcheck // wrapped by groups
		if !known {
			return g.lookUpAll(ctx, db, nil, into)
		}
		r.db = db
		if err := r.readRuns(ctx, &runs); err != nil {
			return err
		}
		if !g.whole && len(r.at) <= g.listed {
			return g.lookUpAll(ctx, db, r.ids(), into)
		}
		return r.readKeys(ctx)
	})
}

// ids are those of the runs that match, in their order.
func (r *scopeReader) ids() []int {
	out := make([]int, 0, len(r.at))
	for id := range r.at {
		out = append(out, int(id))
	}
	slices.Sort(out)
	return out
}

// readKeys reads what is asked of the runs, key by key.
func (r *scopeReader) readKeys(ctx context.Context) error {
	for i, o := range r.by {
		if o.Entity == Attribute {
			continue
		}
		if err := r.readTexts(ctx, &r.columns[i], o); err != nil {
			return err
		}
	}
	if err := r.group(); err != nil {
		return err
	}
	for i, o := range r.metrics {
		if err := r.readMetric(ctx, i, o); err != nil {
			return err
		}
	}
	return nil
}

// matching writes the statement that gives the ids of the runs that match, and their attributes that they are grouped by.
func (g *aggregation) matching(ctx context.Context, out *fragment) error {
	out.sql("SELECT r.id")
	for _, o := range g.by {
		if o.Entity == Attribute {
			out.sql(", ", subjects[OfRuns].attributes[o.Key].column)
		}
	}
	return g.s.matching(ctx, g.q, out)
}

func (r *scopeReader) readRuns(ctx context.Context, stmt *fragment) error {
	var id idCell
	cells, targets := make([]keyCell, len(r.by)), []any{&id}
	for i, o := range r.by {
		if o.Entity == Attribute {
			targets = append(targets, &cells[i])
		} else {
			cells[i].null = true
		}
	}
	return store.EachRow(ctx, r.db, stmt.String(), stmt.args, func(rows *sql.Rows) error {
		if err := rows.Scan(targets...); err != nil {
			return fmt.Errorf("scan run: %w", err)
		}
		run := len(r.at)
		if run == r.most {
			return errs.Field("filter", "more than %d runs match, which is all that are grouped: filter them", r.most)
		}
		r.at[int64(id)] = run
		for i := range r.columns {
			c := &r.columns[i]
			c.of = append(c.of, 0)
			if err := c.put(run, &cells[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// readTexts reads the values of a param or tag.
func (r *scopeReader) readTexts(ctx context.Context, into *groupColumn, o Operand) error {
	var stmt fragment
	r.texts(&stmt, o)
	var id idCell
	var cell keyCell
	return store.EachRow(ctx, r.db, stmt.String(), stmt.args, func(rows *sql.Rows) error {
		if err := rows.Scan(&id, &cell); err != nil {
			return fmt.Errorf("scan value: %w", err)
		}
		if run, ok := r.at[int64(id)]; ok {
			return into.put(run, &cell)
		}
		return nil
	})
}

// group makes the groups.
func (r *scopeReader) group() error {
	keys := make([]keyCell, len(r.columns))
	r.groups = make([]*Group, len(r.at))
	for run := range r.groups {
		for i, c := range r.columns {
			keys[i] = c.cells[c.of[run]]
		}
		group, err := r.into.group(keys)
		if err != nil {
			return err
		}
		group.Runs++
		r.groups[run] = group
	}
	return nil
}

// readMetric reads the values of a metric.
func (r *scopeReader) readMetric(ctx context.Context, i int, o Operand) error {
	t, _ := tableOf(Metric)
	var stmt fragment
	stmt.sql("SELECT d.run_id, ", r.goals.column("d", o))
	r.ofScope(&stmt, t, o.Key)
	var id idCell
	var cell valueCell
	return store.EachRow(ctx, r.db, stmt.String(), stmt.args, func(rows *sql.Rows) error {
		if err := rows.Scan(&id, &cell); err != nil {
			return fmt.Errorf("scan value: %w", err)
		}
		if run, ok := r.at[int64(id)]; ok {
			cell.addTo(&r.groups[run].Metrics[i])
		}
		return nil
	})
}

// addTo adds the value of a run that has the metric. NaN is stored as NULL, since SQLite has no NaN.
func (c *valueCell) addTo(m *Moments) {
	if c.null {
		m.add(math.NaN())
		return
	}
	m.add(c.value)
}

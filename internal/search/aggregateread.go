package search

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/cairnml/cairn/internal/store"
)

// keyCell reads a key of a group: a text, bytes, or the number of an experiment.
type keyCell struct {
	null bool
	text []byte
}

// Scan takes what the driver read.
func (c *keyCell) Scan(src any) error {
	c.null, c.text = src == nil, c.text[:0]
	switch v := src.(type) {
	case nil:
	case []byte:
		c.text = append(c.text, v...)
	case string:
		c.text = append(c.text, v...)
	case int64:
		c.text = strconv.AppendInt(c.text, v, 10)
	default:
		return fmt.Errorf("a key of a group is a %T", src)
	}
	return nil
}

// idCell reads a run's id, which database/sql would do by way of its text.
type idCell int64

// Scan takes what the driver read.
func (c *idCell) Scan(src any) error {
	id, ok := src.(int64)
	if !ok {
		return fmt.Errorf("the id of a run is a %T", src)
	}
	*c = idCell(id)
	return nil
}

// valueCell reads a value of a metric.
type valueCell struct {
	null  bool
	value float64
}

// Scan takes what the driver read.
func (c *valueCell) Scan(src any) error {
	c.null = src == nil
	switch v := src.(type) {
	case nil:
	case float64:
		c.value = v
	case int64:
		c.value = float64(v)
	default:
		return fmt.Errorf("a value of a metric is a %T", src)
	}
	return nil
}

// lookUpAll gives runs to their groups, those of the ids, or of nil all that match, with all that is asked of them looked up for
// each. The sums are made here and not in SQL: SQLite has no deviation, and PostgreSQL's gives up where a square is too large for
// a double.
func (g *aggregation) lookUpAll(ctx context.Context, db store.Querier, ids []int, into *grouper) error {
	var stmt fragment
	g.statement(&stmt, ids)
	keys, has, values := make([]keyCell, len(g.by)), make([]valueCell, len(g.metrics)), make([]valueCell, len(g.metrics))
	targets := []any{new(any)}
	for i := range keys {
		targets = append(targets, &keys[i])
	}
	for i := range values {
		targets = append(targets, &has[i], &values[i])
	}
	return store.EachRow(ctx, db, stmt.String(), stmt.args, func(rows *sql.Rows) error { //nolint:wrapcheck // wrapped by groups
		if err := rows.Scan(targets...); err != nil {
			return fmt.Errorf("scan run: %w", err)
		}
		group, err := into.group(keys)
		if err != nil {
			return err
		}
		group.Runs++
		for i := range values {
			if !has[i].null {
				values[i].addTo(&group.Metrics[i])
			}
		}
		return nil
	})
}

// statement gives a row for each run: the keys of its group, and of each metric whether it has it and the value.
func (g *aggregation) statement(out *fragment, ids []int) {
	var joins fragment
	out.sql("SELECT 1")
	for i, o := range g.by {
		alias := "g" + strconv.Itoa(i)
		if o.Entity == Attribute {
			out.sql(", ", subjects[OfRuns].attributes[o.Key].column)
			continue
		}
		out.sql(", ", alias, ".value")
		t, _ := tableOf(o.Entity)
		g.lookUp(&joins, t, alias, o.Key)
	}
	for i, o := range g.metrics {
		alias := "v" + strconv.Itoa(i)
		t, _ := tableOf(Metric)
		out.sql(", ", alias, ".run_id, ", g.goals.column(alias, o))
		g.lookUp(&joins, t, alias, o.Key)
	}
	if ids != nil {
		g.s.fromIDs(out, ids)
		out.sql(g.s.db.Guide().Join("runs", "r", "r.id = m.id"))
		out.add(&joins)
		return
	}
	out.sql(" FROM runs r")
	out.add(&joins)
	g.s.writeWhere(out, g.q, g.goals)
}

// lookUp joins the row of a key of each run.
func (g *aggregation) lookUp(joins *fragment, t keyed, alias, key string) {
	joins.sql(g.s.db.Guide().LeftJoin(t.table, alias, alias+".run_id = r.id AND "+alias+".key = ?"))
	joins.args = append(joins.args, key)
}

// ofScope writes the FROM of the rows of a key in the scope.
func (g *aggregation) ofScope(out *fragment, t keyed, key string) {
	out.sql(" FROM ", t.table, " d WHERE ")
	inScope(g.s.db, out, "d.experiment_id", g.scope)
	out.sql(" AND d.key = ")
	out.arg(key)
}

// texts gives the values of a param or tag in the scope, in bytes: from the index, which holds their beginnings; only
// those that go on behind it are looked up.
func (g *aggregation) texts(out *fragment, o Operand) {
	t, _ := tableOf(o.Entity)
	out.sql("SELECT d.run_id, d.value_prefix")
	g.ofScope(out, t, o.Key)
	out.sql(" AND LENGTH(d.value_prefix) < ")
	out.arg(store.MaxValuePrefix)
	out.sql(" UNION ALL SELECT l.run_id, ", g.s.db.Bytes("l.value"), " FROM (SELECT d.run_id")
	g.ofScope(out, t, o.Key)
	out.sql(" AND LENGTH(d.value_prefix) >= ")
	out.arg(store.MaxValuePrefix)
	out.sql(") k", g.s.db.Guide().Join(t.table, "l", "l.run_id = k.run_id AND l.key = ?"))
	out.args = append(out.args, o.Key)
}

package search

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/cairnml/cairn/internal/store"
)

// piece reads the next rows, and adds to the runs found those that meet the conditions. It gives the last row that it read, nil
// when there are no rows behind it.
func (r *reading) piece(ctx context.Context, size int) (end []any, err error) {
	stmt := r.statement(size)
	err = store.EachRow(ctx, r.db.Read(), stmt.String(), stmt.args, func(rows *sql.Rows) error {
		var id sql.NullInt64
		last, value, keys := r.driver.order.scanTargets(), r.driver.value().typ.target(), r.columns.scanTargets()
		if err := rows.Scan(slices.Concat(last, []any{&id, value}, keys)...); err != nil {
			return fmt.Errorf("scan search: %w", err)
		}
		if end = scannedAll(last); end[0] == nil {
			end = nil
		}
		if id.Valid {
			r.rows = append(r.rows, placed{found{int(id.Int64), scannedAll(keys)}, scanned(value)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("search in order: %w", err)
	}
	slices.SortStableFunc(r.rows, func(a, b placed) int { return r.columns.compare(a.keys, b.keys) })
	r.rows = r.rows[:min(len(r.rows), r.part.limit)]
	return end, nil
}

// statement asks for the last of the next rows, and beside it for each that meets the conditions. It is one statement, so that
// what is written meanwhile cannot come between the two. To read an index twice for that costs less than to keep what was
// read; to sort twice does not.
func (r *reading) statement(size int) *fragment {
	var streams, out fragment
	r.streams(&streams, size)
	if r.driver.sorts {
		out.sql("WITH piece AS MATERIALIZED (")
		out.add(&streams)
		out.sql(") ")
		streams = fragment{}
		streams.sql("SELECT * FROM piece")
	}
	out.sql("SELECT e.*, m.* FROM (SELECT 1 AS one) one LEFT JOIN (SELECT ")
	for i := range r.driver.order.columns {
		if i > 0 {
			out.sql(", ")
		}
		out.sql(valueName(i))
	}
	out.sql(" FROM (")
	out.add(&streams)
	out.sql(") c")
	r.orderBy(&out, "")
	out.sql(" LIMIT 1 OFFSET ")
	out.arg(size - 1)
	out.sql(") e ON 1 = 1 LEFT JOIN (SELECT r.id, f.v0 AS value")
	r.columns.selectKeys(&out)
	out.sql(" FROM (SELECT c.run, c.v0 FROM (")
	out.add(&streams)
	out.sql(") c")
	r.wherever(&out, " WHERE ", r.inner, foundID)
	out.sql(r.guide.Fence(), ") f", r.guide.Join("runs", "r", "r.id = f.run"))
	out.add(&r.driver.join)
	out.add(&r.columns.joins)
	out.sql(" WHERE ")
	out.add(&r.q.where)
	r.wherever(&out, " AND ", r.outer, foundRow)
	r.columns.page(&out, r.part.after, r.part.limit)
	out.sql(") m ON 1 = 1")
	return &out
}

// streams writes the next rows of the driver in all experiments and stages, in order.
func (r *reading) streams(out *fragment, size int) {
	var scopes []*fragment
	r.eachExperiment(&fragment{}, r.driver.scope, func(_, scope *fragment) {
		if r.driver.stage == "" {
			scopes = append(scopes, scope)
			return
		}
		for _, stage := range r.q.stages {
			s := &fragment{}
			s.add(scope)
			s.sql(" AND ", r.driver.stage, " = ")
			s.arg(stage)
			scopes = append(scopes, s)
		}
	})
	if len(scopes) == 1 {
		r.stream(out, scopes[0], size)
		return
	}
	for i, scope := range scopes {
		if i > 0 {
			out.sql(" UNION ALL ")
		}
		out.sql("SELECT * FROM (")
		r.stream(out, scope, size)
		out.sql(") s", fmt.Sprint(i))
	}
	r.orderBy(out, "")
	out.sql(" LIMIT ")
	out.arg(size)
}

// stream writes the rows of the driver in one experiment and stage, in order.
func (r *reading) stream(out, scope *fragment, size int) {
	d := r.driver
	out.sql("SELECT ", d.run, " AS run, ", d.scope, " AS exp")
	for i, col := range d.order.columns {
		out.sql(", ", col.expr, " AS ", valueName(i))
	}
	out.sql(" FROM ", d.table, " d", r.guide.By(d.index), " WHERE ")
	out.add(scope)
	out.add(&d.where)
	for _, cond := range r.part.conds {
		if d.own(cond) {
			r.ownCondition(out, cond.(*Comparison))
		}
	}
	value := d.value()
	switch {
	case r.behind != nil:
		out.sql(" AND ")
		d.order.afterPlace(out, r.behind)
	case r.beyond != nil:
		out.sql(" AND ", value.expr, value.beyond(""), " ")
		out.arg(r.beyond)
	case r.begin != nil:
		out.sql(" AND ", value.expr, value.beyond("="), " ")
		out.arg(r.begin)
	}
	r.orderBy(out, d.lead)
	out.sql(" LIMIT ")
	out.arg(size)
}

func (r *reading) ownCondition(out *fragment, c *Comparison) {
	column := "d." + r.sub.params.number
	if c.Left.Entity == Metric {
		column, _ = r.indexedMetric(c.Left)
	}
	r.onDriver(out, column, c)
}

// orderBy writes the order of the driver. PostgreSQL does not see that a column which is NULL in all rows is the same in all, and
// wants it named, if the index is to serve.
func (r *reading) orderBy(out *fragment, lead string) {
	word := " ORDER BY "
	if lead != "" && r.guide.Postgres {
		out.sql(word, lead)
		if r.driver.value().desc {
			out.sql(" DESC")
		}
		word = ", "
	}
	for i, col := range r.driver.order.columns {
		out.sql(word, valueName(i))
		if col.desc {
			out.sql(" DESC")
		}
		word = ", "
	}
}

func valueName(i int) string { return fmt.Sprintf("v%d", i) }

package search

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// ValuesQuery asks which values a param, a tag or an attribute has, the most frequent first, and those of as many runs by
// their bytes.
type ValuesQuery struct {
	// Of is written as in a filter: params.depth, tags.team, status.
	Of string
	// First is 1 to MaxFacets.
	First int
	After string
}

// FacetValue is a value and how many of the runs have it.
type FacetValue struct {
	Value string
	Runs  int
}

// ValuePage is a page of values, with a cursor for each.
type ValuePage struct {
	Values  []FacetValue
	Cursors []string
	HasNext bool
}

// Values gives a page of the values.
func (f *Facets) Values(ctx context.Context, v ValuesQuery) (page ValuePage, err error) {
	o, err := valuesOperand(v.Of)
	if err != nil {
		return page, err
	}
	if err := checkFacets(v.First); err != nil {
		return page, err
	}
	identity := f.cursorOf("values", o.String())
	after, err := readTextSpot(identity, v.After)
	if err != nil {
		return page, err
	}
	err = f.look(ctx, func(ctx context.Context) error {
		var stmt fragment
		stmt.sql("SELECT p.v, CAST(SUM(p.n) AS BIGINT) FROM (")
		f.counted(&stmt, o)
		stmt.sql(") p GROUP BY p.v")
		if after != nil {
			stmt.sql(" HAVING SUM(p.n) < ")
			stmt.arg(int64(after.number))
			stmt.sql(" OR SUM(p.n) = ")
			stmt.arg(int64(after.number))
			stmt.sql(" AND p.v > ")
			stmt.arg([]byte(*after.texts[0]))
		}
		stmt.sql(" ORDER BY SUM(p.n) DESC, p.v LIMIT ")
		stmt.arg(v.First + 1)
		return f.readValues(ctx, &stmt, v.First, &page)
	})
	for _, found := range page.Values {
		page.Cursors = append(page.Cursors, spot{number: float64(found.Runs), texts: []*string{&found.Value}}.cursor(identity))
	}
	return page, err
}

func (f *Facets) readValues(ctx context.Context, stmt *fragment, first int, page *ValuePage) error {
	err := store.EachRow(ctx, f.s.db.Read(), stmt.String(), stmt.args, func(rows *sql.Rows) error {
		var raw []byte
		var found FacetValue
		if err := rows.Scan(&raw, &found.Runs); err != nil {
			return fmt.Errorf("scan value: %w", err)
		}
		found.Value = string(raw)
		if page.HasNext = len(page.Values) == first; !page.HasNext {
			page.Values = append(page.Values, found)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list values: %w", err)
	}
	return nil
}

// Distinct counts the values of a param, a tag or an attribute.
func (f *Facets) Distinct(ctx context.Context, of string) (n int, err error) {
	o, err := valuesOperand(of)
	if err != nil {
		return 0, err
	}
	err = f.look(ctx, func(ctx context.Context) error {
		var stmt fragment
		stmt.sql("SELECT COUNT(DISTINCT p.v) FROM (")
		f.counted(&stmt, o)
		stmt.sql(") p")
		if err := f.s.db.Read().QueryRowContext(ctx, stmt.String(), stmt.args...).Scan(&n); err != nil {
			return fmt.Errorf("count values: %w", err)
		}
		return nil
	})
	return n, err
}

func valuesOperand(of string) (Operand, error) {
	o, err := parseOperand("of", of)
	if err != nil {
		return o, err
	}
	if o.Entity == Metric {
		return o, errs.Field("of", "%s is a metric, of which nearly each run has its own value: ask for its range", o.display())
	}
	if o.Entity == Attribute {
		if _, ok := textColumnOf(o); !ok {
			return o, errs.Field("of", "%s is a time, of which nearly each run has its own: ask for its range", o.display())
		}
	}
	return o, nil
}

// counted writes a statement that gives values in bytes (v) and the number of runs that have them (n). A value may stand
// there more than once. Of whole experiments it reads the values from the index, which holds their beginnings; only those
// that go on behind it are looked up.
func (f *Facets) counted(out *fragment, o Operand) {
	db := f.s.db
	if o.Entity == Attribute {
		column, _ := textColumnOf(o)
		out.sql("SELECT ", db.Bytes(column), " AS v, COUNT(*) AS n")
		f.runRows(out)
		out.sql(" GROUP BY ", subjects[OfRuns].attributes[o.Key].column)
		return
	}
	t, _ := tableOf(o.Entity)
	if !f.set.whole {
		out.sql("SELECT ", db.Bytes("d.value"), " AS v, COUNT(*) AS n")
		f.rows(out, t, o.Key)
		out.sql(" GROUP BY d.value")
		return
	}
	short := "LENGTH(d.value_prefix) < "
	out.sql("SELECT d.value_prefix AS v, COUNT(*) AS n")
	f.rows(out, t, o.Key)
	out.sql(" AND ", short)
	out.arg(store.MaxValuePrefix)
	out.sql(" GROUP BY ")
	if t.number != "" {
		out.sql("d.", t.number, ", ") // the order of the index: equal values stand together
	}
	out.sql("d.value_prefix UNION ALL SELECT ", db.Bytes("l.value"), " AS v, COUNT(*) AS n FROM (SELECT d.run_id")
	f.rows(out, t, o.Key)
	out.sql(" AND NOT ", short)
	out.arg(store.MaxValuePrefix)
	out.sql(") k", db.Guide().Join(t.table, "l", "l.run_id = k.run_id AND l.key = ?"))
	out.args = append(out.args, o.Key)
	out.sql(" GROUP BY l.value")
}

// FacetRange is from where to where the numbers of a metric, a param or a time go.
type FacetRange struct {
	// Runs have a value, Numbers of them a number: of metrics, the others are NaN; of params, texts.
	Runs, Numbers int
	// Min and Max are nil where there is no number.
	Min, Max *float64
}

// Range gives the range of a metric, a param, start_time or end_time, written as in a filter: min(metrics.loss).
func (f *Facets) Range(ctx context.Context, of string) (out FacetRange, err error) {
	o, err := parseOperand("of", of)
	if err != nil {
		return out, err
	}
	if o.Entity == Tag || o.Entity == Attribute && subjects[OfRuns].attributes[o.Key].typ != integerColumn {
		return out, errs.Field("of", "%s is a text: ask for its values", o.display())
	}
	err = f.look(ctx, func(ctx context.Context) error {
		goals, err := loadGoals(ctx, f.s.db, metricOperands(Best, &And{}, goalTerms([]Operand{o})), f.runs.Experiments)
		if err != nil {
			return err
		}
		var stmt fragment
		f.ends(&stmt, o, goals)
		if err := f.s.db.Read().QueryRowContext(ctx, stmt.String(), stmt.args...).Scan(&out.Runs, &out.Numbers, &out.Min, &out.Max); err != nil {
			return fmt.Errorf("find range: %w", err)
		}
		return nil
	})
	return out, err
}

func (f *Facets) ends(out *fragment, o Operand, goals goals) {
	summary := func(value string) { out.sql("SELECT COUNT(*), COUNT(", value, "), MIN(", value, "), MAX(", value, ")") }
	if o.Entity == Attribute {
		column := subjects[OfRuns].attributes[o.Key].column
		out.sql("SELECT COUNT(", column, "), COUNT(", column, "), MIN(", column, "), MAX(", column, ")")
		f.runRows(out)
		return
	}
	t, _ := tableOf(o.Entity)
	if o.Entity == Metric {
		summary(goals.column("d", o))
	} else {
		summary("d." + t.number)
	}
	f.rows(out, t, o.Key)
}

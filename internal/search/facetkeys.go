package search

import (
	"context"
	"database/sql"
	"fmt"
	"math"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// KeysQuery asks which keys of params, tags or metrics the runs have, by the bytes of the keys.
type KeysQuery struct {
	Entity Entity
	// Prefix is what the keys begin with.
	Prefix string
	// First is 1 to MaxFacets.
	First int
	After string
	// MaxCount is how far the runs of a key are counted where the set is a whole experiment: to count a million takes a look at
	// as many entries of an index. 1 to MaxKeyCount.
	MaxCount int
	// Ranges asks for Min and Max too.
	Ranges bool
}

// FacetKey is a key that some of the runs have.
type FacetKey struct {
	Key string
	// Runs have it; not Exact, they are at least so many.
	Runs  int
	Exact bool
	// Min and Max are of the param as a number, or of the metric's last value; nil where there is none. Not Exact on a set that is
	// not complete, they are of the runs that were looked at.
	Min, Max *float64
}

// KeyPage is a page of keys, with a cursor for each.
type KeyPage struct {
	Keys    []FacetKey
	Cursors []string
	HasNext bool
}

// lastText is the greatest text by bytes among those that begin with the same.
const lastText = "\U0010FFFF"

// Keys gives a page of the keys. A key that no run of the set has is not among them.
func (f *Facets) Keys(ctx context.Context, k KeysQuery) (page KeyPage, err error) {
	t, ok := tableOf(k.Entity)
	if !ok {
		return page, errs.Field("entity", "%.40q has no keys", string(k.Entity))
	}
	if err := checkFacets(k.First); err != nil {
		return page, err
	}
	if k.MaxCount < 1 || k.MaxCount > MaxKeyCount {
		return page, errs.Field("maxCount", "is %d; it is from 1 to %d", k.MaxCount, MaxKeyCount)
	}
	if invalidText(k.Prefix) >= 0 || len(k.Prefix) > MaxOrderBytes {
		return page, errs.Field("prefix", "holds a NUL or bytes that are not UTF-8, or more than %d bytes", MaxOrderBytes)
	}
	identity := f.cursorOf("keys", string(k.Entity), k.Prefix)
	spotAfter, err := readTextSpot(identity, k.After)
	if err != nil {
		return page, err
	}
	after := ""
	if spotAfter != nil {
		after = *spotAfter.texts[0]
	}
	err = f.look(ctx, func(ctx context.Context) error {
		var found []FacetKey
		if f.set.whole {
			found, err = f.keysOfScope(ctx, t, k, after)
		} else {
			found, err = f.keysOfRuns(ctx, t, k, after)
		}
		if err != nil {
			return fmt.Errorf("list keys: %w", err)
		}
		page.HasNext = len(found) > k.First
		page.Keys = found[:min(len(found), k.First)]
		return nil
	})
	for _, found := range page.Keys {
		page.Cursors = append(page.Cursors, spot{texts: []*string{&found.Key}}.cursor(identity))
	}
	return page, err
}

// keysOfRuns lists keys of runs that are named, one more than is asked for.
func (f *Facets) keysOfRuns(ctx context.Context, t keyed, k KeysQuery, after string) ([]FacetKey, error) {
	var stmt fragment
	stmt.sql("SELECT d.key, COUNT(*)")
	if k.Ranges && t.number != "" {
		stmt.sql(", MIN(d.", t.number, "), MAX(d.", t.number, ")")
	} else {
		stmt.sql(", NULL, NULL")
	}
	f.s.fromIDs(&stmt, f.set.ids)
	page := keyRange(k.Prefix, after)
	stmt.sql(f.s.db.Guide().Join(t.table, "d", "d."+t.owner+" = m.id AND "+page.String()))
	stmt.args = append(stmt.args, page.args...)
	stmt.sql(" GROUP BY d.key ORDER BY d.key LIMIT ")
	stmt.arg(k.First + 1)
	found, err := f.readKeys(ctx, &stmt)
	for i := range found {
		found[i].Exact = f.set.complete
	}
	return found, err
}

// keyRange restricts the keys of a table d to a page.
func keyRange(prefix, after string) *fragment {
	out := &fragment{}
	out.sql("d.key > ")
	out.arg(after)
	if prefix != "" {
		out.sql(" AND d.key >= ")
		out.arg(prefix)
		out.sql(" AND d.key < ")
		out.arg(prefix + lastText)
	}
	return out
}

// keysOfScope lists keys of whole experiments, one more than is asked for. It steps from key to key in the index, so that a
// key of a million runs costs as little as one of ten; only counting them looks at each, up to a bound.
func (f *Facets) keysOfScope(ctx context.Context, t keyed, k KeysQuery, after string) ([]FacetKey, error) {
	var out []FacetKey
	for {
		var stmt fragment
		f.steps(&stmt, t, k, after)
		found, err := f.readKeys(ctx, &stmt)
		if err != nil {
			return nil, err
		}
		for _, key := range found {
			if key.Runs == 0 { // only deleted runs have it
				continue
			}
			if key.Exact = key.Runs <= k.MaxCount; !key.Exact {
				key.Runs = k.MaxCount
			}
			if out = append(out, key); len(out) > k.First {
				return out, nil
			}
		}
		if len(found) <= k.First {
			return out, nil
		}
		after = found[len(found)-1].Key
	}
}

// steps writes the statement of keysOfScope: keys and, for each, how many runs have it, up to one more than the bound.
func (f *Facets) steps(out *fragment, t keyed, k KeysQuery, after string) {
	experiments, arg := f.s.db.IDRows(f.set.scope)
	next := func(beyond string, args ...any) {
		out.sql("(SELECT MIN(n.key) FROM (SELECT (SELECT d.key FROM ", t.table, " d WHERE d.experiment_id = e.id AND ", beyond)
		out.args = append(out.args, args...)
		if k.Prefix != "" {
			out.sql(" AND d.key < ")
			out.arg(k.Prefix + lastText)
		}
		out.sql(" ORDER BY d.key LIMIT 1) AS key FROM ", experiments, " e) n)")
		out.args = append(out.args, arg)
	}
	out.sql("WITH RECURSIVE steps (key, place) AS (SELECT ")
	if k.Prefix > after {
		next("d.key >= ?", k.Prefix)
	} else {
		next("d.key > ?", after)
	}
	out.sql(", 1 UNION ALL SELECT ")
	next("d.key > steps.key")
	out.sql(", steps.place + 1 FROM steps WHERE steps.key IS NOT NULL AND steps.place <= ")
	out.arg(k.First)
	out.sql(") SELECT steps.key, (SELECT COUNT(*) FROM (SELECT 1 AS one FROM ", t.table, " d WHERE ")
	f.ofStep(out)
	out.sql(" LIMIT ")
	out.arg(k.MaxCount + 1)
	out.sql(") counted)")
	for _, end := range []struct{ fn, order string }{{"MIN", ""}, {"MAX", " DESC"}} {
		if !k.Ranges || t.number == "" {
			out.sql(", NULL")
			continue
		}
		out.sql(", (SELECT ", end.fn, "(n.number) FROM (SELECT (SELECT d.", t.number, " FROM ", t.table,
			" d WHERE d.experiment_id = e.id AND d.key = steps.key AND d.", t.number, " >= ")
		out.arg(math.Inf(-1)) // all numbers, and no NULL: in the index these may come first, by the million
		f.s.notGone(out, f.set, "d.run_id")
		out.sql(" ORDER BY d.", t.number, end.order, " LIMIT 1) AS number FROM ", experiments, " e) n)")
		out.args = append(out.args, arg)
	}
	out.sql(" FROM steps WHERE steps.key IS NOT NULL ORDER BY steps.place")
}

// ofStep is the condition that a row has the key of a step.
func (f *Facets) ofStep(out *fragment) {
	inScope(f.s.db, out, "d.experiment_id", f.set.scope)
	out.sql(" AND d.key = steps.key")
	f.s.notGone(out, f.set, "d.run_id")
}

func (f *Facets) readKeys(ctx context.Context, stmt *fragment) ([]FacetKey, error) {
	var out []FacetKey
	err := store.EachRow(ctx, f.s.db.Read(), stmt.String(), stmt.args, func(rows *sql.Rows) error {
		var key FacetKey
		if err := rows.Scan(&key.Key, &key.Runs, &key.Min, &key.Max); err != nil {
			return fmt.Errorf("scan key: %w", err)
		}
		out = append(out, key)
		return nil
	})
	return out, err //nolint:wrapcheck // wrapped by Keys
}

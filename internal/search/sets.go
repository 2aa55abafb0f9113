package search

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cairnml/cairn/ent/metricseries"
)

// runSet is a statement that gives the runs which a condition allows, and perhaps others, from an index alone: each run
// once, as run (its id) and exp (its experiment).
type runSet struct {
	fragment
	// exact: it gives no other runs.
	exact bool
}

// setOf gives the set of a condition; ok is false where no index knows it. In order, it comes in the order of its index, so
// that PostgreSQL, asked for a few of it, does not look for them elsewhere.
func (f *finder) setOf(e Expr, inOrder bool) (set runSet, ok bool) {
	switch e := e.(type) {
	case *Or:
		set.exact = true
		for i, term := range e.Terms {
			one, ok := f.setOf(term, inOrder)
			if !ok {
				return runSet{}, false
			}
			if i > 0 {
				set.sql(" UNION ")
			}
			set.sql("SELECT run, exp FROM (")
			set.add(&one.fragment)
			set.sql(") t", fmt.Sprint(i))
			set.exact = set.exact && one.exact
		}
		return set, true
	case *And:
		for _, term := range e.Terms {
			if one, ok := f.setOf(term, inOrder); ok {
				one.exact = one.exact && len(e.Terms) == 1
				return one, true
			}
		}
	case *Comparison:
		if len(f.scope) == 0 {
			break
		}
		switch e.Left.Entity {
		case Metric:
			return f.metricSet(e, inOrder)
		case Param, Tag:
			return f.valueSet(e, inOrder)
		case Attribute:
			return f.attributeSet(e)
		case Dataset:
			return f.datasetSet(e)
		}
	}
	return runSet{}, false
}

func (f *finder) metricSet(e *Comparison, inOrder bool) (set runSet, ok bool) {
	column, indexed := f.indexedMetric(e.Left)
	if e.Op == IsNull || !indexed && e.Op != IsNotNull {
		return runSet{}, false
	}
	f.eachExperiment(&set.fragment, "d.experiment_id", func(out, scope *fragment) {
		if inOrder {
			out.sql("SELECT * FROM (")
		}
		out.sql("SELECT d.run_id AS run, d.experiment_id AS exp FROM ", metricseries.Table, " d", f.guide.By(metricIndex), " WHERE ")
		out.add(scope)
		out.sql(" AND d.key = ")
		out.arg(e.Left.Key)
		f.onDriver(out, column, e)
		if inOrder {
			out.sql(" ORDER BY d.last_value, d.run_id) f")
		}
	})
	set.exact = true
	return set, true
}

// metricIndex finds series by experiment and key, in the order of their last values. The least and the greatest stand in it.
const metricIndex = "metricseries_search"

// indexedMetric gives the column of a metric's value, and whether it stands in the index.
func (f *finder) indexedMetric(o Operand) (column string, indexed bool) {
	column = f.goals.column("d", o)
	return column, o.Func != First && !strings.Contains(column, "CASE")
}

// onDriver adds a condition on a column of a series.
func (f *finder) onDriver(out *fragment, column string, e *Comparison) {
	c := compiler{guide: f.guide}
	switch e.Op {
	case IsNotNull:
		return
	case isNaN:
		c.sql(column, " IS NULL")
	case NotEqual, NotIn: // NaN, which is NULL here, is unequal to every number
		c.sql("(", column, " IS NULL OR ")
		c.condition(column, e.Op, e.Value)
		c.sql(")")
	default:
		c.condition(column, e.Op, e.Value)
	}
	out.sql(" AND ")
	out.add(&c.fragment)
}

// byID tells whether a condition names a run or the run above it: few runs can meet it.
func byID(e Expr) bool {
	c, ok := e.(*Comparison)
	return ok && c.Left.Entity == Attribute && (c.Left.Key == "run_id" || c.Left.Key == "parent_run_id")
}

// attributeSet finds runs by an attribute that has an index.
func (f *finder) attributeSet(e *Comparison) (set runSet, ok bool) {
	if e.Op != Equal && e.Op != In {
		return runSet{}, false
	}
	if e.Left.Key == "run_name" || e.Left.Key == "status" {
		f.eachExperiment(&set.fragment, "d.experiment_id", func(out, scope *fragment) {
			c := compiler{guide: f.guide}
			c.condition(strings.Replace(f.sub.attributes[e.Left.Key].column, "r.", "d.", 1), e.Op, e.Value)
			out.sql("SELECT d.id AS run, d.experiment_id AS exp FROM runs d", f.guide.By("run_experiment_id_"+
				strings.TrimPrefix(e.Left.Key, "run_")), " WHERE ")
			out.add(scope)
			out.sql(" AND ")
			out.add(&c.fragment)
		})
		set.exact = true
		return set, true
	}
	if !byID(e) {
		return runSet{}, false
	}
	if slices.ContainsFunc(append(e.Value.List, e.Value), func(v Value) bool { return v.Kind == TextValue && v.Text == "" }) {
		return runSet{}, false // runs without one above them, which are most
	}
	c := compiler{guide: f.guide}
	c.condition("d."+e.Left.Key, e.Op, e.Value)
	set.sql("SELECT d.id AS run, d.experiment_id AS exp FROM runs d WHERE ")
	set.add(&c.fragment)
	set.exact = true
	return set, true
}

func (f *finder) datasetSet(e *Comparison) (set runSet, ok bool) {
	if e.Op != Equal && e.Op != In || e.Left.Key == "context" {
		return runSet{}, false
	}
	f.eachExperiment(&set.fragment, "d.experiment_id", func(out, scope *fragment) {
		c := compiler{guide: f.guide}
		c.condition(datasetAttributes[e.Left.Key].column, e.Op, e.Value)
		out.sql("SELECT DISTINCT i.run_id AS run, d.experiment_id AS exp FROM datasets d JOIN run_inputs i ON i.dataset_id = d.id WHERE ")
		out.add(scope)
		out.sql(" AND ")
		out.add(&c.fragment)
	})
	set.exact = true
	return set, true
}

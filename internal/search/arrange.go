package search

import (
	"strconv"

	"github.com/cairnml/cairn/ent/loggedmodelmetric"
	"github.com/cairnml/cairn/ent/metricseries"
	"github.com/cairnml/cairn/internal/store"
)

// arranger turns order terms into sort columns and joins.
type arranger struct {
	keyset
	subject *subject
	guide   store.Guide
	goals   goals
	// paramsAsText orders params by their text alone.
	paramsAsText bool
	// datasets says, by term, on which dataset the metric of a logged model is to be measured.
	datasets map[int]DatasetFilter
	// fenced: joined rows are looked up one by one, which is right for few.
	fenced bool
}

func (a *arranger) term(n int, t OrderTerm) {
	alias := joinAlias(n)
	switch t.Entity {
	case Attribute:
		a.attribute(a.subject.attributes[t.Key], t.Desc)
	case Metric:
		value := alias + ".value"
		if a.subject.metricFuncs {
			value = a.goals.column(alias, t.Operand)
			a.join(alias, keyed{table: metricseries.Table, owner: "run_id"}, t.Key)
		} else {
			a.joinModelMetric(n, alias, t.Key)
		}
		a.add("(CASE WHEN "+alias+".id IS NULL THEN 2 WHEN "+value+" IS NULL THEN 1 ELSE 0 END)", integerKey, false)
		a.add("COALESCE("+value+", 0)", floatKey, t.Desc)
	case Param:
		a.join(alias, *a.subject.params, t.Key)
		if number := a.subject.params.number; number != "" && !a.paramsAsText {
			number = alias + "." + number
			a.add("(CASE WHEN "+alias+".id IS NULL THEN 2 WHEN "+number+" IS NULL THEN 1 ELSE 0 END)", integerKey, false)
			a.add("COALESCE("+number+", 0)", floatKey, t.Desc)
			a.add("(CASE WHEN "+number+" IS NULL THEN COALESCE("+alias+".value, '') ELSE '' END)", textKey, t.Desc)
			return
		}
		a.text(alias, t.Desc)
	case Tag:
		a.join(alias, a.subject.tags, t.Key)
		a.text(alias, t.Desc)
	case Dataset: // refused by the parser
	}
}

// text orders by the value of a joined row, those without one last.
func (a *arranger) text(alias string, desc bool) {
	a.add("(CASE WHEN "+alias+".id IS NULL THEN 1 ELSE 0 END)", integerKey, false)
	a.add("COALESCE("+alias+".value, '')", textKey, desc)
}

func (a *arranger) attribute(attr attribute, desc bool) {
	switch {
	case attr.typ == textColumn && attr.hex:
		a.columns = append(a.columns, sortColumn{expr: attr.column, typ: textKey, desc: desc})
	case attr.typ == textColumn:
		a.add(attr.column, textKey, desc)
	case attr.nullable:
		a.add("(CASE WHEN "+attr.column+" IS NULL THEN 1 ELSE 0 END)", integerKey, false)
		a.add("COALESCE("+attr.column+", 0)", integerKey, desc)
	default:
		a.add(attr.column, integerKey, desc)
	}
}

// add appends a sort column. Texts are ordered by their bytes, which is the order of Unicode, whatever language the
// database was made for.
func (a *arranger) add(expr string, typ keyType, desc bool) {
	if typ == textKey && a.guide.Postgres {
		expr += ` COLLATE "C"`
	}
	a.columns = append(a.columns, sortColumn{expr: expr, typ: typ, desc: desc})
}

func (a *arranger) join(alias string, t keyed, key string) {
	condition := alias + "." + t.owner + " = r.id AND " + alias + ".key = ?"
	if a.fenced {
		a.joins.sql(a.guide.LeftJoin(t.table, alias, condition))
	} else {
		a.joins.sql(" LEFT JOIN ", t.table, " ", alias, " ON ", condition)
	}
	a.joins.args = append(a.joins.args, key)
}

// joinModelMetric joins the newest point of a metric of a logged model.
func (a *arranger) joinModelMetric(n int, alias, key string) {
	table := loggedmodelmetric.Table
	inner := "p" + strconv.Itoa(n)
	a.joins.sql(" LEFT JOIN ", table, " ", alias, " ON ", alias, ".id = (SELECT ", inner, ".id FROM ", table, " ", inner,
		" WHERE ", inner, ".logged_model_id = r.id AND ", inner, ".key = ")
	a.joins.arg(key)
	if d, ok := a.datasets[n]; ok {
		a.joins.onDatasets(inner, []DatasetFilter{d})
	}
	a.joins.sql(" ORDER BY ", inner, ".timestamp DESC, ", inner, ".step DESC, ", inner, ".run_id, ", inner, ".id DESC LIMIT 1)")
}

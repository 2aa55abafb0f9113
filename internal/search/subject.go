package search

import (
	"slices"
	"strings"

	"github.com/cairnml/cairn/internal/store"
)

// columnType says how an attribute is compared.
type columnType int

const (
	textColumn    columnType = iota
	integerColumn            // a number, compared by size
	idColumn                 // a number that is a name: a filter may write it as a text, and only asks whether it is equal
)

// attribute is a column of the searched table, or of a table that its operand is looked up in.
type attribute struct {
	column   string
	typ      columnType
	nullable bool
	// hex: only lower-case letters and digits stand in it, which every collation orders alike, so an index serves.
	hex bool
	// within finds the rows where a text column has a value by an index of another table, whose condition on the value follows:
	// "" where the column is the row's own.
	within string
}

// keyed is a table of keys and values that belong to the searched row.
type keyed struct {
	table, owner string
	// number is the column of the value as a number, "" where there is none.
	number string
	// index finds rows by experiment, key and value, "" where there is none.
	index string
	// values tells that rows can be found by key and value alone.
	values bool
}

// subject is what a filter may ask of one kind of row. Its table has the alias r in all SQL.
type subject struct {
	name  string
	table string
	// joined is a table whose row belongs to the searched one, with the alias m, and the condition that says which.
	joined, on string
	// orders are the indexes that have an order, by the expression that they begin with; of runs, find.go knows more.
	orders map[string]string
	// lookups are the attributes of which an index finds the few rows that have a value.
	lookups    []string
	attributes map[string]attribute
	aliases    map[string]string
	params     *keyed
	tags       keyed
	// metrics tells whether there are any; metricFuncs whether first, min, max and best are kept of them.
	metrics, metricFuncs bool
	datasets             bool
	// unset are the keys of tags whose != is met by a row that has no such tag, as it is in MLflow.
	unset []string
}

// from writes the tables that are searched. first is the expression that rows are ordered by first; with few, only few rows
// meet a condition that an index has, and the order does not matter.
func (s *subject) from(g store.Guide, first string, few bool) string {
	rows := s.table + " r"
	index := s.orders[first]
	if index != "" && !few && !strings.HasPrefix(first, "m.") {
		rows += g.By(index)
	}
	switch {
	case s.joined == "":
		return rows
	case g.Postgres:
		return rows + " JOIN " + s.joined + " ON " + s.on
	case index != "" && !few && strings.HasPrefix(first, "m."): // SQLite visits tables that are joined so in this order
		return s.joined + g.By(index) + " CROSS JOIN " + rows + " ON " + s.on
	}
	return rows + " CROSS JOIN " + s.joined + " ON " + s.on
}

// tagIsPrompt marks what MLflow keeps as a prompt among registered models. Its client asks in each search that it not be 'true'.
const tagIsPrompt = "mlflow.prompt.is_prompt"

// startTime is the column by which lists of runs are ordered that name no order.
const startTime = "r.start_time"

var datasetAttributes = map[string]attribute{
	"name":    {column: "d.name"},
	"digest":  {column: "d.digest"},
	"context": {column: "i.context"},
}

var subjects = map[Subject]*subject{
	OfRuns: {
		name: "run", table: "runs",
		attributes: map[string]attribute{
			"run_id":        {column: "r.run_id", hex: true},
			"run_name":      {column: "r.name"},
			"user_id":       {column: "r.user_id"},
			"status":        {column: "r.status"},
			"start_time":    {column: startTime, typ: integerColumn},
			"end_time":      {column: "r.end_time", typ: integerColumn, nullable: true},
			"artifact_uri":  {column: "r.artifact_location"},
			"experiment_id": {column: "r.experiment_id", typ: idColumn},
			"parent_run_id": {column: "r.parent_run_id", hex: true},
			"created_by":    {column: "r.created_by"},
			"updated_by":    {column: "r.updated_by"},
		},
		aliases: map[string]string{
			"created": "start_time", "Created": "start_time",
			"run name": "run_name", "Run name": "run_name", "Run Name": "run_name",
		},
		params:  &keyed{table: "params", owner: "run_id", number: "number", index: "param_search"},
		tags:    keyed{table: "run_tags", owner: "run_id", index: "runtag_search"},
		metrics: true, metricFuncs: true, datasets: true,
	},
	OfExperiments: {
		name: "experiment", table: "experiments",
		attributes: map[string]attribute{
			"name":             {column: "r.name"},
			"experiment_id":    {column: "r.id", typ: idColumn},
			"creation_time":    {column: "r.created_at", typ: integerColumn},
			"last_update_time": {column: "r.updated_at", typ: integerColumn},
			"created_by":       {column: "r.created_by"},
		},
		tags: keyed{table: "experiment_tags", owner: "experiment_id"},
	},
	OfLoggedModels: {
		name: "logged model", table: "logged_models",
		attributes: map[string]attribute{
			"name":                   {column: "r.name"},
			"model_id":               {column: "r.model_id", hex: true},
			"model_type":             {column: "r.model_type"},
			"status":                 {column: "r.status"},
			"source_run_id":          {column: "r.source_run_id", hex: true},
			"creation_timestamp":     {column: "r.created_at", typ: integerColumn},
			"last_updated_timestamp": {column: "r.updated_at", typ: integerColumn},
			"created_by":             {column: "r.created_by"},
		},
		aliases: map[string]string{
			"creation_time": "creation_timestamp", "creation_timestamp_ms": "creation_timestamp",
			"last_updated_time": "last_updated_timestamp", "last_updated_timestamp_ms": "last_updated_timestamp",
		},
		params:  &keyed{table: "logged_model_params", owner: "logged_model_id"},
		tags:    keyed{table: "logged_model_tags", owner: "logged_model_id"},
		metrics: true,
	},
	OfRegisteredModels: {
		name: "registered model", table: "registered_models",
		orders:  map[string]string{"r.name": "registered_models_name_key", "r.updated_at": "registeredmodel_updated_at"},
		lookups: []string{"name"},
		attributes: map[string]attribute{
			"name":                   {column: "r.name"},
			"description":            {column: "r.description"},
			"creation_timestamp":     {column: "r.created_at", typ: integerColumn},
			"last_updated_timestamp": {column: "r.updated_at", typ: integerColumn},
			"created_by":             {column: "r.created_by"},
			"updated_by":             {column: "r.updated_by"},
		},
		aliases: map[string]string{"timestamp": "last_updated_timestamp"},
		tags:    keyed{table: "registered_model_tags", owner: "registered_model_id", values: true},
		unset:   []string{tagIsPrompt},
	},
	OfModelVersions: {
		name: "model version", table: "model_versions",
		joined: "registered_models m", on: "m.id = r.registered_model_id",
		orders:  map[string]string{"r.updated_at": "modelversion_updated_at", "m.name": "registered_models_name_key"},
		lookups: []string{"name", "run_id", "model_id"},
		attributes: map[string]attribute{
			"name":                   {column: "m.name", within: "r.registered_model_id IN (SELECT n.id FROM registered_models n WHERE n.name"},
			"version_number":         {column: "r.version", typ: integerColumn},
			"run_id":                 {column: "r.run_id", hex: true},
			"model_id":               {column: "r.model_id", hex: true},
			"source_path":            {column: "r.source"},
			"stage":                  {column: "r.stage"},
			"status":                 {column: "r.status"},
			"description":            {column: "r.description"},
			"creation_timestamp":     {column: "r.created_at", typ: integerColumn},
			"last_updated_timestamp": {column: "r.updated_at", typ: integerColumn},
			"created_by":             {column: "r.created_by"},
			"updated_by":             {column: "r.updated_by"},
		},
		aliases: map[string]string{"version": "version_number", "source": "source_path", "current_stage": "stage", "timestamp": "last_updated_timestamp"},
		tags:    keyed{table: "model_version_tags", owner: "model_version_id", values: true},
		unset:   []string{tagIsPrompt},
	},
}

var entityNames = map[string]Entity{
	"metric": Metric, "metrics": Metric,
	"parameter": Param, "parameters": Param, "param": Param, "params": Param,
	"tag": Tag, "tags": Tag,
	"attribute": Attribute, "attributes": Attribute, "attr": Attribute, "run": Attribute,
	"dataset": Dataset, "datasets": Dataset,
}

// entities lists the entities of the subject, for errors.
func (s *subject) entities() []string {
	out := []string{string(Attribute), string(Tag)}
	if s.params != nil {
		out = append(out, string(Param))
	}
	if s.metrics {
		out = append(out, string(Metric))
	}
	if s.datasets {
		out = append(out, string(Dataset))
	}
	return out
}

// operand resolves the name that a token holds. The caller sets its place.
func (s *subject) operand(t token) (Operand, *syntaxError) {
	if t.kind == tokenString && strings.HasPrefix(t.raw, `"`) { // an attribute in double quotes: "run name"
		t = token{kind: tokenName, at: t.at, raw: t.raw, text: t.text, quoted: true}
	}
	if t.kind != tokenName {
		return Operand{}, expected("a name such as metrics.loss, params.depth or start_time", t)
	}
	if !t.dotted {
		return s.attribute(t, t.text)
	}
	entity, known := entityNames[t.entity]
	if !known || !slices.Contains(s.entities(), string(entity)) {
		return Operand{}, syntaxErrorf(t.at, "unknown entity %.40s; a filter of %ss knows %s",
			t.entity, s.name, strings.Join(s.entities(), ", "))
	}
	switch entity {
	case Attribute:
		return s.attribute(t, t.key)
	case Dataset:
		if _, known := datasetAttributes[t.key]; !known {
			return Operand{}, syntaxErrorf(t.at, "unknown property %.40s of a dataset; expected %s", t.key, names(datasetAttributes))
		}
	case Metric:
		return Operand{Entity: Metric, Key: t.key, Func: Last}, nil
	}
	return Operand{Entity: entity, Key: t.key}, nil
}

func (s *subject) attribute(t token, name string) (Operand, *syntaxError) {
	if canonical, ok := s.aliases[name]; ok {
		name = canonical
	}
	if _, known := s.attributes[name]; !known {
		return Operand{}, syntaxErrorf(t.at, "unknown attribute %.40s; %ss have %s; keys are written as in tags.key",
			name, s.name, names(s.attributes))
	}
	return Operand{Entity: Attribute, Key: name}, nil
}

func names(attributes map[string]attribute) string {
	out := make([]string, 0, len(attributes))
	for name := range attributes {
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

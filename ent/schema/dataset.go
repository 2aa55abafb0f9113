package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Dataset is one version of a data set, told from others by its digest.
type Dataset struct{ ent.Schema }

func (Dataset) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "datasets"}}
}

func (Dataset) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id"),
		field.Int("experiment_id"),
		field.String("name").MaxLen(maxNameLen),
		field.String("digest").MaxLen(maxShortLen),
		field.String("source_type").MaxLen(maxShortLen),
		field.Text("source"),
		field.Text("schema").Optional().Nillable().Comment("Columns as MLflow writes them, JSON, at most 1 MiB."),
		field.Text("profile").Optional().Nillable().Comment("Counts and statistics, JSON, at most 16 MiB."),
		field.Int64("created_at").Immutable(),
	}
}

func (Dataset) Edges() []ent.Edge {
	return []ent.Edge{owns("run_inputs", RunInput.Type)}
}

func (Dataset) Indexes() []ent.Index {
	return []ent.Index{index.Fields("experiment_id", "name", "digest").Unique(), index.Fields("digest")}
}

// RunInput says that a run read a dataset, and as what.
type RunInput struct{ ent.Schema }

func (RunInput) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "run_inputs"}}
}

func (RunInput) Fields() []ent.Field {
	return []ent.Field{
		field.Int("run_id"),
		field.Int("dataset_id"),
		field.String("context").MaxLen(250).Default("").Comment("What it was read for: training, validation, test, eval."),
		stringMap("tags"),
	}
}

func (RunInput) Edges() []ent.Edge {
	return []ent.Edge{
		ownedBy(Run.Type, "run", "inputs", "run_id"),
		ownedBy(Dataset.Type, "dataset", "run_inputs", "dataset_id"),
	}
}

func (RunInput) Indexes() []ent.Index {
	return []ent.Index{index.Fields("run_id", "dataset_id", "context").Unique(), index.Fields("dataset_id")}
}

// LineageEdge ties two nodes of the lineage graph: what came out of what. Nodes are named by type and id, in the terms of
// OpenLineage where it has them.
type LineageEdge struct{ ent.Schema }

func (LineageEdge) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "lineage_edges"}}
}

func (LineageEdge) Fields() []ent.Field {
	node := []string{"DATASET", "RUN", "LOGGED_MODEL", "MODEL_VERSION"}
	return []ent.Field{
		field.Enum("from_type").Values(node...),
		field.String("from_id").MaxLen(255),
		field.Enum("to_type").Values(node...),
		field.String("to_id").MaxLen(255),
		field.String("role").MaxLen(250).Default(""),
		field.Int64("created_at").Immutable(),
	}
}

func (LineageEdge) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("from_type", "from_id", "to_type", "to_id", "role").Unique(),
		index.Fields("to_type", "to_id"),
	}
}

package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Experiment groups runs. Its id is the number that MLflow shows; "0" is the experiment named Default.
type Experiment struct{ ent.Schema }

func (Experiment) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "experiments"}}
}

func (Experiment) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id"),
		field.String("name").MaxLen(maxNameLen).NotEmpty().Unique(),
		field.String("artifact_location"),
		lifecycleStage(),
		purging(),
		field.Int64("created_at").Immutable(),
		field.Int64("updated_at"),
		principal("created_by"),
		principal("updated_by"),
	}
}

func (Experiment) Edges() []ent.Edge {
	return []ent.Edge{
		owns("runs", Run.Type),
		owns("tags", ExperimentTag.Type),
		owns("metric_goals", MetricGoal.Type),
	}
}

func (Experiment) Indexes() []ent.Index {
	return []ent.Index{index.Fields("lifecycle_stage", "created_at")}
}

// ExperimentTag is a key and a value on an experiment; the last write wins.
type ExperimentTag struct{ ent.Schema }

func (ExperimentTag) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "experiment_tags"}}
}

func (ExperimentTag) Fields() []ent.Field {
	return []ent.Field{
		field.Int("experiment_id"),
		field.String("key").MaxLen(maxKeyLen),
		field.Text("value"),
	}
}

func (ExperimentTag) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(Experiment.Type, "experiment", "tags", "experiment_id")}
}

func (ExperimentTag) Indexes() []ent.Index {
	return []ent.Index{index.Fields("experiment_id", "key").Unique()}
}

// MetricGoal says which direction of a metric is better in an experiment; `best(metrics.key)` follows it.
type MetricGoal struct{ ent.Schema }

func (MetricGoal) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "metric_goals"}}
}

func (MetricGoal) Fields() []ent.Field {
	return []ent.Field{
		field.Int("experiment_id"),
		field.String("key").MaxLen(maxKeyLen),
		field.Enum("goal").Values("MINIMIZE", "MAXIMIZE"),
	}
}

func (MetricGoal) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(Experiment.Type, "experiment", "metric_goals", "experiment_id")}
}

func (MetricGoal) Indexes() []ent.Index {
	return []ent.Index{index.Fields("experiment_id", "key").Unique()}
}

package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// LoggedModel is a model that a run wrote, before and apart from any registration.
type LoggedModel struct{ ent.Schema }

func (LoggedModel) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "logged_models"}}
}

func (LoggedModel) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id"),
		field.String("model_id").MaxLen(34).Unique().Immutable().Comment("\"m-\" and 32 hex digits."),
		field.Int("experiment_id"),
		field.String("source_run_id").MaxLen(32).Default(""),
		field.String("name").MaxLen(maxNameLen),
		field.String("model_type").MaxLen(500).Default(""),
		field.Enum("status").Values("PENDING", "READY", "UPLOAD_FAILED").Default("PENDING"),
		field.Text("status_message").Default(""),
		field.String("artifact_location"),
		lifecycleStage(),
		field.Int64("created_at").Immutable(),
		field.Int64("updated_at"),
		principal("created_by"),
	}
}

func (LoggedModel) Edges() []ent.Edge {
	return []ent.Edge{
		owns("params", LoggedModelParam.Type),
		owns("tags", LoggedModelTag.Type),
		owns("metrics", LoggedModelMetric.Type),
		owns("run_outputs", RunOutput.Type),
	}
}

func (LoggedModel) Indexes() []ent.Index {
	return []ent.Index{index.Fields("experiment_id", "created_at"), index.Fields("source_run_id")}
}

// LoggedModelParam is a param of a logged model.
type LoggedModelParam struct{ ent.Schema }

func (LoggedModelParam) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "logged_model_params"}}
}

func (LoggedModelParam) Fields() []ent.Field {
	return []ent.Field{field.Int("logged_model_id"), field.String("key").MaxLen(maxKeyLen), field.Text("value")}
}

func (LoggedModelParam) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(LoggedModel.Type, "logged_model", "params", "logged_model_id")}
}

func (LoggedModelParam) Indexes() []ent.Index {
	return []ent.Index{index.Fields("logged_model_id", "key").Unique()}
}

// LoggedModelTag is a tag of a logged model; the last write wins.
type LoggedModelTag struct{ ent.Schema }

func (LoggedModelTag) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "logged_model_tags"}}
}

func (LoggedModelTag) Fields() []ent.Field {
	return []ent.Field{field.Int("logged_model_id"), field.String("key").MaxLen(maxKeyLen), field.Text("value")}
}

func (LoggedModelTag) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(LoggedModel.Type, "logged_model", "tags", "logged_model_id")}
}

func (LoggedModelTag) Indexes() []ent.Index {
	return []ent.Index{index.Fields("logged_model_id", "key").Unique()}
}

// LoggedModelMetric is a point that a run logged for a model, optionally measured on a dataset.
type LoggedModelMetric struct{ ent.Schema }

func (LoggedModelMetric) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "logged_model_metrics"}}
}

func (LoggedModelMetric) Fields() []ent.Field {
	return []ent.Field{
		field.Int("logged_model_id"),
		field.String("run_id").MaxLen(32),
		field.String("key").MaxLen(maxKeyLen),
		field.Float("value").Optional().Nillable().Comment("NULL is NaN."),
		field.Int64("timestamp"),
		field.Int64("step"),
		field.String("dataset_name").MaxLen(maxNameLen).Default(""),
		field.String("dataset_digest").MaxLen(maxShortLen).Default(""),
	}
}

func (LoggedModelMetric) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(LoggedModel.Type, "logged_model", "metrics", "logged_model_id")}
}

func (LoggedModelMetric) Indexes() []ent.Index {
	return []ent.Index{index.Fields("logged_model_id", "run_id", "key", "step", "timestamp")}
}

// RunOutput says that a run wrote a logged model at a step.
type RunOutput struct{ ent.Schema }

func (RunOutput) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "run_outputs"}}
}

func (RunOutput) Fields() []ent.Field {
	return []ent.Field{field.Int("run_id"), field.Int("logged_model_id"), field.Int64("step").Default(0)}
}

func (RunOutput) Edges() []ent.Edge {
	return []ent.Edge{
		ownedBy(Run.Type, "run", "outputs", "run_id"),
		ownedBy(LoggedModel.Type, "logged_model", "run_outputs", "logged_model_id"),
	}
}

func (RunOutput) Indexes() []ent.Index {
	return []ent.Index{index.Fields("run_id", "logged_model_id").Unique(), index.Fields("logged_model_id")}
}

// ArtifactReference records a file that was uploaded for a run or a logged model: where, how big, which content.
type ArtifactReference struct{ ent.Schema }

func (ArtifactReference) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "artifact_references"}}
}

func (ArtifactReference) Fields() []ent.Field {
	return []ent.Field{
		field.Int("run_id").Optional().Nillable(),
		field.String("location").Unique().Comment("The path below the store's root."),
		field.Int64("size"),
		field.String("sha256").MaxLen(64).Comment("SHA-256 of the content, hex."),
		field.Int64("created_at"),
		principal("created_by"),
	}
}

func (ArtifactReference) Edges() []ent.Edge {
	return []ent.Edge{edge.From("run", Run.Type).Ref("artifacts").Field("run_id").Unique()}
}

func (ArtifactReference) Indexes() []ent.Index {
	return []ent.Index{index.Fields("run_id"), index.Fields("sha256")}
}

// PendingContent is the content of a small file that was uploaded, until the file system has it for good (docs/adr/0012). Of a
// location there may be several; the one counts whose hash is recorded.
type PendingContent struct{ ent.Schema }

func (PendingContent) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "pending_contents"}}
}

func (PendingContent) Fields() []ent.Field {
	return []ent.Field{
		givenID("Counted by the server that took it, from a random number on."),
		field.String("location"),
		field.String("sha256").MaxLen(64),
		field.Int64("created_at"),
		field.Bytes("content"),
	}
}

func (PendingContent) Indexes() []ent.Index { return []ent.Index{index.Fields("location")} }

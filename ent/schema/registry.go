package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// maxModelNameLen bounds the names of registered models, of up to 256 characters, with what a deletion appends, in bytes.
const maxModelNameLen = 1060

// RegisteredModel is a name under which versions of a model are kept. Its row is what writers lock: all that belongs to the
// model is written under that lock. It stays when the model is deleted, for its history; "/" and the id are then appended to
// its name, which no name may hold, so that another model can have the name.
type RegisteredModel struct{ ent.Schema }

func (RegisteredModel) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "registered_models"}}
}

func (RegisteredModel) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id"),
		field.String("name").MaxLen(maxModelNameLen).NotEmpty().Unique(),
		field.Text("description").Default(""),
		lifecycleStage(),
		field.Int("next_version").Default(1).Comment("Versions are never given twice, also after a deletion."),
		field.Int64("history_length").Default(0).Comment("Sequence of the newest entry of the history."),
		field.String("history_head").MaxLen(64).Default("").Comment("Hash of the newest entry of the history."),
		field.Int64("created_at").Immutable(),
		field.Int64("updated_at").Comment("Never goes back, whatever the clocks of replicas say."),
		principal("created_by"),
		principal("updated_by"),
	}
}

func (RegisteredModel) Edges() []ent.Edge {
	return []ent.Edge{
		owns("versions", ModelVersion.Type), owns("aliases", ModelAlias.Type), owns("tags", RegisteredModelTag.Type),
		owns("rules", ModelRule.Type),
	}
}

func (RegisteredModel) Indexes() []ent.Index { return []ent.Index{index.Fields("updated_at")} }

// RegisteredModelTag is a tag of a registered model; the last write wins.
type RegisteredModelTag struct{ ent.Schema }

func (RegisteredModelTag) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "registered_model_tags"}}
}

func (RegisteredModelTag) Fields() []ent.Field {
	return []ent.Field{
		field.Int("registered_model_id"), field.String("key").MaxLen(maxKeyLen), field.Text("value"), valuePrefix(),
	}
}

func (RegisteredModelTag) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(RegisteredModel.Type, "registered_model", "tags", "registered_model_id")}
}

func (RegisteredModelTag) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("registered_model_id", "key").Unique(),
		index.Fields("key", "value_prefix", "registered_model_id").StorageKey("registeredmodeltag_search"),
	}
}

// ModelVersion is one version of a registered model. A deleted one keeps its number and its row.
type ModelVersion struct{ ent.Schema }

func (ModelVersion) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "model_versions"}}
}

func (ModelVersion) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id"),
		field.Int("registered_model_id"),
		field.Int("version").Immutable(),
		field.String("source").MaxLen(2048).Immutable().Comment("What it was registered from, as it was named."),
		field.String("artifact_location").MaxLen(4096).Immutable().Comment("Where its files lie."),
		field.String("run_id").MaxLen(32).Default("").Comment("Perhaps of another server: a registry may serve several."),
		field.String("run_link").MaxLen(2048).Default("").Comment("Where that run can be seen, when it is of another server."),
		field.String("model_id").MaxLen(34).Default("").Comment("The logged model."),
		field.String("stage").MaxLen(64).Default("None").Comment("\"Deleted\" when it is."),
		field.Enum("status").Values("PENDING_REGISTRATION", "FAILED_REGISTRATION", "READY").Default("READY"),
		field.Text("status_message").Default(""),
		field.Text("description").Default(""),
		lifecycleStage(),
		field.Int64("created_at").Immutable(),
		field.Int64("updated_at"),
		principal("created_by"),
		principal("updated_by"),
	}
}

func (ModelVersion) Edges() []ent.Edge {
	return []ent.Edge{
		ownedBy(RegisteredModel.Type, "registered_model", "versions", "registered_model_id"),
		owns("tags", ModelVersionTag.Type),
		edge.To("manifest", ModelManifest.Type).Unique().Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

func (ModelVersion) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("registered_model_id", "version").Unique(),
		// The newest version in a stage is the end of a range.
		index.Fields("registered_model_id", "stage", "version"),
		index.Fields("updated_at"),
		index.Fields("run_id"),
		index.Fields("model_id"),
	}
}

// ModelVersionTag is a tag of a model version; the last write wins.
type ModelVersionTag struct{ ent.Schema }

func (ModelVersionTag) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "model_version_tags"}}
}

func (ModelVersionTag) Fields() []ent.Field {
	return []ent.Field{
		field.Int("model_version_id"), field.String("key").MaxLen(maxKeyLen), field.Text("value"), valuePrefix(),
	}
}

func (ModelVersionTag) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(ModelVersion.Type, "model_version", "tags", "model_version_id")}
}

func (ModelVersionTag) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("model_version_id", "key").Unique(),
		index.Fields("key", "value_prefix", "model_version_id").StorageKey("modelversiontag_search"),
	}
}

// ModelManifest is what the files MLmodel and requirements.txt of a version said when it was registered. It has a row of its
// own, since lists of versions do not need it and it may be large.
type ModelManifest struct{ ent.Schema }

func (ModelManifest) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "model_manifests"}}
}

func (ModelManifest) Fields() []ent.Field {
	return []ent.Field{
		field.Int("model_version_id"),
		field.Text("signature").Default("").Comment("JSON in one form, so that equal signatures are equal texts; empty when there is none."),
		field.Text("requirements").Default("").Comment("Lines of requirements.txt."),
		field.Text("problem").Default("").Comment("Why a file that is there was not understood."),
	}
}

func (ModelManifest) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("model_version", ModelVersion.Type).Ref("manifest").Field("model_version_id").Unique().Required(),
	}
}

// ModelAlias is a movable name for a version.
type ModelAlias struct{ ent.Schema }

func (ModelAlias) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "model_aliases"}}
}

func (ModelAlias) Fields() []ent.Field {
	return []ent.Field{
		field.Int("registered_model_id"),
		field.String("alias").MaxLen(maxKeyLen),
		field.Int("version"),
		field.Int64("updated_at"),
		principal("updated_by"),
	}
}

func (ModelAlias) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(RegisteredModel.Type, "registered_model", "aliases", "registered_model_id")}
}

func (ModelAlias) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("registered_model_id", "alias").Unique(), index.Fields("registered_model_id", "version"),
	}
}

// ModelRule is what a version must satisfy to come into a stage.
type ModelRule struct{ ent.Schema }

func (ModelRule) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "model_rules"}}
}

func (ModelRule) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id"),
		field.Int("registered_model_id"),
		field.String("stage").MaxLen(64),
		field.Enum("kind").Values("APPROVAL", "METRIC", "TAG", "SIGNATURE"),
		field.String("key").MaxLen(maxKeyLen).Default("").Comment("Of the metric or the tag."),
		field.Text("value").Optional().Nillable().Comment("The value that the tag must have; any when NULL."),
		field.Enum("goal").Values("MINIMIZE", "MAXIMIZE").Default("MAXIMIZE").Comment("Which direction of the metric is better."),
		field.Float("margin").Default(0).Comment("By how much better than that of the replaced version the metric must be; negative: it may be worse."),
		field.Int64("created_at"),
		principal("created_by"),
	}
}

func (ModelRule) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(RegisteredModel.Type, "registered_model", "rules", "registered_model_id")}
}

func (ModelRule) Indexes() []ent.Index {
	return []ent.Index{index.Fields("registered_model_id", "stage", "kind", "key").Unique()}
}

// ModelHistory is one entry of a registered model's history. Entries are only appended, and each holds the hash of the one
// before it, so that a changed history is found. They name the model by its internal id and by the name it had, and outlive
// its deletion: there is no foreign key.
type ModelHistory struct{ ent.Schema }

func (ModelHistory) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "model_history"}}
}

func (ModelHistory) Fields() []ent.Field {
	return []ent.Field{
		field.Int("registered_model_id").Immutable(),
		field.Int64("sequence").Immutable().Comment("1, 2, 3 … within the registered model."),
		field.String("model_name").MaxLen(maxModelNameLen).Immutable(),
		field.Enum("action").Immutable().
			Values("TRANSITION", "ROLLBACK", "DELETION", "APPROVAL", "WITHDRAWAL", "RULE", "RULE_REMOVAL", "RENAMING", "MODEL_DELETION"),
		field.Int("version").Immutable().Comment("0 when the entry is of the model as a whole."),
		field.String("from_stage").MaxLen(64).Immutable(),
		field.String("to_stage").MaxLen(64).Immutable().Comment("Of an approval or a rule, the stage that it is for."),
		field.Int64("restores").Default(0).Immutable().
			Comment("Of a rollback, the sequence of the transition by which the version had come into the stage."),
		field.Text("detail").Default("").Immutable().Comment("Of a rule, what it asks for; of a renaming, the name before."),
		field.Text("reason").Default("").Immutable(),
		field.String("principal").MaxLen(255).Immutable(),
		field.Int64("created_at").Immutable(),
		field.String("previous_hash").MaxLen(64).Immutable().Comment("Hash of the entry before; empty for the first."),
		field.String("hash").MaxLen(64).Immutable().Comment("SHA-256 over this entry's fields and the previous hash, hex."),
	}
}

func (ModelHistory) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("registered_model_id", "sequence").Unique(),
		index.Fields("registered_model_id", "to_stage", "sequence"),
		index.Fields("model_name"),
	}
}

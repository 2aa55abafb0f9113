package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Run is one execution whose params, metrics, tags, inputs and artifacts are recorded.
type Run struct{ ent.Schema }

func (Run) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "runs"}}
}

func (Run) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id"),
		field.String("run_id").MaxLen(32).Unique().Immutable().
			Comment("32 lower-case hex digits, chosen by the server or the client."),
		field.Int("experiment_id"),
		field.String("name").MaxLen(maxNameLen),
		field.Enum("status").Values("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED").Default("RUNNING"),
		field.Text("status_reason").Default("").
			Comment("Why the run has its status, where somebody said so: a lost heartbeat, a signal."),
		field.Int64("start_time"),
		field.Int64("end_time").Optional().Nillable(),
		lifecycleStage(),
		field.Int64("deleted_at").Optional().Nillable(),
		field.Bool("deleted_with_experiment").Default(false).
			Comment("Set when its experiment's deletion deleted the run, so that restoring the experiment restores it."),
		purging(),
		field.String("user_id").MaxLen(255).Default("").Comment("The user as the client names itself."),
		field.String("artifact_location"),
		field.String("parent_run_id").MaxLen(32).Default("").
			Comment("Follows the tag mlflow.parentRunId, which is how every client makes a child run."),
		field.Int64("metric_sequence").Default(0).
			Comment("Sequence of the run's newest metric batch, under the row's lock, so its order is commit order. On SQLite a " +
				"batch that is in metric_batches may be ahead of it."),
		field.Int64("log_sequence").Default(0).Comment("Sequence of the run's newest log chunk."),
		field.Int64("lease_expires_at").Optional().Nillable().
			Comment("When a run that sends heartbeats counts as killed; unset for clients that send none."),
		field.Int64("created_at").Immutable(),
		field.Int64("updated_at"),
		principal("created_by"),
		principal("updated_by"),
	}
}

func (Run) Edges() []ent.Edge {
	return []ent.Edge{
		ownedBy(Experiment.Type, "experiment", "runs", "experiment_id"),
		owns("params", Param.Type),
		owns("tags", RunTag.Type),
		owns("series", MetricSeries.Type),
		owns("log_chunks", RunLogChunk.Type),
		owns("clients", BatchClient.Type),
		owns("inputs", RunInput.Type),
		owns("outputs", RunOutput.Type),
		owns("artifacts", ArtifactReference.Type),
		edge.To("fingerprint", Fingerprint.Type).Unique().Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

func (Run) Indexes() []ent.Index {
	return []ent.Index{
		// The order of a list of runs: newest first.
		index.Fields("experiment_id", "lifecycle_stage", "start_time", "run_id").
			Annotations(entsql.DescColumns("start_time")).StorageKey("run_list"),
		index.Fields("experiment_id", "name"),
		index.Fields("experiment_id", "status"),
		index.Fields("parent_run_id"),
		index.Fields("lease_expires_at"),
	}
}

// Param is an input of a run; written once. Where the text is a number, the number is kept beside it for comparisons.
type Param struct{ ent.Schema }

func (Param) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "params"}}
}

func (Param) Fields() []ent.Field {
	return []ent.Field{
		field.Int("run_id"),
		field.Int("experiment_id"),
		field.String("key").MaxLen(maxKeyLen),
		field.Text("value"),
		field.Float("number").Optional().Nillable(),
		valuePrefix(),
		field.Bool("provisional").Default(false).
			Comment("Written by an autolog adapter: a value of the user's own replaces it."),
	}
}

func (Param) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(Run.Type, "run", "params", "run_id")}
}

func (Param) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("run_id", "key").Unique(),
		// Finds a value, as a number or as a text, and gives values in order, without a look at the table.
		index.Fields("experiment_id", "key", "number", "value_prefix", "run_id").StorageKey("param_search"),
	}
}

// RunTag is a key and a value on a run; the last write wins.
type RunTag struct{ ent.Schema }

func (RunTag) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "run_tags"}}
}

func (RunTag) Fields() []ent.Field {
	return []ent.Field{
		field.Int("run_id"),
		field.Int("experiment_id"),
		field.String("key").MaxLen(maxKeyLen),
		field.Text("value"),
		valuePrefix(),
		field.Bool("provisional").Default(false).
			Comment("Written by an autolog adapter: a value of the user's own replaces it."),
	}
}

func (RunTag) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(Run.Type, "run", "tags", "run_id")}
}

func (RunTag) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("run_id", "key").Unique(),
		// Finds a value, and gives values in order, without a look at the table.
		index.Fields("experiment_id", "key", "value_prefix", "run_id").StorageKey("runtag_search"),
	}
}

// RunLogChunk is a piece of a run's console output, in the order of its sequence.
type RunLogChunk struct{ ent.Schema }

func (RunLogChunk) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "run_log_chunks"}}
}

func (RunLogChunk) Fields() []ent.Field {
	return []ent.Field{
		field.Int("run_id"),
		field.Int64("sequence"),
		field.Enum("stream").Values("STDOUT", "STDERR"),
		field.Int64("created_at"),
		field.Bytes("data"),
	}
}

func (RunLogChunk) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(Run.Type, "run", "log_chunks", "run_id")}
}

func (RunLogChunk) Indexes() []ent.Index {
	return []ent.Index{index.Fields("run_id", "sequence").Unique()}
}

// BatchClient remembers how far each client of a run got. A client numbers what it sends 1, 2, 3 …; what is not beyond
// its last sequence was stored before and changes nothing when it comes again.
type BatchClient struct{ ent.Schema }

func (BatchClient) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "batch_clients"}}
}

func (BatchClient) Fields() []ent.Field {
	return []ent.Field{
		field.Int("run_id"),
		field.String("client").MaxLen(64),
		field.Int64("last_sequence"),
	}
}

func (BatchClient) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(Run.Type, "run", "clients", "run_id")}
}

func (BatchClient) Indexes() []ent.Index {
	return []ent.Index{index.Fields("run_id", "client").Unique()}
}

// Fingerprint is what a run was made of: code, data, dependencies, seeds, command and hardware, each with a hash of its
// own so that two runs can be compared part by part.
type Fingerprint struct{ ent.Schema }

func (Fingerprint) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "fingerprints"}}
}

func (Fingerprint) Fields() []ent.Field {
	hash := func(name string) ent.Field { return field.String(name).MaxLen(64).Default("") }
	return []ent.Field{
		field.Int("run_id"),
		hash("code_hash"), hash("data_hash"), hash("dependencies_hash"),
		hash("seeds_hash"), hash("command_hash"), hash("hardware_hash"),
		field.Text("detail").Comment("The facts that the hashes are of, as one JSON object with a member for each part."),
		field.Int64("created_at"),
	}
}

func (Fingerprint) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(Run.Type, "run", "fingerprint", "run_id")}
}

func (Fingerprint) Indexes() []ent.Index {
	return []ent.Index{index.Fields("code_hash")}
}

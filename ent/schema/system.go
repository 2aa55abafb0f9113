package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Token is a credential. Only the hash of its secret is kept.
type Token struct{ ent.Schema }

func (Token) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "tokens"}}
}

func (Token) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id"),
		field.String("name").MaxLen(100).NotEmpty().Unique(),
		field.String("secret_hash").MaxLen(64).Unique().Sensitive().Comment("SHA-256 of the secret, hex."),
		field.Enum("role").Values("VIEWER", "EDITOR", "ADMIN"),
		field.Int64("created_at").Immutable(),
		principal("created_by"),
		field.Int64("expires_at").Optional().Nillable(),
		field.Int64("revoked_at").Optional().Nillable(),
	}
}

// IdempotencyKey remembers what a creating mutation made, so that its repetition gives the same and makes nothing.
type IdempotencyKey struct{ ent.Schema }

func (IdempotencyKey) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "idempotency_keys"}}
}

func (IdempotencyKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("operation").MaxLen(64),
		field.String("key").MaxLen(255),
		field.String("request_hash").MaxLen(64).Comment("SHA-256 of the arguments: the same key with others is an error."),
		field.String("result_id").MaxLen(255),
		field.Int64("created_at").Immutable(),
	}
}

func (IdempotencyKey) Indexes() []ent.Index {
	return []ent.Index{index.Fields("operation", "key").Unique(), index.Fields("created_at")}
}

// PluginRelease is a published release of an autolog adapter.
type PluginRelease struct{ ent.Schema }

func (PluginRelease) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "plugin_releases"}}
}

func (PluginRelease) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").MaxLen(64),
		field.String("version").MaxLen(64),
		field.String("platform").MaxLen(64).Comment("GOOS/GOARCH, or \"any\"."),
		field.String("framework").MaxLen(255),
		field.String("framework_range").MaxLen(255).Comment("PEP 440 specifier."),
		field.String("sha256").MaxLen(64),
		field.Bytes("signature").Comment("ed25519 over the digest and the manifest."),
		field.String("signing_key").MaxLen(64).Comment("The public key, hex."),
		field.Int64("created_at").Immutable(),
		principal("created_by"),
	}
}

func (PluginRelease) Indexes() []ent.Index {
	return []ent.Index{index.Fields("name", "version", "platform").Unique()}
}

// Lease gives one replica a piece of work that must be done alone. The fencing token grows with every change of owner.
type Lease struct{ ent.Schema }

func (Lease) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "leases"}}
}

func (Lease) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").MaxLen(100).Unique(),
		field.String("owner").MaxLen(255),
		field.Int64("expires_at"),
		field.Int64("fencing_token"),
	}
}

// Change is the newest change of one entity. Its sequence comes from one counter that is incremented under a row lock in
// the changing transaction, so a reader that asks for what is beyond its cursor misses nothing. PURGED is, of an experiment, the
// newest of the changes that were removed together with their runs: who has not read as far misses some.
type Change struct{ ent.Schema }

func (Change) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "changes"}}
}

func (Change) Fields() []ent.Field {
	return []ent.Field{
		field.Enum("entity").Values("RUN", "MODEL_VERSION", "EXPERIMENT", "PURGED"),
		field.String("entity_id").MaxLen(255),
		field.Int("scope").Comment("The experiment of a run, the registered model of a version."),
		field.Int64("sequence").Unique(),
	}
}

func (Change) Indexes() []ent.Index {
	return []ent.Index{index.Fields("entity", "entity_id").Unique(), index.Fields("entity", "scope", "sequence")}
}

// ChangeSequence is the one-row counter behind Change.
type ChangeSequence struct{ ent.Schema }

func (ChangeSequence) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "change_sequence"}}
}

func (ChangeSequence) Fields() []ent.Field {
	return []ent.Field{field.Int("id"), field.Int64("value")}
}

// Package schema is Cairn's data model. Times are Unix milliseconds in UTC. Identifiers that users see (run ids, model
// ids, global ids) are columns of their own; the integer ids are internal and never leave the server.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
)

// maxKeyLen bounds the keys of params, metrics and tags, in bytes: MLflow allows 250 characters, which in UTF-8 are at
// most four bytes each.
const maxKeyLen = 1000

// maxNameLen bounds names of up to 500 characters, and maxShortLen words of up to 64, in bytes.
const (
	maxNameLen  = 2000
	maxShortLen = 256
)

// Lifecycle stages as MLflow names them.
const (
	stageActive  = "active"
	stageDeleted = "deleted"
)

func lifecycleStage() ent.Field {
	return field.Enum("lifecycle_stage").Values(stageActive, stageDeleted).Default(stageActive)
}

// purging is set when `cairn db gc` begins to remove what belongs to something that was deleted, little by little: from then
// on it is not restored any more.
func purging() ent.Field { return field.Bool("purging").Default(false) }

// principal names who wrote a row: "local:USER" or "token:NAME".
func principal(name string) ent.Field { return field.String(name).MaxLen(255).Default("") }

// owns is the edge from a whole to its parts: they go when the whole goes.
func owns(name string, typ any) ent.Edge {
	return edge.To(name, typ).Annotations(entsql.OnDelete(entsql.Cascade))
}

// ownedBy is the edge back from a part to its whole.
func ownedBy(typ any, name, ref, column string) ent.Edge {
	return edge.From(name, typ).Ref(ref).Field(column).Unique().Required()
}

// stringMap is a JSON object of strings. On PostgreSQL it is json, not jsonb: with binary parameters lib/pq sends bytes
// that jsonb does not take (lib/pq #528).
func stringMap(name string) ent.Field {
	return field.JSON(name, map[string]string{}).Optional().SchemaType(map[string]string{dialect.Postgres: "json"})
}

// valuePrefix is the beginning of a value, as store.ValuePrefix gives it: so much of it as an index can hold. Bytes, and not
// a text, since both databases order them alike, whatever language they were made for.
func valuePrefix() ent.Field { return field.Bytes("value_prefix").MaxLen(128) }

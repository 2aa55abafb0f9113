// Package schema is Cairn's data model. Times are Unix milliseconds in UTC. Identifiers that users see (run ids, model
// ids, global ids) are columns of their own; the integer ids are internal and never leave the server.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
)

// maxKeyLen bounds the keys of params, metrics and tags, in bytes: MLflow allows 250 characters, which in UTF-8 are at
// most four bytes each.
const maxKeyLen = 1000

// Lifecycle stages as MLflow names them.
const (
	stageActive  = "active"
	stageDeleted = "deleted"
)

func lifecycleStage() ent.Field {
	return field.Enum("lifecycle_stage").Values(stageActive, stageDeleted).Default(stageActive)
}

// principal names who wrote a row: "local:USER" or "token:NAME".
func principal(name string) ent.Field { return field.String(name).MaxLen(255).Default("") }

// ownedBy is the edge from a part to its whole: the part goes when the whole goes.
func ownedBy(typ any, name, ref, column string) ent.Edge {
	return edge.From(name, typ).Ref(ref).Field(column).Unique().Required().
		Annotations(entsql.OnDelete(entsql.Cascade))
}

package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// What the compactor makes of metric batches (docs/adr/0007). internal/metric has the formats of the payloads.

// givenID is an id that Cairn computes, so that rows are clustered by it and need no second index.
func givenID(comment string) ent.Field {
	no := false
	return field.Int64("id").Comment(comment).Annotations(entsql.Annotation{Incremental: &no})
}

// MetricChunk is a full chunk of the points of one series, in the order in which they came. It is never written again.
type MetricChunk struct{ ent.Schema }

func (MetricChunk) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "metric_chunks"}}
}

func (MetricChunk) Fields() []ent.Field {
	return []ent.Field{
		givenID("The series' id times 2^20 plus the chunk's number, from 0."),
		field.Int("run_id"),
		field.Int64("first_sequence").Comment("Of the batches whose points it has."),
		field.Int64("last_sequence"),
		field.Int8("step_scale").Default(0).Comment("Of min_step and max_step, and of the points."),
		field.Int64("min_step"),
		field.Int64("max_step"),
		field.Bytes("summary").Comment("The bucket that all its points make."),
		field.Bytes("payload"),
	}
}

func (MetricChunk) Indexes() []ent.Index { return []ent.Index{index.Fields("run_id", "last_sequence")} }

// MetricTail holds what does not fill a chunk yet, for a range of a run's keys: from first_key up to the next row's. The
// first row of a run begins at the empty key, so that every key lies in one.
type MetricTail struct{ ent.Schema }

func (MetricTail) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "metric_tails"}}
}

func (MetricTail) Fields() []ent.Field {
	return []ent.Field{
		field.Int("run_id"),
		field.String("first_key").MaxLen(maxKeyLen),
		field.Int64("sequence").Comment("Points of later batches, of these keys, are in their batches alone."),
		field.Int("points"),
		field.Bytes("payload"),
	}
}

func (MetricTail) Indexes() []ent.Index {
	return []ent.Index{index.Fields("run_id", "first_key").Unique()}
}

// MetricRollup has the buckets of one series, of all points that are in chunks and in its tail.
type MetricRollup struct{ ent.Schema }

func (MetricRollup) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "metric_rollups"}}
}

func (MetricRollup) Fields() []ent.Field {
	return []ent.Field{
		givenID("The series' id."),
		field.Int("chunks").Comment("How many full chunks the series has."),
		field.Bytes("payload"),
	}
}

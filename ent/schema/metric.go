package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// MetricSeries summarizes all points of one metric of one run. Searches and leaderboards read it, never the points.
//
// Steps are integers scaled by 10^step_scale: 0.25 at scale 2 is 25. Values are NULL where they are NaN, since SQLite has
// no NaN; the *_nan column tells a NaN from a series that has no such value. First and last are the least and the greatest
// point by (step, timestamp, value) of all that was ever stored; minimum and maximum ignore NaN.
type MetricSeries struct{ ent.Schema }

func (MetricSeries) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "metric_series"}}
}

func (MetricSeries) Fields() []ent.Field {
	value := func(name string) ent.Field { return field.Float(name).Optional().Nillable() }
	return []ent.Field{
		field.Int("run_id"),
		field.Int("experiment_id"),
		field.String("key").MaxLen(maxKeyLen),
		field.Enum("role").Values("RESULT", "MEASUREMENT").Default("RESULT"),
		field.Int8("step_scale").Default(0).Comment("Decimal places of the steps, 0 to 6."),
		field.Int64("count"),
		field.Int64("nan_count").Default(0),
		value("first_value"), field.Bool("first_nan").Default(false), field.Int64("first_step"), field.Int64("first_time"),
		value("last_value"), field.Bool("last_nan").Default(false), field.Int64("last_step"), field.Int64("last_time"),
		value("min_value"), field.Int64("min_step").Default(0),
		value("max_value"), field.Int64("max_step").Default(0),
		field.Bool("provisional").Default(false).
			Comment("Written by an autolog adapter: points of the user's own replace it."),
	}
}

func (MetricSeries) Edges() []ent.Edge {
	return []ent.Edge{ownedBy(Run.Type, "run", "series", "run_id")}
}

func (MetricSeries) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("run_id", "key").Unique(),
		// Finds and orders by the last value, which is nearly always asked for; of the least and the greatest, all of a key are
		// gone through, but nothing outside of the index.
		index.Fields("experiment_id", "key", "last_value", "run_id", "min_value", "max_value").StorageKey("metricseries_search"),
	}
}

// MetricBatch is one flush of points of a run, packed in columns (internal/metric has the format).
type MetricBatch struct{ ent.Schema }

func (MetricBatch) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "metric_batches"}}
}

func (MetricBatch) Fields() []ent.Field {
	return []ent.Field{
		givenID("The run's id times 2^34 plus the batch's sequence, from 1."),
		field.Int("points"),
		field.Int64("created_at"),
		field.Bytes("payload"),
	}
}

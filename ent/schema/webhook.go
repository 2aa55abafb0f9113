package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Webhook is who is told of events of the model registry.
type Webhook struct{ ent.Schema }

func (Webhook) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "webhooks"}}
}

func (Webhook) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id"),
		field.String("webhook_id").MaxLen(36).NotEmpty().Unique().Immutable(),
		field.String("name").MaxLen(63).NotEmpty(),
		field.Text("description").Default(""),
		field.String("url").MaxLen(2048).NotEmpty(),
		field.String("secret").MaxLen(1024).Sensitive().Default("").
			Comment("Signs what is sent, so it is kept as it is. It is never given out."),
		field.JSON("events", []string{}).SchemaType(map[string]string{dialect.Postgres: "json"}).
			Comment("\"model_version.created\" and the like, in their order."),
		field.Enum("status").Values("ACTIVE", "DISABLED").Default("ACTIVE"),
		field.Int64("created_at").Immutable(),
		field.Int64("updated_at"),
		principal("created_by"),
		principal("updated_by"),
	}
}

func (Webhook) Edges() []ent.Edge { return []ent.Edge{owns("deliveries", WebhookDelivery.Type)} }

func (Webhook) Indexes() []ent.Index { return []ent.Index{index.Fields("status")} }

// WebhookDelivery is an event that a webhook is still to be told of. It is written with what caused it, in one transaction, and goes when
// it was taken or given up.
type WebhookDelivery struct{ ent.Schema }

func (WebhookDelivery) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "webhook_deliveries"}}
}

func (WebhookDelivery) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id"),
		field.Int("webhook_row"),
		field.String("delivery_id").MaxLen(36).Unique().Immutable().Comment("The same in each attempt, so that a receiver can tell repetitions."),
		field.Text("body").Immutable(),
		field.Int("attempts").Default(0),
		field.Int64("next_at").Comment("When the next attempt is due, Unix milliseconds."),
		field.Int64("created_at").Immutable(),
	}
}

func (WebhookDelivery) Edges() []ent.Edge {
	return []ent.Edge{edge.From("webhook", Webhook.Type).Ref("deliveries").Field("webhook_row").Unique().Required()}
}

func (WebhookDelivery) Indexes() []ent.Index {
	return []ent.Index{index.Fields("next_at"), index.Fields("webhook_row", "id")}
}

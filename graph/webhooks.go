package graph

import (
	"context"
	"strings"

	"github.com/cairnml/cairn/ent"
	entwebhook "github.com/cairnml/cairn/ent/webhook"
	"github.com/cairnml/cairn/graph/model"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/webhook"
)

const defaultWebhooks = 100

// webhookID reads the id of a webhook, global or not.
func webhookID(id string) string { return strings.TrimPrefix(id, webhookPrefix) }

func (r *Resolver) listWebhooks(ctx context.Context, first *int, after *string) (*model.WebhookConnection, error) {
	found, cursors, more, err := r.Webhooks.Page(ctx, valueOr(first, defaultWebhooks), valueOr(after, ""))
	if err != nil {
		return nil, err
	}
	out := &model.WebhookConnection{Edges: make([]*model.WebhookEdge, len(found)), PageInfo: pageInfo(cursors, more, after)}
	for i, w := range found {
		out.Edges[i] = &model.WebhookEdge{Node: w, Cursor: cursors[i]}
	}
	return out, nil
}

func webhookEvents(names []string) ([]webhook.Event, error) {
	out := make([]webhook.Event, len(names))
	for i, name := range names {
		event, err := webhookEvent(name)
		if err != nil {
			return nil, inList(err, "events", i)
		}
		out[i] = event
	}
	return out, nil
}

func webhookEvent(name string) (webhook.Event, error) {
	entity, action, _ := strings.Cut(name, ".")
	return webhook.ParseEvent(entity, action)
}

func (r *Resolver) createWebhook(ctx context.Context, in model.CreateWebhookInput) (*ent.Webhook, error) {
	events, err := webhookEvents(in.Events)
	if err != nil {
		return nil, err
	}
	active := in.Status == entwebhook.StatusACTIVE
	return r.Webhooks.Create(ctx, webhook.Settings{
		Name: &in.Name, Description: &in.Description, URL: &in.URL, Secret: in.Secret, Events: events, Active: &active,
		IdempotencyKey: valueOr(in.IdempotencyKey, ""),
	})
}

func (r *Resolver) updateWebhook(ctx context.Context, in model.UpdateWebhookInput) (*ent.Webhook, error) {
	events, err := webhookEvents(in.Events)
	if err != nil {
		return nil, err
	}
	if in.Events != nil && len(events) == 0 {
		return nil, errs.Field("events", "name at least one event, or leave them out to keep those there are")
	}
	settings := webhook.Settings{Name: in.Name, Description: in.Description, URL: in.URL, Secret: in.Secret, Events: events}
	if in.Status != nil {
		active := *in.Status == entwebhook.StatusACTIVE
		settings.Active = &active
	}
	return r.Webhooks.Update(ctx, webhookID(in.WebhookID), settings)
}

func (r *Resolver) testWebhook(ctx context.Context, id string, event *string) (*model.WebhookTest, error) {
	var of webhook.Event
	if event != nil {
		var err error
		if of, err = webhookEvent(*event); err != nil {
			return nil, errs.Field("event", "%.80q is no event: there are those of CreateWebhookInput.events", *event)
		}
	}
	got, err := r.Webhooks.Test(ctx, webhookID(id), of)
	if err != nil {
		return nil, err
	}
	out := &model.WebhookTest{Success: got.Success, ResponseBody: got.Body, Problem: got.Problem}
	if got.Status != 0 {
		out.ResponseStatus = &got.Status
	}
	return out, nil
}

func (r *Resolver) findWebhook(ctx context.Context, id string) (*ent.Webhook, error) {
	return r.Webhooks.Get(ctx, webhookID(id))
}

func (r *Resolver) deleteWebhook(ctx context.Context, id string) (string, error) {
	id = webhookID(id)
	return id, r.Webhooks.Delete(ctx, id)
}

package mlflow

import (
	"github.com/cairnml/cairn/ent"
	entwebhook "github.com/cairnml/cairn/ent/webhook"
	"github.com/cairnml/cairn/internal/webhook"
)

// Bounds of a page of webhooks.
const defaultWebhookPage = 100

// webhookSettings reads what a webhook is made of, or what of it is changed.
func (c *call) webhookSettings() (webhook.Settings, error) {
	var in webhook.Settings
	err := c.decode(func(r *reader, key string) error {
		switch key {
		case "name":
			return r.optionalText(&in.Name)
		case "description":
			return r.optionalText(&in.Description)
		case "url":
			return r.optionalText(&in.URL)
		case "secret":
			return r.optionalText(&in.Secret)
		case "status":
			return r.webhookStatus(&in.Active)
		case "events":
			return r.array(func(int) error {
				event, err := r.webhookEvent()
				in.Events = append(in.Events, event)
				return err
			})
		}
		return r.skip()
	})
	return in, err
}

// webhookEvent reads an event, an object of entity and action.
func (r *reader) webhookEvent() (webhook.Event, error) {
	var entity, action string
	err := r.object(func(key []byte) error {
		switch string(key) {
		case "entity":
			return r.text(&entity)
		case "action":
			return r.text(&action)
		}
		return r.skip()
	})
	if err != nil {
		return "", err
	}
	return webhook.ParseEvent(entity, action) //nolint:wrapcheck // an error for users already
}

func (r *reader) webhookStatus(dst **bool) error {
	name, sent, err := r.enum()
	if name == "" || err != nil {
		return err
	}
	active := name == string(entwebhook.StatusACTIVE) || name == "1"
	if !active && name != string(entwebhook.StatusDISABLED) && name != "2" {
		return invalidValue(sent, r.where(), "it must be ACTIVE or DISABLED")
	}
	*dst = &active
	return nil
}

func (c *call) createWebhook() error {
	in, err := c.webhookSettings()
	if err != nil {
		return err
	}
	for name, value := range map[string]*string{"name": in.Name, "url": in.URL} {
		if value == nil || *value == "" {
			return missing(name)
		}
	}
	if len(in.Events) == 0 {
		return missing("events")
	}
	w, err := c.Webhooks.Create(c, in)
	if err != nil {
		return err
	}
	return c.answerWebhook(w)
}

func (c *call) getWebhook() error {
	w, err := c.Webhooks.Get(c, c.path)
	if err != nil {
		return err
	}
	return c.answerWebhook(w)
}

func (c *call) updateWebhook() error {
	in, err := c.webhookSettings()
	if err != nil {
		return err
	}
	w, err := c.Webhooks.Update(c, c.path, in)
	if err != nil {
		return err
	}
	return c.answerWebhook(w)
}

func (c *call) deleteWebhook() error { return c.Webhooks.Delete(c, c.path) }

func (c *call) answerWebhook(w *ent.Webhook) error {
	o := newObject(*c.out)
	o.raw("webhook", func(b []byte) []byte { return appendWebhook(b, w) })
	*c.out = o.end()
	return nil
}

func (c *call) listWebhooks() error {
	results, err := c.queryInteger("max_results")
	if err != nil {
		return err
	}
	first, err := page(results, defaultWebhookPage, webhook.MaxPage)
	if err != nil {
		return err
	}
	found, next, err := c.Webhooks.List(c, first, c.query("page_token"))
	if err != nil {
		return pageError(err)
	}
	o := newObject(*c.out)
	list(&o, "webhooks", found, appendWebhook)
	o.textIf("next_page_token", next)
	*c.out = o.end()
	return nil
}

func (c *call) testWebhook() error {
	var event webhook.Event
	err := c.decode(func(r *reader, key string) error {
		if key != "event" {
			return r.skip()
		}
		var err error
		event, err = r.webhookEvent()
		return err
	})
	if err != nil {
		return err
	}
	tested, err := c.Webhooks.Test(c, c.path, event)
	if err != nil {
		return err
	}
	o := newObject(*c.out)
	o.raw("result", func(b []byte) []byte {
		o := newObject(b)
		o.boolean("success", tested.Success)
		if tested.Status != 0 {
			o.integer("response_status", int64(tested.Status))
			o.text("response_body", tested.Body)
		}
		o.textIf("error_message", tested.Problem)
		return o.end()
	})
	*c.out = o.end()
	return nil
}

// appendWebhook writes a webhook. Its secret is never given out.
func appendWebhook(b []byte, w *ent.Webhook) []byte {
	o := newObject(b)
	o.text("webhook_id", w.WebhookID)
	o.text("name", w.Name)
	o.textIf("description", w.Description)
	o.text("url", w.URL)
	list(&o, "events", webhook.EventsOf(w), func(b []byte, e webhook.Event) []byte {
		o := newObject(b)
		o.text("entity", e.Entity())
		o.text("action", e.Action())
		return o.end()
	})
	o.text("status", string(w.Status))
	o.integer("creation_timestamp", w.CreatedAt)
	o.integer("last_updated_timestamp", w.UpdatedAt)
	return o.end()
}

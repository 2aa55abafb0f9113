package registry_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/webhook"
)

// TestWebhooksHearOfWhatHappened: once for each, in the order of the happening, and of nothing that was refused. What they are sent is
// internal/webhook's to test.
func TestWebhooksHearOfWhatHappened(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		hooks := webhook.New(db, webhook.Options{})
		w.Tell(hooks)
		name, url := "all", "https://8.8.8.8/"
		_, err := hooks.Create(ctx, webhook.Settings{Name: &name, URL: &url, Events: webhook.Events()})
		require.NoError(t, err)
		w.register("iris")
		_, err = w.CreateModel(ctx, registry.CreateModel{Name: "iris"})
		require.Error(t, err)
		_, err = w.SetAlias(ctx, "iris", "champion", 2)
		require.Error(t, err)
		waiting, err := db.Ent().WebhookDelivery.Query().All(ctx)
		require.NoError(t, err)
		require.Len(t, waiting, 2)
		require.Contains(t, waiting[0].Body, `"entity":"registered_model","action":"created"`)
		require.Contains(t, waiting[1].Body, `"entity":"model_version","action":"created"`)
	})
}

package mlflow_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

type webhookView struct {
	ID          string      `json:"webhook_id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	URL         string      `json:"url"`
	Events      []eventView `json:"events"`
	Status      string      `json:"status"`
	Created     int64       `json:"creation_timestamp"`
	Updated     int64       `json:"last_updated_timestamp"`
}

type eventView struct {
	Entity string `json:"entity"`
	Action string `json:"action"`
}

type oneWebhook struct {
	Webhook webhookView `json:"webhook"`
}

func TestWebhooks(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, token.RoleADMIN)
		require.Equal(t, "{}", w.get("webhooks").ok().body)
		hook := `{"name":"hook","url":"https://8.8.8.8/x","secret":"s3cret","description":"d","unknown":1,
			"events":[{"entity":"MODEL_VERSION","action":"CREATED"},{"entity":"MODEL_VERSION_ALIAS","action":"CREATED"}]}`
		made := w.post("webhooks", hook)
		require.NotContains(t, made.body, "s3cret")
		one := into[oneWebhook](made).Webhook
		require.Len(t, one.ID, 36)
		require.Equal(t, []eventView{{"MODEL_VERSION", "CREATED"}, {"MODEL_VERSION_ALIAS", "CREATED"}}, one.Events)
		require.Equal(t, "ACTIVE", one.Status)
		require.Equal(t, one, into[oneWebhook](w.get("webhooks/"+one.ID)).Webhook)
		other := into[oneWebhook](w.send(http.MethodPost, "/ajax-api/2.0/mlflow/webhooks", "application/json", hook)).Webhook
		type listed struct {
			Webhooks []webhookView `json:"webhooks"`
			Next     string        `json:"next_page_token"`
		}
		page := into[listed](w.get("webhooks?max_results=1"))
		require.Equal(t, []webhookView{other}, page.Webhooks)
		page = into[listed](w.get("webhooks?max_results=1&page_token=" + page.Next))
		require.Equal(t, []webhookView{one}, page.Webhooks)
		require.Empty(t, page.Next)
		changed := into[oneWebhook](w.json(http.MethodPatch, "webhooks/"+one.ID, `{"status":"DISABLED","name":"renamed","events":[]}`)).Webhook
		require.Equal(t, "renamed", changed.Name)
		require.Equal(t, "DISABLED", changed.Status)
		require.Equal(t, one.Events, changed.Events)
		w.json(http.MethodDelete, "webhooks/"+one.ID, `{}`).ok()
		w.get("webhooks/" + one.ID).notFound(one.ID)
		w.json(http.MethodDelete, "webhooks/"+one.ID, `{}`).notFound()
		w.json(http.MethodPatch, "webhooks/"+one.ID, `{}`).notFound()
		w.post("webhooks/"+one.ID+"/test", `{}`).notFound()

		for body, says := range map[string]string{
			`{}`:                                    "Missing value for required parameter",
			`{"name":"x","url":"https://8.8.8.8/"}`: "required parameter 'events'",
			`{"name":"x","url":"https://8.8.8.8/","events":[{}]}`:                                                              "is no event",
			`{"name":"x","url":"https://8.8.8.8/","events":[{"entity":"MODEL_VERSION","action":"DELETED"}]}`:                   "model_version.deleted",
			`{"name":"x","url":"https://8.8.8.8/","events":5}`:                                                                 "events",
			`{"name":"x","url":"https://8.8.8.8/","status":"ASLEEP","events":[{"entity":"MODEL_VERSION","action":"CREATED"}]}`: "ACTIVE or DISABLED",
			`{"name":"x y","url":"https://8.8.8.8/","events":[{"entity":"MODEL_VERSION","action":"CREATED"}]}`:                 "Webhook name",
			`{"name":"x","url":"https://169.254.169.254/","events":[{"entity":"MODEL_VERSION","action":"CREATED"}]}`:           "not on the public internet",
			`{"name":"x","url":"http://8.8.8.8/","events":[{"entity":"MODEL_VERSION","action":"CREATED"}]}`:                    "over https",
			`{"name":"x","url":"https://u:p@8.8.8.8/","events":[{"entity":"MODEL_VERSION","action":"CREATED"}]}`:               "a user or a password",
		} {
			w.post("webhooks", body).invalid(says)
		}
		w.post("webhooks", `{"name":"x","url":"https://8.8.8.8/","events":[{"entity":"PROMPT","action":"CREATED"}]}`).
			fails(http.StatusNotImplemented, "NOT_IMPLEMENTED", "no such events")
		w.get("webhooks?max_results=1001").invalid("max_results")
		w.get("webhooks?page_token=x").invalid("page_token")
		for _, path := range []string{"webhooks/", "webhooks/a/b", "webhooks/a/test/b"} {
			w.get(path).fails(http.StatusNotFound, "ENDPOINT_NOT_FOUND")
		}
	})
}

// TestWebhookTestCall lets the server call a receiver of this machine only where the operator allowed it.
func TestWebhookTestCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t), token.RoleADMIN)
	called := false
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	defer receiver.Close()
	w.post("webhooks", map[string]any{"name": "x", "url": receiver.URL, "events": []eventView{{"MODEL_VERSION", "CREATED"}}}).invalid("over https")
	one := into[oneWebhook](w.post("webhooks", map[string]any{
		"name": "x", "url": "http://127.0.0.1:1/x", "events": []eventView{{"MODEL_VERSION", "CREATED"}},
	})).Webhook
	require.JSONEq(t, `{"result":{"success":false,"error_message":"the host cannot be reached"}}`, w.post("webhooks/"+one.ID+"/test", `{}`).ok().body)
	w.post("webhooks/"+one.ID+"/test", `{"event":{"entity":"MODEL_VERSION","action":"EATEN"}}`).invalid("is no event")
	require.False(t, called)
}

// adminsRoutes are those that only an admin may call.
var adminsRoutes = [][2]string{
	{"GET", "webhooks"}, {"POST", "webhooks"}, {"GET", "webhooks/x"}, {"PATCH", "webhooks/x"}, {"DELETE", "webhooks/x"}, {"POST", "webhooks/x/test"},
}

// Webhooks let the server call others, so they are an admin's.
func TestWebhooksAreTheAdmins(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	w := newWorld(t, db, token.RoleEDITOR)
	for _, r := range adminsRoutes {
		w.json(r[0], r[1], "{}").fails(http.StatusForbidden, "PERMISSION_DENIED", "EDITOR", "ADMIN")
		newWorld(t, db, "").json(r[0], r[1], "{}").fails(http.StatusUnauthorized, "UNAUTHENTICATED")
	}
}

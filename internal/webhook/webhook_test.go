package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/internal/webhook"
)

var ctx = auth.With(context.Background(), auth.Principal{Name: "token:alice", Role: token.RoleADMIN})

// received is what a receiver got.
type received struct {
	header http.Header
	body   []byte
}

// receiver is a server that gets calls.
type receiver struct {
	*httptest.Server
	calls chan received

	mu     sync.Mutex
	answer http.HandlerFunc
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{calls: make(chan received, 100)}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(w, req)
		}
		r.calls <- received{req.Header, body}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(fn http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = fn
}

func (r *receiver) next(t *testing.T) received {
	t.Helper()
	select {
	case got := <-r.calls:
		return got
	case <-time.After(20 * time.Second):
		require.FailNow(t, "no call came")
		return received{}
	}
}

// world is a registry whose webhooks may call this machine.
type world struct {
	*webhook.Service
	db     *store.DB
	models *registry.Service
}

func newWorld(t *testing.T, db *store.DB, r *receiver) *world {
	t.Helper()
	allowed, err := webhook.ParseAllowed([]string{"127.0.0.1"})
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(r.Certificate())
	w := &world{Service: webhook.New(db, webhook.Options{Allowed: allowed, Roots: roots}), db: db}
	disk, err := artifact.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, disk.Close()) })
	w.models = registry.New(db, live.NewHub(), artifact.NewService(disk, db))
	w.models.Tell(w.Service)
	return w
}

// deliver sends what is due until the test ends, and tells what then waits.
func (w *world) deliver(t *testing.T) (stop func()) {
	t.Helper()
	running, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Deliver(running)
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func (w *world) waiting(t *testing.T) []*ent.WebhookDelivery {
	t.Helper()
	rows, err := w.db.Ent().WebhookDelivery.Query().All(ctx)
	require.NoError(t, err)
	return rows
}

// makeDue makes all that waits due, with so many attempts behind it.
func (w *world) makeDue(t *testing.T, attempts int) {
	t.Helper()
	require.NoError(t, w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.Ent().WebhookDelivery.Update().SetNextAt(0).SetAttempts(attempts).Exec(ctx)
	}))
}

func p[T any](v T) *T { return &v }

func (w *world) hook(t *testing.T, url string, events ...webhook.Event) *ent.Webhook {
	t.Helper()
	made, err := w.Create(ctx, webhook.Settings{Name: p("hook"), URL: &url, Secret: p("s3cret"), Events: events})
	require.NoError(t, err)
	return made
}

// TestEventsReachTheReceiver makes each event happen, and holds what comes against MLflow's form.
func TestEventsReachTheReceiver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newReceiver(t)
		w := newWorld(t, db, r)
		w.hook(t, r.URL+"/hook", webhook.Events()...)
		w.deliver(t)
		for _, step := range []struct {
			does func() error
			want string
		}{
			{func() error {
				_, err := w.models.CreateModel(ctx, registry.CreateModel{Name: "iris", Description: "of flowers", Tags: []tracking.Tag{{Key: "k", Value: "v"}}})
				return err
			}, `{"entity":"registered_model","action":"created","data":{"name":"iris","tags":{"k":"v"},"description":"of flowers"}}`},
			{func() error {
				_, err := w.models.CreateVersion(ctx, registry.CreateVersion{Name: "iris", Source: "s3://models/iris", Tags: []tracking.Tag{{Key: "sha", Value: "6c2da07"}}})
				return err
			}, `{"entity":"model_version","action":"created","data":{"name":"iris","version":"1","source":"s3://models/iris","run_id":null,"tags":{"sha":"6c2da07"},"description":null}}`},
			{func() error {
				_, err := w.models.SetVersionTags(ctx, "iris", 1, []tracking.Tag{{Key: "empty", Value: ""}})
				return err
			}, `{"entity":"model_version_tag","action":"set","data":{"name":"iris","version":"1","key":"empty","value":""}}`},
			{func() error {
				_, err := w.models.DeleteVersionTag(ctx, "iris", 1, "sha")
				return err
			}, `{"entity":"model_version_tag","action":"deleted","data":{"name":"iris","version":"1","key":"sha"}}`},
			{func() error {
				_, err := w.models.SetAlias(ctx, "iris", "champion", 1)
				return err
			}, `{"entity":"model_version_alias","action":"created","data":{"name":"iris","alias":"champion","version":"1"}}`},
			{func() error {
				_, err := w.models.DeleteAlias(ctx, "iris", "champion")
				return err
			}, `{"entity":"model_version_alias","action":"deleted","data":{"name":"iris","alias":"champion"}}`},
		} {
			require.NoError(t, step.does())
			got := r.next(t)
			var body map[string]any
			require.NoError(t, json.Unmarshal(got.body, &body))
			at, err := time.Parse(time.RFC3339, body["timestamp"].(string))
			require.NoError(t, err)
			require.WithinDuration(t, time.Now(), at, time.Minute)
			delete(body, "timestamp")
			rest, err := json.Marshal(body)
			require.NoError(t, err)
			require.JSONEq(t, step.want, string(rest))
			require.Equal(t, "application/json", got.header.Get("Content-Type"))
			mac := hmac.New(sha256.New, []byte("s3cret"))
			mac.Write([]byte(got.header.Get("X-MLflow-Delivery-Id") + "." + got.header.Get("X-MLflow-Timestamp") + "." + string(got.body)))
			require.Equal(t, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), got.header.Get("X-MLflow-Signature"))
		}
		require.Eventually(t, func() bool { return len(w.waiting(t)) == 0 }, 20*time.Second, 5*time.Millisecond)
		// What was not there changes nothing, and is no event.
		_, err := w.models.DeleteAlias(ctx, "iris", "champion")
		require.NoError(t, err)
		_, err = w.models.DeleteVersionTag(ctx, "iris", 1, "sha")
		require.NoError(t, err)
		require.Empty(t, w.waiting(t))
	})
}

// TestOnlyWhatIsWanted: other events, disabled webhooks, and what did not happen are told nobody.
func TestOnlyWhatIsWanted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newReceiver(t)
		w := newWorld(t, db, r)
		hook := w.hook(t, r.URL, webhook.AliasDeleted, webhook.ModelCreated, webhook.ModelCreated)
		require.Equal(t, []webhook.Event{webhook.AliasDeleted, webhook.ModelCreated}, webhook.EventsOf(hook))
		_, err := w.models.CreateVersion(ctx, registry.CreateVersion{Name: "iris", Source: "s3://models/iris", CreateModel: true})
		require.NoError(t, err)
		require.Len(t, w.waiting(t), 1, "the model, not the version")
		_, err = w.models.CreateModel(ctx, registry.CreateModel{Name: "iris"})
		require.True(t, errs.Is(err, errs.Exists))
		failed := errors.New("rolled back")
		err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			require.NoError(t, w.Tell(ctx, tx, webhook.Told{Event: webhook.ModelCreated, Data: webhook.Model{Name: "never"}}))
			return failed
		})
		require.ErrorIs(t, err, failed)
		_, err = w.Update(ctx, hook.WebhookID, webhook.Settings{Active: p(false)})
		require.NoError(t, err)
		_, err = w.models.CreateModel(ctx, registry.CreateModel{Name: "other"})
		require.NoError(t, err)
		require.Len(t, w.waiting(t), 1)
		w.deliver(t)
		require.Eventually(t, func() bool { return len(w.waiting(t)) == 0 }, 20*time.Second, 5*time.Millisecond, "what waited when it was disabled goes")
		require.Empty(t, r.calls)
	})
}

// TestFailedCallsAreRepeated: a receiver that fails is called again, later, with the same id; one that is gone is given up.
func TestFailedCallsAreRepeated(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newReceiver(t)
		w := newWorld(t, db, r)
		hook := w.hook(t, r.URL, webhook.ModelCreated)
		secretly := newReceiver(t)
		for _, name := range []string{"a", "b", "c"} {
			_, err := w.models.CreateModel(ctx, registry.CreateModel{Name: name})
			require.NoError(t, err)
		}
		require.Len(t, w.waiting(t), 3)
		r.answers(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) })
		stop := w.deliver(t)
		first := r.next(t).header.Get("X-MLflow-Delivery-Id")
		require.Eventually(t, func() bool {
			for _, d := range w.waiting(t) { // all wait, those that were not tried too
				if d.NextAt < time.Now().Add(2*time.Second).UnixMilli() {
					return false
				}
			}
			return true
		}, 20*time.Second, 5*time.Millisecond)
		r.answers(func(rw http.ResponseWriter, req *http.Request) {
			http.Redirect(rw, req, secretly.URL, http.StatusTemporaryRedirect)
		})
		w.makeDue(t, 1)
		require.Eventually(t, func() bool {
			for _, d := range w.waiting(t) {
				if d.DeliveryID == first {
					return d.Attempts == 2
				}
			}
			return false
		}, 20*time.Second, 5*time.Millisecond, "a redirect is a failure")
		require.Empty(t, secretly.calls, "redirects are not followed")
		stop()

		for len(r.calls) > 0 {
			<-r.calls
		}
		r.answers(nil)
		w.makeDue(t, 1)
		w.deliver(t)
		seen := map[string]bool{}
		for range 3 {
			seen[r.next(t).header.Get("X-MLflow-Delivery-Id")] = true
		}
		require.Len(t, seen, 3)
		require.True(t, seen[first], "the same id again")
		require.Eventually(t, func() bool { return len(w.waiting(t)) == 0 }, 20*time.Second, 5*time.Millisecond)

		r.answers(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusGone) })
		_, err := w.models.CreateModel(ctx, registry.CreateModel{Name: "last"})
		require.NoError(t, err)
		r.next(t)
		require.Eventually(t, func() bool { return w.waiting(t)[0].Attempts == 1 }, 20*time.Second, 5*time.Millisecond)
		w.makeDue(t, 100)
		r.next(t)
		require.Eventually(t, func() bool { return len(w.waiting(t)) == 0 }, 20*time.Second, 5*time.Millisecond, "given up")
		require.NoError(t, w.Delete(ctx, hook.WebhookID))
	})
}

func TestTestCall(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	r := newReceiver(t)
	w := newWorld(t, db, r)
	hook := w.hook(t, r.URL+"/x", webhook.AliasCreated)
	got, err := w.Test(ctx, hook.WebhookID, "")
	require.NoError(t, err)
	require.Equal(t, webhook.Tested{Success: true, Status: http.StatusOK}, got)
	require.Contains(t, string(r.next(t).body), `"action":"created","timestamp"`)
	for _, event := range webhook.Events() {
		got, err := w.Test(ctx, hook.WebhookID, event)
		require.NoError(t, err)
		require.True(t, got.Success)
		require.Contains(t, string(r.next(t).body), `"name":"example_model"`)
	}
	r.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusTeapot)
		_, _ = rw.Write([]byte(strings.Repeat("x", 100_000)))
	})
	got, err = w.Test(ctx, hook.WebhookID, webhook.ModelCreated)
	require.NoError(t, err)
	require.Equal(t, http.StatusTeapot, got.Status)
	require.Equal(t, "the receiver answered 418", got.Problem)
	require.Len(t, got.Body, 4<<10, "so much of it is read")

	distrusted := webhook.New(db, webhook.Options{Allowed: allow(t, "127.0.0.1")})
	got, err = distrusted.Test(ctx, hook.WebhookID, "")
	require.NoError(t, err)
	require.Equal(t, webhook.Tested{Problem: "the certificate of the host is not valid"}, got)
	narrowed := webhook.New(db, webhook.Options{})
	for len(r.calls) > 0 {
		<-r.calls
	}
	got, err = narrowed.Test(ctx, hook.WebhookID, "")
	require.NoError(t, err)
	require.Contains(t, got.Problem, "not on the public internet", "what was allowed once is checked anew")
	require.Empty(t, r.calls)
	r.Close()
	got, err = w.Test(ctx, hook.WebhookID, "")
	require.NoError(t, err)
	require.Equal(t, webhook.Tested{Problem: "the host cannot be reached"}, got)
	_, err = w.Test(ctx, "unknown", "")
	require.True(t, errs.Is(err, errs.NotFound))
}

func allow(t *testing.T, list ...string) webhook.Allowed {
	t.Helper()
	allowed, err := webhook.ParseAllowed(list)
	require.NoError(t, err)
	return allowed
}

func TestSettings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := webhook.New(db, webhook.Options{})
		good := webhook.Settings{Name: p("hook"), URL: p("https://8.8.8.8/x"), Events: []webhook.Event{webhook.ModelCreated}}
		for says, change := range map[string]func(s *webhook.Settings){
			"name: Webhook name":           func(s *webhook.Settings) { s.Name = p("-x") },
			"at most 63":                   func(s *webhook.Settings) { s.Name = p(strings.Repeat("x", 64)) },
			"needs a name":                 func(s *webhook.Settings) { s.Name = nil },
			"needs a name and a url":       func(s *webhook.Settings) { s.URL = nil },
			"url: ":                        func(s *webhook.Settings) { s.URL = p("https://127.0.0.1/") },
			"at most 2048":                 func(s *webhook.Settings) { s.URL = p("https://8.8.8.8/" + strings.Repeat("x", 2048)) },
			"events: name at least one":    func(s *webhook.Settings) { s.Events = nil },
			"secret: has 1025 bytes":       func(s *webhook.Settings) { s.Secret = p(strings.Repeat("x", 1025)) },
			"description: has 65537 bytes": func(s *webhook.Settings) { s.Description = p(strings.Repeat("x", 65537)) },
			"description: holds a NUL":     func(s *webhook.Settings) { s.Description = p("a\x00b") },
		} {
			in := good
			change(&in)
			_, err := w.Create(ctx, in)
			require.True(t, errs.Is(err, errs.Invalid), "%s: %v", says, err)
			require.Contains(t, err.Error(), says)
		}
		var ids []string
		for range 5 {
			made, err := w.Create(ctx, good)
			require.NoError(t, err)
			require.Equal(t, "token:alice", made.CreatedBy)
			ids = append(ids, made.WebhookID)
		}
		var seen []string
		for token, n := "", 0; n == 0 || token != ""; n++ {
			page, next, err := w.List(ctx, 2, token)
			require.NoError(t, err)
			for _, hook := range page {
				seen = append([]string{hook.WebhookID}, seen...)
			}
			token = next
		}
		require.Equal(t, ids, seen)
		for _, bad := range []string{"x", "dzA", "d3g", "!"} {
			_, _, err := w.List(ctx, 2, bad)
			require.True(t, errs.Is(err, errs.Invalid), bad)
		}
		changed, err := w.Update(ctx, ids[0], webhook.Settings{Description: p("of the team"), Events: []webhook.Event{webhook.AliasCreated}, Active: p(false)})
		require.NoError(t, err)
		require.Equal(t, "of the team", changed.Description)
		require.Equal(t, "hook", changed.Name)
		require.Equal(t, []webhook.Event{webhook.AliasCreated}, webhook.EventsOf(changed))
		require.EqualValues(t, "DISABLED", changed.Status)
		_, err = w.Update(ctx, ids[0], webhook.Settings{URL: p("https://[::1]/")})
		require.True(t, errs.Is(err, errs.Invalid))
		require.NoError(t, w.Delete(ctx, ids[0]))
		for _, err := range []error{
			w.Delete(ctx, ids[0]), second(w.Get(ctx, ids[0])), second(w.Update(ctx, ids[0], webhook.Settings{Name: p("x")})),
		} {
			require.True(t, errs.Is(err, errs.NotFound), "%v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestParseEvent(t *testing.T) {
	t.Parallel()
	for _, e := range webhook.Events() {
		got, err := webhook.ParseEvent(e.Entity(), e.Action())
		require.NoError(t, err)
		require.Equal(t, e, got)
	}
	_, err := webhook.ParseEvent("PROMPT", "CREATED")
	require.True(t, errs.Is(err, errs.Unsupported))
	for _, bad := range [][2]string{{"MODEL_VERSION", "EATEN"}, {"", ""}, {"X", "CREATED"}} {
		_, err := webhook.ParseEvent(bad[0], bad[1])
		require.True(t, errs.Is(err, errs.Invalid), bad)
	}
}

package webhook

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/cairnml/cairn/ent"
	entwebhook "github.com/cairnml/cairn/ent/webhook"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
)

// Bounds of webhooks.
const (
	MaxWebhooks    = 1000   // of a server
	MaxSecret      = 1024   // bytes
	MaxDescription = 65_536 // bytes
	MaxPage        = 1000
)

// Options say whom a service may call.
type Options struct {
	Allowed Allowed
	// Roots are the certificate authorities of receivers; nil for the system's.
	Roots *x509.CertPool
	Log   *slog.Logger
}

// Service keeps the webhooks of a database and tells them of events. All methods are safe for concurrent use, and return *errs.Error for
// what is the caller's fault.
type Service struct {
	db      *store.DB
	allowed Allowed
	client  *http.Client
	log     *slog.Logger
	due     chan struct{} // something may be due
}

// New makes the service. Deliver sends what is told.
func New(db *store.DB, options Options) *Service {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		db: db, allowed: options.Allowed, client: newClient(options.Allowed, options.Roots), log: options.Log, due: make(chan struct{}, 1),
	}
}

// Settings are what a webhook is made of, or what of it is changed: nil leaves a thing as it is.
type Settings struct {
	Name, Description, URL, Secret *string
	Events                         []Event
	Active                         *bool
	// IdempotencyKey, of Create alone: the same key with the same settings gives the webhook made the first time.
	IdempotencyKey string
}

// validName is MLflow's rule: at most 63 characters, the first and last a letter or digit.
var validName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// check checks what is given, and brings the events into their order, each once.
func (s *Service) check(ctx context.Context, in *Settings) error {
	if in.Name != nil && !validName.MatchString(*in.Name) {
		return errs.Field("name", "Webhook name %.80q is invalid: it must start and end with a letter or digit, be at most 63 characters long, and hold only letters, digits, '.', '_' and '-'", *in.Name)
	}
	for _, t := range []struct {
		field string
		text  *string
		limit int
	}{{"description", in.Description, MaxDescription}, {"secret", in.Secret, MaxSecret}} {
		if t.text == nil {
			continue
		}
		if len(*t.text) > t.limit {
			return errs.Field(t.field, "has %d bytes: at most %d are allowed", len(*t.text), t.limit)
		}
		if err := tracking.CheckText(t.field, *t.text); err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
	}
	if in.URL != nil {
		if err := tracking.CheckText("url", *in.URL); err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
		if _, err := s.allowed.checkURL(ctx, *in.URL); err != nil {
			return err
		}
	}
	slices.Sort(in.Events)
	in.Events = slices.Compact(in.Events)
	return nil
}

// Create makes a webhook. Name, URL and events are required. Exhausted when there are too many.
func (s *Service) Create(ctx context.Context, in Settings) (*ent.Webhook, error) {
	if in.Name == nil || in.URL == nil {
		return nil, errs.New(errs.Invalid, "a webhook needs a name and a url")
	}
	if len(in.Events) == 0 {
		return nil, errs.Field("events", "name at least one event")
	}
	if err := s.check(ctx, &in); err != nil {
		return nil, err
	}
	var out *ent.Webhook
	err := s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		id, err := store.Once(ctx, tx, "createWebhook", in.IdempotencyKey, in, func() (string, error) { return insert(ctx, tx, in) })
		if err != nil {
			return err //nolint:wrapcheck // wrapped by the package that gives it
		}
		out, err = tx.Ent().Webhook.Query().Where(entwebhook.WebhookID(id)).Only(ctx)
		return notFound(err, id)
	})
	return out, err //nolint:wrapcheck // wrapped above
}

func insert(ctx context.Context, tx *store.Tx, in Settings) (string, error) {
	n, err := tx.Ent().Webhook.Query().Count(ctx)
	if err != nil {
		return "", fmt.Errorf("count webhooks: %w", err)
	}
	if n >= MaxWebhooks {
		return "", errs.New(errs.Exhausted, "there are %d webhooks, the most that a server has: delete some", n)
	}
	id, at, by := uuid.NewString(), time.Now().UnixMilli(), auth.Name(ctx)
	row := tx.Ent().Webhook.Create().SetWebhookID(id).SetName(*in.Name).SetURL(*in.URL).SetEvents(texts(in.Events)).
		SetNillableDescription(in.Description).SetNillableSecret(in.Secret).SetCreatedAt(at).SetUpdatedAt(at).SetCreatedBy(by).SetUpdatedBy(by)
	if in.Active != nil {
		row.SetStatus(status(*in.Active))
	}
	if err := row.Exec(ctx); err != nil {
		return "", fmt.Errorf("create webhook: %w", err)
	}
	return id, nil
}

func status(active bool) entwebhook.Status {
	if active {
		return entwebhook.StatusACTIVE
	}
	return entwebhook.StatusDISABLED
}

func texts(events []Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = string(e)
	}
	return out
}

// EventsOf gives the events of a webhook.
func EventsOf(w *ent.Webhook) []Event {
	out := make([]Event, len(w.Events))
	for i, e := range w.Events {
		out[i] = Event(e)
	}
	return out
}

// Get gives a webhook. NotFound when there is none.
func (s *Service) Get(ctx context.Context, id string) (*ent.Webhook, error) {
	w, err := s.db.Ent().Webhook.Query().Where(entwebhook.WebhookID(id)).Only(ctx)
	return w, notFound(err, id)
}

func notFound(err error, id string) error {
	if ent.IsNotFound(err) {
		return errs.Wrap(errs.NotFound, err, "Webhook with ID %.60s not found", id)
	}
	if err != nil {
		return fmt.Errorf("read webhook: %w", err)
	}
	return nil
}

// List gives webhooks, the newest first, after a token that an earlier page gave; next is "" on the last page.
func (s *Service) List(ctx context.Context, first int, after string) (page []*ent.Webhook, next string, err error) {
	page, tokens, more, err := s.Page(ctx, first, after)
	if more {
		next = tokens[len(tokens)-1]
	}
	return page, next, err
}

// Page is List with a token for each webhook.
func (s *Service) Page(ctx context.Context, first int, after string) (page []*ent.Webhook, tokens []string, more bool, err error) {
	if first < 1 || first > MaxPage {
		return nil, nil, false, errs.Field("first", "is %d; it is from 1 to %d", first, MaxPage)
	}
	query := s.db.Ent().Webhook.Query().Order(ent.Desc(entwebhook.FieldID)).Limit(first + 1)
	if after != "" {
		below, err := readToken(after)
		if err != nil {
			return nil, nil, false, err
		}
		query.Where(entwebhook.IDLT(below))
	}
	if page, err = query.All(ctx); err != nil {
		return nil, nil, false, fmt.Errorf("list webhooks: %w", err)
	}
	if more = len(page) > first; more {
		page = page[:first]
	}
	for _, w := range page {
		tokens = append(tokens, base64.RawURLEncoding.EncodeToString([]byte("w"+strconv.Itoa(w.ID))))
	}
	return page, tokens, more, nil
}

func readToken(token string) (int, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		if digits, ok := strings.CutPrefix(string(raw), "w"); ok {
			if id, err := strconv.Atoi(digits); err == nil && id > 0 {
				return id, nil
			}
		}
	}
	return 0, errs.Field("after", "%.60q is not one that this call gave", token)
}

// Update changes a webhook. What is to be sent to it already is sent as it is set then.
func (s *Service) Update(ctx context.Context, id string, in Settings) (*ent.Webhook, error) {
	if err := s.check(ctx, &in); err != nil {
		return nil, err
	}
	var out *ent.Webhook
	err := s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		w, err := tx.Ent().Webhook.Query().Where(entwebhook.WebhookID(id)).Only(ctx)
		if err != nil {
			return notFound(err, id)
		}
		row := w.Update().SetNillableName(in.Name).SetNillableURL(in.URL).SetNillableDescription(in.Description).SetNillableSecret(in.Secret).
			SetUpdatedAt(max(time.Now().UnixMilli(), w.UpdatedAt)).SetUpdatedBy(auth.Name(ctx))
		if len(in.Events) > 0 {
			row.SetEvents(texts(in.Events))
		}
		if in.Active != nil {
			row.SetStatus(status(*in.Active))
		}
		if out, err = row.Save(ctx); err != nil {
			return fmt.Errorf("update webhook: %w", err)
		}
		return nil
	})
	return out, err //nolint:wrapcheck // wrapped above
}

// Delete removes a webhook, with what was still to be sent to it.
func (s *Service) Delete(ctx context.Context, id string) error {
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { //nolint:wrapcheck // wrapped below
		n, err := tx.Ent().Webhook.Delete().Where(entwebhook.WebhookID(id)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("delete webhook: %w", err)
		}
		if n == 0 {
			return notFound(&ent.NotFoundError{}, id)
		}
		return nil
	})
}

// Tested is what came of a test call.
type Tested struct {
	Success bool
	// Status and Body are the receiver's answer; the status is 0 when there was none.
	Status int
	Body   string
	// Problem says why it failed.
	Problem string
}

// Test calls a webhook once with an example of an event; "" for the first that it has. It is called also when it is disabled.
func (s *Service) Test(ctx context.Context, id string, event Event) (Tested, error) {
	w, err := s.Get(ctx, id)
	if err != nil {
		return Tested{}, err
	}
	if event == "" {
		event = Event(w.Events[0])
	}
	body, err := event.body(event.example())
	if err != nil {
		return Tested{}, fmt.Errorf("encode example: %w", err)
	}
	got, err := send(ctx, s.client, call{url: w.URL, secret: w.Secret, delivery: uuid.NewString(), body: body})
	if err != nil {
		s.log.InfoContext(ctx, "a test call of a webhook failed", "webhook", id, "error", err)
		return Tested{Problem: reason(got, err)}, nil
	}
	out := Tested{Success: got.taken(), Status: got.status, Body: got.body}
	if !out.Success {
		out.Problem = reason(got, nil)
	}
	return out, nil
}

package webhook

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/cairnml/cairn/ent"
	entwebhook "github.com/cairnml/cairn/ent/webhook"
	"github.com/cairnml/cairn/ent/webhookdelivery"
	"github.com/cairnml/cairn/internal/store"
)

const (
	// lookEvery is how often it is looked for what is due, when nothing wakes us: attempts that failed, and what other replicas told.
	lookEvery = 2 * time.Second
	// leaseTime is how long a replica that is gone keeps others from delivering.
	leaseTime = 20 * time.Second
	leaseName = "webhooks"
	// releaseTime bounds the return of the lease when the server stops.
	releaseTime = time.Second
	// atOnce bounds the calls at a time, and eachAtOnce those of one webhook: a receiver that does not answer holds up no other.
	atOnce     = 8
	eachAtOnce = 2
	// looked is how many that are due are looked at.
	looked = 64
	// maxWaiting bounds what waits for one webhook whose receiver does not answer. The oldest go first.
	maxWaiting = 10_000
)

// waits are between one attempt and the next: five hours in all, which is a night's outage of a receiver.
var waits = []time.Duration{
	5 * time.Second, 15 * time.Second, 45 * time.Second, 2 * time.Minute, 7 * time.Minute, 20 * time.Minute, time.Hour, 3*time.Hour + 30*time.Minute,
}

// Told is something that happened. Data is one of this package's types.
type Told struct {
	Event Event
	Data  any
}

// Tell stores what happened for all active webhooks that want it, in the transaction that causes it.
func (s *Service) Tell(ctx context.Context, tx *store.Tx, told ...Told) error {
	if len(told) == 0 {
		return nil
	}
	hooks, err := tx.Ent().Webhook.Query().Where(entwebhook.StatusEQ(entwebhook.StatusACTIVE)).
		Select(entwebhook.FieldID, entwebhook.FieldEvents).All(ctx)
	if err != nil {
		return fmt.Errorf("look up webhooks: %w", err)
	}
	at := time.Now().UnixMilli()
	for _, t := range told {
		body, err := t.Event.body(t.Data)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		for _, w := range hooks {
			if !slices.Contains(w.Events, string(t.Event)) {
				continue
			}
			err := tx.Ent().WebhookDelivery.Create().SetWebhookRow(w.ID).SetDeliveryID(uuid.NewString()).SetBody(string(body)).
				SetNextAt(at).SetCreatedAt(at).Exec(ctx)
			if err != nil {
				return fmt.Errorf("store event for webhook: %w", err)
			}
		}
	}
	if len(hooks) > 0 {
		tx.OnCommit(s.wake)
	}
	return nil
}

func (s *Service) wake() {
	select {
	case s.due <- struct{}{}:
	default:
	}
}

// Deliver sends what is due until ctx ends. Of several replicas one does at a time.
func (s *Service) Deliver(ctx context.Context) {
	owner := uuid.NewString()
	var lease store.Lease
	defer func() { s.release(ctx, lease) }()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		more, err := s.round(ctx, owner, &lease)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "cannot look for what webhooks are to be told", "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-s.due:
		case <-tick.C:
		}
	}
}

// release lets another replica deliver at once.
func (s *Service) release(ctx context.Context, lease store.Lease) {
	if lease.Owner == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	if err := s.db.Release(ctx, lease); err != nil {
		s.log.WarnContext(ctx, "cannot give back the lease of webhooks", "error", err)
	}
}

// round makes the attempts that are due, and tells whether more may be.
func (s *Service) round(ctx context.Context, owner string, lease *store.Lease) (more bool, err error) {
	found, err := s.db.Ent().WebhookDelivery.Query().Where(webhookdelivery.NextAtLTE(time.Now().UnixMilli())).
		Order(ent.Asc(webhookdelivery.FieldNextAt, webhookdelivery.FieldID)).Limit(looked).WithWebhook().All(ctx)
	if err != nil {
		return false, fmt.Errorf("look for deliveries: %w", err)
	}
	if len(found) == 0 {
		return false, nil
	}
	due := share(found)
	got, held, err := s.db.Acquire(ctx, leaseName, owner, leaseTime)
	if err != nil || !held {
		return false, err //nolint:wrapcheck // wrapped there
	}
	*lease = got
	var running sync.WaitGroup
	results := make([]result, len(due))
	for i, d := range due {
		running.Go(func() { results[i] = s.attempt(ctx, d) })
	}
	running.Wait()
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // what was taken is sent once more by the next server: receivers tell it by its id
	}
	return len(due) < len(found), s.settle(ctx, got, results)
}

// share takes, of what is due, what is sent now.
func share(found []*ent.WebhookDelivery) []*ent.WebhookDelivery {
	var out []*ent.WebhookDelivery
	taken := map[int]int{}
	for _, d := range found {
		if len(out) < atOnce && taken[d.WebhookRow] < eachAtOnce {
			taken[d.WebhookRow]++
			out = append(out, d)
		}
	}
	return out
}

// result is what came of an attempt.
type result struct {
	delivery *ent.WebhookDelivery
	// done: it was taken or is given up, and goes.
	done bool
	next time.Time
}

func (s *Service) attempt(ctx context.Context, d *ent.WebhookDelivery) result {
	w := d.Edges.Webhook
	if w.Status != entwebhook.StatusACTIVE {
		return result{delivery: d, done: true}
	}
	got, err := send(ctx, s.client, call{url: w.URL, secret: w.Secret, delivery: d.DeliveryID, body: []byte(d.Body)})
	if err == nil && got.taken() {
		return result{delivery: d, done: true}
	}
	log := s.log.With("webhook", w.WebhookID, "name", w.Name, "delivery", d.DeliveryID, "attempt", d.Attempts+1, "reason", reason(got, err))
	if d.Attempts >= len(waits) {
		log.ErrorContext(ctx, "a webhook was not told of an event: no attempt succeeded", "error", err)
		return result{delivery: d, done: true}
	}
	log.WarnContext(ctx, "a webhook could not be called", "error", err)
	wait := waits[d.Attempts]
	wait += time.Duration(rand.Int64N(int64(wait)/4 + 1)) //nolint:gosec // spreads calls, hides nothing
	return result{delivery: d, next: time.Now().Add(max(wait, got.again))}
}

// settle stores what came of attempts, unless another replica has taken over meanwhile.
func (s *Service) settle(ctx context.Context, lease store.Lease, results []result) error {
	return s.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { //nolint:wrapcheck // wrapped below
		if held, err := tx.Holds(ctx, lease); err != nil || !held {
			return err //nolint:wrapcheck // wrapped there
		}
		var done []int
		for _, r := range results {
			if r.done {
				done = append(done, r.delivery.ID)
				continue
			}
			// It may be gone with its webhook.
			err := tx.Ent().WebhookDelivery.Update().Where(webhookdelivery.ID(r.delivery.ID)).
				SetAttempts(r.delivery.Attempts + 1).Exec(ctx)
			if err != nil {
				return fmt.Errorf("store attempt: %w", err)
			}
			// What else waits for the webhook waits with it: a receiver that is gone is not tried for each event.
			next := r.next.UnixMilli()
			err = tx.Ent().WebhookDelivery.Update().Where(webhookdelivery.WebhookRow(r.delivery.WebhookRow), webhookdelivery.NextAtLT(next)).
				SetNextAt(next).Exec(ctx)
			if err != nil {
				return fmt.Errorf("put off deliveries: %w", err)
			}
			if err := s.bound(ctx, tx, r.delivery.WebhookRow); err != nil {
				return err
			}
		}
		if len(done) > 0 {
			if _, err := tx.Ent().WebhookDelivery.Delete().Where(webhookdelivery.IDIn(done...)).Exec(ctx); err != nil {
				return fmt.Errorf("remove deliveries: %w", err)
			}
		}
		return nil
	})
}

// bound drops the oldest of what waits for a webhook, when that is too much.
func (s *Service) bound(ctx context.Context, tx *store.Tx, webhook int) error {
	last, err := tx.Ent().WebhookDelivery.Query().Where(webhookdelivery.WebhookRow(webhook)).Order(ent.Desc(webhookdelivery.FieldID)).
		Offset(maxWaiting).Limit(1).IDs(ctx)
	if err != nil {
		return fmt.Errorf("count deliveries: %w", err)
	}
	if len(last) == 0 {
		return nil
	}
	n, err := tx.Ent().WebhookDelivery.Delete().Where(webhookdelivery.WebhookRow(webhook), webhookdelivery.IDLTE(last[0])).Exec(ctx)
	if err != nil {
		return fmt.Errorf("drop deliveries: %w", err)
	}
	s.log.ErrorContext(ctx, "too much waits for a webhook whose receiver does not answer: the oldest events were dropped", "dropped", n)
	return nil
}

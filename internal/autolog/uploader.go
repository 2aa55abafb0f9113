package autolog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

const (
	// maxBatch is how many points, params and tags go into one request.
	maxBatch   = 1000
	minBackoff = 100 * time.Millisecond
	maxBackoff = 5 * time.Second
	// maxFaults is how often the server may fail on the same request (not: be unreachable) before it counts as refused.
	maxFaults = 20
)

// uploader delivers the journal's ops in order. It reads them from disk, so a server that is down costs no memory.
type uploader struct {
	journal   *journal
	delivery  *delivery
	deliverer *deliverer
	log       *slog.Logger
	// refused is told of every op that the server refused for good.
	refused func(o op, err error)
	// freed is told how many bytes of blobs were removed.
	freed func(int64)

	mu      sync.Mutex
	state   uploadState
	changed chan struct{}
	kick    chan struct{}
	// arriving are runs of which something was sent, and not their end yet.
	arriving map[string]bool

	// limit is how many ops the next batch may have: it is halved to find an op that spoils a batch.
	limit  int
	faults int
}

// uploadState is how the delivery stands.
type uploadState struct {
	at cursor
	// failure is what the last attempt ended with; nil when it succeeded.
	failure error
	// attempts counts all attempts.
	attempts int
}

func newUploader(j *journal, d *delivery, to *deliverer, log *slog.Logger) *uploader {
	return &uploader{
		journal: j, delivery: d, deliverer: to, log: log, state: uploadState{at: d.at},
		changed: make(chan struct{}), kick: make(chan struct{}, 1), limit: maxBatch, arriving: map[string]bool{},
		refused: func(op, error) {}, freed: func(int64) {},
	}
}

// run delivers until the context ends. It returns early only when the spool itself cannot be read or written.
func (u *uploader) run(ctx context.Context) error {
	backoff := minBackoff
	for {
		ops, to, err := u.next()
		if errors.Is(err, io.EOF) {
			// No op lies before this place: it need not be looked through again.
			u.delivery.at = to
			select {
			case <-ctx.Done():
				return nil
			case <-u.journal.wait(to.Position):
				continue
			}
		}
		if err != nil {
			u.report(err)
			return err
		}
		err = u.deliver(ctx, ops, to)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // a request that was cut off is sent again by the next uploader
		}
		u.report(err)
		if err == nil {
			backoff = minBackoff
			continue
		}
		if errors.Is(err, errSpoolBroken) {
			return err
		}
		u.log.Debug("delivery failed", "error", err, "again_in", backoff)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff):
		case <-u.kick:
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

var errSpoolBroken = errors.New("the spool cannot be written")

// next reads what is to be sent: ops of one run that go into a batch, or one other op; and the place after them. io.EOF
// when everything was delivered.
func (u *uploader) next() ([]op, cursor, error) {
	at, until := u.delivery.at, cursor{}
	if u.delivery.plan != nil {
		until = u.delivery.plan.To
	}
	var ops []op
	for {
		payload, following, err := u.journal.read(at.Position)
		if err != nil {
			if errors.Is(err, io.EOF) && len(ops) > 0 {
				return ops, at, nil
			}
			return nil, at, err
		}
		e, err := decodeEntry(payload)
		if err != nil {
			return nil, at, err
		}
		if e.Ops != nil {
			for ; at.Index < len(e.Ops.Ops); at.Index++ {
				o := e.Ops.Ops[at.Index]
				full := len(ops) >= u.limit || until == at
				if len(ops) > 0 && (full || !o.batched() || o.Run != ops[0].Run) {
					return ops, at, nil
				}
				ops = append(ops, o)
				if !o.batched() {
					at.Index++
					return ops, at, nil
				}
			}
		}
		at = cursor{Position: following}
		if len(ops) > 0 && until == at {
			return ops, at, nil
		}
	}
}

// deliver sends ops and writes down that it did. An error is one that may pass: the same ops are to be sent again.
func (u *uploader) deliver(ctx context.Context, ops []op, to cursor) error {
	err := u.send(ctx, ops, to)
	if errors.Is(err, errSpoolBroken) || ctx.Err() != nil {
		return err
	}
	switch {
	case err == nil:
		u.limit, u.faults = maxBatch, 0
		return u.settle(ops, to, 0)
	case errors.Is(err, fs.ErrNotExist):
		// A blob that is gone does not come back.
	case client.Retryable(err) || errs.Is(err, errs.Unauthenticated) || errs.Is(err, errs.PermissionDenied):
		if errs.KindOf(err) != errs.Internal {
			u.faults = 0
			return err
		}
		if u.faults++; u.faults < maxFaults {
			return err
		}
	case ops[0].Kind == opCreateRun && ops[0].Parent == "":
		// Without its run everything after it would be refused too, and be lost. It is kept: the experiment may have been
		// deleted and can be restored, and exec says which rule it was.
		return err
	}
	u.faults = 0
	if len(ops) > 1 {
		// One of them spoils the batch: look for it in halves.
		u.limit = len(ops) / 2
		u.delivery.plan = nil
		return nil
	}
	u.log.Warn("the server refused a record", "kind", ops[0].Kind, "run", ops[0].Run, "error", err)
	if err := u.settle(ops, to, 1); err != nil {
		return err
	}
	u.refused(ops[0], err)
	return nil
}

func (u *uploader) send(ctx context.Context, ops []op, to cursor) error {
	first := ops[0]
	u.setArriving(first.Run, true)
	if !first.batched() && first.Kind != opLog {
		return u.deliverer.one(ctx, first, 0)
	}
	p := u.delivery.plan
	if p == nil || p.To != to {
		begun, err := u.delivery.begin(first.Run, to, first.Kind == opLog)
		if err != nil {
			return errors.Join(errSpoolBroken, err)
		}
		p = &begun
	}
	if first.Kind == opLog {
		return u.deliverer.one(ctx, first, p.Sequence)
	}
	return u.deliverer.batch(ctx, first.Run, ops, p.Sequence)
}

func (u *uploader) settle(ops []op, to cursor, rejected int) error {
	if err := u.delivery.done(to, rejected); err != nil {
		return errors.Join(errSpoolBroken, err)
	}
	for _, o := range ops {
		if o.Kind == opFinishRun {
			u.setArriving(o.Run, false)
		}
		u.freed(u.deliverer.forget(o))
	}
	return nil
}

func (u *uploader) report(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.state = uploadState{at: u.delivery.at, failure: err, attempts: u.state.attempts + 1}
	close(u.changed)
	u.changed = make(chan struct{})
}

func (u *uploader) status() (uploadState, <-chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state, u.changed
}

// drain waits until everything that was appended is delivered. It gives up, with the reason, after `tries` failed
// attempts in a row.
func (u *uploader) drain(ctx context.Context, tries int) error {
	end := u.journalEnd()
	failed, seen := 0, -1
	for {
		state, changed := u.status()
		if u.delivered(state.at, end) {
			now := u.journalEnd()
			if now == end {
				return nil
			}
			end = now // the word that a record was refused came after it
			continue
		}
		switch {
		case seen >= 0 && state.attempts > seen && state.failure != nil:
			failed++
		case state.failure == nil:
			failed = 0
		}
		seen = state.attempts
		if failed >= tries || errors.Is(state.failure, errSpoolBroken) {
			return state.failure
		}
		select {
		case u.kick <- struct{}{}:
		default:
		}
		select {
		case <-ctx.Done():
			if state.failure != nil {
				return state.failure
			}
			return fmt.Errorf("deliver: %w", ctx.Err())
		case <-changed:
		}
	}
}

func (u *uploader) journalEnd() int64 {
	u.journal.mu.Lock()
	defer u.journal.mu.Unlock()
	return u.journal.end
}

// delivered tells whether no op lies between a place and a position of the journal.
func (u *uploader) delivered(at cursor, end int64) bool {
	n, err := u.pending(at, end, 1)
	return err == nil && n == 0
}

// pending counts the ops between a place and a position, up to a limit.
func (u *uploader) pending(at cursor, end int64, limit int) (int, error) {
	n := 0
	for at.Position < end && n < limit {
		payload, following, err := u.journal.read(at.Position)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return n, err
		}
		e, err := decodeEntry(payload)
		if err != nil {
			return n, err
		}
		if e.Ops != nil {
			n += len(e.Ops.Ops) - min(at.Index, len(e.Ops.Ops))
		}
		at = cursor{Position: following}
	}
	return n, nil
}

// openSpool opens the journals of a spool.
func openSpool(dir string, limit int64) (*journal, *delivery, error) {
	for _, sub := range []string{blobsDir, filesDir} {
		if err := os.MkdirAll(dir+string(os.PathSeparator)+sub, 0o700); err != nil {
			return nil, nil, fmt.Errorf("make spool: %w", err)
		}
	}
	j, err := openJournal(dir+string(os.PathSeparator)+"journal", limit)
	if err != nil {
		return nil, nil, err
	}
	j.keepFree()
	d, err := openDelivery(dir + string(os.PathSeparator) + "delivery")
	if err != nil {
		return nil, nil, errors.Join(err, j.close())
	}
	return j, d, nil
}

const (
	blobsDir = "blobs"
	filesDir = "files"
)

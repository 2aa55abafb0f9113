package tracking

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/run"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Bounds of a run's lease, in seconds.
const (
	MinLease = 10
	MaxLease = 86_400
)

const reasonNoHeartbeat = "no heartbeat: the process was killed, or lost its connection"

func checkLease(seconds int) error {
	if seconds < MinLease || seconds > MaxLease {
		return errs.Field("leaseSeconds", "must be %d to %d, not %d", MinLease, MaxLease, seconds)
	}
	return nil
}

// Heartbeat says that a run is alive for so many seconds more. A run that was killed for want of a heartbeat comes back.
func (s *Service) Heartbeat(ctx context.Context, id string, leaseSeconds int) (*ent.Run, error) {
	if err := checkLease(leaseSeconds); err != nil {
		return nil, err
	}
	return s.changeRun(ctx, id, func(_ context.Context, _ *store.Tx, r *ent.Run, update *ent.RunUpdateOne) error {
		if err := mustBeActive(r); err != nil {
			return err
		}
		if r.Status == run.StatusKILLED && r.StatusReason == reasonNoHeartbeat {
			update.SetStatus(run.StatusRUNNING).SetStatusReason("").ClearEndTime()
		} else if Ended(r.Status) {
			return errs.New(errs.Conflict, "The run %s has ended: its status is %s", id, r.Status)
		}
		update.SetLeaseExpiresAt(now() + int64(leaseSeconds)*1000)
		return nil
	})
}

// ReapExpiredRuns gives runs whose lease ran out the status KILLED, and says how many there were. It is done under a lease of the
// server's own, and ends when another server has that.
func (s *Service) ReapExpiredRuns(ctx context.Context, lease store.Lease) (int, error) {
	ids, err := s.db.Ent().Run.Query().
		Where(run.LeaseExpiresAtLT(now()), run.StatusIn(run.StatusRUNNING, run.StatusSCHEDULED)).
		Order(run.ByLeaseExpiresAt()).Limit(1000).Select(run.FieldRunID).Strings(ctx)
	if err != nil {
		return 0, fmt.Errorf("list expired runs: %w", err)
	}
	reaped := 0
	for _, id := range ids {
		lost := false
		_, err := s.changeRun(ctx, id, func(ctx context.Context, tx *store.Tx, r *ent.Run, update *ent.RunUpdateOne) error {
			held, err := tx.Holds(ctx, lease)
			if lost = err == nil && !held; err != nil {
				return err //nolint:wrapcheck // wrapped by the store
			} else if lost {
				return errs.New(errs.Conflict, "another server does so now")
			}
			// It may have sent a heartbeat, or ended, since the list was read.
			if r.LeaseExpiresAt == nil || *r.LeaseExpiresAt >= now() || Ended(r.Status) {
				return errs.New(errs.Conflict, "alive")
			}
			update.SetStatus(run.StatusKILLED).SetStatusReason(reasonNoHeartbeat).
				SetEndTime(*r.LeaseExpiresAt).ClearLeaseExpiresAt()
			return nil
		})
		if err != nil && !errs.Is(err, errs.Conflict) {
			return reaped, err
		}
		if lost {
			return reaped, nil
		}
		if err == nil {
			reaped++
		}
	}
	return reaped, nil
}

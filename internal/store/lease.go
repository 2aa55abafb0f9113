package store

import (
	"context"
	"fmt"
	"time"
)

// Lease is the right to do a piece of background work, which one replica has at a time. It ends by itself when it is not
// renewed: a replica that hangs longer than the lease finds its fencing token outdated.
type Lease struct {
	Name, Owner string
	// Token grows with each change of the owner.
	Token int64
}

// Acquire takes a lease, or renews it when owner has it, for a time from now on. It gives false when another has it. The
// database's clock does not matter: replicas' clocks must agree within a fraction of the time.
//
// On SQLite this process is the only one, and has every lease.
func (db *DB) Acquire(ctx context.Context, name, owner string, ttl time.Duration) (Lease, bool, error) {
	lease := Lease{Name: name, Owner: owner}
	if !db.Postgres() {
		return lease, true, nil
	}
	now := time.Now().UnixMilli()
	held := false
	err := db.writeLease(ctx, name, func(ctx context.Context, tx *Tx) error {
		var err error
		held, err = tx.Scan(ctx, "INSERT INTO leases (name, owner, expires_at, fencing_token) VALUES (?, ?, ?, 1) "+
			"ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at, fencing_token = "+
			"leases.fencing_token + CASE WHEN leases.owner = excluded.owner THEN 0 ELSE 1 END "+
			"WHERE leases.owner = excluded.owner OR leases.expires_at < ? RETURNING fencing_token",
			[]any{name, owner, now + ttl.Milliseconds(), now}, &lease.Token)
		return err
	})
	if err != nil {
		return Lease{}, false, fmt.Errorf("acquire lease %s: %w", name, err)
	}
	return lease, held, nil
}

// Release gives a lease back, so that another need not wait for its end.
func (db *DB) Release(ctx context.Context, lease Lease) error {
	if !db.Postgres() {
		return nil
	}
	return db.writeLease(ctx, lease.Name, func(ctx context.Context, tx *Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE leases SET expires_at = 0 WHERE name = ? AND owner = ? AND fencing_token = ?",
			lease.Name, lease.Owner, lease.Token)
		return err //nolint:wrapcheck // wrapped by the writer
	})
}

// writeLease writes a lease's row in a lane of its own. Whoever works under a lease locks its row after others (Holds); a
// transaction that took it and then others' rows, with the requests that it shares, could wait for that one in a circle.
func (db *DB) writeLease(ctx context.Context, name string, fn WriteFunc) error {
	return db.leases.submit(&writeRequest{ctx: ctx, key: name, fn: fn, done: make(chan error, 1)})
}

// Holds tells, in a transaction that depends on it, whether a lease is still its owner's, and keeps others from taking it
// until the transaction ends.
func (tx *Tx) Holds(ctx context.Context, lease Lease) (bool, error) {
	if !tx.db.Postgres() {
		return true, nil
	}
	var token int64
	found, err := tx.Scan(ctx, "SELECT fencing_token FROM leases WHERE name = ? AND owner = ?"+tx.LockRow(), []any{lease.Name, lease.Owner}, &token)
	if err != nil {
		return false, fmt.Errorf("look up lease: %w", err)
	}
	return found && token == lease.Token, nil
}

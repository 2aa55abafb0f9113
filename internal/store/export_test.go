package store

import (
	"context"
	"time"
)

// Expect makes the writers wait for so many requests that run together, for so long.
func (db *DB) Expect(n int, patience time.Duration) {
	for _, w := range db.writers {
		w.mu.Lock()
		w.expected, w.cost, w.patience = n, 2*time.Hour, patience
		w.mu.Unlock()
	}
}

// Expected is how many requests the writer of a key expects together.
func (db *DB) Expected(key string) int {
	w := db.writer(key)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.expected
}

// Waiting is how many requests wait for the writer of a key.
func (db *DB) Waiting(key string) int {
	w := db.writer(key)
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}

// BreakWriter ends the connection of an idle writer in the middle of a transaction.
func (db *DB) BreakWriter(key string) error {
	w := db.writer(key)
	_, err := w.begin()
	w.disconnect()
	return err
}

// WatchCommits tells of each commit of the writers, from their next connection on, whether it was a relaxed one.
func (db *DB) WatchCommits(seen func(relaxed bool)) {
	for _, w := range db.writers {
		open := w.open
		w.open = func(ctx context.Context, db *DB) (writeConn, error) {
			conn, err := open(ctx, db)
			return watchedConn{conn, seen}, err
		}
		w.disconnect()
	}
}

type watchedConn struct {
	writeConn
	seen func(relaxed bool)
}

func (c watchedConn) commit(ctx context.Context, relaxed bool) error {
	c.seen(relaxed)
	return c.writeConn.commit(ctx, relaxed)
}

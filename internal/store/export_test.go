package store

import "time"

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

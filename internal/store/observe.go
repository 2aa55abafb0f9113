package store

import (
	"context"
	"database/sql"
	"time"
)

// Statement is one that was run.
type Statement struct {
	// Text has placeholders: no value that somebody stored.
	Text  string
	Began time.Time
	// Took is until its rows were read, or until its first row where its reader takes the others as it goes on.
	Took time.Duration
	Err  error
}

// Observer is told what a database does. It is called by who waits for the database: it must be quick.
type Observer interface {
	// Statement is called with the context of who asked; what the database does for itself has one of its own.
	Statement(ctx context.Context, s Statement)
	// Committed is called for each transaction with the number of requests that share it, and the time from its first statement on.
	Committed(requests int, took time.Duration)
}

// observe runs a statement and tells the observer of it.
func observe[T any](ctx context.Context, db *DB, text string, run func() (T, error)) (T, error) {
	if db.observer == nil {
		return run()
	}
	began := time.Now()
	out, err := run()
	db.observer.Statement(ctx, Statement{Text: text, Began: began, Took: time.Since(began), Err: err})
	return out, err
}

// Pool is the use of one of the pools of connections.
type Pool struct {
	Name string
	sql.DBStats
}

// Pools tells how the pools of connections are used.
func (db *DB) Pools() []Pool {
	pools := []Pool{{"read", db.read.Stats()}}
	if db.write != nil {
		pools = append(pools, Pool{"write", db.write.Stats()})
	}
	return pools
}

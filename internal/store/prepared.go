package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

const (
	// maxPrepared bounds the queries that the read side keeps prepared. Each of its connections may hold all of them.
	maxPrepared = 64
	// maxPreparedText keeps out queries whose text follows the number of their arguments: they hardly come again.
	maxPreparedText = 4 << 10
)

// prepared keeps the read side's queries prepared on SQLite, where to prepare a query often costs more than to run it. On
// PostgreSQL nothing is prepared, since behind a pooler the next query may come to another session.
type prepared struct {
	pool *sql.DB

	mu      sync.Mutex
	queries map[string]*preparedQuery
}

// preparedQuery is closed when it was dropped and nobody is about to run it. What runs already is database/sql's to end.
type preparedQuery struct {
	stmt    *sql.Stmt
	users   int
	dropped bool
}

func newPrepared(pool *sql.DB) *prepared {
	return &prepared{pool: pool, queries: map[string]*preparedQuery{}}
}

func (p *prepared) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	q, err := p.take(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := q.stmt.QueryContext(ctx, args...)
	p.release(q)
	return rows, err //nolint:wrapcheck // as database/sql's own methods give it
}

// take prepares a query, or finds it prepared. The caller gives it back by release.
func (p *prepared) take(ctx context.Context, text string) (*preparedQuery, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q, ok := p.queries[text]; ok {
		q.users++
		return q, nil
	}
	p.mu.Unlock()
	stmt, err := p.pool.PrepareContext(ctx, text)
	p.mu.Lock()
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	if q, ok := p.queries[text]; ok { // another was quicker
		q.users++
		_ = stmt.Close() //nolint:sqlclosecheck // what cannot be closed is closed with its connection
		return q, nil
	}
	for other, q := range p.queries {
		if len(p.queries) < maxPrepared {
			break
		}
		delete(p.queries, other)
		q.dropped = true
		if q.users == 0 {
			_ = q.stmt.Close() // what cannot be closed is closed with its connection
		}
	}
	q := &preparedQuery{stmt: stmt, users: 1}
	p.queries[text] = q
	return q, nil
}

func (p *prepared) release(q *preparedQuery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q.users--
	if q.dropped && q.users == 0 {
		_ = q.stmt.Close() // what cannot be closed is closed with its connection
	}
}

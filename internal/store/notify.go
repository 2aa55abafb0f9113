package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/lib/pq"
)

// MaxNotification bounds the payload of a notification, in bytes; it is PostgreSQL's own bound.
const MaxNotification = 7999

// Notify sends a payload to all who listen to a channel of the database. It is PostgreSQL's alone.
func (db *DB) Notify(ctx context.Context, channel, payload string) error {
	if _, err := db.write.ExecContext(ctx, "SELECT pg_notify($1, $2)", channel, payload); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// Listen gives the payloads that are sent to a channel, until ctx ends or the connection is lost; the error says why. It calls
// ready when it listens. It needs a connection of its own, which it opens by Config.DirectURL, if any: a pooler in transaction
// mode takes the command and brings nothing. It is PostgreSQL's alone.
func (db *DB) Listen(ctx context.Context, channel string, ready func(), receive func(payload string)) error {
	notifications := make(chan *pq.Notification, 64)
	conn, err := pq.NewListenerConn(db.direct, notifications)
	if err != nil {
		return describePostgres(err)
	}
	// It closes the channel when it has ended.
	defer func() {
		for range notifications { // so that what nobody reads does not keep it from its end
		}
	}()
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(closed); _ = conn.Close() }) // its one error is that it is closed
	defer func() {
		if stop() {
			_ = conn.Close() // as above
		} else {
			<-closed
		}
	}()
	if _, err := conn.Listen(channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	ready()
	for n := range notifications {
		if n != nil {
			receive(n.Extra)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return fmt.Errorf("listen: %w", errors.Join(errConn, conn.Err()))
}

// Changed is an entity with the number of its newest change.
type Changed struct {
	// Entity is "RUN", whose ID is the run's and whose Scope is its experiment, "EXPERIMENT", whose Scope it is itself, or
	// "MODEL_VERSION", whose Scope is the registered model.
	Entity, ID string
	Scope      int
	Sequence   int64
}

// ChangesBehind gives up to limit entities that changed behind a number, in the order of their newest changes.
func ChangesBehind(ctx context.Context, q Querier, after int64, limit int) ([]Changed, error) {
	var out []Changed
	err := EachRow(ctx, q, "SELECT entity, entity_id, scope, sequence FROM changes WHERE sequence > ? AND entity <> 'PURGED' ORDER BY sequence LIMIT ?",
		[]any{after, limit}, func(rows *sql.Rows) error {
			var c Changed
			err := rows.Scan(&c.Entity, &c.ID, &c.Scope, &c.Sequence)
			out = append(out, c)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	return out, nil
}

// ChangeHead is the number of the newest change.
func ChangeHead(ctx context.Context, q Querier) (int64, error) {
	heads, err := scanColumn[int64](ctx, q, "SELECT value FROM change_sequence WHERE id = 1")
	if err == nil && len(heads) != 1 {
		err = errors.New("the counter is missing")
	}
	if err != nil {
		return 0, fmt.Errorf("read the counter of changes: %w", err)
	}
	return heads[0], nil
}

// RunHead is how far what is appended to a run has come: the sequences of its newest metric batch and of its newest piece of
// console output.
type RunHead struct{ Metrics, Log int64 }

// RunHeads gives how far runs have come, by their ids.
func RunHeads(ctx context.Context, db *DB, runIDs []string) (map[string]RunHead, error) {
	out := make(map[string]RunHead, len(runIDs))
	for _, part := range Parts(runIDs) {
		condition, arg := AnyOf(db, "run_id", part)
		err := EachRow(ctx, db.Read(), "SELECT run_id, metric_sequence, log_sequence FROM runs WHERE "+condition, []any{arg}, func(rows *sql.Rows) error {
			var id string
			var head RunHead
			err := rows.Scan(&id, &head.Metrics, &head.Log)
			out[id] = head
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read runs: %w", err)
		}
	}
	return out, nil
}

// Identity tells this database from others, also when it is reached by another address. It holds nothing secret.
func (db *DB) Identity(ctx context.Context) (string, error) {
	var name string
	var made int64
	err := db.Read().QueryRowContext(ctx, "SELECT current_database(), MIN(applied_at) FROM schema_migrations").Scan(&name, &made)
	if err != nil {
		return "", fmt.Errorf("identify the database: %w", err)
	}
	return fmt.Sprintf("%s %d", name, made), nil
}

package live

import (
	"context"
	"time"

	"github.com/cairnml/cairn/internal/store"
)

// channel is that of PostgreSQL's notifications. A channel belongs to a database.
const channel = "cairn_live"

// Postgres is the bus of PostgreSQL's LISTEN and NOTIFY.
type Postgres struct{ db *store.DB }

// NewPostgres makes the bus of a PostgreSQL database.
func NewPostgres(db *store.DB) *Postgres { return &Postgres{db} }

// Name is "postgres".
func (p *Postgres) Name() string { return "postgres" }

// Send notifies.
func (p *Postgres) Send(ctx context.Context, message []byte) error {
	return p.db.Notify(ctx, channel, string(message)) //nolint:wrapcheck // wrapped by the store
}

// Listen listens on a connection of its own. PostgreSQL drops no message of it.
func (p *Postgres) Listen(ctx context.Context, ready, _ func(), receive func(message []byte)) error {
	return p.db.Listen(ctx, channel, ready, func(payload string) { receive([]byte(payload)) }) //nolint:wrapcheck // wrapped by the store
}

// Pace is slow: PostgreSQL commits notifications one after the other, in all of its databases.
func (p *Postgres) Pace() time.Duration { return 100 * time.Millisecond }

// MaxMessage is PostgreSQL's bound of a payload.
func (p *Postgres) MaxMessage() int { return store.MaxNotification }

// Close does nothing: the database is closed by who opened it.
func (p *Postgres) Close() {}

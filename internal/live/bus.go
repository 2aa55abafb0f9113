package live

import (
	"context"
	"time"
)

// Bus carries messages between the servers of one database. It may lose them: what is not told is found in the database.
type Bus interface {
	// Name is how operators call it.
	Name() string
	// Send gives a message to all servers that listen, this one included.
	Send(ctx context.Context, message []byte) error
	// Listen gives what is sent, one after the other, until ctx ends or the connection is lost; the error says why. It calls ready
	// once, when it listens; and missed when messages were dropped.
	Listen(ctx context.Context, ready, missed func(), receive func(message []byte)) error
	// Pace is the least time between two messages of a server: a message costs all servers some work.
	Pace() time.Duration
	// MaxMessage bounds a message, in bytes.
	MaxMessage() int
	// Close ends the bus, when nobody sends or listens any more.
	Close()
}

package server

import (
	"context"
	"net"
	"net/http"

	"github.com/cairnml/cairn/internal/waiting"
)

// maxArrivals bounds the connections that have not sent the whole head of a request yet. Each costs a descriptor and some 10 kB.
const maxArrivals = 2048

// arrivals is a listener whose connections wait in a room until their first request has come. Those that send nothing, or a
// letter a second, keep nobody out.
type arrivals struct {
	net.Listener
	room *waiting.Room
}

// arrival is a connection. It stays a *net.TCPConn in what net/http asks of it, so that files are sent by the kernel.
type arrival struct {
	*net.TCPConn
	leave func()
}

// Accept gives the next connection.
func (l arrivals) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	tcp, ok := conn.(*net.TCPConn)
	if err != nil || !ok {
		return conn, err //nolint:wrapcheck // net/http looks at what it is
	}
	return &arrival{tcp, l.room.Enter(func() { _ = tcp.Close() })}, nil
}

// Close ends the connection.
func (a *arrival) Close() error {
	a.leave()
	return a.TCPConn.Close() //nolint:wrapcheck // net/http looks at what it is
}

type arrivalKey struct{}

// withArrival is net/http's ConnContext.
func withArrival(ctx context.Context, conn net.Conn) context.Context {
	if a, ok := conn.(*arrival); ok {
		return context.WithValue(ctx, arrivalKey{}, a)
	}
	return ctx
}

// arrived notes that the connection of a request waits no more.
func arrived(r *http.Request) {
	if a, ok := r.Context().Value(arrivalKey{}).(*arrival); ok {
		a.leave()
	}
}

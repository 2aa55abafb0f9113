// Command go prints the newest runs, then each point of a metric of one run as it is logged, until the run has ended.
//
//	go run ./examples/clients/go RUN KEY        reads CAIRN_SERVER and CAIRN_TOKEN
//
// generated.go is genqlient's, from operations.graphql and the published schema.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/coder/websocket"
)

const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	maxEvent   = 64 << 20
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./examples/clients/go RUN KEY")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, runID, key string) error {
	server := os.Getenv("CAIRN_SERVER")
	if server == "" {
		server = "http://127.0.0.1:5000"
	}
	token := os.Getenv("CAIRN_TOKEN")
	newest, err := Newest(ctx, graphql.NewClient(server+"/graphql", bearer(token)), key)
	if err != nil {
		return fmt.Errorf("ask for the newest runs: %w", err)
	}
	for _, edge := range newest.Runs.Edges {
		fmt.Println("run", edge.Node.Name, edge.Node.Status)
	}
	f := follower{endpoint: "ws" + strings.TrimPrefix(server, "http") + "/graphql", token: token, run: runID, key: key}
	return f.follow(ctx)
}

// bearer sends a token with each request.
type bearer string

func (b bearer) Do(req *http.Request) (*http.Response, error) {
	if b != "" {
		req.Header.Set("Authorization", "Bearer "+string(b))
	}
	return http.DefaultClient.Do(req) //nolint:gosec,wrapcheck // the user's own server; http's own errors say enough
}

// follower reads the points of a run's metric, each once, also across connections that break.
type follower struct {
	endpoint, token, run, key string
	// cursor is that of the last event, behind which the next connection goes on.
	cursor *string
}

// errRefused is what the server says to a subscription that cannot be, of a run that is not there for example.
var errRefused = errors.New("refused")

// errBroken is a connection that ended before the subscription did.
var errBroken = errors.New("the connection broke")

func (f *follower) follow(ctx context.Context) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		before := f.cursor
		err := f.connect(ctx)
		if !errors.Is(err, errBroken) {
			return err
		}
		if f.cursor != before {
			pause = firstPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // it is the caller's own
		}
	}
}

// connect reads until the run has ended, or the connection breaks.
func (f *follower) connect(ctx context.Context) error {
	var options []graphql.WebSocketOption
	if f.token != "" {
		options = append(options, graphql.WithConnectionParams(map[string]any{"authorization": "Bearer " + f.token}))
	}
	var d dialer
	defer d.close()
	client := graphql.NewClientUsingWebSocket(f.endpoint, &d, options...)
	broken, err := client.Start(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	events, _, err := Follow(ctx, client, f.run, f.key, f.cursor)
	if err != nil {
		return fmt.Errorf("%w: %w", errBroken, err)
	}
	for {
		select {
		case event, more := <-events:
			switch {
			case !more:
				return nil // completed: the run has ended
			case event.Errors != nil:
				return fmt.Errorf("follow run %s: %w", f.run, event.Errors)
			}
			appended := event.Data.MetricsAppended
			for _, series := range appended.Series {
				for _, point := range series.Points {
					fmt.Println("point", point.Step, string(point.Value))
				}
			}
			f.cursor = &appended.Cursor
		case err := <-broken:
			if errors.Is(err, errRefused) {
				return fmt.Errorf("follow run %s: %w", f.run, err)
			}
			return fmt.Errorf("%w: %w", errBroken, err)
		}
	}
}

// dialer connects genqlient by coder/websocket. It closes the connection itself: WebSocketClient.Close of genqlient v0.8.1 panics
// when a subscription has been completed.
type dialer struct{ conn *conn }

func (d *dialer) close() {
	if d.conn != nil {
		_ = d.conn.Close()
	}
}

func (d *dialer) DialContext(ctx context.Context, url string, header http.Header) (graphql.WSConn, error) {
	c, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	c.SetReadLimit(maxEvent)
	d.conn = &conn{ctx: ctx, conn: c}
	return d.conn, nil
}

type conn struct {
	ctx  context.Context //nolint:containedctx // genqlient's interface has none
	conn *websocket.Conn
}

func (c *conn) Close() error {
	return c.conn.CloseNow() //nolint:wrapcheck // the library's own errors say enough, here and below
}

func (c *conn) WriteMessage(kind int, data []byte) error {
	return c.conn.Write(c.ctx, websocket.MessageType(kind), data) //nolint:wrapcheck // as above
}

func (c *conn) ReadMessage() (kind int, data []byte, err error) {
	read, data, err := c.conn.Read(c.ctx)
	if err != nil {
		return 0, nil, err //nolint:wrapcheck // as above
	}
	// genqlient v0.8.1 takes the message "error" for one that it cannot read.
	var message struct {
		Type    string
		Payload json.RawMessage
	}
	if json.Unmarshal(data, &message) == nil && message.Type == "error" {
		return 0, nil, fmt.Errorf("%w: %s", errRefused, message.Payload)
	}
	return int(read), data, nil
}

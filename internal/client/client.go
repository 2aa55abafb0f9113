package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const (
	// requestTimeout bounds a GraphQL request. The server answers within milliseconds; a database that is locked by a
	// backup may take longer.
	requestTimeout = 30 * time.Second
	// uploadTimeout bounds the upload of one file.
	uploadTimeout = time.Hour
	// maxErrorBody bounds what is read of an error's body.
	maxErrorBody = 4 << 10
)

// Client speaks to one server. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	token   string
	http    *http.Client
	graphql graphql.Client
}

// New makes a client. It does not connect. An Invalid error names a server that is no URL.
func New(config Config) (*Client, error) {
	base, err := config.parse()
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, token: config.Token, http: &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second, MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second,
			ForceAttemptHTTP2: true,
		},
		// A redirect could carry the token to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	c.graphql = graphql.NewClient(base.JoinPath("graphql").String(), doer{c})
	return c, nil
}

// Server is the server's URL, without credentials.
func (c *Client) Server() string {
	shown := *c.base
	shown.User = nil
	return shown.String()
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// MakeRequest sends a GraphQL request; the generated functions call it.
func (c *Client) MakeRequest(ctx context.Context, request *graphql.Request, response *graphql.Response) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return classify(c.graphql.MakeRequest(ctx, request, response), c.Server())
}

// Healthy tells whether the server answers GET /health.
func (c *Client) Healthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath("health").String(), http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	return c.send(request)
}

// PutArtifact stores a file as the artifact `path` of a run. A repetition replaces it by the same bytes.
func (c *Client) PutArtifact(ctx context.Context, runID, path, file string) error {
	return c.put(ctx, file, append([]string{"artifacts", runID}, strings.Split(path, "/")...))
}

// PutModelFile stores a file as `path` of a logged model.
func (c *Client) PutModelFile(ctx context.Context, modelID, path, file string) error {
	return c.put(ctx, file, append([]string{"artifacts", "models", modelID}, strings.Split(path, "/")...))
}

func (c *Client) put(ctx context.Context, file string, elements []string) error {
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	body, err := os.Open(file) //nolint:gosec // the caller's own file, to be uploaded
	if err != nil {
		return fmt.Errorf("open artifact: %w", err)
	}
	info, err := body.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("size of artifact: %w", err), body.Close())
	}
	escaped := make([]string, len(elements))
	for i, element := range elements {
		escaped[i] = url.PathEscape(element)
	}
	target := strings.TrimRight(c.base.String(), "/") + "/" + strings.Join(escaped, "/")
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, target, body)
	if err != nil {
		return errors.Join(fmt.Errorf("make upload: %w", err), body.Close())
	}
	request.ContentLength = info.Size()
	if info.Size() == 0 {
		// A body of unknown emptiness would be sent chunked.
		request.Body = http.NoBody
		defer func() { _ = body.Close() }()
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	return c.send(request)
}

// send does a request whose answer has nothing to read but the status.
func (c *Client) send(request *http.Request) error {
	c.authorize(request)
	response, err := c.http.Do(request)
	if err != nil {
		return classify(err, c.Server())
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	if err != nil {
		return classify(err, c.Server())
	}
	if response.StatusCode/100 != 2 {
		return classify(&graphql.HTTPError{StatusCode: response.StatusCode, Response: graphql.Response{
			Errors: gqlerror.List{{Message: messageOf(body)}}}}, c.Server())
	}
	return nil
}

func (c *Client) authorize(request *http.Request) {
	request.Header.Set("User-Agent", "cairn-client")
	if password, ok := c.base.User.Password(); ok {
		request.SetBasicAuth(c.base.User.Username(), password)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
}

type doer struct{ client *Client }

func (d doer) Do(request *http.Request) (*http.Response, error) {
	d.client.authorize(request)
	return d.client.http.Do(request) //nolint:gosec // the server is the user's choice
}

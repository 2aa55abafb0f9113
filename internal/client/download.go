package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/Khan/genqlient/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// GetArtifact writes the bytes at a downloadUrl, which is relative to the server's address, to a writer, and gives how
// many there were. An answer that is cut off is an error.
func (c *Client) GetArtifact(ctx context.Context, downloadURL string, to io.Writer) (int64, error) {
	size, _, err := c.get(ctx, downloadURL, func(http.Header) io.Writer { return to })
	return size, err
}

// Series is a file of metrics that was downloaded.
type Series struct {
	Size int64
	// Points is how many the series have.
	Points int64
	// Incomplete names series that lack points, since the server's database is damaged; empty when none does.
	Incomplete string
}

// GetMetricSeries writes the file at a metricSeriesUrl, as GetArtifact does. To is given the number of points first.
func (c *Client) GetMetricSeries(ctx context.Context, seriesURL string, to func(points int64) io.Writer) (Series, error) {
	var s Series
	size, trailer, err := c.get(ctx, seriesURL, func(header http.Header) io.Writer {
		s.Points, _ = strconv.ParseInt(header.Get("Cairn-Points"), 10, 64) // unknown is 0
		return to(s.Points)
	})
	s.Size, s.Incomplete = size, trailer.Get("Cairn-Incomplete")
	return s, err
}

// get writes an answer's body to what begin gives, and gives its size and what came behind it.
func (c *Client) get(ctx context.Context, address string, begin func(http.Header) io.Writer) (int64, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	relative, err := url.Parse(address)
	if err != nil || relative.IsAbs() || relative.Host != "" {
		// The token goes to this server and to no other.
		return 0, nil, fmt.Errorf("download: %q is not an address relative to the server", address)
	}
	target := *c.base
	target.User = nil
	full := target.JoinPath(relative.EscapedPath())
	full.RawQuery = relative.RawQuery
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, full.String(), http.NoBody)
	if err != nil {
		return 0, nil, fmt.Errorf("make download: %w", err)
	}
	c.authorize(request)
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, classify(err, c.Server())
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
		return 0, nil, errors.Join(err, classify(&graphql.HTTPError{StatusCode: response.StatusCode, Response: graphql.Response{
			Errors: gqlerror.List{{Message: messageOf(body)}}}}, c.Server()))
	}
	size, err := io.Copy(begin(response.Header), response.Body)
	if err != nil {
		return size, nil, fmt.Errorf("download from %s: %w", c.Server(), err)
	}
	return size, response.Trailer, nil
}

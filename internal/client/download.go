package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/Khan/genqlient/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// GetArtifact writes the bytes at a downloadUrl, which is relative to the server's address, to a writer, and gives how
// many there were. An answer that is cut off is an error.
func (c *Client) GetArtifact(ctx context.Context, downloadURL string, to io.Writer) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	relative, err := url.Parse(downloadURL)
	if err != nil || relative.IsAbs() || relative.Host != "" {
		// The token goes to this server and to no other.
		return 0, fmt.Errorf("download: %q is not an address relative to the server", downloadURL)
	}
	target := *c.base
	target.User = nil
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.JoinPath(relative.EscapedPath()).String(), http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("make download: %w", err)
	}
	c.authorize(request)
	response, err := c.http.Do(request)
	if err != nil {
		return 0, classify(err, c.Server())
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
		return 0, errors.Join(err, classify(&graphql.HTTPError{StatusCode: response.StatusCode, Response: graphql.Response{
			Errors: gqlerror.List{{Message: messageOf(body)}}}}, c.Server()))
	}
	size, err := io.Copy(to, response.Body)
	if err != nil {
		return size, fmt.Errorf("download from %s: %w", c.Server(), err)
	}
	return size, nil
}

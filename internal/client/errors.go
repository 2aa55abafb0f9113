package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Khan/genqlient/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cairnml/cairn/internal/errs"
)

// Retryable tells whether the same request may succeed later: the server was not reached, was busy, or failed itself.
func Retryable(err error) bool {
	switch errs.KindOf(err) {
	case errs.Unavailable, errs.Exhausted, errs.Internal:
		return err != nil
	}
	return false
}

// classify turns what a request ended with into an *errs.Error; nil stays nil.
func classify(err error, server string) error {
	if err == nil {
		return nil
	}
	var status *graphql.HTTPError
	if errors.As(err, &status) {
		kind, message := ofStatus(status.StatusCode), http.StatusText(status.StatusCode)
		if len(status.Response.Errors) > 0 {
			message = status.Response.Errors[0].Message
			if code, ok := status.Response.Errors[0].Extensions["code"].(string); ok && known[errs.Kind(code)] {
				kind = errs.Kind(code)
			}
		}
		return errs.Wrap(kind, err, "%s answered %d: %s", server, status.StatusCode, message)
	}
	var list gqlerror.List
	if errors.As(err, &list) && len(list) > 0 {
		kind := errs.Internal
		if code, ok := list[0].Extensions["code"].(string); ok {
			if known[errs.Kind(code)] {
				kind = errs.Kind(code)
			} else if strings.HasPrefix(code, "GRAPHQL_") {
				kind = errs.Invalid
			}
		}
		// The message begins with the field, for who shows nothing else; an *errs.Error puts it there itself.
		field, _ := list[0].Extensions["field"].(string)
		e := errs.Wrap(kind, err, "%s", strings.TrimPrefix(list[0].Message, field+": "))
		e.Field = field
		return e
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("request to %s: %w", server, err)
	}
	return errs.Wrap(errs.Unavailable, err, "cannot reach %s: %v", server, rootCause(err))
}

var known = map[errs.Kind]bool{
	errs.Invalid: true, errs.NotFound: true, errs.Exists: true, errs.Conflict: true, errs.Unauthenticated: true,
	errs.PermissionDenied: true, errs.Exhausted: true, errs.Unavailable: true, errs.Unsupported: true, errs.Internal: true,
}

func ofStatus(code int) errs.Kind {
	switch code {
	case http.StatusUnauthorized:
		return errs.Unauthenticated
	case http.StatusForbidden:
		return errs.PermissionDenied
	case http.StatusNotFound:
		return errs.NotFound
	case http.StatusConflict:
		return errs.Conflict
	case http.StatusTooManyRequests:
		return errs.Exhausted
	case http.StatusNotImplemented:
		return errs.Unsupported
	case http.StatusRequestTimeout, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return errs.Unavailable
	}
	if code >= 500 {
		return errs.Internal
	}
	return errs.Invalid
}

// rootCause drops the layers that repeat the URL.
func rootCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

// messageOf reads the message of an error's body, JSON or text.
func messageOf(body []byte) string {
	var shaped struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(body, &shaped) == nil && shaped.Message+shaped.Error != "" {
		return shaped.Message + shaped.Error
	}
	return strings.TrimSpace(string(body))
}

package mlflow

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// code is what a client reads of an error: MLflow's name for it, and the HTTP status.
type code struct {
	name   string
	status int
}

// codes is the one table from the core's kinds to MLflow's codes. Conflict has the code of wrong input, as MLflow answers
// a param that changes or a run that is deleted. No user error is a 5xx: clients would send it again for minutes.
var codes = map[errs.Kind]code{
	errs.Invalid:          {"INVALID_PARAMETER_VALUE", http.StatusBadRequest},
	errs.NotFound:         {"RESOURCE_DOES_NOT_EXIST", http.StatusNotFound},
	errs.Exists:           {"RESOURCE_ALREADY_EXISTS", http.StatusBadRequest},
	errs.Conflict:         {"INVALID_PARAMETER_VALUE", http.StatusBadRequest},
	errs.Unauthenticated:  {"UNAUTHENTICATED", http.StatusUnauthorized},
	errs.PermissionDenied: {"PERMISSION_DENIED", http.StatusForbidden},
	errs.Exhausted:        {"INVALID_PARAMETER_VALUE", http.StatusRequestEntityTooLarge},
	errs.Unavailable:      {"TEMPORARILY_UNAVAILABLE", http.StatusServiceUnavailable},
	errs.Unsupported:      {"NOT_IMPLEMENTED", http.StatusNotImplemented},
	errs.Damaged:          {"DATA_LOSS", http.StatusGone}, // not a 5xx: another try finds the same
	errs.Internal:         {"INTERNAL_ERROR", http.StatusInternalServerError},
}

// Errors of the protocol itself, which the core does not know, and the code of the registry's conflicts.
var (
	errNoRoute   = code{"ENDPOINT_NOT_FOUND", http.StatusNotFound}
	errBadMethod = code{"BAD_REQUEST", http.StatusMethodNotAllowed}
	errConflict  = code{"RESOURCE_CONFLICT", http.StatusConflict}
)

// conflictError is a conflict that the client must be able to tell from wrong input: a rule that a transition breaks, a
// deleted run.
type conflictError struct{ error }

func (e *conflictError) Unwrap() error { return e.error }

// invalidValue is the error about a parameter, in the words that MLflow's users know. The value is as it was sent.
func invalidValue(value, parameter, rule string) *errs.Error {
	return errs.New(errs.Invalid, "Invalid value %s for parameter '%s' supplied: %s", echo([]byte(value)), parameter, rule)
}

// missing is the error about a required parameter that is absent or empty.
func missing(parameter string) *errs.Error {
	return errs.New(errs.Invalid, "Missing value for required parameter '%s'", parameter)
}

// renamed gives an error of the core the parameter's name that the call has.
func renamed(err error, name func(core string) string) error {
	var e *errs.Error
	if !errors.As(err, &e) || e.Field == "" {
		return err
	}
	copied := *e
	copied.Field = name(e.Field)
	return &copied
}

// alone renames the parameters of a batch of one to those of the call that takes one: "params[0].key" to "key".
func alone(prefix string, err error) error {
	return renamed(err, func(core string) string { return strings.TrimPrefix(core, prefix) })
}

// describe gives code and message of any error. What is not of the core's kinds says nothing of itself.
func describe(err error) (code, string) {
	var e *errs.Error
	if !errors.As(err, &e) || e.Kind == errs.Internal {
		return codes[errs.Internal], "Internal error; the server's log has its cause"
	}
	c, ok := codes[e.Kind]
	if !ok {
		c = codes[errs.Internal]
	}
	var conflict *conflictError
	if errors.As(err, &conflict) {
		c = errConflict
	}
	if e.Field != "" && e.Kind == errs.Invalid {
		return c, "Invalid value for parameter '" + e.Field + "' supplied: " + e.Message
	}
	return c, e.Message
}

// writeError answers a failed request.
func writeError(ctx context.Context, w http.ResponseWriter, log *slog.Logger, r *http.Request, err error) {
	c, message := describe(err)
	if c.status >= http.StatusInternalServerError && c.status != http.StatusNotImplemented {
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return // nobody is there to read an answer
		}
		log.ErrorContext(ctx, "MLflow request failed", "method", r.Method, "path", r.URL.Path, "error", err, "cause", errors.Unwrap(err))
	}
	writeCode(w, c, message)
}

// Challenge says how MLflow's clients authenticate: by a token as bearer, or as the password of Basic.
func Challenge(header http.Header) {
	header["Www-Authenticate"] = []string{`Bearer realm="cairn"`, `Basic realm="cairn"`}
}

func writeCode(w http.ResponseWriter, c code, message string) {
	body := append([]byte(nil), `{"error_code":`...)
	body = appendString(body, c.name)
	body = append(body, `,"message":`...)
	body = appendString(body, message)
	body = append(body, '}')
	if c.status == http.StatusUnauthorized {
		Challenge(w.Header())
	}
	writeJSON(w, c.status, body)
}

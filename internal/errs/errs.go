// Package errs has the kinds of errors that Cairn tells its users about. Core packages return them; each shell (GraphQL,
// REST, command line) has one table from kinds to its own codes. Whatever is not of this package is internal: it is
// logged with its cause and shown as "internal error".
package errs

import (
	"errors"
	"fmt"
)

// Kind says what sort of error it is, in the words of the GraphQL API.
type Kind string

// The kinds, and when each is used.
const (
	Invalid          Kind = "INVALID_ARGUMENT"   // what was asked breaks a rule, whatever the state
	NotFound         Kind = "NOT_FOUND"          // what was named is not there
	Exists           Kind = "ALREADY_EXISTS"     // what was to be made is there
	Conflict         Kind = "CONFLICT"           // the state forbids it: deleted, written once, changed meanwhile
	Unauthenticated  Kind = "UNAUTHENTICATED"    // no valid credential
	PermissionDenied Kind = "PERMISSION_DENIED"  // a valid credential of too low a role
	Exhausted        Kind = "RESOURCE_EXHAUSTED" // over a bound that protects the server
	Unavailable      Kind = "UNAVAILABLE"        // cannot be done now; try again
	Unsupported      Kind = "UNIMPLEMENTED"      // a part of a foreign API that Cairn does not have
	Damaged          Kind = "DATA_LOSS"          // what was stored is not what was recorded of it
	Internal         Kind = "INTERNAL"           // a fault of Cairn's
)

// Error is an error for a user: what was wrong, where, and what to do. Its message is complete and holds nothing
// internal.
type Error struct {
	Kind Kind
	// Field names the argument that is wrong, in the API's own spelling ("metrics[3].key"); empty when none is.
	Field   string
	Message string
	// Cause is logged and never shown.
	Cause error
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// New makes an error of a kind.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Field makes an Invalid error about one argument.
func Field(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error of a kind that keeps its cause for the log.
func Wrap(kind Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Cause: cause}
}

// KindOf gives the kind of an error: Internal for what is not an *Error, "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is tells whether an error is of a kind.
func Is(err error, kind Kind) bool { return KindOf(err) == kind }

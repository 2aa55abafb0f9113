package graph

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cairnml/cairn/internal/errs"
)

// codePersistedQueryNotFound is the one code that is not a kind of ours: clients that send persisted queries look for it
// and send the text again.
const codePersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND"

// presenter turns every error of a response into what the user sees: a message, a code, the field. It is the one table from
// error kinds to this API.
type presenter struct {
	log *slog.Logger
	// requestID names the request in the log and to the user.
	requestID func(context.Context) string
}

func (p *presenter) present(ctx context.Context, err error) *gqlerror.Error {
	out := &gqlerror.Error{Path: graphql.GetPath(ctx)}
	var shaped *gqlerror.Error
	if errors.As(err, &shaped) {
		out.Path, out.Locations = shaped.Path, shaped.Locations
	}
	var designed *errs.Error
	switch {
	case isArgument(ctx):
		return dress(out, errs.Invalid, messageOf(err), argumentName(ctx, out.Path))
	case errors.As(err, &designed) && designed.Kind != errs.Internal:
		p.logCause(ctx, designed)
		return dress(out, designed.Kind, designed.Message, fieldName(designed.Field))
	case designed != nil, shaped == nil, shaped.Err != nil:
		return p.internal(ctx, out, err)
	}
	// What is left is gqlgen's and the parser's own: they speak of the request and hold nothing internal.
	return p.ofRequest(out, shaped)
}

// ofRequest is for errors about the request itself: it does not parse, or asks for what is not there.
func (p *presenter) ofRequest(out, shaped *gqlerror.Error) *gqlerror.Error {
	if shaped.Extensions["code"] == codePersistedQueryNotFound {
		out.Message, out.Extensions = shaped.Message, map[string]any{"code": codePersistedQueryNotFound}
		return out
	}
	kind, field := errs.Invalid, variableName(shaped.Path)
	if code, ok := shaped.Extensions["code"].(string); ok && kinds[errs.Kind(code)] {
		kind = errs.Kind(code)
	}
	if field != "" {
		out.Path = nil // it is a place in the variables, not in the response
	}
	message := shaped.Message
	if strings.HasPrefix(message, parserTokenLimit) {
		message = "the query has too many tokens, which are names, values and signs (at most " + strings.TrimPrefix(message, parserTokenLimit) + " are allowed): ask in several requests, " +
			"and give long lists as variables"
	}
	if wanted, _, found := strings.Cut(message, ", not a "); found && field != "" && strings.HasPrefix(message, "must be a ") {
		// gqlparser names Go's kind of the value, which for a number is a string.
		message = wanted + ", which is an object"
	}
	return dress(out, kind, message, field)
}

// parserTokenLimit begins gqlparser's message of a query with too many tokens.
const parserTokenLimit = "exceeded token limit of "

var kinds = map[errs.Kind]bool{
	errs.Invalid: true, errs.NotFound: true, errs.Exists: true, errs.Conflict: true, errs.Unauthenticated: true,
	errs.PermissionDenied: true, errs.Exhausted: true, errs.Unavailable: true, errs.Unsupported: true, errs.Damaged: true, errs.Internal: true,
}

func dress(out *gqlerror.Error, kind errs.Kind, message, field string) *gqlerror.Error {
	out.Message = message
	out.Extensions = map[string]any{"code": string(kind)}
	if field != "" {
		out.Message = field + ": " + message
		out.Extensions["field"] = field
	}
	return out
}

// internal hides an error that no user can do anything about, and logs it under the id that the user is shown.
func (p *presenter) internal(ctx context.Context, out *gqlerror.Error, err error) *gqlerror.Error {
	switch {
	case errors.Is(err, context.Canceled):
		return dress(out, errs.Unavailable, "the request was cancelled", "")
	case errors.Is(err, context.DeadlineExceeded):
		return dress(out, errs.Unavailable, "the request took too long; ask for less, or try again", "")
	}
	id := p.id(ctx)
	p.log.ErrorContext(ctx, "internal error", "request", id, "path", out.Path.String(), "error", err)
	out.Extensions = map[string]any{"code": string(errs.Internal), "request": id}
	out.Message = fmt.Sprintf("internal error (request %s)", id)
	return out
}

func (p *presenter) logCause(ctx context.Context, e *errs.Error) {
	if e.Cause != nil && e.Kind == errs.Unavailable {
		p.log.WarnContext(ctx, "unavailable", "request", p.id(ctx), "message", e.Message, "error", e.Cause)
	}
}

func (p *presenter) id(ctx context.Context) string {
	if p.requestID != nil {
		if id := p.requestID(ctx); id != "" {
			return id
		}
	}
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

// recovered turns a panic into an internal error that the presenter logs.
func (p *presenter) recovered(_ context.Context, cause any) error {
	return fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
}

// isArgument tells whether the error came up while a field's arguments were read, before its resolver was called: then
// it is about what the user wrote. A field has its arguments only once all of them were read.
func isArgument(ctx context.Context) bool {
	fc := graphql.GetFieldContext(ctx)
	return fc != nil && fc.Args == nil && fc.Field.Field != nil && len(fc.Field.Arguments) > 0
}

// messageOf drops what stands before a message: the place, which the field tells.
func messageOf(err error) string {
	var designed *errs.Error
	if errors.As(err, &designed) {
		return designed.Message
	}
	var shaped *gqlerror.Error
	if errors.As(err, &shaped) {
		return shaped.Message
	}
	return err.Error()
}

// argumentName is where below a field an argument is wrong, in the API's spelling: "metrics[3].value".
func argumentName(ctx context.Context, path ast.Path) string {
	depth := len(graphql.GetPath(ctx))
	if depth > len(path) {
		return ""
	}
	return spell(path[depth:])
}

// variableName is where in the variables something is wrong; empty when the path is none of a variable.
func variableName(path ast.Path) string {
	if len(path) < 2 || path[0] != ast.PathName("variable") {
		return ""
	}
	if len(path) == 2 {
		return spell(path[1:])
	}
	return spell(path[2:])
}

func spell(path ast.Path) string {
	if len(path) > 1 && path[0] == ast.PathName("input") {
		path = path[1:]
	}
	var b strings.Builder
	for _, element := range path {
		switch element := element.(type) {
		case ast.PathIndex:
			b.WriteString("[" + strconv.Itoa(int(element)) + "]")
		case ast.PathName:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(string(element))
		}
	}
	return b.String()
}

// fieldName names a field of the core as this API does; some are MLflow's: its run_name is the name of a run's input.
func fieldName(field string) string {
	if field == "run_name" {
		return "name"
	}
	return camelCase(field)
}

// camelCase spells a field as this API does; some of the core's are spelled as MLflow's REST has them: "run_id".
func camelCase(field string) string {
	head, tail, found := strings.Cut(field, "_")
	if !found || head == "" || tail == "" {
		return field
	}
	return head + strings.ToUpper(tail[:1]) + camelCase(tail[1:])
}

// refusal makes a designed error one that gqlgen takes before an operation is run.
func refusal(err *errs.Error) *gqlerror.Error {
	out := &gqlerror.Error{Message: err.Error(), Err: err}
	errcode.Set(out, string(err.Kind))
	return out
}

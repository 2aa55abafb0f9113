// Package auth knows who asks, and what they may do: principals with a role, and the tokens that prove one.
package auth

import (
	"context"
	"os/user"
	"strings"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/errs"
)

// Principal is who asks. Its name, "token:NAME" or "local:USER", is stored on what it writes.
type Principal struct {
	Name string
	Role token.Role
}

type contextKey struct{}

// With gives a context in which p asks.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From gives who asks in a context; ok is false when nobody has said.
func From(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(contextKey{}).(Principal)
	return p, ok
}

// Name is that of the principal of a context; "" when it has none.
func Name(ctx context.Context) string {
	p, _ := From(ctx)
	return p.Name
}

// Local is the principal of a server that has no tokens and listens on the loopback alone: whoever runs the server.
func Local() Principal {
	name := "unknown"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	const longest = 200 // the column takes 255 bytes
	return Principal{Name: "local:" + strings.ToValidUTF8(name[:min(len(name), longest)], ""), Role: token.RoleADMIN}
}

// rank orders the roles: each may do what those below it may. What is no role ranks below all.
func rank(role token.Role) int {
	switch role {
	case token.RoleVIEWER:
		return 1
	case token.RoleEDITOR:
		return 2
	case token.RoleADMIN:
		return 3
	}
	return 0
}

// Allows tells whether the principal may do what needs a role. What is no role is needed by nothing, so nobody has it.
func (p Principal) Allows(role token.Role) bool { return rank(role) > 0 && rank(p.Role) >= rank(role) }

// Require fails unless who asks has at least a role: Unauthenticated when nobody is known to ask, PermissionDenied when
// the role is too low.
func Require(ctx context.Context, role token.Role) error {
	p, ok := From(ctx)
	if !ok {
		return errs.New(errs.Unauthenticated, "a token is needed: send it as \"Authorization: Bearer cairn_…\"")
	}
	if !p.Allows(role) {
		return errs.New(errs.PermissionDenied, "this needs the role %s, and %s has the role %s", role, p.Name, p.Role)
	}
	return nil
}

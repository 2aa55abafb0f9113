// Package auth says who is asking and what they may do.
package auth

import (
	"context"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/errs"
)

// Principal is who is asking.
type Principal struct {
	// Name is "local:USER" or "token:NAME"; it is stored with every write.
	Name string
	Role token.Role
}

type principalKey struct{}

// With gives a context that carries a principal.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From gives the context's principal.
func From(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// rank orders the roles: each may do what the one before may.
var rank = map[token.Role]int{token.RoleVIEWER: 1, token.RoleEDITOR: 2, token.RoleADMIN: 3}

// Require fails unless the context's principal has at least a role.
func Require(ctx context.Context, role token.Role) error {
	p, ok := From(ctx)
	if !ok {
		return errs.New(errs.Unauthenticated, "a token is needed: send it as Authorization: Bearer TOKEN")
	}
	if rank[p.Role] < rank[role] {
		return errs.New(errs.PermissionDenied, "%s has the role %s; this needs %s", p.Name, p.Role, role)
	}
	return nil
}

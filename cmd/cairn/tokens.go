package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

type tokenCommands struct {
	Create tokensCreate `cmd:"" help:"Make a token and print its secret, once. From the first token on, every request needs one."`
	List   tokensList   `cmd:"" help:"List tokens, without their secrets."`
	Revoke tokensRevoke `cmd:"" help:"Make a token useless at once."`
}

type tokensCreate struct {
	connection
	listing
	Name string        `arg:"" help:"Unique, at most 100 characters."`
	Role string        `default:"editor" enum:"viewer,editor,admin" help:"viewer reads, editor also records, admin may do everything."`
	For  time.Duration `default:"2160h" placeholder:"DURATION" help:"How long it works, for example 720h (default: 90 days)."`
}

// Help is shown by --help, below the line of tokenCommands.
func (t *tokensCreate) Help() string {
	return "Only an administrator makes tokens: make the next one before the last of the role admin expires. When it has, " +
		"`cairn db recover-admin` makes one where the data lies."
}

func (t *tokensCreate) Run(ctx context.Context, std streams) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	defer c.Close()
	expires := time.Now().Add(t.For).UTC()
	made, err := client.CreateToken(ctx, c, client.CreateTokenInput{
		Name: t.Name, Role: client.Role(strings.ToUpper(t.Role)), ExpiresAt: &expires,
	})
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if t.JSON {
		return putJSON(std.out, made.CreateToken)
	}
	return putSecret(std, made.CreateToken.Token.Name, t.Role, made.CreateToken.Token.ExpiresAt, *made.CreateToken.Secret)
}

// putSecret shows a new token. The secret alone goes to standard output, where a script can take it.
func putSecret(std streams, name, role string, expires *time.Time, secret string) error {
	note := fmt.Sprintf("token %s (%s) works until %s; its secret is shown this once:\n", printable(name), role, showTimeOr(expires, "it is revoked"))
	if err := put(std.err, note); err != nil {
		return err
	}
	return put(std.out, secret+"\n")
}

type tokensList struct {
	connection
	listing
}

func (t *tokensList) Run(ctx context.Context, std streams) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	defer c.Close()
	answer, err := client.ListTokens(ctx, c)
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if t.JSON {
		return putJSON(std.out, answer.Tokens)
	}
	out := newTable("NAME", "ROLE", "STATE", "CREATED", "BY", "EXPIRES")
	for _, token := range answer.Tokens {
		state := "valid"
		switch {
		case token.RevokedAt != nil:
			state = "revoked"
		case token.ExpiresAt != nil && token.ExpiresAt.Before(time.Now()):
			state = "expired"
		}
		out.add(token.Name, strings.ToLower(string(token.Role)), state, showTime(token.CreatedAt), token.CreatedBy, showTimeOr(token.ExpiresAt, "never"))
	}
	return out.write(std.out)
}

type tokensRevoke struct {
	connection
	listing
	destructive
	Name string `arg:"" help:"The token's name."`
}

func (t *tokensRevoke) Run(ctx context.Context, std streams) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	defer c.Close()
	tokens, err := client.ListTokens(ctx, c)
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	// Looked for before the question: nobody should confirm what cannot be done.
	if !slices.ContainsFunc(tokens.Tokens, func(token client.TokenRow) bool { return token.Name == t.Name }) {
		return errs.New(errs.NotFound, "there is no token named %q", t.Name)
	}
	name := printable(t.Name)
	if ok, err := t.confirmed(std, fmt.Sprintf("revoke token %s, for good", name)); err != nil || !ok {
		return err
	}
	revoked, err := client.RevokeToken(ctx, c, t.Name)
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if t.JSON {
		return putJSON(std.out, revoked.RevokeToken)
	}
	return put(std.out, fmt.Sprintf("revoked token %s\n", name))
}

package main

import (
	"context"
	"errors"
	"time"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/store"
)

type dbRecoverAdmin struct {
	database
	listing
	Name string        `arg:"" help:"The token's name: unique, also among tokens that no longer work, and at most 100 characters."`
	For  time.Duration `default:"2160h" placeholder:"DURATION" help:"How long it works, for example 720h (default: 90 days)."`
}

// Help is shown by --help, below the line of dbCommands.
func (d *dbRecoverAdmin) Help() string {
	return "When the last token of the role admin expired or its secret was lost, no request can make another. This makes one " +
		"in the database itself, and prints its secret once: whoever may write the data may administer it. Run it where the " +
		"data lies. A SQLite database is open to one program at a time: stop the server first. Servers on PostgreSQL go on, " +
		"and know the token at once."
}

func (d *dbRecoverAdmin) Run(ctx context.Context, std streams) (err error) {
	db, err := d.open(ctx, std)
	if err != nil {
		return err
	}
	made, secret, err := d.create(ctx, db)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if d.JSON {
		return putJSON(std.out, map[string]any{"name": made.Name, "role": made.Role, "expiresAt": expiryOf(made), "secret": secret})
	}
	return putSecret(std, made.Name, "admin", expiryOf(made), secret)
}

func (d *dbRecoverAdmin) create(ctx context.Context, db *store.DB) (*ent.Token, string, error) {
	expires := time.Now().Add(d.For).UnixMilli()
	return auth.New(db).CreateToken(auth.With(ctx, auth.Local()), d.Name, token.RoleADMIN, &expires) //nolint:wrapcheck // an error for users already
}

func expiryOf(t *ent.Token) *time.Time {
	if t.ExpiresAt == nil {
		return nil
	}
	at := time.UnixMilli(*t.ExpiresAt).UTC()
	return &at
}

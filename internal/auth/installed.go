package auth

import (
	"context"
	"fmt"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// InstalledName is the name of the token that a server is started with.
const InstalledName = "admin-token-file"

// Install makes a secret that the operator chose that of an administrator, so that a server whose port is open from its start
// has a token. A secret that is known already stays what it is, also one that was revoked; another takes the place of the one
// installed before. It does not expire: whoever gives the secret takes it back. Errors: Invalid for what is no secret, Exists for one
// that belongs to another token.
func (s *Service) Install(ctx context.Context, secret string) error {
	if !wellFormed(secret) {
		return errs.New(errs.Invalid, "holds no token: one is \"cairn_\" and 40 hex digits; `printf 'cairn_%%s' \"$(openssl rand -hex 20)\"` makes one")
	}
	hash := hashSecret(secret).String()
	err := s.db.WriteFor(ctx, "tokens", func(ctx context.Context, tx *store.Tx) error {
		known, err := tx.Ent().Token.Query().Where(token.Or(token.SecretHash(hash), token.Name(InstalledName))).All(ctx)
		if err != nil {
			return fmt.Errorf("look for the installed token: %w", err)
		}
		var installed *ent.Token
		for _, t := range known {
			switch {
			case t.SecretHash == hash && t.Name != InstalledName:
				return errs.New(errs.Exists, "holds the secret of the token %q: make one of its own", t.Name)
			case t.SecretHash == hash:
				return nil
			}
			installed = t
		}
		if installed != nil {
			err = installed.Update().SetSecretHash(hash).ClearRevokedAt().Exec(ctx)
		} else {
			err = tx.Ent().Token.Create().SetName(InstalledName).SetSecretHash(hash).SetRole(token.RoleADMIN).
				SetCreatedAt(s.now().UnixMilli()).SetCreatedBy("server").Exec(ctx)
		}
		if err != nil {
			return fmt.Errorf("store the installed token: %w", err)
		}
		return nil
	})
	if err != nil {
		return err //nolint:wrapcheck // described by the store
	}
	s.cache.clear()
	s.mu.Lock()
	s.hasTokens = true
	s.mu.Unlock()
	return nil
}

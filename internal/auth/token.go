package auth

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"entgo.io/ent/dialect/sql"

	"github.com/cairnml/cairn/ent"
	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

const (
	maxNameBytes = 100
	// defaultLife is how long a token works when nobody says.
	defaultLife = 90 * 24 * time.Hour
	// maxLife is five years, with the days that leap years add.
	maxLife = (5*365 + 2) * 24 * time.Hour
	day     = 24 * time.Hour
)

// Service makes and checks tokens. It is safe for concurrent use.
type Service struct {
	db    *store.DB
	now   func() time.Time
	cache cache

	mu sync.Mutex
	// hasTokens never turns false again, since tokens are revoked but never removed; noneAt is when there was none.
	hasTokens bool
	noneAt    time.Time
}

// New makes a service over a database.
func New(db *store.DB) *Service { return &Service{db: db, now: time.Now} }

// Authenticate tells whose secret it is. Errors: Unauthenticated for a secret that is unknown, expired or revoked. A
// revocation made through another replica is noticed within a second.
func (s *Service) Authenticate(ctx context.Context, secret string) (Principal, error) {
	if !wellFormed(secret) {
		return Principal{}, errs.New(errs.Unauthenticated,
			"this is not a token: one is \"cairn_\" and 40 hex digits, as cairn tokens create shows it")
	}
	d := hashSecret(secret)
	now := s.now()
	t, generation, ok := s.cache.get(d, now)
	if !ok {
		var err error
		t, err = s.db.Ent().Token.Query().Where(token.SecretHash(d.String())).Only(ctx)
		switch {
		case ent.IsNotFound(err):
			return Principal{}, errs.New(errs.Unauthenticated, "this token is not known here; make one with cairn tokens create")
		case err != nil:
			return Principal{}, fmt.Errorf("read token: %w", err)
		}
		s.cache.put(d, t, now, generation)
	}
	// The row was found by its hash; compared again in constant time, so that nothing depends on how an index compares.
	if subtle.ConstantTimeCompare([]byte(t.SecretHash), []byte(d.String())) != 1 {
		return Principal{}, errs.New(errs.Unauthenticated, "this token is not known here; make one with cairn tokens create")
	}
	switch {
	case t.RevokedAt != nil:
		return Principal{}, errs.New(errs.Unauthenticated, "the token %q was revoked", t.Name)
	case expired(t, now):
		return Principal{}, errs.New(errs.Unauthenticated, "the token %q expired on %s", t.Name,
			time.UnixMilli(*t.ExpiresAt).UTC().Format(time.DateTime))
	}
	return Principal{Name: "token:" + t.Name, Role: t.Role}, nil
}

func expired(t *ent.Token, now time.Time) bool {
	return t.ExpiresAt != nil && *t.ExpiresAt <= now.UnixMilli()
}

// HasTokens tells whether there are tokens, usable or not: from the first on, every request needs one. To count only
// the usable would open the server when the last expires. A first token made through another replica is noticed within a
// second.
func (s *Service) HasTokens(ctx context.Context) (bool, error) {
	now := s.now()
	s.mu.Lock()
	has, fresh := s.hasTokens, !s.noneAt.IsZero() && now.Sub(s.noneAt) < staleness && !now.Before(s.noneAt)
	s.mu.Unlock()
	if has || fresh {
		return has, nil
	}
	found, err := s.db.Ent().Token.Query().Exist(ctx)
	if err != nil {
		return false, fmt.Errorf("look for tokens: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hasTokens = s.hasTokens || found // a token made here meanwhile counts
	s.noneAt = now
	return s.hasTokens, nil
}

// CreateToken makes a token and gives its secret, which is kept nowhere. expiresAt is in Unix milliseconds, at most five
// years ahead; nil stands for 90 days. It needs the role ADMIN. Errors: Invalid for a bad name, role or time, Exists for
// a name that is taken, Conflict when nobody could administer the server afterwards.
func (s *Service) CreateToken(ctx context.Context, name string, role token.Role, expiresAt *int64) (*ent.Token, string, error) {
	return s.CreateTokenOnce(ctx, "", name, role, expiresAt)
}

// tokenRequest is what a repetition of CreateTokenOnce must equal.
type tokenRequest struct {
	Name      string
	Role      token.Role
	ExpiresAt *int64
}

// CreateTokenOnce is CreateToken with an idempotency key: the same key with the same token makes no second one. Then the secret is
// empty, since it is kept nowhere. Conflict also for a key that was used for another token.
func (s *Service) CreateTokenOnce(ctx context.Context, key, name string, role token.Role, expiresAt *int64) (*ent.Token, string, error) {
	if err := Require(ctx, token.RoleADMIN); err != nil {
		return nil, "", err
	}
	now := s.now()
	if err := checkName(name); err != nil {
		return nil, "", err
	}
	if name == InstalledName {
		return nil, "", errs.Field("name", "%q is that of the token which a server is started with (--admin-token-file); choose another", name)
	}
	if rank(role) == 0 {
		return nil, "", errs.Field("role", "is %.40q; it is VIEWER, EDITOR or ADMIN", string(role))
	}
	expiry, err := checkExpiry(expiresAt, now)
	if err != nil {
		return nil, "", err
	}
	secret := newSecret()
	var made *ent.Token
	var fresh bool
	request := tokenRequest{Name: name, Role: role, ExpiresAt: expiresAt}
	err = s.db.WriteFor(ctx, "tokens", func(ctx context.Context, tx *store.Tx) error {
		fresh = false
		id, err := store.Once(ctx, tx, "createToken", key, request, func() (string, error) {
			fresh = true
			return name, insertToken(ctx, tx, name, secret, role, now, expiry)
		})
		if err != nil {
			return err //nolint:wrapcheck // wrapped by the package that gives it
		}
		if made, err = tx.Ent().Token.Query().Where(token.Name(id)).Only(ctx); err != nil {
			return fmt.Errorf("read token: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	s.hasTokens = true
	s.mu.Unlock()
	if !fresh {
		return made, "", nil
	}
	return made, secret, nil
}

func insertToken(ctx context.Context, tx *store.Tx, name, secret string, role token.Role, now time.Time, expiry int64) error {
	if role != token.RoleADMIN {
		if ok, err := usableAdmins(tx, now).Exist(ctx); err != nil {
			return fmt.Errorf("look for administrators: %w", err)
		} else if !ok {
			return errs.New(errs.Conflict, "make a token of the role ADMIN first: from the first token on every request "+
				"needs one, and without an administrator nobody could make another")
		}
	}
	if ok, err := tx.Ent().Token.Query().Where(token.Name(name)).Exist(ctx); err != nil {
		return fmt.Errorf("look for the name: %w", err)
	} else if ok {
		return taken(name)
	}
	by, _ := From(ctx)
	err := tx.Ent().Token.Create().SetName(name).SetSecretHash(hashSecret(secret).String()).SetRole(role).
		SetCreatedAt(now.UnixMilli()).SetCreatedBy(by.Name).SetExpiresAt(expiry).Exec(ctx)
	if err != nil {
		return fmt.Errorf("store token: %w", err)
	}
	return nil
}

func taken(name string) error {
	return errs.New(errs.Exists, "a token named %q exists, or did; choose another name", name)
}

func usableAdmins(tx *store.Tx, now time.Time) *ent.TokenQuery {
	return tx.Ent().Token.Query().Where(token.RoleEQ(token.RoleADMIN), token.RevokedAtIsNil(),
		token.Or(token.ExpiresAtIsNil(), token.ExpiresAtGT(now.UnixMilli())))
}

func checkName(name string) error {
	if name == "" || len(name) > maxNameBytes {
		return errs.Field("name", "has %d bytes; it has 1 to %d", len(name), maxNameBytes)
	}
	if !utf8.ValidString(name) || strings.TrimSpace(name) != name ||
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return errs.Field("name", "is of printable characters and begins and ends with no blank")
	}
	return nil
}

func checkExpiry(expiresAt *int64, now time.Time) (int64, error) {
	if expiresAt == nil {
		return now.Add(defaultLife).UnixMilli(), nil
	}
	if *expiresAt <= now.UnixMilli() {
		return 0, errs.Field("expiresAt", "is not in the future")
	}
	if *expiresAt > now.Add(maxLife).UnixMilli() {
		return 0, errs.Field("expiresAt", "is more than %d days ahead, which is five years", int(maxLife/day))
	}
	return *expiresAt, nil
}

// RevokeToken makes a token useless at once; a second time changes nothing. It needs the role ADMIN. Errors: NotFound,
// and Conflict for the last usable token of an administrator.
func (s *Service) RevokeToken(ctx context.Context, name string) (*ent.Token, error) {
	if err := Require(ctx, token.RoleADMIN); err != nil {
		return nil, err
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	now := s.now()
	var revoked *ent.Token
	err := s.db.WriteFor(ctx, "tokens", func(ctx context.Context, tx *store.Tx) error {
		t, err := tx.Ent().Token.Query().Where(token.Name(name)).Only(ctx)
		if ent.IsNotFound(err) {
			return errs.New(errs.NotFound, "there is no token named %q", name)
		}
		if err != nil {
			return fmt.Errorf("read token: %w", err)
		}
		revoked = t
		if t.RevokedAt != nil {
			return nil
		}
		if t.Role == token.RoleADMIN && !expired(t, now) {
			if ok, err := usableAdmins(tx, now).Where(token.IDNEQ(t.ID)).Exist(ctx); err != nil {
				return fmt.Errorf("look for administrators: %w", err)
			} else if !ok {
				return errs.New(errs.Conflict, "%q is the last usable token of the role ADMIN; make another first, or nobody "+
					"could administer the server", name)
			}
		}
		if revoked, err = t.Update().SetRevokedAt(now.UnixMilli()).Save(ctx); err != nil {
			return fmt.Errorf("revoke token: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.cache.clear()
	return revoked, nil
}

// Tokens gives all tokens, newest first, also those that are expired or revoked. It needs the role ADMIN.
func (s *Service) Tokens(ctx context.Context) ([]*ent.Token, error) {
	if err := Require(ctx, token.RoleADMIN); err != nil {
		return nil, err
	}
	tokens, err := s.db.Ent().Token.Query().Order(token.ByCreatedAt(sql.OrderDesc()), token.ByID(sql.OrderDesc())).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return tokens, nil
}

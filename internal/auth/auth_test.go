package auth

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

func admin() context.Context {
	return With(context.Background(), Principal{Name: "local:test", Role: token.RoleADMIN})
}

func TestRequire(t *testing.T) {
	t.Parallel()
	roles := []token.Role{token.RoleVIEWER, token.RoleEDITOR, token.RoleADMIN}
	for i, has := range roles {
		ctx := With(context.Background(), Principal{Name: "token:x", Role: has})
		for j, needs := range roles {
			err := Require(ctx, needs)
			if i >= j {
				require.NoError(t, err)
				continue
			}
			require.Equal(t, errs.PermissionDenied, errs.KindOf(err))
			require.EqualError(t, err, fmt.Sprintf("this needs the role %s, and token:x has the role %s", needs, has))
		}
		require.Error(t, Require(ctx, "OWNER"), "what is no role is had by nobody")
	}
	require.Equal(t, errs.Unauthenticated, errs.KindOf(Require(context.Background(), token.RoleVIEWER)))
	require.Equal(t, errs.PermissionDenied, errs.KindOf(Require(With(context.Background(), Principal{}), token.RoleVIEWER)))
	require.NoError(t, Require(With(context.Background(), Local()), token.RoleADMIN))
	require.Regexp(t, "^local:.+", Local().Name)
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	a, b := newSecret(), newSecret()
	require.NotEqual(t, a, b)
	require.Regexp(t, "^cairn_[0-9a-f]{40}$", a)
	require.True(t, wellFormed(a))
	for _, bad := range []string{"", "cairn_", a[1:], a + "0", strings.ToUpper(a), "cairn_" + strings.Repeat("g", 40), "\x00" + a[1:]} {
		require.False(t, wellFormed(bad), bad)
	}
}

func TestInstalledToken(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, ctx := New(db), context.Background()
		first, second := newSecret(), newSecret()
		require.Equal(t, errs.Invalid, errs.KindOf(s.Install(ctx, "password")))
		has, err := s.HasTokens(ctx)
		require.NoError(t, err)
		require.False(t, has)
		// Replicas start at the same time.
		var starts sync.WaitGroup
		failures := make([]error, 4)
		for i := range failures {
			starts.Go(func() { failures[i] = New(db).Install(ctx, first) })
		}
		starts.Wait()
		require.Equal(t, make([]error, 4), failures)
		require.NoError(t, s.Install(ctx, first))
		who, err := s.Authenticate(ctx, first)
		require.NoError(t, err)
		require.Equal(t, Principal{Name: "token:" + InstalledName, Role: token.RoleADMIN}, who)
		has, err = s.HasTokens(ctx)
		require.NoError(t, err)
		require.True(t, has)

		require.NoError(t, s.Install(ctx, second), "another takes its place")
		_, err = s.Authenticate(ctx, first)
		require.Equal(t, errs.Unauthenticated, errs.KindOf(err))
		_, err = s.Authenticate(ctx, second)
		require.NoError(t, err)

		_, _, err = s.CreateToken(admin(), InstalledName, token.RoleADMIN, nil)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
		_, other, err := s.CreateToken(admin(), "boss", token.RoleADMIN, nil)
		require.NoError(t, err)
		require.Equal(t, errs.Exists, errs.KindOf(s.Install(ctx, other)))
		_, err = s.RevokeToken(admin(), InstalledName)
		require.NoError(t, err)
		require.NoError(t, s.Install(ctx, second))
		_, err = s.Authenticate(ctx, second)
		require.ErrorContains(t, err, "was revoked", "a start does not bring back what was revoked")
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := New(db)
		now := time.UnixMilli(1_800_000_000_000)
		s.now = func() time.Time { return now }
		ctx := admin()

		has, err := s.HasTokens(ctx)
		require.NoError(t, err)
		require.False(t, has)
		_, _, err = s.CreateToken(ctx, "first", token.RoleVIEWER, nil)
		require.Equal(t, errs.Conflict, errs.KindOf(err), "the first token is an administrator's")

		root, rootSecret, err := s.CreateToken(ctx, "root", token.RoleADMIN, nil)
		require.NoError(t, err)
		require.Equal(t, "local:test", root.CreatedBy)
		require.Equal(t, now.Add(90*24*time.Hour).UnixMilli(), *root.ExpiresAt)
		require.NotContains(t, root.SecretHash, strings.TrimPrefix(rootSecret, "cairn_"))
		require.NotContains(t, root.String(), root.SecretHash, "what is logged does not even hold the hash")
		has, err = s.HasTokens(ctx)
		require.NoError(t, err)
		require.True(t, has, "at once in the process that made it")

		hour := now.Add(time.Hour).UnixMilli()
		_, secret, err := s.CreateToken(ctx, "ci", token.RoleEDITOR, &hour)
		require.NoError(t, err)
		p, err := s.Authenticate(ctx, secret)
		require.NoError(t, err)
		require.Equal(t, Principal{Name: "token:ci", Role: token.RoleEDITOR}, p)

		_, _, err = s.CreateToken(ctx, "ci", token.RoleVIEWER, nil)
		require.Equal(t, errs.Exists, errs.KindOf(err))

		now = now.Add(time.Hour)
		_, err = s.Authenticate(ctx, secret)
		require.EqualError(t, err, `the token "ci" expired on 2027-01-15 09:00:00`)
		require.Equal(t, errs.Unauthenticated, errs.KindOf(err))

		_, other, err := s.CreateToken(ctx, "other", token.RoleVIEWER, nil)
		require.NoError(t, err)
		_, err = s.Authenticate(ctx, other)
		require.NoError(t, err)
		revoked, err := s.RevokeToken(ctx, "other")
		require.NoError(t, err)
		require.Equal(t, now.UnixMilli(), *revoked.RevokedAt)
		_, err = s.Authenticate(ctx, other)
		require.EqualError(t, err, `the token "other" was revoked`)
		again, err := s.RevokeToken(ctx, "other")
		require.NoError(t, err)
		require.Equal(t, revoked.RevokedAt, again.RevokedAt, "a second time changes nothing")
		_, _, err = s.CreateToken(ctx, "other", token.RoleVIEWER, nil)
		require.Equal(t, errs.Exists, errs.KindOf(err), "a name stands in the history, so it is not given twice")

		_, err = s.RevokeToken(ctx, "root")
		require.Equal(t, errs.Conflict, errs.KindOf(err), "somebody must be able to make another")
		_, _, err = s.CreateToken(ctx, "root2", token.RoleADMIN, nil)
		require.NoError(t, err)
		_, err = s.RevokeToken(ctx, "root")
		require.NoError(t, err)
		_, err = s.RevokeToken(ctx, "nobody")
		require.Equal(t, errs.NotFound, errs.KindOf(err))

		all, err := s.Tokens(ctx)
		require.NoError(t, err)
		var names []string
		for _, tok := range all {
			names = append(names, tok.Name)
		}
		require.Equal(t, []string{"root2", "other", "ci", "root"}, names)

		for _, unknown := range []string{"", "x", "cairn_" + strings.Repeat("0", 40), rootSecret + " "} {
			_, err = s.Authenticate(ctx, unknown)
			require.Equal(t, errs.Unauthenticated, errs.KindOf(err), unknown)
		}
	})
}

func TestTokensNeedAnAdministrator(t *testing.T) {
	t.Parallel()
	s := New(storetest.SQLite(t))
	for _, ctx := range []context.Context{
		context.Background(), With(context.Background(), Principal{Name: "token:e", Role: token.RoleEDITOR}),
	} {
		_, _, err := s.CreateToken(ctx, "x", token.RoleADMIN, nil)
		require.Error(t, err)
		_, err = s.RevokeToken(ctx, "x")
		require.Error(t, err)
		_, err = s.Tokens(ctx)
		require.Error(t, err)
		require.Contains(t, []errs.Kind{errs.Unauthenticated, errs.PermissionDenied}, errs.KindOf(err))
	}
}

func TestTokenArgumentsAreChecked(t *testing.T) {
	t.Parallel()
	s := New(storetest.SQLite(t))
	past, far := time.Now().Add(-time.Second).UnixMilli(), time.Now().Add(6*365*24*time.Hour).UnixMilli()
	for _, c := range []struct {
		name    string
		role    token.Role
		expires *int64
		want    string
	}{
		{"", token.RoleADMIN, nil, "name: has 0 bytes; it has 1 to 100"},
		{strings.Repeat("x", 101), token.RoleADMIN, nil, "name: has 101 bytes; it has 1 to 100"},
		{" x", token.RoleADMIN, nil, "name: is of printable characters"},
		{"a\nb", token.RoleADMIN, nil, "name: is of printable characters"},
		{"a\xff", token.RoleADMIN, nil, "name: is of printable characters"},
		{"x", "OWNER", nil, `role: is "OWNER"; it is VIEWER, EDITOR or ADMIN`},
		{"x", token.RoleADMIN, &past, "expiresAt: is not in the future"},
		{"x", token.RoleADMIN, &far, "expiresAt: is more than 1827 days ahead"},
	} {
		_, _, err := s.CreateToken(admin(), c.name, c.role, c.expires)
		require.ErrorContains(t, err, c.want)
		require.Equal(t, errs.Invalid, errs.KindOf(err))
	}
}

// Two services stand for two replicas: what one revokes the other refuses within a second.
func TestRevocationReachesOtherReplicas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		here, there := New(db), New(db)
		now := time.Now()
		clock := func() time.Time { return now }
		here.now, there.now = clock, clock
		has, err := there.HasTokens(admin())
		require.NoError(t, err)
		require.False(t, has)
		_, _, err = here.CreateToken(admin(), "root", token.RoleADMIN, nil)
		require.NoError(t, err)
		_, secret, err := here.CreateToken(admin(), "ci", token.RoleVIEWER, nil)
		require.NoError(t, err)
		_, err = there.Authenticate(admin(), secret)
		require.NoError(t, err)
		_, err = here.RevokeToken(admin(), "ci")
		require.NoError(t, err)

		now = now.Add(staleness)
		_, err = there.Authenticate(admin(), secret)
		require.Equal(t, errs.Unauthenticated, errs.KindOf(err))
		has, err = there.HasTokens(admin())
		require.NoError(t, err)
		require.True(t, has)
	})
}

func TestAuthenticateReadsTheDatabaseOnceASecond(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	queries := 0
	db := storetest.Open(t, store.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "cairn.db"), OnQuery: func(string, []any) {
		mu.Lock()
		defer mu.Unlock()
		queries++
	}})
	s := New(db)
	now := time.Now()
	s.now = func() time.Time { return now }
	_, secret, err := s.CreateToken(admin(), "root", token.RoleADMIN, nil)
	require.NoError(t, err)
	for range 100 {
		_, err := s.Authenticate(context.Background(), secret)
		require.NoError(t, err)
	}
	require.Equal(t, 1, queries)
	now = now.Add(staleness)
	_, err = s.Authenticate(context.Background(), secret)
	require.NoError(t, err)
	require.Equal(t, 2, queries)
}

func TestCacheIsBoundedAndForgetsWhatChanged(t *testing.T) {
	t.Parallel()
	var c cache
	now := time.Now()
	for i := range maxCached + 100 {
		_, generation, _ := c.get(digest{}, now)
		c.put(digest{byte(i), byte(i >> 8)}, nil, now, generation)
		require.LessOrEqual(t, len(c.entries), maxCached)
	}
	_, generation, _ := c.get(digest{}, now)
	c.clear()
	require.Empty(t, c.entries)
	c.put(digest{1}, nil, now, generation)
	require.Empty(t, c.entries, "read before the change, so not remembered after it")
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := New(db)
		_, secret, err := s.CreateToken(admin(), "root", token.RoleADMIN, nil)
		require.NoError(t, err)
		var group sync.WaitGroup
		results := make(chan error, 100)
		for i := range 20 {
			group.Go(func() {
				_, err := s.Authenticate(context.Background(), secret)
				results <- err
			})
			group.Go(func() {
				_, err := s.HasTokens(context.Background())
				results <- err
			})
			group.Go(func() {
				_, _, err := s.CreateToken(admin(), fmt.Sprintf("t%d", i%10), token.RoleVIEWER, nil)
				if errs.Is(err, errs.Exists) {
					err = nil
				}
				results <- err
			})
		}
		group.Wait()
		close(results)
		for err := range results {
			require.NoError(t, err)
		}
		all, err := s.Tokens(admin())
		require.NoError(t, err)
		require.Len(t, all, 11)
	})
}

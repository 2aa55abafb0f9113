package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tc := range map[string]struct{ url, want string }{
		"unknown scheme": {"mysql://h/db", `unknown scheme "mysql": use sqlite:PATH or postgres://`},
		"no scheme":      {"cairn.db", "unknown scheme"},
		"no path":        {"sqlite:", "needs a path"},
		"no sslmode":     {"postgres://u:secret@127.0.0.1:1/db", "sslmode="},
		"bad sslmode":    {"postgres://u:secret@127.0.0.1:1/db?sslmode=bogus", `sslmode "bogus" is none of verify-full`},
		"nobody answers": {"postgres://u:secret@127.0.0.1:1/db?sslmode=disable", "does not answer"},
		"not a database": {"sqlite:" + dir, "database: "},
		"malformed":      {"postgres://u:secret@[::1/db", "not a valid postgres:// URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := store.Open(context.Background(), store.Config{URL: tc.url})
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "secret")
			var e *errs.Error
			require.ErrorAs(t, err, &e)
		})
	}
}

func TestSecondServerIsRefused(t *testing.T) {
	t.Parallel()
	url := "sqlite:" + filepath.Join(t.TempDir(), "a b?#%.db")
	db, err := store.Open(context.Background(), store.Config{URL: url})
	require.NoError(t, err)
	_, err = store.Open(context.Background(), store.Config{URL: url})
	require.Equal(t, errs.Conflict, errs.KindOf(err))
	require.ErrorContains(t, err, "another Cairn server (process ")
	require.NoError(t, db.Close())
	db, err = store.Open(context.Background(), store.Config{URL: url})
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestDataDirectoryIsOneServers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := store.LockDir(dir)
	require.NoError(t, err)
	_, err = store.LockDir(dir)
	require.Equal(t, errs.Conflict, errs.KindOf(err))
	require.ErrorContains(t, err, "--data-dir: another Cairn server")
	require.ErrorContains(t, err, dir)
	require.NoError(t, lock.Release())
	lock, err = store.LockDir(dir)
	require.NoError(t, err)
	require.NoError(t, lock.Release())
	_, err = store.LockDir(filepath.Join(dir, "none"))
	require.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestSchemaRule(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		status, err := db.Schema(ctx)
		require.NoError(t, err)
		require.Equal(t, status.Program, status.Database)
		add := func(n int) {
			require.NoError(t, db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO schema_migrations (number, name, applied_at) VALUES (?, 'later', 0)", n)
				return err
			}))
		}
		add(status.Program + 1)
		require.NoError(t, store.CheckSchema(ctx, db), "the next schema is worked with")
		add(status.Program + 2)
		err = store.CheckSchema(ctx, db)
		require.Equal(t, errs.Conflict, errs.KindOf(err))
		require.ErrorContains(t, err, "newer than this program")
	})
}

// TestDatabaseOfAnotherProgram: nothing is put beside another program's tables.
func TestDatabaseOfAnotherProgram(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, test := range map[string]struct {
		made     string
		says     string
		postgres bool // refused there too
	}{
		"cats":       {"CREATE TABLE cats (name text)", "another program's, which has the table \"cats\"", false},
		"mlflow":     {"CREATE TABLE alembic_version (version_num text); CREATE TABLE experiments (experiment_id integer)", "cairn import mlflow", true},
		"its runs":   {"CREATE TABLE runs (id integer)", "another program's, which has the table \"runs\"", true},
		"migrations": {"CREATE TABLE schema_migrations (number bigint, name text, applied_at bigint); CREATE TABLE users (id integer)", "the table \"users\"", false},
	} {
		for driver, url := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "other.db"), "postgres": storetest.EmptyPostgresURL(t)} {
			t.Run(name+" on "+driver, func(t *testing.T) {
				t.Parallel()
				other, err := sql.Open(driver, strings.TrimPrefix(url, "sqlite:"))
				require.NoError(t, err)
				defer other.Close()
				_, err = other.ExecContext(ctx, test.made)
				require.NoError(t, err)
				db, err := store.Open(ctx, store.Config{URL: url})
				if driver == "postgres" && !test.postgres {
					require.NoError(t, err, "databases of PostgreSQL are shared")
					require.NoError(t, db.Close())
					return
				}
				require.Equal(t, errs.Invalid, errs.KindOf(err))
				require.ErrorContains(t, err, test.says)
				_, err = other.ExecContext(ctx, "SELECT 1 FROM params")
				require.Error(t, err, "nothing was made")
			})
		}
	}
}

func TestConcurrentMigration(t *testing.T) {
	t.Parallel()
	url := storetest.EmptyPostgresURL(t)
	var wg sync.WaitGroup
	failures := make([]error, 4)
	for i := range failures {
		wg.Go(func() {
			db, err := store.Open(context.Background(), store.Config{URL: url})
			if err == nil {
				err = db.Close()
			}
			failures[i] = err
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(failures...))
}

// TestGroupCommitIsolation: requests that share a commit share neither failures nor order across keys, and all that were
// acknowledged are stored.
func TestGroupCommitIsolation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		refuse := errors.New("refused")
		const n = 400
		results := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				results[i] = db.WriteFor(ctx, fmt.Sprint(i%7), func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.ExecContext(ctx, "INSERT INTO leases (name, owner, expires_at, fencing_token) VALUES (?, 'o', 0, ?)",
						fmt.Sprintf("lease-%d", i), i)
					switch {
					case err != nil:
						return err
					case i%10 == 3:
						return refuse // after it wrote
					case i%10 == 4:
						panic("boom")
					}
					return nil
				})
			})
		}
		wg.Wait()
		want := 0
		for i, err := range results {
			switch i % 10 {
			case 3:
				require.ErrorIs(t, err, refuse)
			case 4:
				require.ErrorContains(t, err, "boom")
			default:
				require.NoError(t, err)
				want++
			}
		}
		count, err := db.Ent().Lease.Query().Count(ctx)
		require.NoError(t, err)
		require.Equal(t, want, count)
	})
}

// A request that never sees what is in its way, however often it is run, is told in words what happened.
func TestUniqueViolation(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		tries := 0
		err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			tries++
			_, err := tx.Ent().Experiment.Create().SetName("Default").SetArtifactLocation("").SetCreatedAt(1).SetUpdatedAt(1).Save(ctx)
			return err
		})
		require.Equal(t, errs.Exists, errs.KindOf(err), "%v", err)
		require.ErrorContains(t, err, "try again")
		if db.Postgres() {
			require.Greater(t, tries, 1, "another transaction may have made it since the request looked")
		}
	})
}

func TestReadSideDoesNotWrite(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, err := db.Ent().Lease.Delete().Exec(context.Background())
		require.Error(t, err)
	})
}

func TestChangesAreNumberedInCommitOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				id := fmt.Sprintf("%032d", i%50)
				_ = db.WriteFor(ctx, id, func(_ context.Context, tx *store.Tx) error {
					tx.RunChanged(id, 1)
					return nil
				})
			})
		}
		// A reader that follows the numbers sees every change, though they commit in many transactions.
		seen, last := map[string]int64{}, int64(0)
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		for finished := false; ; {
			require.NoError(t, store.EachRow(ctx, db.Read(), "SELECT entity_id, sequence FROM changes WHERE sequence > ? ORDER BY sequence",
				[]any{last}, func(rows *sql.Rows) error {
					var id string
					err := rows.Scan(&id, &last)
					seen[id] = last
					return err
				}))
			if finished {
				break
			}
			select {
			case <-done:
				finished = true
			default:
			}
		}
		require.Len(t, seen, 50)
		rows, err := db.Read().QueryContext(ctx, "SELECT entity_id, sequence FROM changes")
		require.NoError(t, err)
		defer func() { require.NoError(t, rows.Close()) }()
		for rows.Next() {
			var id string
			var n int64
			require.NoError(t, rows.Scan(&id, &n))
			require.Equal(t, n, seen[id], "the newest change of %s was seen", id)
		}
		require.NoError(t, rows.Err())
	})
}

// The read side runs more different queries than it keeps prepared, from many goroutines at once.
func TestManyQueriesAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		failures := make([]error, 8)
		for g := range failures {
			wg.Go(func() {
				for i := range 200 {
					var got int
					query := fmt.Sprintf("SELECT CAST(? AS INTEGER) + %d", (i*7+g)%150)
					err := store.EachRow(context.Background(), db.Read(), query, []any{1}, func(rows *sql.Rows) error { return rows.Scan(&got) })
					if want := 1 + (i*7+g)%150; err == nil && got != want {
						err = fmt.Errorf("%s gave %d", query, got)
					}
					failures[g] = errors.Join(failures[g], err)
				}
			})
		}
		wg.Wait()
		require.NoError(t, errors.Join(failures...))
		err := store.EachRow(context.Background(), db.Read(), "SELECT nonsense", nil, nil)
		require.ErrorContains(t, err, "nonsense")
	})
}

func TestAnyOf(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		count := func(condition string, arg any) (n int) {
			require.NoError(t, db.Read().QueryRowContext(context.Background(), "SELECT COUNT(*) FROM experiments WHERE "+condition, arg).Scan(&n))
			return n
		}
		require.Equal(t, 1, count(store.AnyOf(db, "id", []int{5, 0, 5})))
		require.Zero(t, count(store.AnyOf(db, "id", []int{})))
		require.Zero(t, count(store.AnyOf(db, "id", []int(nil))))
		require.Equal(t, 1, count(store.AnyOf(db, "name", []string{`a"b\{},'`, "\x00", "\xff", "学", "Default"})))
		require.Zero(t, count(store.AnyOf(db, "name", []string{"\x00"})))
	})
}

package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/store/storetest/cluster"
)

// shared is the PostgreSQL of a test process: started at its first use, stopped and removed when the process ends,
// however it ends.
var shared struct {
	once    sync.Once
	url     func(database string) string
	err     error
	cluster *cluster.Cluster // kept, since it ends with the pipe that it holds
	counter atomic.Int64
}

const template = "cairn_template"

// PostgresURL makes a fresh, migrated database and gives its URL. It is dropped with the test.
func PostgresURL(t *testing.T) string {
	t.Helper()
	return freshPostgres(t)
}

// BenchPostgresURL is PostgresURL for a benchmark. Nothing there waits for the disk.
func BenchPostgresURL(b *testing.B) string {
	b.Helper()
	return freshPostgres(b)
}

func freshPostgres(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("t%d", shared.counter.Add(1))
	admin := adminDB(t)
	exec := func(query string) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := admin.ExecContext(ctx, query)
		require.NoError(t, err, query)
	}
	exec("CREATE DATABASE " + name + " TEMPLATE " + template)
	t.Cleanup(func() { exec("DROP DATABASE " + name + " WITH (FORCE)") })
	return reached(t, name)
}

// pooler is the PgBouncer of a test process in which CAIRN_TEST_POOLED is set: all databases are reached through it. It ends with
// the pipe that it holds.
var pooler struct {
	once    sync.Once
	running *cluster.PgBouncer
	err     error
}

// reached gives the URL of a database.
func reached(t testing.TB, name string) string {
	t.Helper()
	if os.Getenv("CAIRN_TEST_POOLED") == "" {
		return shared.url(name)
	}
	pooler.once.Do(func() {
		pooler.running, pooler.err = cluster.StartPgBouncer(context.Background(), shared.url("postgres"))
	})
	require.NoError(t, pooler.err)
	return pooler.running.URL(name)
}

// EmptyPostgresURL makes a database without any table.
func EmptyPostgresURL(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("t%d", shared.counter.Add(1))
	_, err := adminDB(t).ExecContext(context.Background(), "CREATE DATABASE "+name+" TEMPLATE template0")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := adminDB(t).ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
	})
	return reached(t, name)
}

var admin struct {
	once sync.Once
	db   *sql.DB
	err  error
}

func adminDB(t testing.TB) *sql.DB {
	t.Helper()
	shared.once.Do(func() { shared.err = startCluster() })
	require.NoError(t, shared.err)
	admin.once.Do(func() {
		connector, err := pq.NewConnector(shared.url("postgres"))
		if err != nil {
			admin.err = err
			return
		}
		admin.db = sql.OpenDB(connector)
		// CREATE DATABASE needs its template for itself.
		admin.db.SetMaxOpenConns(1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, admin.err = admin.db.ExecContext(ctx, "CREATE DATABASE "+template); admin.err != nil {
			return
		}
		db, err := store.Open(ctx, store.Config{URL: shared.url(template)})
		if err != nil {
			admin.err = err
			return
		}
		admin.err = db.Close()
	})
	require.NoError(t, admin.err)
	return admin.db
}

// startCluster starts the PostgreSQL that is installed, or one from an archive. What is tested here is not PostgreSQL's own
// durability, so it need not wait for the disk.
func startCluster() error {
	ctx := context.Background()
	c, err := cluster.Start(ctx, "", "fsync=off", "synchronous_commit=on", "full_page_writes=off", "shared_buffers=64MB", "deadlock_timeout=200ms")
	if err == nil {
		shared.url, shared.cluster = c.URL, c
		return nil
	}
	if !errors.Is(err, cluster.ErrMissing) || os.Geteuid() == 0 { // it does not run as root from an archive
		return err //nolint:wrapcheck // said by the cluster
	}
	port, err := cluster.FreePort()
	if err != nil {
		return err //nolint:wrapcheck // said by the cluster
	}
	dir, err := os.MkdirTemp("", "cairn-postgres-")
	if err != nil {
		return fmt.Errorf("folder for PostgreSQL: %w", err)
	}
	cfg := embedded.DefaultConfig().Port(uint32(port)).RuntimePath(dir).Version(embedded.V16).
		StartParameters(map[string]string{"fsync": "off", "max_connections": "200", "deadlock_timeout": "200ms"})
	if err := embedded.NewDatabase(cfg).Start(); err != nil {
		return fmt.Errorf("start PostgreSQL from an archive (or install it: apt-get install postgresql): %w", err)
	}
	shared.url = func(database string) string {
		return fmt.Sprintf("postgres://postgres:postgres@127.0.0.1:%d/%s?sslmode=disable", port, database)
	}
	return cluster.Await(ctx, shared.url("postgres")) //nolint:wrapcheck // said by the cluster
}

package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	embedded "github.com/fergusstrange/embedded-postgres"
	"github.com/lib/pq"
	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/store"
)

// cluster is the PostgreSQL of a test process: started at its first use, stopped and removed when the process ends,
// however it ends.
var cluster struct {
	once    sync.Once
	url     func(database string) string
	err     error
	stdin   any // keeps the pipe open: the server's shell ends with it
	counter atomic.Int64
}

const template = "cairn_template"

// PostgresURL makes a fresh, migrated database and gives its URL. It is dropped with the test.
func PostgresURL(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("t%d", cluster.counter.Add(1))
	admin := adminDB(t)
	exec := func(query string) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_, err := admin.ExecContext(ctx, query)
		require.NoError(t, err, query)
	}
	exec("CREATE DATABASE " + name + " TEMPLATE " + template)
	t.Cleanup(func() { exec("DROP DATABASE " + name + " WITH (FORCE)") })
	return cluster.url(name)
}

// EmptyPostgresURL makes a database without any table.
func EmptyPostgresURL(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("t%d", cluster.counter.Add(1))
	_, err := adminDB(t).ExecContext(context.Background(), "CREATE DATABASE "+name+" TEMPLATE template0")
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := adminDB(t).ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		require.NoError(t, err)
	})
	return cluster.url(name)
}

var admin struct {
	once sync.Once
	db   *sql.DB
	err  error
}

func adminDB(t *testing.T) *sql.DB {
	t.Helper()
	cluster.once.Do(func() { cluster.err = startCluster() })
	require.NoError(t, cluster.err)
	admin.once.Do(func() {
		connector, err := pq.NewConnector(cluster.url("postgres"))
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
		db, err := store.Open(ctx, store.Config{URL: cluster.url(template)})
		if err != nil {
			admin.err = err
			return
		}
		admin.err = db.Close()
	})
	require.NoError(t, admin.err)
	return admin.db
}

func startCluster() error {
	port, err := freePort()
	if err != nil {
		return err
	}
	bin := findBinaries()
	switch {
	case bin != "":
		err = startInstalled(bin, port)
	case os.Geteuid() == 0:
		return fmt.Errorf("PostgreSQL is not installed, and it does not run as root from an archive: apt-get install -y postgresql")
	default:
		err = startEmbedded(port)
	}
	if err != nil {
		return err
	}
	cluster.url = func(database string) string {
		return fmt.Sprintf("postgres://postgres:postgres@127.0.0.1:%d/%s?sslmode=disable", port, database)
	}
	return waitReady(cluster.url("postgres"))
}

// findBinaries gives the folder of the newest PostgreSQL installed: Debian keeps them off the PATH.
func findBinaries() string {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err == nil && len(found) > 0 {
		sort.Slice(found, func(i, j int) bool { return major(found[i]) < major(found[j]) })
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path)
		}
	}
	return ""
}

func major(initdb string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	if err != nil {
		return 0
	}
	return n
}

// server runs PostgreSQL until its standard input ends, then removes its folder: a test process that is killed leaves
// nothing behind. What is tested here is not PostgreSQL's own durability, so it need not wait for the disk.
const server = `
dir=$1 bin=$2 port=$3
"$bin/initdb" -D "$dir/data" -U postgres -A trust -N -E UTF8 --no-locale >"$dir/log" 2>&1 || exit 1
"$bin/postgres" -D "$dir/data" -c listen_addresses=127.0.0.1 -c port="$port" -c unix_socket_directories= \
  -c fsync=off -c synchronous_commit=on -c full_page_writes=off -c max_connections=200 -c shared_buffers=64MB \
  -c deadlock_timeout=200ms >>"$dir/log" 2>&1 </dev/null &
pid=$!
read -r _
kill -INT $pid
wait $pid
rm -rf "$dir/data" "$dir/log"
rmdir "$dir" 2>/dev/null
exit 0
`

func startInstalled(bin string, port int) error {
	dir, err := os.MkdirTemp("", "cairn-postgres-")
	if err != nil {
		return fmt.Errorf("folder for PostgreSQL: %w", err)
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", server, "sh", dir, bin, strconv.Itoa(port))
	cmd.Dir = dir
	if err := asOrdinaryUser(cmd, dir); err != nil {
		return err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("pipe to PostgreSQL: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	cluster.stdin = stdin
	return nil
}

func startEmbedded(port int) error {
	dir, err := os.MkdirTemp("", "cairn-postgres-")
	if err != nil {
		return fmt.Errorf("folder for PostgreSQL: %w", err)
	}
	cfg := embedded.DefaultConfig().Port(uint32(port)).RuntimePath(dir).Version(embedded.V16).
		StartParameters(map[string]string{"fsync": "off", "max_connections": "200", "deadlock_timeout": "200ms"})
	if err := embedded.NewDatabase(cfg).Start(); err != nil {
		return fmt.Errorf("start PostgreSQL from an archive (or install it: apt-get install postgresql): %w", err)
	}
	return nil
}

func freePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func waitReady(url string) error {
	connector, err := pq.NewConnector(url)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL did not start within a minute: %w", err)
		}
	}
}

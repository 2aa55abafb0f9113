package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrNoPgBouncer says that no PgBouncer is installed.
var ErrNoPgBouncer = errors.New("PgBouncer is not installed: sudo apt-get install -y --no-install-recommends pgbouncer")

// PgBouncer is a running pooler.
type PgBouncer struct {
	port  int
	cmd   *exec.Cmd
	stdin io.Closer
}

// pooler runs PgBouncer until its standard input ends, then removes its folder.
const pooler = `
"$1" -q "$2/pgbouncer.ini" >>"$2/log" 2>&1 &
pid=$!
read -r _
kill -KILL $pid
wait $pid
rm -f "$2/pgbouncer.ini" "$2/log"
rmdir "$2" 2>/dev/null
exit 0
`

// pgbouncerConfig has the pool mode that is hardest on its clients. What cannot be served soon fails, so that its client hears of it.
const pgbouncerConfig = `[databases]
* = host=%s port=%s user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 2000
server_idle_timeout = 10
query_wait_timeout = 5
server_login_retry = 1
server_connect_timeout = 3
logfile = %s
`

// StartPgBouncer starts the PgBouncer that is installed before the PostgreSQL of a URL, in transaction mode, and waits until
// databases are reached through it. The caller stops it.
func StartPgBouncer(ctx context.Context, behind string) (*PgBouncer, error) {
	bin, err := findPgBouncer()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(behind)
	if err != nil {
		return nil, fmt.Errorf("address of PostgreSQL: %w", err)
	}
	b := &PgBouncer{}
	if b.port, err = FreePort(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "cairn-pgbouncer-")
	if err != nil {
		return nil, fmt.Errorf("folder for PgBouncer: %w", err)
	}
	log := filepath.Join(dir, "log")
	text := fmt.Sprintf(pgbouncerConfig, u.Hostname(), u.Port(), b.port, log)
	// Another user reads it, and it holds no secret.
	if err := os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(text), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("configure PgBouncer: %w", err), os.RemoveAll(dir))
	}
	b.cmd = exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", pooler, "sh", bin, dir) // it ends by its standard input
	if err := asOrdinaryUser(b.cmd, dir); err != nil {
		return nil, err
	}
	if b.stdin, err = b.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("pipe to PgBouncer: %w", err)
	}
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PgBouncer: %w", err)
	}
	if err := Await(ctx, b.URL("postgres")); err != nil {
		said, _ := os.ReadFile(log)
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, said), b.Stop())
	}
	return b, nil
}

func findPgBouncer() (string, error) {
	for _, name := range []string{os.Getenv("CAIRN_TEST_PGBOUNCER"), "pgbouncer", "/usr/sbin/pgbouncer"} { // Debian keeps it off the PATH
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoPgBouncer
}

// URL is that of a database, through the pooler.
func (b *PgBouncer) URL(database string) string {
	return fmt.Sprintf("postgres://postgres:postgres@127.0.0.1:%d/%s?sslmode=disable", b.port, database)
}

// Stop ends PgBouncer.
func (b *PgBouncer) Stop() error {
	if err := errors.Join(b.stdin.Close(), b.cmd.Wait()); err != nil {
		return fmt.Errorf("stop PgBouncer: %w", err)
	}
	return nil
}

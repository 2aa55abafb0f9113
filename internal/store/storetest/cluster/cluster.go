// Package cluster starts a PostgreSQL of one's own on a free port of the loopback interface, for tests and benchmarks.
package cluster

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"time"

	"github.com/lib/pq"
)

// ErrMissing says that no PostgreSQL is installed.
var ErrMissing = errors.New("PostgreSQL is not installed: apt-get install -y postgresql")

// Cluster is a running PostgreSQL with its data in a folder of its own.
type Cluster struct {
	port  int
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   string
}

// server runs PostgreSQL until its standard input ends, then removes its folder: a process that is killed leaves nothing
// behind. Until then it kills and starts it as it is told.
const server = `
dir=$1 bin=$2 port=$3
shift 3
"$bin/initdb" -D "$dir/data" -U postgres -A trust -N -E UTF8 --no-locale >"$dir/log" 2>&1 || exit 1
start() {
  "$bin/postgres" -D "$dir/data" -c listen_addresses=127.0.0.1 -c port="$port" -c unix_socket_directories= \
    -c max_connections=200 "$@" >>"$dir/log" 2>&1 </dev/null &
  pid=$!
}
start "$@"
while read -r command; do
  case $command in
  kill) kill -KILL $pid $(ps -o pid= --ppid $pid) 2>/dev/null; wait $pid ;;
  start) kill -0 $pid 2>/dev/null || start "$@" ;;
  esac
done
kill -INT $pid
wait $pid
rm -rf "$dir/data" "$dir/log"
rmdir "$dir" 2>/dev/null
exit 0
`

// Start starts the newest PostgreSQL that is installed, with settings such as "fsync=off", in a new folder below parent (the
// system's for temporary files when empty), and waits until it answers. The caller stops it; it stops by itself when this
// process ends, however that ends.
func Start(ctx context.Context, parent string, settings ...string) (*Cluster, error) {
	bin := binaries()
	if bin == "" {
		return nil, ErrMissing
	}
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, "cairn-postgres-")
	if err != nil {
		return nil, fmt.Errorf("folder for PostgreSQL: %w", err)
	}
	args := []string{"-c", server, "sh", dir, bin, strconv.Itoa(port)}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	c := &Cluster{port: port, log: filepath.Join(dir, "log")}
	c.cmd = exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", args...) // it ends by its standard input
	c.cmd.Dir = dir
	if err := asOrdinaryUser(c.cmd, dir); err != nil {
		return nil, err
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("pipe to PostgreSQL: %w", err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := Await(ctx, c.URL("postgres")); err != nil {
		text, _ := os.ReadFile(c.log)
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, text), c.Stop())
	}
	return c, nil
}

// URL is that of a database, which may not exist yet.
func (c *Cluster) URL(database string) string {
	return fmt.Sprintf("postgres://postgres:postgres@127.0.0.1:%d/%s?sslmode=disable", c.port, database)
}

// Kill ends PostgreSQL and all its processes at once, as a loss of power would, but that the operating system lives. Its data stay.
func (c *Cluster) Kill(ctx context.Context) error {
	if _, err := io.WriteString(c.stdin, "kill\n"); err != nil {
		return fmt.Errorf("kill PostgreSQL: %w", err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)))
		if err != nil { // nothing listens any more
			return ctx.Err() //nolint:wrapcheck // the caller's own
		}
		if err := conn.Close(); err != nil {
			return fmt.Errorf("kill PostgreSQL: %w", err)
		}
	}
}

// Restart starts PostgreSQL after Kill, on the same port, and waits until it answers.
func (c *Cluster) Restart(ctx context.Context) error {
	for try := 1; ; try++ {
		if _, err := io.WriteString(c.stdin, "start\n"); err != nil {
			return fmt.Errorf("start PostgreSQL: %w", err)
		}
		// It refuses to start while the last of the old processes still has its memory.
		bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := Await(bounded, c.URL("postgres"))
		cancel()
		if err == nil || try == 5 {
			return err
		}
	}
}

// PID is of a process whose descendants are PostgreSQL's.
func (c *Cluster) PID() int { return c.cmd.Process.Pid }

// Stop ends PostgreSQL and removes its data.
func (c *Cluster) Stop() error {
	if err := errors.Join(c.stdin.Close(), c.cmd.Wait()); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

// binaries gives the folder of the newest PostgreSQL installed: Debian keeps them off the PATH.
func binaries() string {
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

// FreePort gives a port of the loopback interface that nothing listens on.
func FreePort() (int, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Await waits until a PostgreSQL answers.
func Await(ctx context.Context, url string) error {
	connector, err := pq.NewConnector(url)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
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

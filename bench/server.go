//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 4 * time.Minute
	stopTimeout  = 30 * time.Second
	pollInterval = 2 * time.Millisecond
)

// subject is a kind of server that is measured.
type subject struct {
	// name heads its column.
	name string
	// command returns the command that starts it on addr with its data below
	// directory, which is also its working directory.
	command func(addr, directory string) []string
	// throwsAway: it takes writes to any run, and keeps none.
	throwsAway bool
}

// cairnOn is Cairn on a database; on a SQLite file in its own directory when url is empty.
func cairnOn(program, url string, extra ...string) subject {
	return subject{name: "Cairn", command: func(addr, directory string) []string {
		command := []string{program, "server", "--listen", addr, "--data-dir", directory}
		if url != "" {
			command = append(command, "--database", url)
		}
		return append(command, extra...)
	}}
}

// mlflowOn is MLflow on a database; on the one that it takes by default, a SQLite
// file in its working directory, when uri is empty.
func mlflowOn(python, name, uri string, extra ...string) subject {
	return subject{name: name, command: func(addr, _ string) []string {
		host, port, _ := net.SplitHostPort(addr)
		command := append([]string{python, "-m", "mlflow", "server", "--host", host, "--port", port}, extra...)
		if uri != "" {
			command = append(command, "--backend-store-uri", uri)
		}
		return command
	}}
}

// subjects returns Cairn and, for comparison, MLflow as it starts by default and
// with one worker.
func subjects(cairn, python string) []subject {
	return []subject{
		cairnOn(cairn, ""),
		mlflowOn(python, "MLflow", ""),
		mlflowOn(python, "MLflow, 1 worker", "", "--workers", "1"),
	}
}

// server is a running server.
type server struct {
	subject
	addr string
	cmd  *exec.Cmd
	// startup is the time from the start of the process to its first answer to /health.
	startup time.Duration
	log     string
	// done is closed when it has ended; exit then says how.
	done chan struct{}
	exit error
}

// start starts a server of kind s in directory and returns when it is healthy.
func (s subject) start(ctx context.Context, directory string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	out := &server{subject: s, addr: addr, log: filepath.Join(directory, "server.log"), done: make(chan struct{})}
	log, err := os.Create(out.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := s.command(addr, directory)
	out.cmd = exec.CommandContext(ctx, command[0], command[1:]...)
	out.cmd.Dir, out.cmd.Stdout, out.cmd.Stderr = directory, log, log
	out.cmd.Env = environment()
	// A session of its own: its processes are found by it, and ended together.
	out.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out.cmd.Cancel = func() error { return out.kill() }

	began := time.Now()
	if err := out.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	go func() { out.exit = out.cmd.Wait(); close(out.done) }()
	if err := out.await(ctx, began); err != nil {
		_ = out.kill()
		tail, _ := os.ReadFile(out.log)
		return nil, fmt.Errorf("%s: %w\n%s", s.name, err, tail)
	}
	return out, nil
}

// await polls /health until it answers, and notes how long that took.
func (s *server) await(ctx context.Context, began time.Time) error {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/health", nil)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for time.Since(began) < startTimeout {
		if response, err := client.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				s.startup = time.Since(began)
				return nil
			}
		}
		select {
		case <-s.done:
			return fmt.Errorf("ended before it was healthy: %w", s.exit)
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return fmt.Errorf("not healthy within %s", startTimeout)
}

// stop ends the server as an operator would, and what is left of it by force. It may be stopped again.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
		_ = s.kill() // workers that outlived their parent
		if exit := (*exec.ExitError)(nil); s.exit != nil && !errors.As(s.exit, &exit) {
			return fmt.Errorf("stop %s: %w", s.name, s.exit)
		}
		return nil
	case <-time.After(stopTimeout):
		_ = s.kill()
		return fmt.Errorf("%s did not end within %s of SIGTERM", s.name, stopTimeout)
	}
}

// kill ends every process of the server's session.
func (s *server) kill() error {
	all, err := allProcesses()
	if err != nil {
		return err
	}
	for _, p := range tree(all, s.cmd.Process.Pid) {
		if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// pid is the root of its process tree.
func (s *server) pid() int { return s.cmd.Process.Pid }

// environment is that of every process measured: nothing of Cairn or MLflow is
// preset, and MLflow reports nothing to its makers.
func environment(extra ...string) []string {
	var out []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "MLFLOW_") && !strings.HasPrefix(entry, "CAIRN_") {
			out = append(out, entry)
		}
	}
	out = append(out, "MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true")
	return append(out, extra...)
}

// freeAddr returns an address of the loopback interface that nothing listens on.
func freeAddr() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// output runs a command and returns the text that it prints.
func output(ctx context.Context, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return string(bytes.TrimSpace(out)), nil
}

package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// dumpPostgres writes an archive of a database, as of one moment of it: what is committed meanwhile is not in it.
func dumpPostgres(ctx context.Context, database, file string) error {
	if err := runTool(ctx, database, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file="+file); err != nil {
		return err
	}
	return store.SyncFile(file) //nolint:wrapcheck // said by the store
}

// loadPostgres fills an empty database, in one transaction.
func loadPostgres(ctx context.Context, database, file string) error {
	return runTool(ctx, database, "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", file)
}

// runTool runs one of PostgreSQL's own programs on a database.
func runTool(ctx context.Context, database, tool string, args ...string) error {
	path, err := exec.LookPath(tool)
	if err != nil {
		return errs.Wrap(errs.Unavailable, err, "%s is not installed here: install PostgreSQL's client programs (Debian: apt-get install postgresql-client),"+
			" of the server's version or a newer one", tool)
	}
	address, password, err := withoutPassword(database)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, path, append([]string{"--dbname=" + address, "--no-password"}, args...)...) //nolint:gosec // the user's own database and folder
	command.Env = os.Environ()
	if password != "" {
		command.Env = append(command.Env, "PGPASSWORD="+password)
	}
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("run %s: %w", tool, ctx.Err())
		}
		var ended *exec.ExitError
		if errors.As(err, &ended) {
			return errs.Wrap(errs.Unavailable, err, "%s", firstLine(said.String()))
		}
		return fmt.Errorf("run %s: %w", tool, err)
	}
	return nil
}

// withoutPassword takes the password out of a database's URL: other users of the machine see the arguments of programs.
func withoutPassword(database string) (address, password string, err error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", "", errs.Field("database", "not a valid postgres:// URL") // the parser's own words would repeat the password
	}
	q := u.Query()
	if password = q.Get("password"); password != "" {
		q.Del("password")
		u.RawQuery = q.Encode()
	}
	if p, ok := u.User.Password(); ok {
		password = p
		u.User = url.User(u.User.Username())
	}
	return u.String(), password, nil
}

// firstLine gives the first line of what a program said, which names the fault; the others follow from it.
func firstLine(said string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return line
}

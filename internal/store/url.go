package store

import (
	"net/url"
	"path/filepath"
	"strings"

	"entgo.io/ent/dialect"

	"github.com/cairnml/cairn/internal/errs"
)

// location is a parsed database URL.
type location struct {
	dialect string
	path    string // SQLite: the file
	dsn     string // PostgreSQL: what lib/pq is given
}

// Check tells whether the URLs are ones that Open knows, without reaching for what they name.
func (cfg Config) Check() error {
	if _, err := parseURL("database", cfg.URL); err != nil {
		return err
	}
	for _, more := range []struct{ field, url string }{{"database-direct", cfg.DirectURL}, {"database-read", cfg.ReadURL}} {
		if more.url == "" {
			continue
		}
		loc, err := parseURL(more.field, more.url)
		if err != nil {
			return err
		}
		if loc.dialect != dialect.Postgres {
			return errs.Field(more.field, "is for PostgreSQL: give it a postgres:// URL, or leave it out")
		}
	}
	return nil
}

// parseURL reads "sqlite:PATH" or "postgres://…"; field is the setting that it comes from.
func parseURL(field, text string) (location, error) {
	scheme, rest, ok := strings.Cut(text, ":")
	switch {
	case ok && scheme == "sqlite":
		path := strings.TrimPrefix(rest, "//")
		if path == "" {
			return location{}, errs.Field(field, "sqlite: needs a path, as in sqlite:cairn.db")
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return location{}, errs.Wrap(errs.Invalid, err, "%s: the path %q cannot be made absolute", field, path)
		}
		return location{dialect: dialect.SQLite, path: abs}, nil
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		dsn, err := postgresDSN(field, text)
		if err != nil {
			return location{}, err
		}
		return location{dialect: dialect.Postgres, dsn: dsn}, nil
	}
	if !ok {
		scheme = text
	}
	return location{}, errs.Field(field,
		"unknown scheme %.40q: use sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=…", scheme)
}

// postgresDSN completes a PostgreSQL URL. sslmode must be said, since lib/pq's default has changed between releases.
// binary_parameters lets a query and its parameters travel in one round trip without a named statement, which a pooler in
// transaction mode needs.
func postgresDSN(field, text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		// The parser's own message would repeat the URL with its password.
		return "", errs.Field(field, "not a valid postgres:// URL")
	}
	q := u.Query()
	switch q.Get("sslmode") {
	case "disable", "allow", "prefer", "require", "verify-ca", "verify-full":
	case "":
		return "", errs.Field(field,
			"say how to encrypt: add sslmode=verify-full (recommended), require, or disable to the postgres:// URL")
	default:
		return "", errs.Field(field, "sslmode %.40q is none of verify-full (recommended), verify-ca, require, prefer, allow and disable", q.Get("sslmode"))
	}
	q.Set("binary_parameters", "yes")
	setDefault(q, "application_name", "cairn")
	// A host that is gone answers nothing: without a bound, the operating system waits for two minutes.
	setDefault(q, "connect_timeout", "5")
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func setDefault(q url.Values, key, value string) {
	if !q.Has(key) {
		q.Set(key, value)
	}
}

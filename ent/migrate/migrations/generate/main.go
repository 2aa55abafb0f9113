// Command generate writes the next migration of both databases: what lies between the migrations there are and ent/schema.
//
//	go run ./ent/migrate/migrations/generate NAME
//
// It replays the migrations on empty databases: SQLite in memory, and the PostgreSQL that CAIRN_DEV_POSTGRES names, whose
// database must be empty and is emptied again. With -check it writes nothing and fails when something is missing; with -hash
// it only writes the checksums anew, after a new migration was edited by hand.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	_ "github.com/lib/pq"
	_ "modernc.org/sqlite"

	entmigrate "github.com/cairnml/cairn/ent/migrate"
)

const root = "ent/migrate/migrations"

func main() {
	check := flag.Bool("check", false, "write nothing, fail when a migration is missing")
	hash := flag.Bool("hash", false, "only write atlas.sum anew, after a new migration was edited by hand")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	run := func() error { return generate(ctx, flag.Arg(0), *check) }
	if *hash {
		run = rehash
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate migrations:", err)
		os.Exit(1)
	}
}

func generate(ctx context.Context, name string, check bool) error {
	if name == "" && !check {
		return fmt.Errorf("usage: generate NAME")
	}
	targets := []struct{ dialect, driver, dsn, dir string }{
		{dialect.SQLite, "sqlite", "file:dev?mode=memory&_pragma=foreign_keys(1)", "sqlite"},
		{dialect.Postgres, "postgres", os.Getenv("CAIRN_DEV_POSTGRES"), "postgres"},
	}
	for _, t := range targets {
		if t.dsn == "" {
			return fmt.Errorf("set CAIRN_DEV_POSTGRES to the URL of an empty PostgreSQL database")
		}
		if err := diff(ctx, t.dialect, t.driver, t.dsn, filepath.Join(root, t.dir), name, check); err != nil {
			return fmt.Errorf("%s: %w", t.dir, err)
		}
	}
	return nil
}

func diff(ctx context.Context, d, driver, dsn, path, name string, check bool) error {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer db.Close() //nolint:errcheck // a scratch database
	db.SetMaxOpenConns(1)
	if check {
		copied, err := os.MkdirTemp("", "migrations")
		if err != nil {
			return fmt.Errorf("scratch folder: %w", err)
		}
		defer os.RemoveAll(copied) //nolint:errcheck // scratch
		if err := os.CopyFS(copied, os.DirFS(path)); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
		path = copied
	}
	before, err := filepath.Glob(filepath.Join(path, "*.sql"))
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	dir, err := migrate.NewLocalDir(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	formatter, err := migrate.NewTemplateFormatter(
		template.Must(template.New("name").Parse(fmt.Sprintf("%04d_%s.sql", len(before)+1, name))),
		template.Must(template.New("body").Parse(
			"{{ range .Changes }}{{ with .Comment }}-- {{ println . }}{{ end }}{{ printf \"%s;\\n\" .Cmd }}{{ end }}")))
	if err != nil {
		return fmt.Errorf("formatter: %w", err)
	}
	m, err := schema.NewMigrate(entsql.OpenDB(d, db),
		schema.WithDir(dir), schema.WithMigrationMode(schema.ModeReplay), schema.WithDialect(d),
		schema.WithFormatter(formatter), schema.WithDropColumn(true), schema.WithDropIndex(true))
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	if err := m.NamedDiff(ctx, name, entmigrate.Tables...); err != nil {
		return fmt.Errorf("diff: %w", err)
	}
	after, err := filepath.Glob(filepath.Join(path, "*.sql"))
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	if check && len(after) != len(before) {
		return fmt.Errorf("ent/schema has changes that no migration makes: run `go run ./ent/migrate/migrations/generate NAME`")
	}
	return nil
}

func rehash() error {
	for _, name := range []string{"sqlite", "postgres"} {
		dir, err := migrate.NewLocalDir(filepath.Join(root, name))
		if err != nil {
			return fmt.Errorf("open %s: %w", name, err)
		}
		sum, err := dir.Checksum()
		if err != nil {
			return fmt.Errorf("hash %s: %w", name, err)
		}
		if err := migrate.WriteSumFile(dir, sum); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	_ "github.com/lib/pq"  // the driver "postgres"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/cairnml/cairn/internal/store/storetest/cluster"
)

// The databases that are measured.
const (
	onSQLite   = "sqlite"
	onPostgres = "postgres"
)

var databases = []string{onSQLite, onPostgres}

// postgresSettings are those of a small server that keeps what it acknowledged.
var postgresSettings = []string{"shared_buffers=1GB", "synchronous_commit=on"}

// database is an empty database of one measurement, removed after it.
type database struct {
	kind string
	// directory holds everything of the measurement, the data of SQLite and of servers among it.
	directory string
	cluster   *cluster.Cluster
}

// openDatabase makes an empty database below a folder.
func openDatabase(ctx context.Context, kind, parent string) (*database, error) {
	directory, err := os.MkdirTemp(parent, kind+"-")
	if err != nil {
		return nil, err
	}
	d := &database{kind: kind, directory: directory}
	if kind == onPostgres {
		// Not below the directory: PostgreSQL does not run as root, to whom that belongs.
		if d.cluster, err = cluster.Start(ctx, "", postgresSettings...); err != nil {
			return nil, errors.Join(err, d.close())
		}
		for _, name := range []string{"cairn", "mlflow"} {
			if err := d.execute(ctx, "postgres", "CREATE DATABASE "+name); err != nil {
				return nil, errors.Join(err, d.close())
			}
		}
	}
	return d, nil
}

// close removes the database.
func (d *database) close() error {
	var err error
	if d.cluster != nil {
		err = d.cluster.Stop()
	}
	return errors.Join(err, os.RemoveAll(d.directory))
}

// file is that of Cairn's database on SQLite.
func (d *database) file() string { return filepath.Join(d.directory, "cairn.db") }

// url is that of Cairn's database.
func (d *database) url() string {
	if d.cluster != nil {
		return d.cluster.URL("cairn")
	}
	return "sqlite:" + d.file()
}

// pids are the roots of the database's own processes.
func (d *database) pids() []int {
	if d.cluster != nil {
		return []int{d.cluster.PID()}
	}
	return nil
}

// execute runs a statement on one of PostgreSQL's databases.
func (d *database) execute(ctx context.Context, name, statement string) error {
	db, err := sql.Open("postgres", d.cluster.URL(name))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// footprint is what a database takes on the disk.
type footprint struct {
	// settled is after a checkpoint, and on PostgreSQL a vacuum; packed after what gives free pages back.
	settled, packed int64
}

// measureFootprint measures Cairn's database, with its indexes, while no server uses it. Packing copies it.
func (d *database) measureFootprint(ctx context.Context, pack bool) (f footprint, err error) {
	if d.kind == onPostgres {
		return d.postgresFootprint(ctx, "cairn", pack)
	}
	return sqliteFootprint(ctx, d.file(), pack)
}

func sqliteFootprint(ctx context.Context, file string, pack bool) (f footprint, err error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return f, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	step := func(statement string) (int64, error) {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return 0, fmt.Errorf("%s: %w", statement, err)
		}
		// What was vacuumed is in the log until it is checkpointed.
		if _, err := db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			return 0, err
		}
		info, err := os.Stat(file)
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}
	if f.settled, err = step("SELECT 1"); err != nil {
		return f, err
	}
	if pack {
		f.packed, err = step("VACUUM")
	}
	return f, err
}

func (d *database) postgresFootprint(ctx context.Context, name string, pack bool) (f footprint, err error) {
	db, err := sql.Open("postgres", d.cluster.URL(name))
	if err != nil {
		return f, err
	}
	defer db.Close()
	step := func(statement string, into *int64) error {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
		return db.QueryRowContext(ctx, "SELECT pg_database_size(current_database())").Scan(into)
	}
	if err := step("VACUUM", &f.settled); err != nil || !pack {
		return f, err
	}
	return f, step("VACUUM FULL", &f.packed)
}

// freeSpace is what the disk below a folder has left, in bytes.
func freeSpace(directory string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(directory, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// spaceInterval is how often watchSpace looks.
const spaceInterval = time.Second

// watchSpace measures how much of the disk is taken at most until stop is called. On a machine where others write, it is
// theirs too.
func watchSpace(directory string) (stop func() int64, err error) {
	before, err := freeSpace(directory)
	if err != nil {
		return nil, err
	}
	quit, result := make(chan struct{}), make(chan int64)
	go func() {
		ticker := time.NewTicker(spaceInterval)
		defer ticker.Stop()
		least := before
		for running := true; running; {
			select {
			case <-ticker.C:
			case <-quit:
				running = false
			}
			if now, err := freeSpace(directory); err == nil {
				least = min(least, now)
			}
		}
		result <- before - least
	}()
	return func() int64 { close(quit); return <-result }, nil
}

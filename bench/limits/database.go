package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/lib/pq"  // the driver "postgres"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Rates is what a database does a second, on one connection.
type Rates struct {
	// Commits are transactions of one row each, durable before the next begins.
	Commits float64 `json:"commits"`
	// Inserts are rows, one a statement, of transactions of insertsPerCommit rows.
	Inserts float64 `json:"inserts"`
}

const insertsPerCommit = 10_000

// table has a row for each point, and no index but the key that every row has.
const table = `CREATE TABLE limit_points (id %s, run_id BIGINT NOT NULL, series_id BIGINT NOT NULL,
	step BIGINT NOT NULL, time BIGINT NOT NULL, value DOUBLE PRECISION NOT NULL)`

// sqliteRates measures a new file, in WAL mode, where every commit waits for the disk.
func sqliteRates(ctx context.Context, directory string, duration time.Duration) (found Rates, err error) {
	if info, err := os.Stat(directory); err != nil || !info.IsDir() {
		return Rates{}, fmt.Errorf("-directory %q is not a folder", directory)
	}
	home, err := os.MkdirTemp(directory, "limits-")
	if err != nil {
		return Rates{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	query := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(home, "limit.db")+"?"+query.Encode())
	if err != nil {
		return Rates{}, err
	}
	defer db.Close()
	return rates(ctx, db, fmt.Sprintf(table, "INTEGER PRIMARY KEY"),
		"INSERT INTO limit_points (run_id, series_id, step, time, value) VALUES (?, ?, ?, ?, ?)", duration)
}

// postgresRates measures a database with its own settings.
func postgresRates(ctx context.Context, address string, duration time.Duration) (found Rates, err error) {
	if address == "" {
		return Rates{}, errors.New("-url is missing")
	}
	db, err := sql.Open("postgres", address)
	if err != nil {
		return Rates{}, err
	}
	defer db.Close()
	defer func() {
		_, dropped := db.ExecContext(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS limit_points")
		err = errors.Join(err, dropped)
	}()
	return rates(ctx, db, fmt.Sprintf(table, "BIGSERIAL PRIMARY KEY"),
		"INSERT INTO limit_points (run_id, series_id, step, time, value) VALUES ($1, $2, $3, $4, $5)", duration)
}

func rates(ctx context.Context, db *sql.DB, create, insert string, duration time.Duration) (found Rates, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return Rates{}, err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, create); err != nil {
		return Rates{}, err
	}
	statement, err := conn.PrepareContext(ctx, insert) //nolint:sqlclosecheck // closed below
	if err != nil {
		return Rates{}, err
	}
	defer statement.Close()
	row := 0
	one := func() error {
		row++
		_, err := statement.ExecContext(ctx, row%16, row%20, row/20, 1_700_000_000_000+row, 1/float64(row))
		return err
	}
	if found.Commits, err = perSecond(duration, 1, one); err != nil {
		return Rates{}, err
	}
	found.Inserts, err = perSecond(duration, insertsPerCommit, func() error {
		if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
			return err
		}
		for range insertsPerCommit {
			if err := one(); err != nil {
				return err
			}
		}
		_, err := conn.ExecContext(ctx, "COMMIT")
		return err
	})
	return found, err
}

// perSecond repeats what does so many units of work for about duration.
func perSecond(duration time.Duration, units int, work func() error) (float64, error) {
	began, done := time.Now(), 0
	for time.Since(began) < duration {
		if err := work(); err != nil {
			return 0, err
		}
		done += units
	}
	return float64(done) / time.Since(began).Seconds(), nil
}

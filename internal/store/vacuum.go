package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// vacuumed are the tables of PostgreSQL that lose rows when what was deleted is removed.
var vacuumed = []string{
	"runs", "params", "run_tags", "run_log_chunks", "batch_clients", "fingerprints", "run_inputs", "run_outputs", "datasets",
	"metric_series", "metric_batches", "metric_chunks", "metric_tails", "metric_rollups", "artifact_references", "pending_contents",
	"logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics", "lineage_edges", "changes", "idempotency_keys",
}

// Vacuum gives back the space of rows that were removed. A SQLite file is written anew, without what is free in it: nobody may
// have it meanwhile (Conflict), and the disk must have room for it twice more. PostgreSQL goes on meanwhile, and keeps most of the space for rows to come.
func Vacuum(ctx context.Context, url string) (err error) {
	loc, err := parseURL("database", url)
	if err != nil {
		return err
	}
	statements := []string{"VACUUM (ANALYZE) " + strings.Join(vacuumed, ", ")}
	var pool *sql.DB
	if loc.path == "" {
		pool, err = openPool(ctx, loc.dsn, 1)
	} else {
		lock, failed := lockFile(loc.path)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, lock.Release()) }()
		statements = []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"}
		pool, err = sql.Open("sqlite", sqliteDSN(loc.path, loading)) // its temporary copy goes to disk
	}
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	for _, statement := range statements {
		if _, err := pool.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("give space back: %w", describeSQLite(errs.Unavailable, loc.path, err))
		}
	}
	return nil
}

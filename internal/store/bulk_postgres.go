package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// buildMemory is what PostgreSQL may use to build an index.
const buildMemory = "256MB"

// deferPostgres drops the secondary indexes of the tables that are loaded, and what refers to runs, and gives the statements
// that build them again. A row at a time, they would take most of the time.
func deferPostgres(ctx context.Context, tx *Tx) (build []string, err error) {
	var names []string
	for _, t := range bulkTables {
		if t.name != BulkRuns.name { // few rows
			names = append(names, t.name)
		}
	}
	tables := "SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname IN " + In(len(names))
	var drop []string
	for _, query := range []string{
		"SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid) FROM pg_index " +
			"WHERE NOT indisprimary AND indrelid IN (" + tables + ") ORDER BY indexrelid",
		"SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), " +
			"format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint " +
			"WHERE contype = 'f' AND conrelid IN (" + tables + ") ORDER BY oid",
	} {
		err := EachRow(ctx, tx, query, Args(nil, names), func(rows *sql.Rows) error {
			var down, up string
			err := rows.Scan(&down, &up)
			drop, build = append(drop, down), append(build, up)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list indexes and references: %w", err)
		}
	}
	for _, statement := range append(drop, "SET LOCAL maintenance_work_mem = '"+buildMemory+"'") {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
	}
	return build, nil
}

// copyRows sends rows by COPY. The transaction has begun.
func copyRows(ctx context.Context, conn *postgresConn, table Table, rows [][]any) (err error) {
	stmt, err := conn.PrepareContext(ctx, "COPY "+table.name+" ("+table.columns+") FROM STDIN")
	if err != nil {
		return fmt.Errorf("begin copy: %w", err)
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	for _, row := range rows {
		if _, err := stmt.ExecContext(ctx, row...); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
	}
	if _, err := stmt.ExecContext(ctx); err != nil { // what was sent is answered here
		return fmt.Errorf("end copy: %w", err)
	}
	return nil
}

// vacuumPostgres does at once what PostgreSQL would do by itself some time after a load: until then it knows nothing of the
// new rows that its plans need.
func vacuumPostgres(ctx context.Context, conn writeConn) error {
	var names []string
	for _, t := range bulkTables {
		names = append(names, t.name)
	}
	if _, err := conn.ExecContext(ctx, "VACUUM (ANALYZE) "+strings.Join(names, ", ")+", changes"); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	return nil
}

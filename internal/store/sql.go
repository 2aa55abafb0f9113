package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/lib/pq"
)

// Querier runs queries with ? placeholders: the read side, or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// EachRow runs a query and calls scan for each of its rows.
func EachRow(ctx context.Context, q Querier, query string, args []any, scan func(*sql.Rows) error) error {
	run, ok := q.(observed)
	if !ok {
		return eachRow(ctx, q, q.QueryContext, query, args, scan)
	}
	_, err := observe(ctx, run.database(), query, func() (struct{}, error) {
		return struct{}{}, eachRow(ctx, q, run.query, query, args, scan)
	})
	return err
}

// observed is a Querier whose statements an Observer is told of. Its query tells nobody.
type observed interface {
	database() *DB
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func eachRow(
	ctx context.Context, q Querier, run func(context.Context, string, ...any) (*sql.Rows, error), query string, args []any, scan func(*sql.Rows) error,
) error {
	rows, err := run(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		if _, writes := q.(*Tx); !writes { // what is written is described by the writer, which may run it again
			err = describeRead(ctx, err)
		}
		return fmt.Errorf("read rows: %w", err)
	}
	return nil
}

// maxIn bounds the values of one IN list, so that the texts of queries are few and every database takes them.
const maxIn = 500

// In gives "(?, ?, …)" for n values.
func In(n int) string {
	if n == 0 {
		return "(NULL)"
	}
	return "(" + strings.Repeat("?, ", n-1) + "?)"
}

// AnyOf is the condition that a column has one of some values. They are one argument, so that the query's text is the same
// for any number of them.
func AnyOf[T int | string](db *DB, column string, values []T) (condition string, arg any) {
	if db.Postgres() {
		return column + " = ANY(?)", postgresArray(values)
	}
	list, _ := json.Marshal(known(values)) // integers and texts always have a form
	return column + " IN (SELECT value FROM json_each(?))", string(list)
}

func postgresArray[T int | string](values []T) any {
	switch values := any(values).(type) {
	case []int:
		wide := make(pq.Int64Array, len(values))
		for i, v := range values {
			wide[i] = int64(v)
		}
		return wide
	case []string:
		return pq.StringArray(known(values))
	}
	return nil
}

// known leaves out texts that no database stores, and PostgreSQL would refuse. Of nil it gives nil, and only of nil.
func known[T int | string](values []T) []T {
	strange := func(v T) bool {
		text, ok := any(v).(string)
		return ok && (!utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0)
	}
	if !slices.ContainsFunc(values, strange) {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), strange)
}

// Tuples gives "(?, ?), (?, ?), …" for n rows of so many values.
func Tuples(n, width int) string {
	tuple := In(width)
	return strings.Repeat(tuple+", ", n-1) + tuple
}

// rowsPerInsert bounds the rows, and so the bytes, of one statement.
const rowsPerInsert = 64

// insertMany stores rows in a table whose columns are named behind it; add appends the values of one. PostgreSQL gets as few
// round trips as it can; SQLite has none to save, and a statement that stays prepared.
func insertMany[T any](ctx context.Context, tx *Tx, table, conflict string, rows []T, add func(args []any, row *T) []any) error {
	per := 1
	if tx.db.Postgres() {
		per = rowsPerInsert
	}
	var args []any
	for part := range slices.Chunk(rows, per) {
		args = args[:0]
		for i := range part {
			args = add(args, &part[i])
		}
		query := "INSERT INTO " + table + " VALUES " + Tuples(len(part), len(args)/len(part)) + conflict
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
	}
	return nil
}

// Parts cuts values into pieces that fit an IN list.
func Parts[T any](values []T) [][]T {
	var parts [][]T
	for len(values) > maxIn {
		parts = append(parts, values[:maxIn])
		values = values[maxIn:]
	}
	if len(values) > 0 {
		parts = append(parts, values)
	}
	return parts
}

// Args appends values of any type to arguments.
func Args[T any](args []any, values []T) []any {
	for _, v := range values {
		args = append(args, v)
	}
	return args
}

// LockRow is what ends a SELECT that locks its rows until the transaction ends. SQLite has one writer and needs none.
func (tx *Tx) LockRow() string {
	if tx.db.Postgres() {
		return " FOR UPDATE"
	}
	return ""
}

// ForUpdate is LockRow for a query of Ent's.
func (tx *Tx) ForUpdate(query *entsql.Selector) {
	if tx.db.Postgres() {
		query.ForUpdate()
	}
}

// scanColumn gives the one column of a query.
func scanColumn[T any](ctx context.Context, q Querier, query string, args ...any) ([]T, error) {
	var out []T
	err := EachRow(ctx, q, query, args, func(rows *sql.Rows) error {
		var v T
		err := rows.Scan(&v)
		out = append(out, v)
		return err
	})
	return out, err
}

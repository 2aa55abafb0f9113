package store

import "fmt"

// What a query's way through the database is must not depend on statistics, which are missing, old, or right on average and
// wrong where it matters: a param's value and its key are not independent. So the queries of searches say themselves in which
// order tables are visited and by which index. The databases have different words for it.

// Guide has the words by which a query says how it is to be run.
type Guide struct{ Postgres bool }

// Guide gives the database's words.
func (db *DB) Guide() Guide { return Guide{db.Postgres()} }

// Fence ends a subquery that is not to be merged with the query around it.
func (g Guide) Fence() string {
	if g.Postgres {
		return " OFFSET 0"
	}
	return " LIMIT -1"
}

// Singly ends the subquery of an EXISTS that is to be looked up row by row. SQLite does so by itself.
func (g Guide) Singly() string {
	if g.Postgres {
		return " OFFSET 0"
	}
	return ""
}

// By follows a table's alias and names the index to use. PostgreSQL takes no such word: there, an order that the index has
// and a LIMIT do the same.
func (g Guide) By(index string) string {
	if g.Postgres {
		return ""
	}
	return " INDEXED BY " + index
}

// Join looks up a row of a table for each row so far, and drops those without one. The condition says which, by the alias.
func (g Guide) Join(table, alias, condition string) string {
	if g.Postgres {
		return " CROSS JOIN LATERAL (SELECT * FROM " + table + " " + alias + " WHERE " + condition + g.Fence() + ") " + alias
	}
	return " CROSS JOIN " + table + " " + alias + " ON " + condition
}

// LeftJoin looks up a row of a table for each row so far; those without one stay.
func (g Guide) LeftJoin(table, alias, condition string) string {
	if g.Postgres {
		return " LEFT JOIN LATERAL (SELECT * FROM " + table + " " + alias + " WHERE " + condition + g.Fence() + ") " + alias + " ON TRUE"
	}
	return " LEFT JOIN " + table + " " + alias + " ON " + condition
}

// ShortText reads a column of bytes as text. Bytes that are not fewer than limit may end within a character: they give "",
// where PostgreSQL would fail.
func (g Guide) ShortText(column string, limit int) string {
	if g.Postgres {
		return fmt.Sprintf("(CASE WHEN LENGTH(%[1]s) < %[2]d THEN convert_from(%[1]s, 'UTF8') ELSE '' END)", column, limit)
	}
	return "CAST(" + column + " AS TEXT)"
}

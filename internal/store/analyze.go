package store

import "encoding/json"

// The words of this file are for statements that look at many runs at once: their facets and aggregates.

// IDRows is a table with one column, id, of some internal ids, which are its one argument.
func (db *DB) IDRows(ids []int) (table string, arg any) {
	if db.Postgres() {
		return "(SELECT unnest(?::bigint[]) AS id)", postgresArray(ids)
	}
	list, _ := json.Marshal(ids) // integers always have a form
	return "(SELECT value AS id FROM json_each(?))", string(list)
}

// Bytes is a column of text as bytes, which both databases order and compare alike.
func (db *DB) Bytes(column string) string {
	if db.Postgres() {
		return "convert_to(" + column + ", 'UTF8')"
	}
	return "CAST(" + column + " AS BLOB)"
}

// NotAmong is the condition that a column, which is never NULL, is none of the ids (the column id) of a subquery. Each
// database makes one pass over the subquery of the form that it is given here.
func (db *DB) NotAmong(column, ids string) string {
	if db.Postgres() {
		return "NOT EXISTS (SELECT 1 FROM (" + ids + ") among WHERE among.id = " + column + ")"
	}
	return column + " NOT IN (" + ids + ")"
}

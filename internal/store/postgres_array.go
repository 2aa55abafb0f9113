package store

import (
	"database/sql"
	"strconv"
)

// integers and doubles give a column of rows as the text of a PostgreSQL array. pq.Array would go through reflection, for
// each value of each row.

func integers[T any](rows []T, of func(T) int64) string {
	b := append(make([]byte, 0, 2+14*len(rows)), '{')
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, of(r), 10)
	}
	return string(append(b, '}'))
}

func doubles[T any](rows []T, of func(T) sql.NullFloat64) string {
	b := append(make([]byte, 0, 2+20*len(rows)), '{')
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		if v := of(r); v.Valid {
			b = strconv.AppendFloat(b, v.Float64, 'g', -1, 64)
		} else {
			b = append(b, "NULL"...)
		}
	}
	return string(append(b, '}'))
}

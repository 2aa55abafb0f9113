package store

import (
	"math"
	"strconv"
	"strings"
)

// MaxValuePrefix is how many bytes of a param's or tag's value an index holds. A value may have thousands, and an index of
// PostgreSQL takes no more than 2,700.
const MaxValuePrefix = 128

// ValuePrefix is the beginning of a value, in bytes: what the column value_prefix holds. Values are in the order of their
// prefixes, as far as those differ.
func ValuePrefix(value string) []byte {
	return []byte(value[:min(len(value), MaxValuePrefix)])
}

// Number is the value of a param as a number, which the column number holds; ok is false where it is none, or NaN.
func Number(value string) (number float64, ok bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || math.IsNaN(f) || strings.ContainsAny(value, "xX_pP") {
		return 0, false
	}
	return f, true
}

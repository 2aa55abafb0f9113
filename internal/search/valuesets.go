package search

import (
	"strings"
	"unicode/utf8"

	"github.com/cairnml/cairn/internal/store"
)

// valueSet is of params and tags.
func (f *finder) valueSet(e *Comparison, inOrder bool) (set runSet, ok bool) {
	t := f.sub.tags
	if e.Left.Entity == Param {
		t = *f.sub.params
	}
	ranges, exact := f.valueRanges(t, e)
	if ranges == nil {
		return runSet{}, false
	}
	order := " ORDER BY d.value_prefix, d.run_id) f"
	if t.number != "" {
		order = " ORDER BY d.number, d.value_prefix, d.run_id) f"
	}
	f.eachExperiment(&set.fragment, "d.experiment_id", func(out, scope *fragment) {
		for i := range ranges {
			if i > 0 {
				out.sql(" UNION ALL ")
			}
			if inOrder {
				out.sql("SELECT * FROM (")
			}
			out.sql("SELECT d.run_id AS run, d.experiment_id AS exp FROM ", t.table, " d", f.guide.By(t.index), " WHERE ")
			out.add(scope)
			out.sql(" AND d.key = ")
			out.arg(e.Left.Key)
			out.add(&ranges[i])
			if inOrder {
				out.sql(order)
			}
		}
	})
	set.exact = exact
	return set, true
}

// valueRanges writes a condition on a value as ranges of the index of values that do not overlap; nil where it has none.
func (f *finder) valueRanges(t keyed, e *Comparison) (ranges []fragment, exact bool) {
	one := func(write func(c *compiler)) []fragment {
		c := compiler{guide: f.guide}
		c.sql(" AND ")
		write(&c)
		return []fragment{c.fragment}
	}
	switch e.Op {
	case IsNull:
		return nil, false
	case IsNotNull:
		return []fragment{{}}, true
	default:
	}
	if e.Value.holds(NumberValue) {
		return one(func(c *compiler) { c.condition("d."+t.number, e.Op, e.Value) }), true
	}
	switch e.Op {
	case Equal:
		return one(func(c *compiler) { c.hasValue("d", t, e.Value) }), true
	case In:
		return listRanges(t, e.Value.List), true
	case NotEqual, NotIn:
		prefixes := prefixesOf(append(e.Value.List, e.Value))
		if prefixes == nil {
			return nil, false
		}
		return one(func(c *compiler) {
			c.sql("d.value_prefix NOT IN ")
			argList(&c.fragment, prefixes)
		}), true
	case Like:
		if ranges := likeRanges(t, e.Value.Text); ranges != nil {
			return ranges, false
		}
	default:
	}
	// No range has it, but each value, or its beginning, stands in the index.
	return one(func(c *compiler) {
		c.sql("(LENGTH(d.value_prefix) >= ")
		c.arg(store.MaxValuePrefix)
		c.sql(" OR ")
		c.like(f.guide.ShortText("d.value_prefix", store.MaxValuePrefix), e.Value.Text, e.Op == ILike)
		c.sql(")")
	}), false
}

// prefixesOf gives what the index has of texts; nil when one is longer than it holds.
func prefixesOf(values []Value) [][]byte {
	var out [][]byte
	for _, v := range values {
		if len(v.Text) >= store.MaxValuePrefix {
			return nil
		}
		if v.Kind == TextValue {
			out = append(out, store.ValuePrefix(v.Text))
		}
	}
	return out
}

// listRanges looks for some texts; nil when one is longer than the index holds.
func listRanges(t keyed, list []Value) []fragment {
	var texts, numbers fragment
	var textPrefixes, numberPrefixes [][]byte
	var values []float64
	for _, v := range list {
		if len(v.Text) >= store.MaxValuePrefix {
			return nil
		}
		if number, ok := store.Number(v.Text); ok && t.number != "" {
			values = append(values, number)
			numberPrefixes = append(numberPrefixes, store.ValuePrefix(v.Text))
		} else {
			textPrefixes = append(textPrefixes, store.ValuePrefix(v.Text))
		}
	}
	var out []fragment
	if len(textPrefixes) > 0 {
		if t.number != "" {
			texts.sql(" AND d.", t.number, " IS NULL")
		}
		texts.sql(" AND d.value_prefix IN ")
		argList(&texts, textPrefixes)
		out = append(out, texts)
	}
	if len(numberPrefixes) > 0 {
		numbers.sql(" AND d.", t.number, " IN ")
		argList(&numbers, values)
		numbers.sql(" AND d.value_prefix IN ")
		argList(&numbers, numberPrefixes)
		out = append(out, numbers)
	}
	return out
}

// likeRanges looks for what begins as a pattern does; nil when the pattern begins with a wildcard.
func likeRanges(t keyed, pattern string) []fragment {
	begin := pattern
	if i := strings.IndexAny(pattern, "%_"); i >= 0 {
		begin = pattern[:i]
	}
	from := store.ValuePrefix(begin)
	to := successor(from)
	if to == nil {
		return nil
	}
	within := func(number string) fragment {
		var f fragment
		if number != "" {
			f.sql(" AND d.", t.number, number)
		}
		f.sql(" AND d.value_prefix >= ")
		f.arg(from)
		f.sql(" AND d.value_prefix < ")
		f.arg(to)
		return f
	}
	if t.number == "" {
		return []fragment{within("")}
	}
	out := []fragment{within(" IS NULL")}
	if mayBeginNumber(begin) {
		out = append(out, within(" IS NOT NULL"))
	}
	return out
}

// successor is the least of the texts that come after all that begin with some bytes; nil when there are no bytes.
func successor(begin []byte) []byte {
	for n := len(begin); n > 0; n-- {
		if begin[n-1] < 0xff {
			return append(begin[:n-1:n-1], begin[n-1]+1)
		}
	}
	return nil
}

// mayBeginNumber tells whether a text that store.Number takes as a number may begin so.
func mayBeginNumber(begin string) bool {
	r, _ := utf8.DecodeRuneInString(begin)
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !letter || r == 'i' || r == 'I'
}

package search

// fragment is a piece of SQL with its arguments. What comes from outside is only ever an argument.
type fragment struct {
	text []byte
	args []any
}

func (f *fragment) sql(parts ...string) {
	for _, p := range parts {
		f.text = append(f.text, p...)
	}
}

// arg writes a placeholder for a value.
func (f *fragment) arg(v any) {
	f.text = append(f.text, '?')
	f.args = append(f.args, v)
}

func (f *fragment) String() string { return string(f.text) }

// argList writes placeholders for values, in parentheses. An empty list is written so that nothing is in it.
func argList[T any](f *fragment, values []T) {
	if len(values) == 0 {
		f.sql("(NULL)")
		return
	}
	f.sql("(")
	for i, v := range values {
		if i > 0 {
			f.sql(", ")
		}
		f.arg(v)
	}
	f.sql(")")
}

func (f *fragment) add(g *fragment) {
	f.text = append(f.text, g.text...)
	f.args = append(f.args, g.args...)
}

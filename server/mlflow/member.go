package mlflow

import (
	"strconv"

	"github.com/cairnml/cairn/internal/tracking"
)

// member is what a call takes: a member of the body or, where the call has none, a parameter of the query string.
type member struct {
	name   string
	body   func(r *reader) error
	query  func(values []string) error
	absent func() bool // nil when the call can do without
}

// take reads the members of a call. It passes over all others, as MLflow does.
func (c *call) take(members ...member) error {
	if c.body != nil {
		err := c.decode(func(r *reader, key string) error {
			for _, m := range members {
				if m.name == key {
					return m.body(r)
				}
			}
			return r.skip()
		})
		if err != nil {
			return err
		}
	} else {
		for _, m := range members {
			if values := c.queries(m.name); len(values) > 0 && m.query != nil {
				if err := m.query(values); err != nil {
					return err
				}
			}
		}
	}
	for _, m := range members {
		if m.absent != nil && m.absent() {
			return missing(m.name)
		}
	}
	return nil
}

func mayText(name string, dst *string) member {
	return member{
		name: name,
		body: func(r *reader) error { return r.text(dst) },
		query: func(values []string) error {
			*dst = values[0]
			return nil
		},
	}
}

func needText(name string, dst *string) member {
	m := mayText(name, dst)
	m.absent = func() bool { return *dst == "" }
	return m
}

func mayTexts(name string, dst *[]string) member {
	return member{
		name: name,
		body: func(r *reader) error { return r.texts(dst) },
		query: func(values []string) error {
			*dst = values
			return nil
		},
	}
}

func mayInteger(name string, dst *integer) member {
	return member{
		name: name,
		body: func(r *reader) error { return r.int64(dst) },
		query: func(values []string) error {
			value, ok := parseIntegerText([]byte(values[0]))
			if !ok {
				return invalidValue(strconv.Quote(values[0]), name, "it must be "+wantInteger)
			}
			*dst = integer{value, true}
			return nil
		},
	}
}

func needInteger(name string, dst *integer) member {
	m := mayInteger(name, dst)
	m.absent = func() bool { return !dst.set }
	return m
}

func mayBoolean(name string, dst *bool) member {
	return inBody(name, func(r *reader) error { return r.boolean(dst) })
}

func mayTags(dst *[]tracking.Tag) member {
	return inBody("tags", func(r *reader) error { return r.tags(dst) })
}

// inBody is a member of calls that always have a body.
func inBody(name string, body func(r *reader) error) member { return member{name: name, body: body} }

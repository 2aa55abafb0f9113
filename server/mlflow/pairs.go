package mlflow

import "github.com/cairnml/cairn/internal/tracking"

// tags reads an array of tags.
func (r *reader) tags(dst *[]tracking.Tag) error {
	*dst = nil
	return r.pairs(func(key, value string) { *dst = append(*dst, tracking.Tag{Key: key, Value: value}) })
}

// params reads an array of params.
func (r *reader) params(dst *[]tracking.Param) error {
	*dst = nil
	return r.pairs(func(key, value string) { *dst = append(*dst, tracking.Param{Key: key, Value: value}) })
}

// pairs reads an array of objects with a key and a value. The key is required; an absent value is an empty one, as MLflow
// sends it.
func (r *reader) pairs(add func(key, value string)) error {
	var key, value string
	member := func(name []byte) error {
		switch string(name) {
		case "key":
			return r.text(&key)
		case "value":
			return r.text(&value)
		}
		return r.skip()
	}
	return r.array(func(int) error {
		key, value = "", ""
		if err := r.object(member); err != nil {
			return err
		}
		if key == "" {
			return missing(r.name("key"))
		}
		add(key, value)
		return nil
	})
}

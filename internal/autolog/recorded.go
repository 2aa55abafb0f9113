package autolog

import (
	"slices"
)

// maxRecorded bounds the metrics whose last points are kept for the models that name them.
const maxRecorded = 100_000

// recorded is what adapters recorded of a run.
type recorded struct {
	points map[string]op     // the last point of each metric
	models map[string]string // ids of logged models, by name
}

func (s *state) recordedOf(run string) *recorded {
	r := s.recorded[run]
	if r == nil {
		r = &recorded{points: map[string]op{}, models: map[string]string{}}
		s.recorded[run] = r
		s.recordedOrder = append(s.recordedOrder, run)
	}
	return r
}

// forget drops what was recorded of a run.
func (s *state) forget(run string) {
	r := s.recorded[run]
	if r == nil {
		return
	}
	s.points -= len(r.points)
	delete(s.recorded, run)
	s.recordedOrder = slices.DeleteFunc(s.recordedOrder, func(id string) bool { return id == run })
}

// makeRoom forgets finished runs, oldest first, until there is room for another point, and tells whether there is.
func (s *state) makeRoom(run string) bool {
	for s.points >= maxRecorded {
		at := slices.IndexFunc(s.recordedOrder, func(id string) bool { return id != run && s.open[id] == nil })
		if at < 0 {
			return false
		}
		s.forget(s.recordedOrder[at])
	}
	return true
}

// keepPoint remembers the last point of an adapter's metric, as far as there is room.
func (s *state) keepPoint(o op) {
	if !o.KeepExisting {
		return
	}
	r := s.recordedOf(o.Run)
	if _, known := r.points[o.Key]; !known {
		if !s.makeRoom(o.Run) {
			return
		}
		s.points++
	}
	r.points[o.Key] = o
}

// measured gives the last point that adapters recorded of a metric.
func (s *state) measured(run, key string) (op, bool) {
	if r := s.recorded[run]; r != nil {
		o, ok := r.points[key]
		return o, ok
	}
	return op{}, false
}

// modelID gives the id of a run's newest model of a name, empty when there is none.
func (s *state) modelID(run, name string) string {
	if r := s.recorded[run]; r != nil {
		return r.models[name]
	}
	return ""
}

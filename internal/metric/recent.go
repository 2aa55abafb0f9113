package metric

import (
	"cmp"
	"errors"
	"maps"
	"math"
	"slices"
)

// maxRecent bounds what is remembered of the points of one series.
const maxRecent = 8192

// recent has all points of a series from a place on, so that points which do not come in order are told apart without
// reading. It is off until such a point comes: a point beyond the last is new in any case.
type recent struct {
	on   bool
	from place
	// seen is not changed before the transaction has committed; fresh is what the transaction added.
	seen, fresh map[pointID]struct{}
	// asked: a point was looked up since the memory was cut last.
	asked bool
	// far is a place from which on there are too many points to remember, when isFar.
	far   place
	isFar bool
}

func (r *recent) active() bool { return r.on }

func (r *recent) len() int { return len(r.seen) + len(r.fresh) }

// covers tells whether all points at a place are known.
func (r *recent) covers(p place) bool { return r.on && p.compare(r.from) >= 0 }

func (r *recent) has(id pointID) bool {
	r.asked = true
	if _, ok := r.seen[id]; ok {
		return true
	}
	_, ok := r.fresh[id]
	return ok
}

func (r *recent) add(id pointID) {
	if r.fresh == nil {
		r.fresh = map[pointID]struct{}{}
	}
	r.fresh[id] = struct{}{}
}

// reach extends the memory down to a place; points are all that lie from there on and were not covered.
func (r *recent) reach(from place, points map[pointID]struct{}) {
	if r.fresh == nil {
		r.fresh = points
	} else {
		maps.Copy(r.fresh, points)
	}
	r.on, r.from = true, from
}

// settle keeps what was added, and cuts the memory where it has grown too large.
func (r *recent) settle() {
	if r.seen == nil {
		r.seen = r.fresh
	} else {
		maps.Copy(r.seen, r.fresh)
	}
	r.fresh = nil
	if len(r.seen) <= maxRecent {
		return
	}
	places := make([]place, 0, len(r.seen))
	for id := range r.seen {
		places = append(places, id.place())
	}
	slices.SortFunc(places, place.compare)
	half := places[len(places)/2]
	// Points that came in order all along since need no memory; nor do they get one that cannot be cut.
	if !r.asked || half == places[0] {
		*r = recent{far: r.far, isFar: r.isFar}
		return
	}
	maps.DeleteFunc(r.seen, func(id pointID, _ struct{}) bool { return id.place().compare(half) < 0 })
	r.from, r.asked = half, false
}

// readPoints reads the points of a series that are stored, in any order, with steps from one to another, both included, at
// the series' scale. It may give others too.
type readPoints func(from, to int64, fn func(pointID) error) error

// look gives a test whether a point is there already, for the points of columns at the series' scale. What it needs and is
// not known it reads: either all points from the least on, to remember them, or, where those are too many, only whether
// these points are there.
func (s *series) look(c *Columns, stored readPoints) (there func(pointID) bool, err error) {
	if s.row.Count == 0 {
		return func(pointID) bool { return false }, nil
	}
	last, before := s.last(), *s
	var unknown []pointID
	for i, v := range c.Values {
		id := pointID{c.Steps[i], c.Times[i], math.Float64bits(v)}
		if where := id.place().compare(last); where > 0 || s.recent.covers(id.place()) {
			continue
		} else if where == 0 {
			if _, ok := s.inTail(id.bits); ok {
				continue
			}
		}
		unknown = append(unknown, id)
	}
	var found map[pointID]struct{}
	if len(unknown) > 0 {
		least := slices.MinFunc(unknown, func(a, b pointID) int { return a.place().compare(b.place()) }).place()
		remembered, err := s.remember(least, stored)
		if err != nil {
			return nil, err
		}
		if !remembered {
			if found, err = search(unknown, stored); err != nil {
				return nil, err
			}
		}
	}
	return func(id pointID) bool {
		at := id.place()
		where := at.compare(last)
		if where > 0 {
			return false
		}
		if s.recent.covers(at) {
			return s.recent.has(id)
		}
		if where == 0 {
			if there, ok := before.inTail(id.bits); ok {
				return there
			}
		}
		_, there := found[id]
		return there
	}, nil
}

// remember reads all points from a place on that are not known, unless they are too many.
func (s *series) remember(from place, stored readPoints) (bool, error) {
	r := &s.recent
	if r.isFar && from.compare(r.far) <= 0 {
		return false, nil
	}
	to := int64(math.MaxInt64)
	if r.on {
		to = r.from.step
	}
	points := map[pointID]struct{}{}
	err := stored(from.step, to, func(id pointID) error {
		if at := id.place(); at.compare(from) >= 0 && !r.covers(at) {
			if points[id] = struct{}{}; len(points) > maxRecent {
				return errEnough
			}
		}
		return nil
	})
	switch {
	case err == nil:
		r.reach(from, points)
		return true, nil
	case errors.Is(err, errEnough):
		r.far, r.isFar = from, true
		return false, nil
	}
	return false, err
}

// search tells which of some points are stored.
func search(points []pointID, stored readPoints) (map[pointID]struct{}, error) {
	wanted := make(map[pointID]struct{}, len(points))
	for _, id := range points {
		wanted[id] = struct{}{}
	}
	byStep := func(a, b pointID) int { return cmp.Compare(a.step, b.step) }
	found := map[pointID]struct{}{}
	err := stored(slices.MinFunc(points, byStep).step, slices.MaxFunc(points, byStep).step, func(id pointID) error {
		if _, ok := wanted[id]; ok {
			found[id] = struct{}{}
		}
		return nil
	})
	return found, err
}

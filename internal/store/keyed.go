package store

import "fmt"

// Keyed reads objects by their keys, in pieces that fit an IN list. Those that are not there are left out. what names them in
// an error.
func Keyed[K comparable, T any](keys []K, what string, read func(keys []K) ([]T, error), key func(T) K) (map[K]T, error) {
	out := make(map[K]T, len(keys))
	err := inPieces(keys, what, read, func(v T) { out[key(v)] = v })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Grouped reads the parts of many owners, in pieces that fit an IN list, and groups them by owner, in the order in which they are
// read. what names them in an error.
func Grouped[K comparable, T any](owners []K, what string, read func(owners []K) ([]T, error), owner func(T) K) (map[K][]T, error) {
	out := make(map[K][]T, len(owners))
	err := inPieces(owners, what, read, func(v T) { out[owner(v)] = append(out[owner(v)], v) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

func inPieces[K, T any](keys []K, what string, read func(keys []K) ([]T, error), each func(T)) error {
	for _, part := range Parts(keys) {
		found, err := read(part)
		if err != nil {
			return fmt.Errorf("read %s: %w", what, err)
		}
		for _, v := range found {
			each(v)
		}
	}
	return nil
}

package graph

import (
	"context"
	"fmt"
	"sync"
)

// siblings are the objects that stand at one place of a response: the runs of a page, the experiments of all pages of a
// list of lists. What one of them needs, all need, since the same selection is resolved for each. So the first that
// asks loads it for all, in one statement; the others wait for it. Nobody guesses with a timer how many will ask.
//
// An object that nobody announced (a mutation's result) has no siblings; its fields still share what they load.
type siblings struct {
	objects []any

	mu    sync.Mutex
	loads map[string]*load
}

// load is one thing that is loaded for all siblings.
type load struct {
	once   sync.Once
	values any // map[T]V
	err    error
}

// families is the siblings of one response, by object.
type families struct {
	mu       sync.RWMutex
	byObject map[any]*siblings
}

type familiesKey struct{}

// withFamilies prepares a context in which a response is resolved.
func withFamilies(ctx context.Context) context.Context {
	return context.WithValue(ctx, familiesKey{}, &families{byObject: map[any]*siblings{}})
}

// announce makes objects siblings. It is called where they are made, before anything of them is resolved. T is a pointer:
// it is the object's identity.
func announce[T comparable](ctx context.Context, objects []T) {
	f, ok := ctx.Value(familiesKey{}).(*families)
	if !ok || len(objects) == 0 {
		return
	}
	group := &siblings{objects: make([]any, len(objects)), loads: map[string]*load{}}
	for i, o := range objects {
		group.objects[i] = o
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range objects {
		f.byObject[o] = group
	}
}

// forSiblings gives what fetch finds for an object, and fetches for all its siblings at once. what names the load with all
// that it depends on. A fetch's error is the error of each sibling.
func forSiblings[T comparable, V any](
	ctx context.Context, object T, what string, fetch func(ctx context.Context, objects []T) (map[T]V, error),
) (V, error) {
	group := siblingsOf(ctx, object)
	group.mu.Lock()
	l := group.loads[what]
	if l == nil {
		l = &load{}
		group.loads[what] = l
	}
	group.mu.Unlock()

	l.once.Do(func() {
		objects := make([]T, 0, len(group.objects))
		for _, o := range group.objects {
			if typed, ok := o.(T); ok {
				objects = append(objects, typed)
			}
		}
		// Should fetch panic, Do counts as done: this is what the others then find.
		l.err = fmt.Errorf("load %s: not finished", what)
		l.values, l.err = fetch(ctx, objects)
	})
	var none V
	if l.err != nil {
		return none, l.err
	}
	values, ok := l.values.(map[T]V)
	if !ok {
		return none, fmt.Errorf("load %s: two loads of different types have this name", what)
	}
	return values[object], nil
}

// siblingsOf gives the group of an object. One that nobody announced makes a group of its own.
func siblingsOf[T comparable](ctx context.Context, object T) *siblings {
	alone := &siblings{objects: []any{object}, loads: map[string]*load{}}
	f, ok := ctx.Value(familiesKey{}).(*families)
	if !ok {
		return alone
	}
	f.mu.RLock()
	group := f.byObject[object]
	f.mu.RUnlock()
	if group != nil {
		return group
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if group = f.byObject[object]; group == nil {
		f.byObject[object] = alone
		return alone
	}
	return group
}

package artifact

import "sync"

// syncer shares a sync of a folder among those who renamed something into it before it began: many uploads at the same time are
// mostly into few folders.
type syncer struct {
	mu sync.Mutex
	// next are, by folder, the syncs that have not begun.
	next map[string]*sharedSync
	// now are the folders of which a sync is going on.
	now map[string]*sharedSync
}

type sharedSync struct {
	done chan struct{}
	err  error
}

// do returns when a sync of the folder has ended that began after the call.
func (s *syncer) do(dir string, sync func() error) error {
	s.mu.Lock()
	if shared := s.next[dir]; shared != nil {
		s.mu.Unlock()
		<-shared.done
		return shared.err
	}
	own := &sharedSync{done: make(chan struct{})}
	if s.next == nil {
		s.next, s.now = map[string]*sharedSync{}, map[string]*sharedSync{}
	}
	before := s.now[dir]
	if before != nil {
		s.next[dir] = own
		s.mu.Unlock()
		<-before.done
		s.mu.Lock()
		delete(s.next, dir)
	}
	s.now[dir] = own
	s.mu.Unlock()

	own.err = sync()
	s.mu.Lock()
	if s.now[dir] == own {
		delete(s.now, dir)
	}
	s.mu.Unlock()
	close(own.done)
	return own.err
}

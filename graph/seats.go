package graph

import (
	"context"
	"sync"

	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
)

// seats are what a server has a certain number of, none of whose users may take all.
type seats struct {
	// what they are, in the plural.
	what string
	// most there are; perUser of them one user may have. Who needs no token is no user among others, and may have all.
	most, perUser int

	mu     sync.Mutex
	taken  int
	byUser map[string]int
}

func newSeats(what string, most, perUser int) *seats {
	return &seats{what: what, most: most, perUser: perUser, byUser: map[string]int{}}
}

// take takes a seat for who asks. The caller calls free, once.
func (s *seats) take(ctx context.Context) (free func(), refused *errs.Error) {
	user := ""
	if _, ok := ctx.Value(secretKey{}).(string); ok {
		if who, ok := auth.From(ctx); ok {
			user = who.Name
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.taken >= s.most:
		return nil, errs.New(errs.Exhausted, "%d %s are open on this server, which is all it takes: try again later", s.most, s.what)
	case user != "" && s.byUser[user] >= s.perUser:
		return nil, errs.New(errs.Exhausted, "%d %s of yours are open on this server, which is all that one user may have: close some", s.perUser, s.what)
	}
	s.taken++
	if user != "" {
		s.byUser[user]++
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.taken--
		if user == "" {
			return
		}
		if s.byUser[user]--; s.byUser[user] == 0 {
			delete(s.byUser, user)
		}
	}, nil
}

func (s *seats) count() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(s.taken)
}

// full tells that no more can be taken by anybody.
func (s *seats) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken >= s.most
}

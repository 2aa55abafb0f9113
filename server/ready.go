package server

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/live"
)

// reach is whether the database answers.
type reach struct{ lost atomic.Bool }

// watchDatabase asks the database whether it answers, until ctx ends. While it does not, requests are refused at once, instead of
// waiting for connections to a host that is gone.
func (s *Server) watchDatabase(ctx context.Context) {
	timer := time.NewTimer(pingInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		bounded, cancel := context.WithTimeout(ctx, pingTimeout)
		err := s.db.Ping(bounded)
		cancel()
		if ctx.Err() != nil {
			return
		}
		next := pingInterval
		switch lost := err != nil; {
		case lost && !s.reach.lost.Swap(true):
			s.log.ErrorContext(ctx, "the database does not answer: refusing requests until it does", "error", err)
		case !lost && s.reach.lost.Swap(false):
			s.log.InfoContext(ctx, "the database answers again")
		}
		if err != nil {
			next = pingInterval / 4
		}
		timer.Reset(next)
	}
}

// reachable refuses what needs the database while that does not answer.
func (s *Server) reachable(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.reach.lost.Load() && needsDatabase(apiOf(r.URL.Path)) {
			s.refuse(w, r, errs.New(errs.Unavailable, "the database does not answer; try again"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func needsDatabase(part api) bool {
	return part != apiHealth && part != apiReady && part != apiVersion && part != apiMetrics && part != apiPages && part != apiOther
}

// readiness is what GET /ready answers.
type readiness struct {
	// Ready: requests can be served. Else the status is 503.
	Ready bool `json:"ready"`
	// Database is "ok" or "lost".
	Database string `json:"database"`
	// Live is how what other servers commit comes here; absent with SQLite, which has one server. It does not decide whether this
	// server is ready: without messages it looks into the database.
	Live *live.State `json:"live,omitempty"`
}

// ready says whether requests can be served now; a load balancer asks it. That the process lives is /health's to say.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.methodNotAllowed(w, r, "GET, HEAD")
		return
	}
	out := readiness{Ready: true, Database: "ok"}
	status := http.StatusOK
	if s.reach.lost.Load() {
		out.Ready, out.Database, status = false, "lost", http.StatusServiceUnavailable
	}
	if s.relay != nil {
		state := s.relay.State()
		out.Live = &state
	}
	writeJSON(w, status, out)
}

// checkNATS tells whether the setting is one that startRelay knows.
func (s *Server) checkNATS() error {
	if s.cfg.NATS == "" {
		return nil
	}
	if strings.HasPrefix(s.cfg.Database, "sqlite:") {
		return errs.Field("--nats", "is for several servers on one PostgreSQL: leave it out with SQLite, which has one server")
	}
	return live.CheckNATS(s.cfg.NATS) //nolint:wrapcheck // an error for users already
}

// startRelay begins to exchange hints with the other servers of a PostgreSQL.
func (s *Server) startRelay(ctx context.Context, hub *live.Hub) error {
	if !s.db.Postgres() {
		return nil
	}
	var bus live.Bus = live.NewPostgres(s.db)
	if s.cfg.NATS != "" {
		identity, err := s.db.Identity(ctx)
		if err != nil {
			return err //nolint:wrapcheck // wrapped by the store
		}
		if bus, err = live.NewNATS(s.cfg.NATS, identity); err != nil {
			return err //nolint:wrapcheck // an error for users already
		}
	}
	s.relay = live.StartRelay(hub, s.db, bus, s.log)
	return nil
}

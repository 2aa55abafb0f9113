// Package server is Cairn on HTTP: GraphQL, MLflow's REST API, artifact bytes and web pages on one port, behind one
// chain of checks.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cairnml/cairn/graph"
	"github.com/cairnml/cairn/internal/artifact"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/gc"
	"github.com/cairnml/cairn/internal/live"
	"github.com/cairnml/cairn/internal/metric"
	"github.com/cairnml/cairn/internal/registry"
	"github.com/cairnml/cairn/internal/search"
	"github.com/cairnml/cairn/internal/store"
	"github.com/cairnml/cairn/internal/tracking"
	"github.com/cairnml/cairn/internal/waiting"
	"github.com/cairnml/cairn/internal/webhook"
	"github.com/cairnml/cairn/server/mlflow"
)

// Server is one Cairn server. Make it with New and run it once with Run.
type Server struct {
	cfg       Config
	log       *slog.Logger
	listener  net.Listener
	lock      *store.Lock
	db        *store.DB
	reach     reach
	relay     *live.Relay // nil on SQLite, which has one server
	tracking  *tracking.Service
	compactor *metric.Compactor
	metrics   *metric.Reader
	files     *artifact.Store
	artifacts *artifact.Service
	origins   *origins
	webhooks  *webhook.Service
	admission *admission
	observer  *observer
	graphql   *graph.Handler
	mlflow    http.Handler
	inFlight  sync.WaitGroup
}

// New listens on the port, opens the database and the artifacts, and answers nothing yet: Run does. It fails with an
// *errs.Error when the configuration is wrong, the port or the data directory is in use, or the database cannot be
// opened. The caller calls Run, which closes everything, or Close.
func New(ctx context.Context, cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	loopback, err := isLoopback(cfg.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, log: cfg.Logger}
	if s.origins, err = newOrigins(cfg, loopback); err == nil {
		err = s.open(ctx, loopback)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context, loopback bool) (err error) {
	// What can be told from the settings alone is told before anything is made on disk.
	if err := s.cfg.database().Check(); err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if err := artifact.Check(s.cfg.Artifacts); err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if err := s.checkNATS(); err != nil {
		return err
	}
	allowed, err := webhook.ParseAllowed(s.cfg.WebhookAllow)
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	traced, err := newTraces(ctx, s.cfg.OTLPEndpoint, s.cfg.Version, s.log)
	if err != nil {
		return err
	}
	s.observer = newObserver(s.cfg, traced)
	// The port next: it is the likeliest to be taken.
	if s.listener, err = listen(ctx, s.cfg.Listen); err != nil {
		return err
	}
	if !loopback && !s.cfg.AllowRemote && s.cfg.AdminTokenFile == "" {
		if err := hasDatabase(ctx, s.cfg); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(s.cfg.DataDir, 0o750); err != nil {
		return errs.Wrap(errs.Invalid, err, "--data-dir: the folder %s cannot be made: %v", s.cfg.DataDir, errors.Unwrap(err))
	}
	if s.lock, err = store.LockDir(s.cfg.DataDir); err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	database := s.cfg.database()
	database.Observer = s.observer
	if s.db, err = store.Open(ctx, database); err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	if s.files, err = artifact.Open(s.cfg.Artifacts); err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	hub := live.NewHub()
	if err := s.startRelay(ctx, hub); err != nil {
		return err
	}
	s.tracking = tracking.New(s.db, hub)
	s.compactor = metric.StartCompactor(s.db, s.log)
	s.artifacts = artifact.NewService(s.files, s.db)
	if err := s.files.RemoveAbandoned(); err != nil {
		s.log.WarnContext(ctx, "uploads that were given up cannot be removed", "error", err)
	}
	if err := s.artifacts.Restore(ctx); err != nil {
		s.log.ErrorContext(ctx, "uploaded files cannot be restored that did not reach the disk; their contents stay in the database", "error", err)
	}
	tokens := auth.New(s.db)
	if err := installToken(ctx, tokens, s.cfg); err != nil {
		return err
	}
	if err := mayListen(ctx, tokens, s.cfg, loopback); err != nil {
		return err
	}
	s.admission = newAdmission(tokens, loopback, s.cfg.AllowRemote)
	s.webhooks = webhook.New(s.db, webhook.Options{Allowed: allowed, Log: s.log})
	models := registry.New(s.db, hub, s.artifacts)
	models.Tell(s.webhooks)
	searcher := search.New(s.db)
	s.metrics = metric.NewReader(s.db)
	operations, err := registered(s.cfg)
	if err != nil {
		return err
	}
	s.graphql = graph.NewHandler(graph.Deps{
		Tracking: s.tracking, Metrics: s.metrics, Search: searcher, Artifacts: s.artifacts, Auth: tokens,
		Garbage: gc.New(s.db, s.files), Registry: models, Webhooks: s.webhooks, Hub: hub,
	}, graph.Options{
		Version: s.cfg.Version, Logger: s.log, RequestID: requestID, OnOperation: s.observer.operation, MaxBody: maxGraphQLBytes, Operations: operations,
		MaxArtifactBytes: s.cfg.MaxArtifactBytes,
		AllowOrigin:      func(r *http.Request) bool { return s.origins.check(r) == nil },
	})
	s.mlflow = mlflow.New(mlflow.Deps{
		Tracking: s.tracking, Search: searcher, Metrics: s.metrics, Artifacts: s.artifacts, Registry: models, Webhooks: s.webhooks,
		MaxArtifactBytes: s.cfg.MaxArtifactBytes, Log: s.log,
	})
	s.observer.metrics.registry.MustRegister(&stateOf{Server: s})
	return nil
}

// registered reads the operations that alone are answered; nil when all are.
func registered(cfg Config) (graph.Operations, error) {
	if len(cfg.Operations) == 0 {
		return nil, nil //nolint:nilnil // nil stands for all operations
	}
	all := graph.Operations{}
	for _, path := range cfg.Operations {
		found, err := graph.ReadOperations(path)
		if err != nil {
			return nil, err //nolint:wrapcheck // an error for users already
		}
		for id, text := range found {
			if other, taken := all[id]; taken && other != text {
				return nil, errs.New(errs.Invalid, "--operations: %s has the id of an operation of another file, %.80q", path, id)
			}
			all[id] = text
		}
	}
	for i, text := range cfg.OwnOperations {
		if err := all.Register(fmt.Sprintf("operation %d of the program's own", i+1), "", text); err != nil {
			return nil, err //nolint:wrapcheck // an error for users already
		}
	}
	return all, nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, errs.Wrap(errs.Unavailable, err, "--listen: the port of %s is in use by another program (another Cairn or MLflow server?): stop it, or choose another port", address)
	case errors.Is(err, syscall.EACCES):
		return nil, errs.Wrap(errs.Unavailable, err, "--listen: this user may not listen on %s: choose a port from 1024 on", address)
	}
	return nil, errs.Wrap(errs.Invalid, err, "--listen: cannot listen on %s: %v", address, err)
}

// installToken gives the server the token that it was started with.
func installToken(ctx context.Context, tokens *auth.Service, cfg Config) error {
	if cfg.AdminTokenFile == "" {
		return nil
	}
	const maxBytes = 1 << 10
	file, err := os.Open(cfg.AdminTokenFile)
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "--admin-token-file: %v", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxBytes))
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "--admin-token-file: %v", err)
	}
	err = tokens.Install(ctx, strings.TrimSpace(string(text)))
	if designed := (*errs.Error)(nil); errors.As(err, &designed) && (designed.Kind == errs.Invalid || designed.Kind == errs.Exists) {
		return errs.New(designed.Kind, "--admin-token-file: %s %s", cfg.AdminTokenFile, designed.Message)
	}
	return err //nolint:wrapcheck // described by the store
}

// mayListen refuses to serve a network to whoever comes by.
func mayListen(ctx context.Context, tokens *auth.Service, cfg Config, loopback bool) error {
	if loopback || cfg.AllowRemote {
		return nil
	}
	has, err := tokens.HasTokens(ctx)
	if err != nil {
		return err //nolint:wrapcheck // wrapped by the package that gives it
	}
	if has {
		return nil
	}
	return unguarded(cfg)
}

// hasDatabase refuses as mayListen does where there is no database yet, which holds no token: before anything is made.
func hasDatabase(ctx context.Context, cfg Config) error {
	look, err := store.Inspect(ctx, cfg.Database)
	if errs.Is(err, errs.NotFound) {
		return unguarded(cfg)
	}
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	return look.Close() //nolint:wrapcheck // wrapped by the package that gives it
}

func unguarded(cfg Config) error {
	return errs.Field("--listen", "%s is reached from other machines, and there is no token yet: listen on 127.0.0.1 first and make one with `cairn tokens create NAME --role admin`, or start with --admin-token-file FILE, or add --allow-remote to let everybody read and record", cfg.Listen)
}

// Addr is the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// URL is where a client on this machine reaches the server.
func (s *Server) URL() string {
	host, port, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		return "http://" + s.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Run serves until ctx ends, then lets requests in flight finish for a few seconds, ends streams, and closes all.
func (s *Server) Run(ctx context.Context) error {
	web := &http.Server{
		Handler: s.handler(), ConnContext: withArrival, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		// Requests outlive ctx: what is in flight finishes.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	background, endBackground := context.WithCancel(context.WithoutCancel(ctx))
	var jobs sync.WaitGroup
	jobs.Go(func() { s.watchDatabase(background) })
	jobs.Go(func() { newReaper(s).run(background, reapInterval) })
	jobs.Go(func() { s.webhooks.Deliver(background) })
	jobs.Go(func() { s.artifacts.Settle(background) })
	served := make(chan error, 1)
	jobs.Go(func() { served <- web.Serve(arrivals{s.listener, waiting.NewRoom(maxArrivals)}) })

	var err error
	select {
	case <-ctx.Done():
		err = s.drain(ctx, web)
	case err = <-served:
		err = fmt.Errorf("serve: %w", err)
	}
	endBackground()
	jobs.Wait()
	return errors.Join(err, s.Close())
}

// drain takes no more requests, ends streams, which have no end of their own to wait for, and waits a while for what is
// in flight.
func (s *Server) drain(ctx context.Context, web *http.Server) error {
	s.graphql.Close()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := web.Shutdown(bounded)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.WarnContext(ctx, "requests were cut off that did not end in time", "waited", drainTimeout)
		err = web.Close()
	}
	// Shutdown does not know of WebSockets; they end with the GraphQL handler.
	ended := make(chan struct{})
	go func() {
		s.inFlight.Wait()
		close(ended)
	}()
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
	if err != nil {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// Close closes what New opened. Run does so itself.
func (s *Server) Close() error {
	var err error
	if s.graphql != nil {
		s.graphql.Close()
	}
	if s.listener != nil {
		if e := s.listener.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
			err = fmt.Errorf("close listener: %w", e)
		}
	}
	if s.tracking != nil {
		s.tracking.Close()
		s.tracking = nil
	}
	if s.relay != nil { // after what publishes
		s.relay.Close()
		s.relay = nil
	}
	if s.compactor != nil {
		s.compactor.Close()
		s.compactor = nil
	}
	if s.files != nil {
		err = errors.Join(err, s.files.Close())
		s.files = nil
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
		s.db = nil
	}
	if s.observer != nil {
		s.observer.traces.close(s.log) // it stays: a WebSocket may still end
	}
	if s.lock != nil { // last, so that the next server finds all closed
		err = errors.Join(err, s.lock.Release())
		s.lock = nil
	}
	return err
}

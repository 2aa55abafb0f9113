package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/server"
)

// database are the flags that say where the data lies.
type database struct {
	DataDir        string `name:"data-dir" default:"./cairn-data" placeholder:"DIR" help:"Folder of the data (default: ./cairn-data)."`
	Database       string `placeholder:"URL" help:"sqlite:PATH or postgres://… (default: sqlite:DIR/cairn.db)."`
	DatabaseDirect string `name:"database-direct" placeholder:"URL" help:"PostgreSQL without its pooler, for migrations and for what servers tell each other."`
}

type serverCommand struct {
	database
	Listen        string        `default:"127.0.0.1:5000" placeholder:"HOST:PORT" help:"Where to listen (default: 127.0.0.1:5000; port 0 takes a free one)."`
	Artifacts     string        `placeholder:"URL" help:"Where artifacts lie: a folder, or s3://BUCKET/PREFIX?SETTINGS (default: DIR/artifacts)."`
	DatabaseRead  string        `name:"database-read" placeholder:"URL" help:"A replica of PostgreSQL, for queries."`
	NATS          string        `name:"nats" placeholder:"URL" help:"Servers of a NATS, nats://HOST:4222 with commas between them, over which the servers of one PostgreSQL tell each other what was written; without it they do so over PostgreSQL."`
	AllowRemote   bool          `name:"allow-remote" help:"Listen beyond this machine without tokens: everybody who reaches the port may read and record."`
	AdminToken    string        `name:"admin-token-file" placeholder:"FILE" help:"A file with the secret of an administrator's token, cairn_ and 40 hex digits: who has it may do everything, from the start."`
	AllowedHost   []string      `sep:"none" name:"allowed-host" placeholder:"NAME" help:"A further name that this server is reached by; may be given more than once."`
	AllowedOrigin []string      `sep:"none" name:"allowed-origin" placeholder:"ORIGIN" help:"A web origin whose pages may call this server; may be given more than once."`
	WebhookAllow  []string      `name:"webhook-allow" placeholder:"TARGET" help:"What webhooks may call beside public hosts over https: an address, a network (10.0.0.0/8), a host, or http://HOST:PORT; may be given more than once."`
	Operations    []string      `sep:"none" placeholder:"FILE|DIR" help:"Answer only the GraphQL operations in these, and those of Cairn's own clients: Apollo's persisted query manifests (*.json), or documents (*.graphql); may be given more than once."`
	MaxArtifact   int64         `name:"max-artifact-bytes" default:"53687091200" placeholder:"BYTES" help:"The largest artifact that is taken (default: 50 GiB)."`
	SlowQuery     time.Duration `name:"slow-query" default:"1s" placeholder:"TIME" help:"Log what takes longer: statements, GraphQL operations, requests of MLflow's API (default: 1s; 0 logs none)."`
	OTLPEndpoint  string        `name:"otlp-endpoint" placeholder:"URL" help:"Send traces to this OpenTelemetry collector, http://HOST:4318; OpenTelemetry's own variables (OTEL_…) say more."`
	LogLevel      string        `name:"log-level" default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error; debug logs every request."`
}

func (s *serverCommand) Run(ctx context.Context, std streams) error {
	ctx, stop := interruptible(ctx)
	defer stop()
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return fmt.Errorf("--log-level: %w", err)
	}
	log := slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: level}))
	srv, err := server.New(ctx, server.Config{
		Listen: s.Listen, DataDir: s.DataDir, Database: s.Database, DatabaseDirect: s.DatabaseDirect, DatabaseRead: s.DatabaseRead, NATS: s.NATS,
		Artifacts: s.Artifacts, AllowRemote: s.AllowRemote, AdminTokenFile: s.AdminToken, AllowedHosts: s.AllowedHost, AllowedOrigins: s.AllowedOrigin,
		Operations: s.Operations, OwnOperations: client.Operations(),
		WebhookAllow: s.WebhookAllow, MaxArtifactBytes: s.MaxArtifact, SlowQuery: s.SlowQuery, OTLPEndpoint: s.OTLPEndpoint, Version: version, Logger: log,
	})
	if err != nil {
		return err //nolint:wrapcheck // an error for users already
	}
	log.Info("Cairn is serving", "url", srv.URL(), "explorer", srv.URL()+"/explorer", "version", version)
	err = srv.Run(ctx)
	if err == nil {
		log.Info("Cairn has stopped")
	}
	return err //nolint:wrapcheck // said by the server
}

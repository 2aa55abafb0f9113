package server

import (
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/internal/store"
)

// Defaults of Config.
const (
	DefaultListen           = "127.0.0.1:5000"
	DefaultDataDir          = "cairn-data"
	DefaultMaxArtifactBytes = 50 << 30
)

// Config says where a server listens and what it serves. The zero value of each field has the default that is named.
type Config struct {
	// Listen is HOST:PORT; DefaultListen when empty. Port 0 takes a free one.
	Listen string
	// DataDir holds whatever Database and Artifacts do not place elsewhere; DefaultDataDir when empty. It is made when missing.
	DataDir string
	// Database is "sqlite:PATH" or "postgres://…"; DataDir/cairn.db when empty.
	Database string
	// DatabaseDirect reaches PostgreSQL without its pooler, for migrations and LISTEN; Database when empty.
	DatabaseDirect string
	// NATS are servers of a NATS, "nats://HOST:4222", with commas between them, over which the servers of one PostgreSQL tell each
	// other what was committed; they do so over PostgreSQL when it is empty.
	NATS string
	// DatabaseRead is a replica of PostgreSQL for queries; Database when empty.
	DatabaseRead string
	// Artifacts is a directory or a URL; DataDir/artifacts when empty.
	Artifacts string
	// AllowRemote lets a server that has no tokens listen beyond loopback: whoever reaches it may read and record.
	AllowRemote bool
	// AdminTokenFile is a file with the secret of an administrator's token, which is made where it is not known yet.
	AdminTokenFile string
	// AllowedHosts are names, without port, that a request may carry as Host beside the loopback names and the host
	// of Listen.
	AllowedHosts []string
	// AllowedOrigins are origins ("https://cairn.example.org") that a browser may call from beside the server's own.
	AllowedOrigins []string
	// WebhookAllow lists what webhooks may call beside public hosts over https: addresses, networks, hosts, and http://HOST:PORT.
	WebhookAllow []string
	// MaxArtifactBytes bounds one uploaded file; DefaultMaxArtifactBytes when 0.
	MaxArtifactBytes int64
	// Operations are files and folders of GraphQL operations: with any, only those in them and OwnOperations are answered.
	Operations []string
	// OwnOperations are the texts of operations that Cairn's own clients send.
	OwnOperations []string
	// SlowQuery is how long a statement, a GraphQL operation or a request of MLflow's API may take before it is logged; none is when it is 0.
	SlowQuery time.Duration
	// OTLPEndpoint is the OpenTelemetry collector, "http://HOST:4318", that traces are sent to; OpenTelemetry's own environment
	// variables name it when it is empty.
	OTLPEndpoint string
	// Version is what GET /version answers.
	Version string
	// Logger gets what the operator should know; nothing is logged when it is nil.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.DataDir == "" {
		c.DataDir = DefaultDataDir
	}
	if c.Database == "" {
		c.Database = "sqlite:" + filepath.Join(c.DataDir, "cairn.db")
	}
	if c.Artifacts == "" {
		c.Artifacts = filepath.Join(c.DataDir, "artifacts")
	}
	if c.MaxArtifactBytes == 0 {
		c.MaxArtifactBytes = DefaultMaxArtifactBytes
	}
	if c.Version == "" {
		c.Version = "unknown"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// database says which database the settings name.
func (c Config) database() store.Config {
	return store.Config{URL: c.Database, DirectURL: c.DatabaseDirect, ReadURL: c.DatabaseRead, Logger: c.Logger}
}

// isLoopback tells whether an address to listen on is reached from this machine alone.
func isLoopback(listen string) (bool, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return false, errs.Field("--listen", "%q is not HOST:PORT, for example %s", listen, DefaultListen)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false, errs.Field("--listen", "the port of %q is no number from 0 to 65535; 0 takes a free one", listen)
	}
	if host == "localhost" {
		return true, nil
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback(), nil
}

// Times of the server, in one place.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	// bodyTimeout is for a whole JSON body, and for each read of an artifact.
	bodyTimeout = time.Minute
	// writeTimeout is how long a client may take to read writePart of an answer.
	writeTimeout = 30 * time.Second
	// drainTimeout is what requests in flight get after SIGTERM. With closeTimeout, and the 5 s that tracking.Service takes at
	// most to note its last changes, it stays under the promised 10 s.
	drainTimeout = 3 * time.Second
	closeTimeout = time.Second
	// pingInterval is how often the database is asked whether it answers, and pingTimeout for how long it may not. A database that
	// does not answer is asked again at once.
	pingInterval = time.Second
	pingTimeout  = 5 * time.Second
	// reapInterval is how often runs whose lease ran out are looked for.
	reapInterval = 5 * time.Second
)

// retryAfter is what is told, in seconds, to who is answered 503.
const retryAfter = "1"

// Bounds of the server, in one place.
const (
	maxHeaderBytes = 64 << 10
	// writePart is what a client must read at a time: slow ones get large files too.
	writePart = 128 << 10
	// filePart is the same of a file, which the kernel sends: each part costs a call.
	filePart = 1 << 20
	// maxGraphQLBytes bounds the body of a GraphQL request, decompressed.
	maxGraphQLBytes = 16 << 20
	// maxRESTBytes bounds the body of an MLflow REST request, decompressed; routes may set less.
	maxRESTBytes = 32 << 20
)

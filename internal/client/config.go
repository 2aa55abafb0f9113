package client

import (
	"net/url"
	"os"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// DefaultServer is where `cairn server` listens by default.
const DefaultServer = "http://127.0.0.1:5000"

// Config says which server, and who is asking.
type Config struct {
	// Server is an http or https URL; user information in it is sent as Basic credentials.
	Server string
	// Token is a Bearer token; empty for none.
	Token string
}

// FromEnvironment gives the server and the token: `server` when not empty, else CAIRN_SERVER, else MLFLOW_TRACKING_URI
// where it is an http URL, else DefaultServer. The token is CAIRN_TOKEN, else MLFLOW_TRACKING_TOKEN.
func FromEnvironment(server string) Config {
	config := Config{Server: server, Token: os.Getenv("CAIRN_TOKEN")}
	if config.Token == "" {
		config.Token = os.Getenv("MLFLOW_TRACKING_TOKEN")
	}
	if config.Server == "" {
		config.Server = os.Getenv("CAIRN_SERVER")
	}
	if tracking := os.Getenv("MLFLOW_TRACKING_URI"); config.Server == "" && strings.HasPrefix(tracking, "http") {
		config.Server = tracking
	}
	if config.Server == "" {
		config.Server = DefaultServer
	}
	return config
}

// parse checks the server's URL.
func (c Config) parse() (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(c.Server, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, errs.Field("server", "%.200q is not an http or https URL, for example %s", redacted(c.Server), DefaultServer)
	}
	return base, nil
}

// redacted hides a password in a URL that is shown.
func redacted(server string) string {
	if base, err := url.Parse(server); err == nil {
		return base.Redacted()
	}
	return server
}

package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/cairnml/cairn/internal/errs"
)

// origins decides by Host and Origin which requests a browser may have been tricked into. A page of another site that
// had its name resolve to this server (DNS rebinding) carries that name as Host; a page that calls this server across
// sites carries its own Origin.
type origins struct {
	hosts   map[string]bool
	origins map[string]bool
	// anyIP lets a Host be any IP address: it cannot have been resolved from a foreign name.
	anyIP bool
}

func newOrigins(cfg Config, loopback bool) (*origins, error) {
	o := &origins{hosts: map[string]bool{}, origins: map[string]bool{}, anyIP: !loopback}
	if host, _, err := net.SplitHostPort(cfg.Listen); err == nil && host != "" {
		o.hosts[strings.ToLower(host)] = true
	}
	if !loopback {
		if name, err := os.Hostname(); err == nil {
			o.hosts[strings.ToLower(name)] = true
		}
	}
	for _, host := range cfg.AllowedHosts {
		if host == "" || strings.ContainsAny(host, "/: ") {
			return nil, errs.Field("--allowed-host", "%q is not a host name; give the name alone, without scheme and port", host)
		}
		o.hosts[strings.ToLower(host)] = true
	}
	for _, origin := range cfg.AllowedOrigins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || strings.TrimSuffix(u.Path, "/") != "" {
			return nil, errs.Field("--allowed-origin", "%q is not an origin, for example https://cairn.example.org", origin)
		}
		o.origins[strings.ToLower(u.Scheme+"://"+u.Host)] = true
	}
	return o, nil
}

// check gives the error that a request is refused with.
func (o *origins) check(r *http.Request) error {
	if !o.hostAllowed(r.Host) {
		return errs.New(errs.PermissionDenied, "the host name %q is not one of this server's; start it with --allowed-host %s if it is", r.Host, hostOnly(r.Host))
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Method != http.MethodGet && r.Method != http.MethodHead {
			return errs.New(errs.PermissionDenied, "a page of another site may not change anything here")
		}
		return nil
	}
	if !o.originAllowed(origin, r.Host) {
		return errs.New(errs.PermissionDenied, "requests from pages of %q are not allowed; start the server with --allowed-origin %s if they should be", origin, origin)
	}
	return nil
}

func (o *origins) hostAllowed(hostport string) bool {
	host := strings.ToLower(hostOnly(hostport))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || o.hosts[host] {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (o.anyIP || addr.IsLoopback())
}

// originAllowed compares the origin's host and port alone: behind a proxy that ends TLS the schemes differ.
func (o *origins) originAllowed(origin, host string) bool {
	origin = strings.ToLower(origin)
	if o.origins[origin] {
		return true
	}
	scheme, rest, found := strings.Cut(origin, "://")
	return found && (scheme == "http" || scheme == "https") && rest == strings.ToLower(host)
}

// hostOnly drops the port, and the brackets of an IPv6 address.
func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
}

// guarded refuses what a browser may have been tricked into.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.origins.check(r); err != nil {
			s.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cairnml/cairn/internal/errs"
)

// MaxURL bounds a webhook's URL, in bytes.
const MaxURL = 2048

// lookupTimeout is how long the name of a webhook's host is looked up when it is set.
const lookupTimeout = 2 * time.Second

// Allowed are the targets that the operator allows beside public ones over https.
type Allowed struct {
	networks []netip.Prefix
	hosts    []string
	plain    []string // "host:port" that may be called without TLS
}

// ParseAllowed reads what --webhook-allow lists: addresses ("10.1.2.3"), networks ("10.0.0.0/8"), names of hosts ("hooks.internal")
// whatever address they have, and origins ("http://127.0.0.1:8080") that may also be called without TLS.
func ParseAllowed(list []string) (Allowed, error) {
	var a Allowed
	for _, entry := range list {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			a.networks = append(a.networks, prefix.Masked())
			continue
		}
		if addr, err := netip.ParseAddr(entry); err == nil {
			addr = addr.Unmap()
			a.networks = append(a.networks, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		host := entry
		if origin, ok := strings.CutPrefix(entry, "http://"); ok {
			u, err := url.Parse(entry)
			if err != nil || u.Host != origin || u.Hostname() == "" {
				return Allowed{}, errs.Field("--webhook-allow", "%.200q is no origin: write http://HOST:PORT", entry)
			}
			host = u.Hostname()
			a.plain = append(a.plain, net.JoinHostPort(host, portOf(u)))
			if addr, err := netip.ParseAddr(host); err == nil {
				a.networks = append(a.networks, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
				continue
			}
		}
		if host == "" || strings.ContainsAny(host, "/:@*? ") {
			return Allowed{}, errs.Field("--webhook-allow", "%.200q is no address, network (10.0.0.0/8), host or http://HOST:PORT", entry)
		}
		a.hosts = append(a.hosts, host)
	}
	return a, nil
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// checkURL reads the URL of a webhook. A host that is an address must be one that may be called; a name that can be looked up
// now must not lead to one that may not. It is looked up again, and checked, for each call.
func (a Allowed) checkURL(ctx context.Context, raw string) (*url.URL, error) {
	if len(raw) > MaxURL {
		return nil, errs.Field("url", "has %d bytes: at most %d are allowed", len(raw), MaxURL)
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Opaque != "":
		return nil, errs.Field("url", "%.200q is not a URL", raw)
	case u.User != nil:
		return nil, errs.Field("url", "holds a user or a password: set a secret, with which calls are signed")
	case u.Hostname() == "":
		return nil, errs.Field("url", "%.200q names no host", raw)
	}
	host := strings.ToLower(u.Hostname())
	origin := net.JoinHostPort(host, portOf(u))
	if u.Scheme != "https" && (u.Scheme != "http" || !slices.Contains(a.plain, origin)) {
		return nil, errs.Field("url", "begins with %.20q: webhooks are called over https (the operator may allow http://%s by --webhook-allow)", u.Scheme+":", origin)
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if !a.mayCall(host, addr) {
			return nil, notPublic(host)
		}
		return u, nil
	}
	if looksLikeAddress(host) {
		return nil, errs.Field("url", "the host %.60q is not an address as it is written: use 192.0.2.1 or [2001:db8::1]", host)
	}
	if slices.Contains(a.hosts, host) {
		return u, nil
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return nil, notPublic(host)
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return u, nil // a name server that cannot be reached now is no reason to refuse
	}
	for _, addr := range found {
		if !a.mayCall(host, addr) {
			return nil, notPublic(host)
		}
	}
	return u, nil
}

func notPublic(host string) error {
	return errs.Field("url", "the host %.253q is not on the public internet: webhooks call no address of the server's own network (the operator may allow it by --webhook-allow)", host)
}

// looksLikeAddress tells hosts of digits that resolvers read as an address in another way than this package does: 127.1, 0x7f.1, 2130706433.
func looksLikeAddress(host string) bool {
	last := host[strings.LastIndexByte(strings.TrimSuffix(host, "."), '.')+1:]
	last = strings.TrimSuffix(last, ".")
	if strings.HasPrefix(last, "0x") {
		return true
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// special are networks that no public host has, beside those that netip knows: the registries of special-purpose addresses of IANA
// (RFC 6890 and its updates). Their traffic stays in some network of the operator's, or goes nowhere.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

// embedded gives the IPv4 address to which an IPv6 address leads, if it does, and the address itself otherwise.
func embedded(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr
	}
	raw := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(raw[12:16]))
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(raw[2:6]))
	}
	return addr
}

// isPublic tells whether an address is one of the public internet.
func isPublic(addr netip.Addr) bool {
	addr = embedded(addr)
	if !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() {
		return false
	}
	return !slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// mayCall tells whether an address of a host may be called.
func (a Allowed) mayCall(host string, addr netip.Addr) bool {
	if isPublic(addr) || slices.Contains(a.hosts, host) {
		return true
	}
	inner := embedded(addr)
	return slices.ContainsFunc(a.networks, func(p netip.Prefix) bool { return p.Contains(inner) })
}

var errNotPublic = errors.New("the host is not on the public internet, and --webhook-allow does not list it")

// dial connects to a host at an address that was checked: the name is looked up once, so that a second answer cannot lead
// elsewhere.
func (a Allowed) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split %s: %w", address, err)
	}
	host = strings.ToLower(host)
	found := []netip.Addr{}
	if addr, err := netip.ParseAddr(host); err == nil {
		found = append(found, addr)
	} else if found, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, err //nolint:wrapcheck // it says what was looked up
	}
	found = slices.DeleteFunc(found, func(addr netip.Addr) bool { return !a.mayCall(host, addr) })
	if len(found) == 0 {
		return nil, errNotPublic
	}
	var failed error
	for _, addr := range found {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(addr.Unmap().String(), port))
		if err == nil {
			return conn, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

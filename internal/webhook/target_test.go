package webhook

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
)

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for _, public := range []string{"8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"} {
		require.True(t, isPublic(netip.MustParseAddr(public)), public)
	}
	for _, inner := range []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.2.1",
		"198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a01:203", "64:ff9b:1::1",
		"2002:7f00:1::1", "2002:a01:203::1", "2001::1", "2001:db8::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1",
	} {
		require.False(t, isPublic(netip.MustParseAddr(inner)), inner)
	}
}

func TestWhatMayBeCalled(t *testing.T) {
	t.Parallel()
	allowed, err := ParseAllowed([]string{"10.1.0.0/16", "192.168.7.7", "Hooks.Internal", "http://127.0.0.1:8080", "http://plain.internal"})
	require.NoError(t, err)
	for _, url := range []string{
		"https://8.8.8.8/hook", "https://8.8.8.8:8443/a?b=c", "https://[2606:4700:4700::1111]/x", "https://10.1.2.3/", "https://[::ffff:10.1.2.3]/", "https://192.168.7.7/",
		"https://hooks.internal/x", "https://HOOKS.internal/x", "http://127.0.0.1:8080/hook", "https://127.0.0.1:9/hook", "http://plain.internal/x", "http://plain.internal:80/x",
	} {
		_, err := allowed.checkURL(t.Context(), url)
		require.NoError(t, err, url)
	}
	for url, says := range map[string]string{
		"":                                 "names no host",
		"hook":                             "names no host",
		"https://":                         "names no host",
		"https:8.8.8.8":                    "is not a URL",
		"https://8.8.8.8:port/":            "is not a URL",
		"https://user:secret@8.8.8.8/":     "a user or a password",
		"http://8.8.8.8/":                  "over https",
		"ftp://8.8.8.8/":                   "over https",
		"file:///etc/passwd":               "names no host",
		"gopher://8.8.8.8/":                "over https",
		"http://127.0.0.1:8081/hook":       "over https",
		"http://hooks.internal/x":          "over https",
		"http://plain.internal:81/x":       "over https",
		"https://127.0.0.2/":               "not on the public internet",
		"https://169.254.169.254/latest":   "not on the public internet",
		"https://10.2.0.1/":                "not on the public internet",
		"https://[::1]/":                   "not on the public internet",
		"https://[::ffff:127.0.0.2]/":      "not on the public internet",
		"https://[64:ff9b::a9fe:a9fe]/":    "not on the public internet",
		"https://localhost/":               "not on the public internet",
		"https://LOCALHOST:9999/":          "not on the public internet",
		"https://x.localhost/":             "not on the public internet",
		"https://127.1/":                   "not an address as it is written",
		"https://0177.0.0.1/":              "not an address as it is written",
		"https://0x7f.0.0.1/":              "not an address as it is written",
		"https://0x7f000001/":              "not an address as it is written",
		"https://2130706433/":              "not an address as it is written",
		"https://127.0.0.1./":              "not an address as it is written",
		"https://other.internal.127.0.0.1": "not an address as it is written",
	} {
		_, err := allowed.checkURL(t.Context(), url)
		require.True(t, errs.Is(err, errs.Invalid), "%s: %v", url, err)
		require.Contains(t, err.Error(), says, url)
		require.Contains(t, err.Error(), "url", url)
	}
	for _, list := range []string{"", "https://hooks.internal", "http://", "http://a/b", "a/b", "10.0.0.0/99", "*.internal", "a b", "user@host"} {
		_, err := ParseAllowed([]string{list})
		require.True(t, errs.Is(err, errs.Invalid), list)
		require.Contains(t, err.Error(), "--webhook-allow", list)
	}
}

// TestDialChecksTheAddress dials names and addresses that nothing checked before: what a URL's host led to when it was set says nothing of
// where it leads now.
func TestDialChecksTheAddress(t *testing.T) {
	t.Parallel()
	canary, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = canary.Close() })
	called := make(chan struct{}, 10)
	go func() {
		for {
			conn, err := canary.Accept()
			if err != nil {
				return
			}
			called <- struct{}{}
			_ = conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(canary.Addr().String())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "localhost"} {
		_, err := Allowed{}.dial(ctx, "tcp", net.JoinHostPort(host, port))
		require.ErrorIs(t, err, errNotPublic, host)
	}
	require.Empty(t, called)
	allowed, err := ParseAllowed([]string{"127.0.0.0/8"})
	require.NoError(t, err)
	conn, err := allowed.dial(ctx, "tcp", net.JoinHostPort("localhost", port))
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	<-called
}

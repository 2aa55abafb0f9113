package server

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/errs"
)

func TestOriginsOnLoopback(t *testing.T) {
	t.Parallel()
	o, err := newOrigins(Config{Listen: "127.0.0.1:5000", AllowedHosts: []string{"cairn.test"}, AllowedOrigins: []string{"https://ui.test"}}, true)
	require.NoError(t, err)
	tests := map[string]struct {
		method, host, origin, fetchSite string
		refused                         bool
	}{
		"loopback address":           {host: "127.0.0.1:5000"},
		"loopback name":              {host: "localhost:5000"},
		"loopback name, other port":  {host: "localhost:8080"},
		"loopback IPv6":              {host: "[::1]:5000"},
		"name below localhost":       {host: "cairn.localhost"},
		"allowed name":               {host: "Cairn.Test:443"},
		"rebound name":               {host: "evil.test:5000", refused: true},
		"name that starts alike":     {host: "localhost.evil.test", refused: true},
		"address of another machine": {host: "10.0.0.7:5000", refused: true},
		"no host":                    {host: "", refused: true},
		"same origin":                {host: "localhost:5000", origin: "http://localhost:5000"},
		"same origin behind TLS":     {host: "cairn.test", origin: "https://cairn.test"},
		"allowed origin":             {host: "localhost:5000", origin: "https://ui.test"},
		"other origin":               {host: "localhost:5000", origin: "https://evil.test", refused: true},
		"other port":                 {host: "localhost:5000", origin: "http://localhost:3000", refused: true},
		"opaque origin":              {host: "localhost:5000", origin: "null", refused: true},
		"origin of a file":           {host: "localhost:5000", origin: "file://localhost:5000", refused: true},
		"cross-site form":            {method: "POST", host: "localhost:5000", fetchSite: "cross-site", refused: true},
		"cross-site link":            {host: "localhost:5000", fetchSite: "cross-site"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := test.method
			if method == "" {
				method = "GET"
			}
			r := httptest.NewRequest(method, "/graphql", nil)
			r.Host = test.host
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			if test.fetchSite != "" {
				r.Header.Set("Sec-Fetch-Site", test.fetchSite)
			}
			err := o.check(r)
			if test.refused {
				require.Equal(t, errs.PermissionDenied, errs.KindOf(err))
			} else {
				require.NoError(t, err)
			}
		})
	}
}

func TestOriginsBeyondLoopbackTakeAddresses(t *testing.T) {
	t.Parallel()
	o, err := newOrigins(Config{Listen: "0.0.0.0:5000"}, false)
	require.NoError(t, err)
	require.True(t, o.hostAllowed("10.0.0.7:5000"), "no foreign name resolves to an address")
	require.False(t, o.hostAllowed("evil.test:5000"))
}

func TestOriginsRefuseWrongFlags(t *testing.T) {
	t.Parallel()
	_, err := newOrigins(Config{AllowedHosts: []string{"https://cairn.test"}}, true)
	require.ErrorContains(t, err, "--allowed-host")
	_, err = newOrigins(Config{AllowedOrigins: []string{"cairn.test"}}, true)
	require.ErrorContains(t, err, "--allowed-origin")
}

package server

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/cairnml/cairn/ent/token"
	"github.com/cairnml/cairn/internal/auth"
	"github.com/cairnml/cairn/internal/errs"
)

// admission says who a request is from.
type admission struct {
	tokens      *auth.Service
	loopback    bool
	allowRemote bool
	local       auth.Principal
}

func newAdmission(tokens *auth.Service, loopback, allowRemote bool) *admission {
	return &admission{tokens: tokens, loopback: loopback, allowRemote: allowRemote, local: auth.Local()}
}

// anonymous is who reaches a server that has no tokens and was told to listen beyond loopback: it may record, and may
// not make the first token, which would lock out everybody else.
var anonymous = auth.Principal{Name: "anonymous", Role: token.RoleEDITOR}

// principal gives who sent a request. A secret that is sent must be good, also where none is needed: whoever believes
// to be somebody should not be taken for somebody else.
func (a *admission) principal(r *http.Request) (auth.Principal, error) {
	secret, err := secretOf(r)
	if err != nil {
		return auth.Principal{}, err
	}
	if secret != "" {
		return a.tokens.Authenticate(r.Context(), secret) //nolint:wrapcheck // an error for users already
	}
	has, err := a.tokens.HasTokens(r.Context())
	if err != nil {
		return auth.Principal{}, err //nolint:wrapcheck // wrapped by the package that gives it
	}
	switch {
	case has:
		return auth.Principal{}, errs.New(errs.Unauthenticated, "a token is needed: send it as \"Authorization: Bearer …\"; set CAIRN_TOKEN, or MLFLOW_TRACKING_TOKEN for mlflow; `cairn tokens create` makes one")
	case a.loopback, a.allowRemote && fromThisMachine(r):
		return a.local, nil
	case a.allowRemote:
		return anonymous, nil
	}
	return auth.Principal{}, errs.New(errs.Unauthenticated, "this server has no tokens and listens beyond loopback; make a token on its machine first")
}

// fromThisMachine tells whether a request came over loopback, and not through a proxy that runs on this machine.
func fromThisMachine(r *http.Request) bool {
	if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// secretOf reads a token from the Authorization header: as a bearer's, or as the password of Basic, where MLflow's
// client puts what it finds in MLFLOW_TRACKING_PASSWORD. Empty when none was sent.
func secretOf(r *http.Request) (string, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", nil
	}
	scheme, rest, _ := strings.Cut(header, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		if secret := strings.TrimSpace(rest); secret != "" {
			return secret, nil
		}
	case strings.EqualFold(scheme, "Basic"):
		if _, password, ok := r.BasicAuth(); ok && password != "" {
			return password, nil
		}
	}
	return "", errs.New(errs.Unauthenticated, "the Authorization header holds no token: send \"Bearer TOKEN\", or Basic with the token as password")
}

// authenticated puts who a request is from into its context, and refuses whoever may not do what the route does.
// Health, readiness, version and the pages, which hold no data, are open to all. A WebSocket may also bring its token in its first
// message: it goes on without a principal, and is refused by every resolver until it has one.
func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		part := apiOf(r.URL.Path)
		if part == apiHealth || part == apiReady || part == apiVersion || part == apiPages {
			next.ServeHTTP(w, r)
			return
		}
		who, err := s.admission.principal(r)
		if err != nil {
			if part == apiGraphQL && isWebSocket(r) && r.Header.Get("Authorization") == "" {
				next.ServeHTTP(w, r)
				return
			}
			s.refuse(w, r, err)
			return
		}
		ctx := auth.With(r.Context(), who)
		if err := auth.Require(ctx, roleFor(part, r)); err != nil {
			s.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// roleFor is the least role that a route needs. GraphQL and MLflow's API say more for each of theirs.
func roleFor(part api, r *http.Request) token.Role {
	if part == apiArtifacts && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return token.RoleEDITOR
	}
	return token.RoleVIEWER
}

func isWebSocket(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

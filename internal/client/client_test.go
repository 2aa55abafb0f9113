package client_test

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

func serve(t *testing.T, handler http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := client.New(client.Config{Server: server.URL + "/", Token: "secret"})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestErrorsKeepTheServersKind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status    int
		body      string
		kind      errs.Kind
		message   string
		retryable bool
	}{
		"graphql error": {200, `{"errors":[{"message":"is too long","extensions":{"code":"INVALID_ARGUMENT","field":"key"}}]}`,
			errs.Invalid, "key: is too long", false},
		"field in the message": {200, `{"errors":[{"message":"key: is too long","extensions":{"code":"INVALID_ARGUMENT","field":"key"}}]}`,
			errs.Invalid, "key: is too long", false},
		"conflict":        {200, `{"errors":[{"message":"param x is set","extensions":{"code":"CONFLICT"}}]}`, errs.Conflict, "param x is set", false},
		"validation":      {422, `{"errors":[{"message":"no such field","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`, errs.Invalid, "no such field", false},
		"unknown code":    {200, `{"errors":[{"message":"odd","extensions":{"code":"ODD"}}]}`, errs.Internal, "odd", true},
		"unauthenticated": {401, `{"errors":[{"message":"give a token"}]}`, errs.Unauthenticated, "give a token", false},
		"overloaded":      {503, `busy`, errs.Unavailable, "busy", true},
		"too many":        {429, ``, errs.Exhausted, "429", true},
		"fault":           {500, `{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL"}}]}`, errs.Internal, "internal error", true},
		"not offered":     {501, ``, errs.Unsupported, "501", false},
		"redirected":      {302, ``, errs.Invalid, "302", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "http://elsewhere.invalid/")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := client.HeartbeatRun(t.Context(), c, "r", 60)
			require.Equal(t, test.kind, errs.KindOf(err), "%v", err)
			require.ErrorContains(t, err, test.message)
			require.NotContains(t, err.Error(), "key: key:")
			require.Equal(t, test.retryable, client.Retryable(err))
		})
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	c, err := client.New(client.Config{Server: server.URL})
	require.NoError(t, err)
	server.Close()
	_, err = client.HeartbeatRun(t.Context(), c, "r", 60)
	require.True(t, errs.Is(err, errs.Unavailable))
	require.ErrorContains(t, err, "cannot reach "+server.URL)
	require.Error(t, c.Healthy(t.Context()))
}

func TestServerMustBeAURL(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"", "localhost:5000", "sqlite:x", "http://"} {
		_, err := client.New(client.Config{Server: server})
		require.True(t, errs.Is(err, errs.Invalid), server)
	}
}

func TestRequestsCarryTheToken(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("Content-Type") != "application/json" || r.URL.Path != "/graphql" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var request struct {
			Variables struct {
				Input client.LogBatchInput `json:"input"`
			} `json:"variables"`
		}
		if json.NewDecoder(r.Body).Decode(&request) != nil || len(request.Variables.Input.Columns) != 1 ||
			!math.IsNaN(request.Variables.Input.Columns[0].Values[1]) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"logBatch":{"stored":true}}}`)
	})
	response, err := client.LogBatch(t.Context(), c, client.LogBatchInput{RunId: "r", Columns: []client.MetricColumnsInput{{
		Key: "loss", Steps: []int64{0, 1}, Times: []int64{5, 6}, Values: []float64{0.5, math.NaN()}}}})
	require.NoError(t, err)
	require.True(t, response.LogBatch.Stored)
}

func TestArtifactsAreUploadedWhole(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "f")
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPut || r.ContentLength != int64(len(body)) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Got", r.URL.EscapedPath())
		if r.URL.Path != "/artifacts/models/m-1/a b/c%.txt" && string(body) != "" {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	require.NoError(t, os.WriteFile(file, []byte("bytes"), 0o600))
	require.NoError(t, c.PutModelFile(t.Context(), "m-1", "a b/c%.txt", file))
	require.True(t, errs.Is(c.PutArtifact(t.Context(), "r", "x", file), errs.NotFound))
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, c.PutArtifact(t.Context(), "r", "empty", file))
	require.Error(t, c.PutArtifact(t.Context(), "r", "x", file+"-missing"))
}

func TestScalarsAreExact(t *testing.T) {
	t.Parallel()
	values := []client.MetricValue{0.1, client.MetricValue(math.Inf(1)), client.MetricValue(math.Inf(-1)), 5e-324}
	text, err := json.Marshal(values)
	require.NoError(t, err)
	var back []client.MetricValue
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, values, back)
	var nan client.MetricValue
	require.NoError(t, json.Unmarshal([]byte(`"NaN"`), &nan))
	require.True(t, math.IsNaN(float64(nan)))

	integers := client.Int64Array{math.MinInt64, -1, 0, math.MaxInt64}
	text, err = json.Marshal(integers)
	require.NoError(t, err)
	var unpacked client.Int64Array
	require.NoError(t, json.Unmarshal(text, &unpacked))
	require.Equal(t, integers, unpacked)
	require.ErrorContains(t, json.Unmarshal([]byte(`"AAAA"`), &unpacked), "multiple of 8")
}

func TestEnvironment(t *testing.T) {
	for _, name := range []string{"CAIRN_SERVER", "CAIRN_TOKEN", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"} {
		t.Setenv(name, "")
	}
	require.Equal(t, client.Config{Server: client.DefaultServer}, client.FromEnvironment(""))
	t.Setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
	require.Equal(t, client.DefaultServer, client.FromEnvironment("").Server)
	t.Setenv("MLFLOW_TRACKING_URI", "http://m")
	t.Setenv("MLFLOW_TRACKING_TOKEN", "mt")
	require.Equal(t, client.Config{Server: "http://m", Token: "mt"}, client.FromEnvironment(""))
	t.Setenv("CAIRN_SERVER", "http://c")
	t.Setenv("CAIRN_TOKEN", "ct")
	require.Equal(t, client.Config{Server: "http://c", Token: "ct"}, client.FromEnvironment(""))
	require.Equal(t, "http://flag", client.FromEnvironment("http://flag").Server)
}

// TestOperationsAreWhatIsSent: a server that answers registered operations alone knows those of its own clients.
func TestOperationsAreWhatIsSent(t *testing.T) {
	t.Parallel()
	all := client.Operations()
	require.Greater(t, len(all), 40)
	var sent struct{ Query string }
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewDecoder(r.Body).Decode(&sent)
		_, _ = io.WriteString(w, `{"data": {"createRun": {}}}`)
	})
	_, err := client.CreateRun(t.Context(), c, client.CreateRunInput{})
	require.NoError(t, err)
	require.Contains(t, all, sent.Query)
	require.Contains(t, all, client.LogBatch_Operation)
}

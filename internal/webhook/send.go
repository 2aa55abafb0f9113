package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// callTimeout bounds a call, from the look-up of the host to the end of the answer.
	callTimeout = 15 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes: a test call shows it.
	maxAnswer = 4 << 10
	// maxRetryAfter bounds the wait that a receiver may ask for.
	maxRetryAfter = time.Hour
)

// Headers of a call, and the signature's version: MLflow's.
const (
	headerDelivery   = "X-MLflow-Delivery-Id"
	headerTimestamp  = "X-MLflow-Timestamp"
	headerSignature  = "X-MLflow-Signature"
	signatureVersion = "v1"
)

// answer is what a receiver said.
type answer struct {
	status int
	body   string
	// again is how long the receiver asked to wait; 0 when it did not.
	again time.Duration
}

func (a answer) taken() bool { return a.status >= 200 && a.status < 300 }

// newClient makes the client of all calls. It follows no redirect and asks no proxy, either of which would be called
// in the place of the host that was checked, and keeps no connection, so that each call is checked. roots are further certificate
// authorities, nil for the system's.
func newClient(allowed Allowed, roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: callTimeout,
		Transport: &http.Transport{
			DialContext: allowed.dial, DisableKeepAlives: true, TLSHandshakeTimeout: callTimeout, MaxResponseHeaderBytes: 64 << 10,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call is one attempt to tell a webhook of an event.
type call struct {
	url, secret, delivery string
	body                  []byte
}

func send(ctx context.Context, client *http.Client, c call) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(c.body))
	if err != nil {
		return answer{}, fmt.Errorf("make the request: %w", err)
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "cairn-webhook")
	// As they are spelt, which receivers that compare letters need.
	req.Header[headerDelivery] = []string{c.delivery}
	req.Header[headerTimestamp] = []string{at}
	if c.secret != "" {
		req.Header[headerSignature] = []string{signatureVersion + "," + sign(c.secret, c.delivery, at, c.body)}
	}
	res, err := client.Do(req)
	if err != nil {
		return answer{}, err //nolint:wrapcheck // said by reason
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // the status is what counts
	return answer{status: res.StatusCode, body: strings.ToValidUTF8(string(body), "\uFFFD"), again: retryAfter(res.Header.Get("Retry-After"))}, nil
}

// sign is the HMAC-SHA256 of "DELIVERY.TIMESTAMP.BODY", in base64, as MLflow's receivers verify it.
func sign(secret, delivery, at string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(delivery + "." + at + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
}

// reason says why a call failed, without what the network between is made of.
func reason(a answer, err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case err == nil && a.status >= 300 && a.status < 400:
		return fmt.Sprintf("the receiver answered %d: redirects are not followed, set the URL to where it leads", a.status)
	case err == nil:
		return fmt.Sprintf("the receiver answered %d", a.status)
	case errors.Is(err, errNotPublic):
		return errNotPublic.Error()
	case errors.As(err, &dns):
		return "the host cannot be found"
	case errors.As(err, &certificate):
		return "the certificate of the host is not valid"
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("the host did not answer within %v", callTimeout)
	}
	return "the host cannot be reached"
}
